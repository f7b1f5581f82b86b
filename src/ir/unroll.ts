/**
 * Loops whose rounds can be run several at a time: blocks one behind the other, and every way out a comparison of a number that grows by a constant each
 * round with one that stays. Where the last of so many rounds would go on, all of them do: one guard for each way out answers all their tests.
 *
 *     while every guard holds: so many rounds without tests
 *     the loop as it is, for the rounds that are left
 *
 * The guard says nothing of a loop's other rounds, and where it does not hold nothing was done: so nothing has to be proved of how a loop ends.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import { type Block, type Cfg, successors } from './cfg.ts';
import { type Form, Forms, strideOf } from './linear.ts';
import type { Loop } from './loops.ts';
import { FRAME, type Operands } from './operands.ts';
import { ADDRESS_END } from './range.ts';
import type { Values } from './values.ts';

type Jcond = Op & { kind: 'jcond' };
type Relation = 'lt' | 'le' | 'gt' | 'ge';

/** `at REL bound` at a loop's header says that so many rounds stay in the loop. */
export interface Guard {
  readonly at: Form;
  readonly bound: Form;
  readonly relation: Relation;
  /** Sums of 32 bits do not wrap; otherwise they are signed ones of 64. */
  readonly short: boolean;
}

export interface Unroll {
  readonly header: number;
  /** The blocks of a round, in the order in which they run. */
  readonly blocks: readonly number[];
  readonly times: number;
  readonly guards: readonly Guard[];
  /** Insns that add a constant to what a register began the round with, for the next one: by pc, the constant. Nobody else adds to it. */
  readonly counters: ReadonlyMap<number, number>;
  /** Base addresses below 2^32 that grow by a constant each round: by value. */
  readonly strides: ReadonlyMap<number, number>;
  /** Insns that add to what only they read: which numbers are added first does not matter. */
  readonly sums: ReadonlySet<number>;
}

export interface UnrollOptions {
  readonly ops: Ops;
  readonly values: Values;
  readonly operands: Operands;
  readonly max: Float64Array;
  readonly narrow: Uint8Array;
  readonly slotAt: ReadonlyMap<number, number>;
  /** Rounds of a loop at most, by its header. */
  readonly rounds: ReadonlyMap<number, number>;
}

const U32 = 0xffff_ffff;
/** Rounds at a time, by the insns of one. */
const MOST_INSNS = [
  { insns: 16, times: 8 },
  { insns: 32, times: 4 },
] as const;

/** What counters grow by at most: constants of several rounds stay small. */
const MAX_STEP = 1 << 16;

const STRAIGHT: ReadonlySet<Op['kind']> = new Set(['alu', 'movsx', 'swap', 'load', 'store', 'lddw', 'ja', 'jcond']);

const RELATIONS: ReadonlySet<string> = new Set<Relation>(['lt', 'le', 'gt', 'ge']);

/** Of `a REL b`: `b REL a`, and what holds where it does not. Signed comparisons are those of the numbers below that can be no signs. */
const SWAPPED: Readonly<Record<string, string>> = { lt: 'gt', le: 'ge', gt: 'lt', ge: 'le', ne: 'ne' };
const OPPOSITE: Readonly<Record<string, string>> = { eq: 'ne', lt: 'ge', le: 'gt', gt: 'le', ge: 'lt' };
const UNSIGNED: Readonly<Record<string, string>> = { slt: 'lt', sle: 'le', sgt: 'gt', sge: 'ge' };

/** The blocks of a round if they follow one another; undefined where ways part inside the loop. */
function chainOf(blocks: readonly Block[], loop: Loop): number[] | undefined {
  if (loop.children.length > 0 || loop.latches.length !== 1) return undefined;
  const chain: number[] = [];
  let at = loop.header;
  do {
    chain.push(at);
    const { term } = blocks[at];
    if (term.kind !== 'goto' && term.kind !== 'branch') return undefined;
    const inside = successors(term).filter((to) => loop.blocks.includes(to));
    if (inside.length !== 1 || chain.length > loop.blocks.length) return undefined;
    [at] = inside;
  } while (at !== loop.header);
  return chain;
}

class Unroller {
  private readonly forms: Forms;
  private readonly growths = new Map<number, number | undefined>();
  private readonly cfg: Cfg;
  private readonly given: UnrollOptions;
  private readonly chain: readonly number[];
  private readonly header: number;

  constructor(cfg: Cfg, given: UnrollOptions, chain: readonly number[]) {
    this.cfg = cfg;
    this.given = given;
    this.chain = chain;
    [this.header] = chain;
    this.forms = new Forms(given);
  }

