/**
 * The largest number that each value can be, seen as unsigned 64 bits: what is below 2^32 can be kept in 32 bits. A forward dataflow over
 * values, optimistic where they join: it begins with what comes into a loop, and goes round until nothing changes.
 *
 * A value that loops add to is bounded where the rounds are: what one round adds at most, times the rounds that were counted, or the insns that run at most.
 */
import { HELPER_BY_ID, wasmRet } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import { FRAME, type Operands } from './operands.ts';
import type { Values } from './values.ts';

type Alu = Op & { kind: 'alu' };

/** Addresses of the engine are below: the last 16 MiB of a 32-bit memory are never used, so that small offsets do not wrap. */
export const ADDRESS_END = 0xff00_0000;
/** Not known to be anything less than 2^64 - 1. Numbers up to 2^53 are exact here. */
export const ANYTHING = Number.POSITIVE_INFINITY;
const EXACT = 2 ** 53;
const U32 = 0xffff_ffff;
const OF_BYTES: Readonly<Record<number, number>> = { 1: 0xff, 2: 0xffff, 4: U32, 8: ANYTHING };

export interface RangeOptions {
  /** The load at a pc gives an address: one of the packet's ends. */
  readonly loadsAddress: (pc: number) => boolean;
  /** R1 of the function's entry is an address, and the other registers are zero. */
  readonly isMain: boolean;
  /** Addresses of maps and values are below ADDRESS_END: the program has no arena. */
  readonly lowAddresses: boolean;
  /** Insns that one invocation of the function can run at most, if that is known. */
  readonly insnLimit: number | undefined;
  /** Rounds of a loop at most each time it is entered, by the block of its header. */
  readonly rounds: ReadonlyMap<number, number>;
}

const exact = (n: number): number => (n <= EXACT ? n : ANYTHING);
/** The least 2^n - 1 that is not below. */
function ones(n: number): number {
  if (n > EXACT) return ANYTHING;
  let power = 1;
  while (power <= n) power *= 2;
  return exact(power - 1);
}

/** `a OP b` of operands up to `a` and `b`, 64 bits; `count`: the constant that `b` is, if it is one. */
function wide(op: Alu['op'], a: number, b: number, count: number | undefined): number {
  switch (op) {
    case 'mov':
      return b;
    case 'add':
      return exact(a + b);
    case 'mul':
      return a === 0 || b === 0 ? 0 : exact(a * b);
    case 'and':
      return Math.min(a, b);
    case 'or':
    case 'xor':
      return ones(Math.max(a, b));
    case 'div':
    case 'mod':
      return a;
    case 'lsh':
      return count === undefined ? ANYTHING : exact(a * 2 ** (count & 63));
    case 'rsh':
      if (count === undefined) return a;
      return a <= EXACT ? Math.floor(a / 2 ** (count & 63)) : exact(2 ** (64 - (count & 63)) - 1);
    case 'arsh':
      if (a > EXACT) return ANYTHING;
      return count === undefined ? a : Math.floor(a / 2 ** (count & 63));
    default:
      return ANYTHING;
  }
}

/** The same of 32 bits: what would not fit wraps, and may then be any 32-bit number. */
function narrow(op: Alu['op'], a: number, b: number, count: number | undefined): number {
  const [x, y] = [Math.min(a, U32), Math.min(b, U32)];
  // The top bit would be a sign.
  if (op === 'arsh' && x > 0x7fff_ffff) return U32;
  const found = wide(op, x, y, count === undefined ? undefined : count & 31);
  return found <= U32 ? found : U32;
}

/** Additions followed from a loop's end back to its begin. */
const MAX_CHAIN = 16;
/** How often the bound of a loop's value may turn out to be too small before it is given up. */
const MAX_WIDENINGS = 3;

class Ranges {
  /** By value; -1 as long as no way to it was seen. */
  readonly max: Float64Array;
  private readonly widened: Uint8Array;
  private readonly ops: Ops;
  private readonly values: Values;
  private readonly operands: Operands;
  private readonly options: RangeOptions;

  constructor(ops: Ops, values: Values, operands: Operands, options: RangeOptions) {
    this.ops = ops;
    this.values = values;
    this.operands = operands;
    this.options = options;
    this.max = new Float64Array(values.count).fill(-1);
    this.widened = new Uint8Array(values.count);
    values.initial.forEach((value, variable) => {
      if (value >= 0) this.max[value] = this.initial(variable);
    });
  }

  private initial(variable: number): number {
    if (!this.options.isMain || variable > 9) return ANYTHING;
    return variable === 1 ? ADDRESS_END : 0;
  }

  private of(value: number): number {
    if (value === FRAME) return ADDRESS_END;
    return value < 0 ? ANYTHING : this.max[value];
  }

  private alu(op: Alu, i: number): number {
    const a = this.of(this.operands.first[i]);
    if (op.src?.kind !== 'imm') {
      const b = this.of(this.operands.second[i]);
      return op.width === 32 ? narrow(op.op, a, b, undefined) : wide(op.op, a, b, undefined);
    }
    const { value } = op.src;
    if (op.width === 32) return narrow(op.op, a, value >>> 0, value);
    return wide(op.op, a, value < 0 ? ANYTHING : value, value);
  }

