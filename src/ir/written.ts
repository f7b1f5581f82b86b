/**
 * Which store wrote each byte of a key that a helper is given on the stack. clang puts keys there because helpers want their addresses; where all
 * paths to a call agree on the stores, the call can have what they stored and leaves memory alone.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import type { Cfg } from './cfg.ts';
import { writeOf } from './effects.ts';

const FRAME_POINTER = 10;
const FRAME_SIZE = 512;

/** Where a store goes: so many bytes from R10 on (the number is negative), not into this frame, or who knows where. */
export type Target = number | 'elsewhere' | 'anywhere';

/** Bytes of the frame that the call at `pc` reads. */
export interface Read {
  readonly block: number;
  readonly pc: number;
  readonly off: number;
  readonly size: number;
}

export interface WrittenOptions {
  readonly target: (pc: number, op: Op & { kind: 'store' | 'atomic' }) => Target;
  /** The call may write to the frame. */
  readonly callWrites: (op: Op & { kind: 'call' }) => boolean;
}

/** Nobody is known to have written a byte yet. */
const NOBODY = -1;
/** Whoever does not find a key's stores near by will hardly find them further up. */
const MAX_BLOCKS = 64;

/** One step backwards over an insn that writes register `of`, of whose value `plus` is the rest; undefined where that cannot be followed. */
function follow(op: Op, of: number, plus: number): readonly [of: number, plus: number] | undefined {
  if (op.kind !== 'alu' || op.width !== 64) return undefined;
  if (op.op === 'add' && op.src?.kind === 'imm') return [of, plus + op.src.value];
  return op.op === 'mov' && op.src?.kind === 'reg' ? [op.src.reg, plus] : undefined;
}

/** What register `reg` has as an offset from R10 before the insn at `pc`, as far as the insns from `start` on show. */
export function frameOffset(ops: Ops, start: number, pc: number, reg: number): number | undefined {
  let of = reg;
  let plus = 0;
  for (let p = pc - 1; p >= start && of !== FRAME_POINTER; p--) {
    const op = ops[p];
    if (op === undefined) continue;
    if (op.kind === 'call' || op.kind === 'call_local' || op.kind === 'call_kfunc') return undefined;
    if (writeOf(op) !== of) continue;
    const before = follow(op, of, plus);
    if (before === undefined) return undefined;
    [of, plus] = before;
  }
  return of === FRAME_POINTER ? plus : undefined;
}

/** Looks for the stores backwards from one call. */
class WriterFinder {
  readonly writers: Int32Array;
  private readonly read: Read;
  private readonly ops: Ops;
  private readonly options: WrittenOptions;

  constructor(ops: Ops, read: Read, options: WrittenOptions) {
    this.ops = ops;
    this.read = read;
    this.options = options;
    this.writers = new Int32Array(read.size).fill(NOBODY);
  }

  /** Whether each byte was written by one store, whatever path led to the call. */
  run({ blocks, order: { preds } }: Cfg): boolean {
    const { block, pc, size } = this.read;
    // By block: bytes that are looked for from its end on. The call's own block is entered in its middle first, and perhaps from its end later.
    const seen = new Map<number, Uint8Array>();
    const work: { b: number; end: number; wanted: Uint8Array }[] = [
      { b: block, end: pc, wanted: new Uint8Array(size).fill(1) },
    ];
    for (let next = work.pop(); next !== undefined; next = work.pop()) {
      const { b, end, wanted } = next;
      const left = this.scan(blocks[b].start, end, wanted);
      if (left === undefined || (left > 0 && b === 0) || seen.size > MAX_BLOCKS) return false;
      for (let p = preds.from[b]; left > 0 && p < preds.from[b + 1]; p++) {
        const pred = preds.list[p];
        const fresh = unseen(seen, pred, wanted);
        if (fresh !== undefined) work.push({ b: pred, end: blocks[pred].end, wanted: fresh });
      }
    }
    return !this.writers.includes(NOBODY);
  }

  /** Goes back from `end` to `start`; how many of the bytes are still wanted there. Undefined when somebody else may have written one. */
  private scan(start: number, end: number, wanted: Uint8Array): number | undefined {
    let left = wanted.reduce((sum, one) => sum + one, 0);
    for (let pc = end - 1; pc >= start && left > 0; pc--) {
      const op = this.ops[pc];
      if (op?.kind === 'call_local' || op?.kind === 'call_kfunc') return undefined;
      if (op?.kind === 'call' && this.options.callWrites(op)) return undefined;
      if (op?.kind !== 'store' && op?.kind !== 'atomic') continue;
      const target = this.options.target(pc, op);
      if (target === 'elsewhere') continue;
      if (target === 'anywhere') return undefined;
      const done = this.take(wanted, target - this.read.off, op, pc);
      if (done === undefined) return undefined;
      left -= done;
    }
    return left;
  }

  /** The op at `pc` writes to byte `from` of what is read, and on; how many wanted ones that were. */
  private take(
    wanted: Uint8Array,
    from: number,
    op: Op & { kind: 'store' | 'atomic' },
    pc: number,
  ): number | undefined {
    let done = 0;
    for (let i = Math.max(0, from); i < Math.min(this.read.size, from + op.size); i++) {
      if (wanted[i] === 0) continue;
      if (op.kind === 'atomic' || (this.writers[i] !== NOBODY && this.writers[i] !== pc)) return undefined;
      this.writers[i] = pc;
      wanted[i] = 0;
      done++;
    }
    return done;
  }
}

/** What of `wanted` was not yet looked for in a block; from now on it was. */
function unseen(seen: Map<number, Uint8Array>, block: number, wanted: Uint8Array): Uint8Array | undefined {
  const known = seen.get(block);
  if (known === undefined) {
    seen.set(block, wanted.slice());
    return wanted.slice();
  }
  const fresh = wanted.map((one, i) => one & ~known[i]);
  if (!fresh.includes(1)) return undefined;
  for (let i = 0; i < known.length; i++) known[i] |= fresh[i];
  return fresh;
}

/** The pc of the store that wrote each byte, or undefined where that is not known of all of them. */
export function findWriters(cfg: Cfg, ops: Ops, read: Read, options: WrittenOptions): Int32Array | undefined {
  if (read.off < -FRAME_SIZE || read.off + read.size > 0) return undefined;
  const finder = new WriterFinder(ops, read, options);
  return finder.run(cfg) ? finder.writers : undefined;
}
