// What tests of the runtime module share: an instance on fresh memory, and shorthands for bytes in it.
import {
  CTX_HARD_END,
  CTX_HARD_START,
  CTX_SIZE,
  MAP_CPU_STRIDE,
  STACK_TOP,
  TRACE_LENGTH,
  TRACE_SIZE,
  TRACE_TEXT,
  VM_BASE,
  VM_CTX,
  VM_FRAME_TOP,
  VM_TRACE_BASE,
  VM_TRACE_ON,
  VM_TRACE_SIZE,
  VM_TRACE_USED,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
  XDP_MD_DATA_META,
} from '../../assembly/abi.ts';
import type { RuntimeExports } from '../../src/runtime/exports.ts';
import { compileRuntime, errnoOf, instantiateRuntime } from '../../src/runtime/exports.ts';
import { Memory } from '../../src/runtime/memory.ts';

const compiled = compileRuntime();

export interface MapOptions {
  type: number;
  key?: number;
  value?: number;
  max?: number;
  flags?: number;
  cpus?: number;
  extra?: number;
}

export interface Packet {
  ctx: number;
  frame: number;
  data: number;
}

export class Harness {
  readonly rt: RuntimeExports;
  readonly mem: Memory;
  /** Lines taken out of the trace buffer so far, a character a byte. */
  readonly lines: string[] = [];
  traceFulls = 0;
  /** Scratch for keys and values of at most 64 KiB each. */
  readonly keyAt: number;
  readonly valueAt: number;
  readonly outAt: number;

  constructor(rt: RuntimeExports, mem: Memory) {
    this.rt = rt;
    this.mem = mem;
    this.keyAt = this.alloc(65536);
    this.valueAt = this.alloc(65536);
    this.outAt = this.alloc(65536);
  }

  alloc(size: number): number {
    return this.rt.alloc(size) >>> 0;
  }

  bytes(data: Uint8Array | readonly number[]): number {
    const at = this.alloc(Math.max(1, data.length));
    this.mem.write(at, Uint8Array.from(data));
    return at;
  }

  /** The map's address, or the negated errno. */
  map(o: MapOptions): number {
    const map = this.rt.map_create(
      o.type,
      o.key ?? 4,
      o.value ?? 8,
      o.max ?? 4,
      o.flags ?? 0,
      o.cpus ?? 1,
      o.extra ?? 0,
    );
    return errnoOf(map) ? map : map >>> 0;
  }

  key(data: Uint8Array | number): number {
    if (typeof data === 'number') this.mem.setU32(this.keyAt, data);
    else this.mem.write(this.keyAt, data);
    return this.keyAt;
  }

  value(data: Uint8Array | number): number {
    if (typeof data === 'number') this.mem.setU64(this.valueAt, BigInt(data));
    else this.mem.write(this.valueAt, data);
    return this.valueAt;
  }

  cpuStride(map: number): number {
    return this.mem.u32(map + MAP_CPU_STRIDE);
  }

  /** Makes a packet of these bytes the current one. */
  packet(data: Uint8Array, headroom = 256, tailroom = 320): Packet {
    const frame = this.alloc(headroom + data.length + tailroom);
    const ctx = this.alloc(CTX_SIZE);
    const at = frame + headroom;
    this.mem.write(at, data);
    this.mem.setU32(ctx + XDP_MD_DATA, at);
    this.mem.setU32(ctx + XDP_MD_DATA_META, at);
    this.mem.setU32(ctx + XDP_MD_DATA_END, at + data.length);
    this.mem.setU32(ctx + CTX_HARD_START, frame);
    this.mem.setU32(ctx + CTX_HARD_END, at + data.length + tailroom);
    this.mem.setU32(VM_BASE + VM_CTX, ctx);
    return { ctx, frame, data: at };
  }

  listen(size = 4096): void {
    this.mem.setU32(VM_BASE + VM_TRACE_BASE, this.alloc(size));
    this.mem.setU32(VM_BASE + VM_TRACE_SIZE, size);
    this.mem.setU32(VM_BASE + VM_TRACE_USED, 0);
    this.mem.setU32(VM_BASE + VM_TRACE_ON, 1);
  }

  drain(): string[] {
    const base = this.mem.u32(VM_BASE + VM_TRACE_BASE);
    const used = this.mem.u32(VM_BASE + VM_TRACE_USED);
    for (let at = base; at < base + used; at += this.mem.u32(at + TRACE_SIZE)) {
      this.lines.push(String.fromCharCode(...this.mem.read(at + TRACE_TEXT, this.mem.u32(at + TRACE_LENGTH))));
    }
    this.mem.setU32(VM_BASE + VM_TRACE_USED, 0);
    return this.lines.splice(0);
  }
}

/** A runtime on memory of its own, at most `maxPages` large. */
export async function harness(maxPages = 65536): Promise<Harness> {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: maxPages });
  const mem = new Memory(memory);
  mem.setU32(VM_BASE + VM_FRAME_TOP, STACK_TOP);
  const box: { h?: Harness } = {};
  const rt = await instantiateRuntime(memory, {
    vm: VM_BASE,
    table: new WebAssembly.Table({ element: 'anyfunc', initial: 1 }),
    module: await compiled,
    traceFull: () => {
      const h = box.h!;
      h.traceFulls++;
      const kept = h.drain();
      h.lines.push(...kept);
    },
  });
  box.h = new Harness(rt, mem);
  return box.h;
}

/** mulberry32: the same numbers for the same seed, everywhere. */
export function prng(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}
