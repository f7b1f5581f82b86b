/**
 * Which store wrote each byte of a key that a helper is given on the stack. clang puts keys there because helpers want their addresses; where all
 * paths to a call agree on the stores, the call can have what they stored and leaves memory alone.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import type { Block, Cfg } from './cfg.ts';
import { writeOf } from './effects.ts';

const FRAME_POINTER = 10;
const FRAME_SIZE = 512;

/** Where a store goes: so many bytes from R10 on (the number is negative), not into this frame, or who knows where. */
export type Target = number | 'elsewhere' | 'anywhere';

/** Bytes of the frame that the call at `pc` reads. */
export interface Read {
  readonly pc: number;
  readonly off: number;
  readonly size: number;
}

export interface WrittenOptions {
  readonly target: (pc: number, op: Op & { kind: 'store' | 'atomic' }) => Target;
  /** The call may write to the frame. */
  readonly callWrites: (op: Op & { kind: 'call' }) => boolean;
}

/** No path has come here yet; nobody knows who wrote. Everything else is the pc of a store. */
const UNSEEN = -2;
const UNKNOWN = -1;

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

class WriterFinder {
  readonly found = new Map<number, Int32Array>();
  /** By byte of the frame from its lowest on: its place in a state, or -1 for what no call reads. */
  private readonly place = new Int16Array(FRAME_SIZE).fill(-1);
  private readonly count: number;
  private readonly ops: Ops;
  private readonly options: WrittenOptions;
  private readonly reads: ReadonlyMap<number, Read>;

  constructor(ops: Ops, reads: readonly Read[], options: WrittenOptions) {
    this.ops = ops;
    this.options = options;
    this.reads = new Map(reads.map((read) => [read.pc, read]));
    let count = 0;
    for (const { off, size } of reads) {
      for (let at = FRAME_SIZE + off; at < FRAME_SIZE + off + size; at++)
        if (this.place[at] < 0) this.place[at] = count++;
    }
    this.count = count;
  }

  run({ blocks, order }: Cfg): void {
    const { rpo, preds } = order;
    const { count } = this;
    const after = new Int32Array(blocks.length * count).fill(UNSEEN);
    const state = new Int32Array(count);
    for (let again = true; again; ) {
      again = false;
      for (const b of rpo) {
        state.fill(b === 0 ? UNKNOWN : UNSEEN);
        for (let p = preds.from[b]; p < preds.from[b + 1]; p++) meet(state, after, preds.list[p] * count);
        this.block(blocks[b], state);
        for (let i = 0; i < count; i++) {
          if (after[b * count + i] === state[i]) continue;
          after[b * count + i] = state[i];
          again = true;
        }
      }
    }
  }

  private block({ start, end }: Block, state: Int32Array): void {
    for (let pc = start; pc < end; pc++) {
      const op = this.ops[pc];
      switch (op?.kind) {
        case 'store':
          this.write(this.options.target(pc, op), op.size, pc, state);
          break;
        case 'atomic':
          this.write(this.options.target(pc, op), op.size, UNKNOWN, state);
          break;
        case 'call':
          this.read(pc, state);
          if (this.options.callWrites(op)) state.fill(UNKNOWN);
          break;
        case 'call_local':
        case 'call_kfunc':
          state.fill(UNKNOWN);
          break;
      }
    }
  }

  private write(target: Target, size: number, by: number, state: Int32Array): void {
    if (target === 'elsewhere') return;
    if (target === 'anywhere') {
      state.fill(UNKNOWN);
      return;
    }
    for (let at = Math.max(0, FRAME_SIZE + target); at < Math.min(FRAME_SIZE, FRAME_SIZE + target + size); at++) {
      if (this.place[at] >= 0) state[this.place[at]] = by;
    }
  }

  /** The last visit of a call is the one that counts. */
  private read(pc: number, state: Int32Array): void {
    const read = this.reads.get(pc);
    if (read === undefined) return;
    const from = FRAME_SIZE + read.off;
    const writers = Int32Array.from({ length: read.size }, (_, i) => state[this.place[from + i]]);
    if (writers.every((by) => by >= 0)) this.found.set(pc, writers);
    else this.found.delete(pc);
  }
}

/** What is known on one more path. */
function meet(state: Int32Array, after: Int32Array, at: number): void {
  for (let i = 0; i < state.length; i++) {
    const other = after[at + i];
    if (other === UNSEEN) continue;
    if (state[i] === UNSEEN) state[i] = other;
    else if (state[i] !== other) state[i] = UNKNOWN;
  }
}

/** For each of these reads, by its pc: the pc of the store that wrote each byte. Those of which that is not known are left out. */
export function findWriters(
  cfg: Cfg,
  ops: Ops,
  reads: readonly Read[],
  options: WrittenOptions,
): ReadonlyMap<number, Int32Array> {
  const inFrame = reads.filter(({ off, size }) => off >= -FRAME_SIZE && off + size <= 0);
  const finder = new WriterFinder(ops, inFrame, options);
  if (inFrame.length > 0) finder.run(cfg);
  return finder.found;
}