  private *insns(): Generator<{ op: Op; pc: number; i: number }> {
    for (const b of this.chain) {
      const { start, end } = this.cfg.blocks[b];
      for (let pc = start; pc < end; pc++) {
        const op = this.given.ops[pc];
        if (op !== undefined) yield { op, pc, i: pc - this.given.values.effects.start };
      }
    }
  }

  run(): Unroll | undefined {
    let insns = 0;
    for (const { op, pc } of this.insns()) {
      if (!STRAIGHT.has(op.kind)) return undefined;
      insns++;
      this.forms.step(op, pc);
    }
    const rounds = this.given.rounds.get(this.header) ?? Number.POSITIVE_INFINITY;
    const times = MOST_INSNS.find((row) => insns <= row.insns && rounds >= 2 * row.times)?.times;
    if (times === undefined) return undefined;
    const guards = this.guards(times);
    if (guards === undefined || guards.length === 0) return undefined;
    const [counters, strides, sums] = [this.counters(), this.strides(), this.sums()];
    return { header: this.header, blocks: this.chain, times, guards, counters, strides, sums };
  }

  /** By how much a value grows each round that the header begins with, or that is made in front of the loop. */
  private growth(value: number): number | undefined {
    if (!this.growths.has(value)) this.growths.set(value, this.findGrowth(value));
    return this.growths.get(value);
  }

  private findGrowth(value: number): number | undefined {
    const { values } = this.given;
    if (value === FRAME || values.blockOf[value] !== this.header || values.pcOf[value] >= 0) return 0;
    const { from } = values.joins;
    if (from[value] === from[value + 1]) return 0;
    const next = this.next(value);
    const form = next === undefined ? undefined : this.forms.of(next);
    return form?.terms.size === 1 && form.terms.get(value) === 1 ? form.add : undefined;
  }

  /** What the header's value of a variable is in the next round. */
  private next(value: number): number | undefined {
    const { values } = this.given;
    const { varOf, effects, made } = values;
    let last: number | undefined;
    for (const { i } of this.insns()) if (effects.writes[i] === varOf[value]) last = made[i];
    return last;
  }

  private stride(value: number): number | undefined {
    const form = this.forms.of(value);
    return form && strideOf(form, (term) => this.growth(term));
  }

  private guards(times: number): Guard[] | undefined {
    const found: Guard[] = [];
    for (const b of this.chain) {
      const { term } = this.cfg.blocks[b];
      if (term.kind !== 'branch') continue;
      const op = this.given.ops[term.pc];
      if (op?.kind !== 'jcond') return undefined;
      const guard = this.guard(op, term.pc, this.chain.includes(term.taken), times);
      if (guard === undefined) return undefined;
      found.push(guard);
    }
    return found;
  }

  /** The number that grows, the one that stays, and how they compare as long as the loop goes on. */
  private guard(op: Jcond, pc: number, jumps: boolean, times: number): Guard | undefined {
    const { operands, values } = this.given;
    const i = pc - values.effects.start;
    const unsigned = UNSIGNED[op.op] ?? op.op;
    const stays = jumps ? unsigned : OPPOSITE[unsigned];
    const dst = this.operand(operands.first[i]);
    const src = op.src.kind === 'reg' ? this.operand(operands.second[i]) : constantOperand(op.src.value);
    if (stays === undefined || dst === undefined || src === undefined) return undefined;
    // Signs: the larger number of a comparison that holds bounds the other one.
    const limit = op.width === 64 ? 2 ** 53 : op.op in UNSIGNED ? 2 ** 31 - 1 : U32;
    if (src.stride === 0) return makeGuard(dst, src, stays, times, limit);
    return dst.stride === 0 ? makeGuard(src, dst, SWAPPED[stays], times, limit) : undefined;
  }

  private operand(value: number): Operand | undefined {
    const form = this.forms.of(value);
    const stride = form && strideOf(form, (term) => this.growth(term));
    if (form === undefined || stride === undefined || !this.isAtHand(form)) return undefined;
    const max = value === FRAME ? ADDRESS_END : this.given.max[value];
    return { form, stride, max, wide: this.isWhole(form) };
  }

  /** Whether the header's registers hold all numbers of a sum. */
  private isAtHand({ terms }: Form): boolean {
    const { entry, effects, varOf } = this.given.values;
    const at = this.header * effects.count;
    return [...terms.keys()].every((value) => value === FRAME || entry[at + varOf[value]] === value);
  }

