// build/verifier.wasm and its instances. An instance serves one verification at a time, any number after each other.

import { verifierBytes } from './wasm.ts';

interface VerifierExports {
  readonly memory: WebAssembly.Memory;
  /** Forgets the last verification; bytes this one may use, and those of its request. Address of the request, 0 when there is no room for it. */
  inputBegin(limit: number, size: number): number;
  /** 0, or -errno. */
  verify(): number;
  /** Address of struct Result. */
  result(): number;
}

/** Bytes that one verification may use unless told otherwise. */
export const DEFAULT_MEMORY_LIMIT = 1 << 30;

/** Compiled for the first engine, and code that V8 has optimised is every instance's. */
const compiled: { module?: WebAssembly.Module; pending?: Promise<void> } = {};

/** Compiles it beside what else happens before a verification. Where that fails, the verification says so. */
export function compileVerifier(): Promise<void> {
  compiled.pending ??= WebAssembly.compile(verifierBytes()).then(
    (module) => {
      compiled.module ??= module;
    },
    () => {},
  );
  return compiled.pending;
}

function verifierModule(): WebAssembly.Module {
  compiled.module ??= new WebAssembly.Module(verifierBytes());
  return compiled.module;
}

/** The verifier's module with a memory of its own. */
export class VerifierInstance {
  readonly exports: VerifierExports;
  /** Takes the log's records, piece by piece: an address and bytes. */
  onLog: (at: number, bytes: number) => void = () => {};

  constructor() {
    const flush = (at: number, bytes: number): void => this.onLog(at >>> 0, bytes >>> 0);
    this.exports = new WebAssembly.Instance(verifierModule(), { host: { flush } })
      .exports as unknown as VerifierExports;
  }

  /** Valid until the memory grows: take it anew behind every call. */
  get view(): DataView {
    return new DataView(this.exports.memory.buffer);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer);
  }

  /** Begins a verification that may use `limit` bytes. False when the request alone takes more. */
  begin(request: Uint8Array, limit: number): boolean {
    const at = this.exports.inputBegin(limit, request.length) >>> 0;
    if (at === 0) return false;
    this.bytes.set(request, at);
    return true;
  }
}

/** One with a larger memory is not kept. */
const KEPT_BYTES = 32 << 20;

/** The instance that waits for the next verification. What it has touched of its memory costs the next one nothing, whichever engine asks. */
const idle: { instance?: VerifierInstance | undefined } = {};

/** An instance for as long as `use` runs. Who verifies from within (a log's sink may) gets another. */
export function withInstance<T>(use: (instance: VerifierInstance) => T): T {
  const instance = idle.instance ?? new VerifierInstance();
  idle.instance = undefined;
  try {
    return use(instance);
  } finally {
    if (instance.exports.memory.buffer.byteLength <= KEPT_BYTES) idle.instance = instance;
  }
}
