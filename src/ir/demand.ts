/**
 * How much of each value is read: nothing, its low half, or all of it. Backward from what has effects (stores, calls, jumps) over the insns
 * that a value is made of. What nobody reads need not be made; of what only the low half is read 32 bits need be kept.
 */
import { HELPER_BY_ID, wasmArg } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import type { Block } from './cfg.ts';
import { type Operands, walkValues } from './operands.ts';
import { ADDRESS_END } from './range.ts';
import type { Values } from './values.ts';

export const NOTHING = 0;
export const LOW = 1;
export const ALL = 2;
export type Demand = 0 | 1 | 2;

export interface DemandOptions {
  /** Every access has its address checked in 64 bits, unless `isAnswered`; helpers' arguments too. */
  readonly checks: boolean;
  /** The check of an access was answered when compiling. */
  readonly isAnswered: (pc: number) => boolean;
  /** A load that may be left out when nobody reads what it gives. */
  readonly isPureLoad: (pc: number) => boolean;
  /** Slots that are variables: no access at all. */
  readonly slotAt: ReadonlyMap<number, number>;
  /** Insns that become others: what those read. */
  readonly madeOf: ReadonlyMap<number, readonly { readonly value: number; readonly demand: Demand }[]>;
  /** Insns that also read what other insns need of them. */
  readonly alsoReads: ReadonlyMap<number, readonly { readonly value: number; readonly demand: Demand }[]>;
}

const fits = (max: number): boolean => max <= 0xffff_ffff;

class Demands {
  readonly demand: Uint8Array;
  private readonly work: number[] = [];
  private readonly ops: Ops;
  private readonly values: Values;
  private readonly operands: Operands;
  private readonly max: Float64Array;
  private readonly options: DemandOptions;

  constructor(ops: Ops, values: Values, operands: Operands, max: Float64Array, options: DemandOptions) {
    this.ops = ops;
    this.values = values;
    this.operands = operands;
    this.max = max;
    this.options = options;
    this.demand = new Uint8Array(values.count);
  }

  use(value: number, demand: Demand): void {
    if (value < 0 || this.demand[value] >= demand) return;
    this.demand[value] = demand;
    this.work.push(value);
  }

  private max64(value: number): number {
    return value >= 0 ? this.max[value] : ADDRESS_END;
  }

  private alu(op: Op & { kind: 'alu' }, i: number, demand: Demand): void {
    const a = this.operands.first[i];
    const b = this.operands.second[i];
    if (op.width === 32) {
      this.use(a, LOW);
      this.use(b, LOW);
      return;
    }
    const constant = op.src?.kind === 'imm' ? op.src.value : undefined;
    switch (op.op) {
      case 'and': {
        // What is cut off by the other operand is not read.
        const cutByB = constant === undefined ? fits(this.max64(b)) : constant >= 0;
        this.use(a, cutByB ? LOW : demand);
        this.use(b, fits(this.max64(a)) ? LOW : demand);
        return;
      }
      case 'lsh':
        this.use(a, constant !== undefined && (constant & 63) >= 32 ? LOW : demand);
        this.use(b, LOW);
        return;
      case 'rsh':
      case 'arsh':
        this.use(a, ALL);
        this.use(b, LOW);
        return;
      case 'div':
      case 'mod':
      case 'sdiv':
      case 'smod':
        this.use(a, ALL);
        this.use(b, ALL);
        return;
      default:
        this.use(a, demand);
        this.use(b, demand);
    }
  }

  private base(value: number, pc: number): void {
    this.use(value, this.options.checks && !this.options.isAnswered(pc) ? ALL : LOW);
  }

  /** What the insn that makes a value reads for it. */
  private make(op: Op, pc: number, demand: Demand): void {
    const i = pc - this.values.effects.start;
    const made = this.options.madeOf.get(pc);
    if (made !== undefined) {
      for (const { value, demand: wanted } of made) this.use(value, wanted);
      return;
    }
    const { first, second } = this.operands;
    const isSlot = this.options.slotAt.has(pc);
    switch (op.kind) {
      case 'alu':
        this.alu(op, i, demand);
        return;
      case 'movsx':
      case 'cast_user':
        this.use(second[i], LOW);
        return;
      case 'swap':
        this.use(first[i], op.bits === 64 ? ALL : LOW);
        return;
      case 'load':
        if (isSlot) this.use(first[i], op.size === 8 ? demand : LOW);
        else this.base(first[i], pc);
        return;
      case 'store':
        if (isSlot) this.use(second[i], op.size === 8 ? demand : LOW);
        return;
      default:
        return;
    }
  }