  /** Whether all 64 bits of them are kept. */
  private isWhole({ terms }: Form): boolean {
    const { narrow, max } = this.given;
    return [...terms.keys()].every((value) => value === FRAME || narrow[value] === 0 || max[value] <= U32);
  }

  private counters(): Map<number, number> {
    const { operands, slotAt, values } = this.given;
    const found = new Map<number, number>();
    for (const { op, pc, i } of this.insns()) {
      if (op.kind !== 'alu' || op.op !== 'add' || op.src?.kind !== 'imm' || slotAt.has(pc)) continue;
      const before = operands.first[i];
      if (before < 0 || this.next(before) !== values.made[i]) continue;
      if (this.isJoin(before) && Math.abs(op.src.value) <= MAX_STEP) found.set(pc, op.src.value);
    }
    return found;
  }

  /** A value that the header begins with and that each round makes anew. */
  private isJoin(value: number): boolean {
    const { entry, effects, varOf, joins } = this.given.values;
    return entry[this.header * effects.count + varOf[value]] === value && joins.from[value] < joins.from[value + 1];
  }

  private strides(): Map<number, number> {
    const { operands, max, slotAt } = this.given;
    const found = new Map<number, number>();
    for (const { op, pc, i } of this.insns()) {
      const base = operands.first[i];
      if ((op.kind !== 'load' && op.kind !== 'store') || slotAt.has(pc) || base < 0 || max[base] > U32) continue;
      const stride = this.stride(base);
      if (stride !== undefined && stride !== 0) found.set(base, stride);
    }
    return found;
  }

  /** Reads of each value in a round. */
  private readers(): Map<number, number> {
    const { operands } = this.given;
    const readers = new Map<number, number>();
    for (const { i } of this.insns()) {
      for (const value of [operands.first[i], operands.second[i]]) readers.set(value, (readers.get(value) ?? 0) + 1);
    }
    return readers;
  }

  private sums(): Set<number> {
    const { operands, values } = this.given;
    const { made } = values;
    const readers = this.readers();
    const found = new Set<number>();
    for (const { op, pc, i } of this.insns()) {
      if (op.kind !== 'alu' || op.op !== 'add' || op.src?.kind !== 'reg' || op.src.reg === op.dst) continue;
      const before = operands.first[i];
      if (before < 0 || !this.isJoin(before)) continue;
      if (readers.get(before) === 1 && !readers.has(made[i]) && this.next(before) === made[i]) found.add(pc);
    }
    return found;
  }
}

/** An operand of a comparison: its sum, growth and bound, and whether the sum can be made in 64 bits. */
interface Operand {
  readonly form: Form;
  readonly stride: number;
  readonly max: number;
  readonly wide: boolean;
}

function constantOperand(value: number): Operand | undefined {
  return value < 0 ? undefined : { form: { terms: new Map(), add: value }, stride: 0, max: value, wide: true };
}

/**
 * The guard of `moving REL staying`. Up to it numbers are exact: of all that grows the last is the largest and below what stays, which has a bound; of all
 * that shrinks the first is the largest, which has one, and the last is above what stays, so it is no number below zero.
 */
function makeGuard(moving: Operand, staying: Operand, stays: string, times: number, limit: number): Guard | undefined {
  const { stride, form } = moving;
  const relation = stays === 'ne' ? (stride > 0 ? 'lt' : 'gt') : (stays as Relation);
  const up = relation === 'lt' || relation === 'le';
  // Neither `eq` nor `set` says anything of the rounds between.
  if (!RELATIONS.has(relation) || stride === 0 || up !== stride > 0) return undefined;
  if (Math.max(staying.max, up ? 0 : moving.max) > limit || moving.max > 2 ** 53) return undefined;
  const ahead = stride * (times - 1);
  const short = up && moving.max + ahead <= U32 && staying.max <= U32;
  if (!short && !(moving.wide && staying.wide)) return undefined;
  return { at: { terms: form.terms, add: form.add + ahead }, bound: staying.form, relation, short };
}

/** Loops to run several rounds of at a time, by header. */
export function findUnrolls(
  cfg: Cfg,
  loops: ReadonlyMap<number, Loop>,
  options: UnrollOptions,
): ReadonlyMap<number, Unroll> {
  const found = new Map<number, Unroll>();
  for (const [header, loop] of loops) {
    const chain = chainOf(cfg.blocks, loop);
    const unroll = chain && new Unroller(cfg, options, chain).run();
    if (unroll !== undefined) found.set(header, unroll);
  }
  return found;
}