  private made(op: Op, i: number, pc: number): number {
    const { first, second } = this.operands;
    switch (op.kind) {
      case 'alu':
        return this.alu(op, i);
      case 'movsx': {
        const source = this.of(second[i]);
        if (source < 2 ** (op.bits - 1)) return source;
        return op.width === 32 ? U32 : ANYTHING;
      }
      case 'swap':
        return OF_BYTES[op.bits / 8];
      case 'load':
        if (first[i] >= 0 && this.isSlot(i)) return op.signed ? ANYTHING : this.of(first[i]);
        if (op.signed) return ANYTHING;
        return this.options.loadsAddress(pc) ? ADDRESS_END : OF_BYTES[op.size];
      case 'store':
        return this.stored(op, i);
      case 'lddw':
        return this.constant(op);
      case 'atomic':
        return OF_BYTES[op.size];
      case 'call': {
        const ret = HELPER_BY_ID.get(op.helper)?.ret;
        return ret !== undefined && wasmRet(ret) === 'i32' ? U32 : ANYTHING;
      }
      case 'ldabs':
      case 'ldind':
        return OF_BYTES[op.size];
      default:
        return ANYTHING;
    }
  }

  /** A load of a slot that is a variable reads that variable. */
  private isSlot(i: number): boolean {
    return this.values.varOf[this.operands.first[i]] > 9;
  }

  private stored(op: Op & { kind: 'store' }, i: number): number {
    const limit = OF_BYTES[op.size];
    if (op.src.kind === 'reg') {
      const source = this.of(this.operands.second[i]);
      return source <= limit ? source : limit;
    }
    if (op.src.value >= 0) return Math.min(op.src.value, limit);
    return limit;
  }

  private constant({ value }: Op & { kind: 'lddw' }): number {
    if (value.kind === 'const') return exact((value.hi >>> 0) * 2 ** 32 + (value.lo >>> 0));
    const isValue = value.kind === 'map_value' || value.kind === 'map_idx_value';
    return isValue && !this.options.lowAddresses ? ANYTHING : U32;
  }

  /**
   * By how much `value` can be above the join `loop` that it was made of by additions; undefined if it was made in another way.
   */
  private growth(value: number, loop: number, depth = 0): number | undefined {
    if (value === loop) return 0;
    if (value < 0 || depth > MAX_CHAIN) return undefined;
    const pc = this.values.pcOf[value];
    if (pc < 0) return this.joinedGrowth(value, loop, depth);
    const op = this.ops[pc];
    // Where an operation of 32 bits cuts something off, the result is only smaller.
    if (op?.kind !== 'alu' || (op.op !== 'mov' && op.op !== 'add')) return undefined;
    const i = pc - this.values.effects.start;
    if (op.op === 'mov')
      return op.src?.kind === 'reg' ? this.growth(this.operands.second[i], loop, depth + 1) : undefined;
    const before = this.growth(this.operands.first[i], loop, depth + 1);
    if (before === undefined) return undefined;
    const by = op.src?.kind === 'imm' ? (op.src.value < 0 ? ANYTHING : op.src.value) : this.of(this.operands.second[i]);
    return before + Math.max(0, by);
  }

  private joinedGrowth(value: number, loop: number, depth: number): number | undefined {
    const { from, list } = this.values.joins;
    if (from[value] === from[value + 1]) return undefined;
    let most = 0;
    for (let j = from[value]; j < from[value + 1]; j++) {
      const growth = this.growth(list[j], loop, depth + 4);
      if (growth === undefined) return undefined;
      if (growth > most) most = growth;
    }
    return most;
  }

  /** A join whose bound has grown: a loop adds to it. What it begins with, and what all rounds together add. */
  private widen(value: number, now: number): number {
    const { insnLimit = ANYTHING, rounds } = this.options;
    const limit = Math.min(insnLimit, rounds.get(this.values.blockOf[value]) ?? ANYTHING);
    if (limit === ANYTHING) return now <= U32 ? U32 : ANYTHING;
    if (this.widened[value] > MAX_WIDENINGS) return ANYTHING;
    const { from, list } = this.values.joins;
    let start = 0;
    let step = 0;
    for (let j = from[value]; j < from[value + 1]; j++) {
      const growth = this.growth(list[j], value);
      if (growth === undefined) start = Math.max(start, this.of(list[j]));
      else step = Math.max(step, growth);
    }
    const bound = exact(start + step * limit);
    if (bound > this.max[value]) this.widened[value]++;
    return bound;
  }

  /** What comes together in a join: a larger bound than before is one that a loop goes on raising. */
  private joined(value: number): number {
    const { from, list } = this.values.joins;
    if (this.widened[value] > 0) return this.widen(value, ANYTHING);
    let now = -1;
    for (let j = from[value]; j < from[value + 1]; j++) now = Math.max(now, this.of(list[j]));
    return this.max[value] >= 0 && now > this.max[value] ? this.widen(value, now) : now;
  }

  /** One round over all values, in the order of the blocks; true when something has changed. */
  round(): boolean {
    const { joins, pcOf, effects } = this.values;
    let changed = false;
    for (let value = 0; value < pcOf.length; value++) {
      const pc = pcOf[value];
      const isJoin = joins.from[value] < joins.from[value + 1];
      if (pc < 0 && !isJoin) continue;
      const now = isJoin ? this.joined(value) : this.made(this.ops[pc] as Op, pc - effects.start, pc);
      if (now <= this.max[value]) continue;
      this.max[value] = now;
      changed = true;
    }
    return changed;
  }
}

/** The largest number that each value can be. */
export function findRanges(ops: Ops, values: Values, operands: Operands, options: RangeOptions): Float64Array {
  const ranges = new Ranges(ops, values, operands, options);
  while (ranges.round());
  return ranges.max;
}
