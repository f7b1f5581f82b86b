// build/verifier.wasm: its exports, and writing into its memory. An instance serves one verification at a time, any number after each other.

import { INPUT_SIZE } from './abi.ts';
import { verifierBytes } from './wasm.ts';

interface VerifierExports {
  readonly memory: WebAssembly.Memory;
  /** Forgets the last verification; bytes it may use. Address of struct Input, 0 when there is no room for it. */
  inputBegin(limit: number): number;
  /** Address of `size` bytes, 0 when there is no room. */
  inputAlloc(size: number): number;
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

  /** Begins a verification. */
  input(limit: number): InputWriter {
    return new InputWriter(this, this.exports.inputBegin(limit) >>> 0);
  }
}

/** Struct Input and its tables. Running out of memory is seen at the end (`full`), so that writers need not ask at every step. */
export class InputWriter {
  private readonly instance: VerifierInstance;
  private readonly at: number;
  full: boolean;

  constructor(instance: VerifierInstance, at: number) {
    this.instance = instance;
    this.at = at;
    this.full = at === 0;
  }

  /** Sets a word of struct Input (INPUT_*). */
  set(offset: number, value: number): void {
    if (offset + 4 > INPUT_SIZE || this.full) return;
    this.instance.view.setInt32(this.at + offset, value, true);
  }

  /** A copy of `bytes` in the verifier's memory; its address, 0 for no bytes or no room. */
  add(bytes: Uint8Array): number {
    if (bytes.length === 0 || this.full) return 0;
    const at = this.instance.exports.inputAlloc(bytes.length) >>> 0;
    if (at === 0) {
      this.full = true;
      return 0;
    }
    this.instance.bytes.set(bytes, at);
    return at;
  }

  /** A table and its number of rows. */
  table(offset: number, bytes: Uint8Array, countOffset: number, count: number): void {
    this.set(offset, this.add(bytes));
    this.set(countOffset, count);
  }
}