  /** What an insn reads for its effects, whoever reads what it makes. */
  private effect(op: Op, pc: number, now: Int32Array): void {
    const i = pc - this.values.effects.start;
    const { first, second } = this.operands;
    const also = this.options.alsoReads.get(pc);
    if (also !== undefined) for (const { value, demand } of also) this.use(value, demand);
    if (op.kind === 'store') {
      this.store(op, pc, i);
      return;
    }
    switch (op.kind) {
      case 'load':
        if (!this.options.isPureLoad(pc)) this.base(first[i], pc);
        return;
      case 'atomic':
        this.base(first[i], pc);
        this.use(second[i], ALL);
        if (op.op === 'cmpxchg') this.use(now[0], ALL);
        return;
      case 'jcond': {
        const demand = op.width === 64 ? ALL : LOW;
        this.use(first[i], demand);
        this.use(second[i], demand);
        return;
      }
      case 'ldind':
        this.use(second[i], LOW);
        return;
      case 'exit':
        this.use(now[0], ALL);
        return;
      default:
        this.call(op, now);
    }
  }

  private store(op: Op & { kind: 'store' }, pc: number, i: number): void {
    if (this.options.slotAt.has(pc)) return;
    const made = this.options.madeOf.get(pc);
    if (made !== undefined) {
      for (const { value, demand } of made) this.use(value, demand);
      return;
    }
    this.base(this.operands.first[i], pc);
    this.use(this.operands.second[i], op.size === 8 ? ALL : LOW);
  }

  private call(op: Op, now: Int32Array): void {
    if (op.kind !== 'call' && op.kind !== 'call_local' && op.kind !== 'call_kfunc') return;
    const args = op.kind === 'call' ? HELPER_BY_ID.get(op.helper)?.args : undefined;
    const count = args?.length ?? 5;
    for (let n = 0; n < count; n++) {
      const isAddress = !this.options.checks && args !== undefined && wasmArg(args[n]) === 'i32';
      this.use(now[n + 1], isAddress ? LOW : ALL);
    }
  }

  run(blocks: readonly Block[]): void {
    walkValues(blocks, this.ops, this.values, (pc, op, now) => this.effect(op, pc, now));
    const { pcOf, joins } = this.values;
    for (let value = this.work.pop(); value !== undefined; value = this.work.pop()) {
      const demand = this.demand[value] as Demand;
      const pc = pcOf[value];
      if (pc >= 0) this.make(this.ops[pc] as Op, pc, demand);
      else for (let j = joins.from[value]; j < joins.from[value + 1]; j++) this.use(joins.list[j], demand);
    }
  }
}

/** How much of each value is read: NOTHING, LOW or ALL. */
export function findDemands(
  blocks: readonly Block[],
  ops: Ops,
  values: Values,
  known: { readonly operands: Operands; readonly max: Float64Array },
  options: DemandOptions,
): Uint8Array {
  const demands = new Demands(ops, values, known.operands, known.max, options);
  demands.run(blocks);
  return demands.demand;
}

/** By value: whether 32 bits are enough for it and for all that it is joined with, which share a place. */
export function findNarrow(values: Values, max: Float64Array, demand: Uint8Array): Uint8Array {
  const { count, joins } = values;
  const up = Int32Array.from({ length: count }, (_, v) => v);
  const find = (v: number): number => {
    let root = v;
    while (up[root] !== root) root = up[root];
    for (let x = v; up[x] !== root; ) {
      const next = up[x];
      up[x] = root;
      x = next;
    }
    return root;
  };
  for (let v = 0; v < count; v++)
    for (let j = joins.from[v]; j < joins.from[v + 1]; j++) up[find(v)] = find(joins.list[j]);
  const narrow = new Uint8Array(count).fill(1);
  for (let v = 0; v < count; v++) if (demand[v] === ALL && !fits(max[v])) narrow[find(v)] = 0;
  return narrow.map((_, v) => narrow[find(v)]);
}
