/**
 * Ways to the end of a function on which it is known what is returned: each such constant becomes a block of its own, which all ways that return it go to. clang
 * jumps to one exit from everywhere, with the verdict in a register; engines then write that register on every edge, in code that is never run again.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import { type Block, successors, type Terminator } from './cfg.ts';
import { writes } from './counted.ts';

/** A 64-bit number. */
export interface Returned {
  readonly lo: number;
  readonly hi: number;
}

/** What is known of a register: a constant, nothing, or (undefined) that no way to it was seen. */
type Known = Returned | 'unknown' | undefined;

/** The register that an exit returns, if its block does nothing else than moving it there. */
interface Exit {
  readonly reg: number;
  /** Only its low half is returned. */
  readonly cut: boolean;
}

function exitOf(ops: Ops, { start, end, term }: Block): Exit | undefined {
  if (term.kind !== 'exit') return undefined;
  let reg = 0;
  let cut = false;
  for (let pc = end - 1; pc >= start; pc--) {
    const op = ops[pc];
    if (op?.kind === 'exit' && pc === end - 1) continue;
    if (op?.kind !== 'alu' || op.op !== 'mov' || op.src?.kind !== 'reg') return undefined;
    if (op.dst !== reg) continue;
    reg = op.src.reg;
    cut ||= op.width === 32;
  }
  return reg === 10 ? undefined : { reg, cut };
}

function constantOf(op: Op): Known {
  if (op.kind !== 'alu' || op.op !== 'mov' || op.src?.kind !== 'imm') return 'unknown';
  const { value } = op.src;
  return { lo: value | 0, hi: op.width === 64 && value < 0 ? -1 : 0 };
}

/** What a block leaves in `reg`; undefined where it does not write it. */
function leftBy(ops: Ops, { start, end }: Block, reg: number): Known {
  for (let pc = end - 1; pc >= start; pc--) {
    const op = ops[pc];
    if (op !== undefined && writes(op, reg)) return constantOf(op);
  }
  return undefined;
}

function meet(a: Known, b: Known): Known {
  if (a === undefined || b === undefined) return a ?? b;
  if (a === 'unknown' || b === 'unknown') return 'unknown';
  return a.lo === b.lo && a.hi === b.hi ? a : 'unknown';
}

/** What `reg` holds at the end of each block: forward from the entry, where nothing is known. */
function atEnds(ops: Ops, blocks: readonly Block[], reg: number): Known[] {
  const left = blocks.map((block) => leftBy(ops, block, reg));
  const at: Known[] = left.slice();
  const entry: Known[] = blocks.map(() => undefined);
  const work: number[] = [];
  const flow = (to: number, known: Known): void => {
    const now = meet(entry[to], known);
    if (now === entry[to]) return;
    entry[to] = now;
    if (left[to] === undefined) at[to] = now;
    work.push(to);
  };
  flow(0, 'unknown');
  for (let b = work.pop(); b !== undefined; b = work.pop())
    for (const to of successors(blocks[b].term)) flow(to, at[b]);
  return at;
}

function redirect(term: Terminator, from: number, to: number): void {
  if (term.kind === 'goto' && term.to === from) term.to = to;
  if (term.kind !== 'branch') return;
  if (term.taken === from) term.taken = to;
  if (term.otherwise === from) term.otherwise = to;
}

/** Adds the blocks that return constants; exits that are reached by one way stay. */
export function splitReturns(ops: Ops, blocks: Block[]): void {
  const given = blocks.length;
  const returns = new Map<string, number>();
  const known = new Map<number, Known[]>();
  const preds: number[][] = blocks.map(() => []);
  blocks.forEach(({ term }, b) => {
    for (const to of successors(term)) preds[to].push(b);
  });
  for (let b = 0; b < given; b++) {
    const exit = preds[b].length > 1 ? exitOf(ops, blocks[b]) : undefined;
    if (exit === undefined) continue;
    const at = known.get(exit.reg) ?? atEnds(ops, blocks.slice(0, given), exit.reg);
    known.set(exit.reg, at);
    for (const pred of preds[b]) {
      const value = at[pred];
      if (value === undefined || value === 'unknown') continue;
      const { lo, hi } = exit.cut ? { lo: value.lo, hi: 0 } : value;
      const key = `${lo}:${hi}`;
      const to = returns.get(key) ?? blocks.length;
      if (to === blocks.length) blocks.push({ start: 0, end: 0, term: { kind: 'exit' }, returns: { lo, hi } });
      returns.set(key, to);
      redirect(blocks[pred].term, b, to);
    }
  }
}
