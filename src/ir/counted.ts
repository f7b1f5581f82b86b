/**
 * Loops whose rounds can be counted before they run: a register starts from a constant, grows by a constant once a round, and is
 * compared with a constant once a round. Such a loop pays for all its rounds when it is entered.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import { type Block, type Cfg, successors } from './cfg.ts';
import { type DomTree, dominates } from './dom.ts';
import { findLoops, insnsOf, type Loop } from './loops.ts';
import type { Order } from './order.ts';

type Jcond = Op & { kind: 'jcond' };

/** A function's graph with everything known of it. */
export interface Graph {
  readonly ops: Ops;
  readonly blocks: readonly Block[];
  readonly order: Order;
  readonly tree: DomTree;
}

/**
 * Insns paid for at once at most. A loop that is left early has paid for rounds it never runs: this is little enough that such loops, entered
 * again and again, do not use up a budget.
 */
const MAX_PREPAID = 1 << 16;
/** Loops of more blocks are not looked at: each exit is compared with each block. */
const MAX_BLOCKS = 64;
/** Blocks to look through for the constant a register starts from. */
const MAX_CHAIN = 16;

const OPPOSITE: Record<string, string> = {
  eq: 'ne',
  ne: 'eq',
  lt: 'ge',
  ge: 'lt',
  gt: 'le',
  le: 'gt',
  slt: 'sge',
  sge: 'slt',
  sgt: 'sle',
  sle: 'sgt',
};

/** Whether nobody knows what is in `reg` behind an op. */
export function writes(op: Op, reg: number): boolean {
  switch (op.kind) {
    case 'alu':
    case 'movsx':
    case 'cast_user':
    case 'swap':
    case 'load':
    case 'lddw':
      return op.dst === reg;
    case 'atomic':
      return op.dst === reg || op.src === reg || reg === 0;
    case 'call':
    case 'call_local':
    case 'call_kfunc':
    case 'ldabs':
    case 'ldind':
      return reg <= 5;
    default:
      return false;
  }
}

/** The one insn of the loop that writes `reg`; undefined when there are several or none. */
function onlyWrite(g: Graph, loop: Loop, reg: number): { pc: number; block: number } | undefined {
  let found: { pc: number; block: number } | undefined;
  for (const b of loop.blocks) {
    for (let pc = g.blocks[b].start; pc < g.blocks[b].end; pc++) {
      const op = g.ops[pc];
      if (op === undefined || !writes(op, reg)) continue;
      if (found !== undefined) return undefined;
      found = { pc, block: b };
    }
  }
  return found;
}

/** The constant `reg` holds when the loop is entered, if the straight way into it says so. */
function startValue(g: Graph, loop: Loop, reg: number): number | undefined {
  const { from, list } = g.order.preds;
  let at = loop.header;
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    // The function's entry is one more way into its first block.
    if (at === 0) return undefined;
    const preds = Array.from(list.subarray(from[at], from[at + 1]));
    const outside = at === loop.header ? preds.filter((p) => !loop.latches.includes(p)) : preds;
    if (outside.length !== 1) return undefined;
    [at] = outside;
    for (let pc = g.blocks[at].end - 1; pc >= g.blocks[at].start; pc--) {
      const op = g.ops[pc];
      if (op === undefined || !writes(op, reg)) continue;
      const isConst = op.kind === 'alu' && op.op === 'mov' && op.src?.kind === 'imm';
      return isConst && op.src.value >= 0 ? op.src.value : undefined;
    }
  }
  return undefined;
}

/** Rounds until `value REL bound` no longer holds, from the first time it is asked. */
function rounds(stay: string, first: number, step: number, bound: number): number | undefined {
  const distance = bound - first;
  switch (stay) {
    case 'ne':
      return distance >= 0 && distance % step === 0 ? distance / step + 1 : undefined;
    case 'lt':
    case 'slt':
      return Math.max(0, Math.ceil(distance / step)) + 1;
    case 'le':
    case 'sle':
      return Math.max(0, Math.floor(distance / step) + 1) + 1;
    default:
      return undefined;
  }
}

function onceARound(g: Graph, loop: Loop, block: number): boolean {
  return loop.latches.every((latch) => dominates(g.tree, block, latch));
}

/** Rounds that the exit at the end of `block` allows at most. */
function roundsAt(g: Graph, loop: Loop, block: number): number | undefined {
  const { term } = g.blocks[block];
  if (term.kind !== 'branch' || !onceARound(g, loop, block)) return undefined;
  const op = g.ops[term.pc];
  if (op?.kind !== 'jcond' || op.src.kind !== 'imm' || op.src.value < 0) return undefined;
  const [stays, leaves] = successors(term).map((to) => loop.blocks.includes(to));
  if (stays === leaves) return undefined;
  return roundsOf(g, loop, block, op, stays ? op.op : OPPOSITE[op.op]);
}

function roundsOf(g: Graph, loop: Loop, block: number, test: Jcond, stay: string | undefined): number | undefined {
  const write = onlyWrite(g, loop, test.dst);
  const op = write && g.ops[write.pc];
  if (write === undefined || op?.kind !== 'alu' || op.op !== 'add' || op.src?.kind !== 'imm') return undefined;
  const step = op.src.value;
  const start = startValue(g, loop, test.dst);
  if (step < 1 || step > 0xffff || start === undefined || stay === undefined || !onceARound(g, loop, write.block))
    return undefined;
  const before = dominates(g.tree, write.block, block);
  if (!before && !dominates(g.tree, block, write.block)) return undefined;
  const bound = test.src.kind === 'imm' ? test.src.value : 0;
  // Values stay below 2^31 + 2^16: only a signed 32-bit test sees some of them as negative.
  if (test.width === 32 && stay.startsWith('s') && Math.max(bound, start) + step >= 2 ** 31) return undefined;
  return rounds(stay, before ? start + step : start, step, bound);
}

/** Rounds the loop runs at most, where that can be counted: loops without inner loops only. */
function countRounds(g: Graph, loop: Loop): number | undefined {
  if (loop.children.length > 0 || loop.blocks.length > MAX_BLOCKS) return undefined;
  let least: number | undefined;
  for (const b of loop.blocks) {
    const found = roundsAt(g, loop, b);
    if (found !== undefined && (least === undefined || found < least)) least = found;
  }
  return least !== undefined && least * insnsOf(loop, g.blocks) <= MAX_PREPAID ? least : undefined;
}

/** The loops of a function, and how many rounds those have at most whose rounds can be counted: by header. */
export interface Counted {
  readonly loops: ReadonlyMap<number, Loop>;
  readonly rounds: ReadonlyMap<number, number>;
}

export function countLoops({ blocks, order, tree }: Cfg, ops: Ops): Counted {
  const loops = findLoops(blocks, order, tree);
  const rounds = new Map<number, number>();
  for (const [header, loop] of loops) {
    const found = countRounds({ ops, blocks, order, tree }, loop);
    if (found !== undefined) rounds.set(header, found);
  }
  return { loops, rounds };
}
