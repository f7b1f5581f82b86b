/**
 * Values of a loop as sums: what its header begins with, times constants, plus a constant. Of a value whose sum is of numbers that grow by a constant
 * each round, it says by how much it grows. Sums are those of 64-bit registers, modulo 2^64; an operation of 32 bits is one only where it cannot wrap.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import type { Operands } from './operands.ts';
import type { Values } from './values.ts';

type Alu = Op & { kind: 'alu' };

/** The sum of `terms` (value at the header, or FRAME, by how often it is in it) and `add`. */
export interface Form {
  readonly terms: ReadonlyMap<number, number>;
  readonly add: number;
}

const U32 = 0xffff_ffff;
const OF_BYTES: Readonly<Record<number, number>> = { 1: 0xff, 2: 0xffff, 4: U32, 8: Number.POSITIVE_INFINITY };
/** Larger numbers are no offsets of a loop, and sums of smaller ones are exact. */
const MAX_CONSTANT = 2 ** 31;

export interface LinearOptions {
  readonly ops: Ops;
  readonly values: Values;
  readonly operands: Operands;
  /** By value: the largest number it can be. */
  readonly max: Float64Array;
  readonly slotAt: ReadonlyMap<number, number>;
}

function scale({ terms, add }: Form, by: number): Form {
  return { terms: new Map([...terms].map(([value, times]) => [value, times * by])), add: add * by };
}

function sum(a: Form, b: Form): Form {
  const terms = new Map(a.terms);
  for (const [value, times] of b.terms) {
    const now = (terms.get(value) ?? 0) + times;
    if (now === 0) terms.delete(value);
    else terms.set(value, now);
  }
  return { terms, add: a.add + b.add };
}

const isSmall = ({ terms, add }: Form): boolean =>
  Math.abs(add) <= MAX_CONSTANT && [...terms.values()].every((times) => Math.abs(times) <= MAX_CONSTANT);

/** Forms of the values that a chain of blocks makes, one behind the other, from its first block's begin on. */
export class Forms {
  private readonly made = new Map<number, Form | undefined>();
  private readonly given: LinearOptions;

  constructor(given: LinearOptions) {
    this.given = given;
  }

  /** What an insn of the chain makes; they come in their order. */
  step(op: Op, pc: number): void {
    const i = pc - this.given.values.effects.start;
    const value = this.given.values.made[i];
    if (value < 0) return;
    const found = this.formOf(op, pc, i);
    this.made.set(value, found !== undefined && isSmall(found) ? found : undefined);
  }

  /** The sum that a value is; of one that the chain does not make, itself. */
  of(value: number): Form | undefined {
    if (value === -1) return undefined;
    return this.made.has(value) ? this.made.get(value) : { terms: new Map([[value, 1]]), add: 0 };
  }

  private max(value: number): number {
    return value >= 0 ? this.given.max[value] : U32;
  }

  private formOf(op: Op, pc: number, i: number): Form | undefined {
    const { operands, slotAt } = this.given;
    switch (op.kind) {
      case 'alu':
        return op.width === 64 ? this.alu(op, i) : this.short(op, i);
      case 'load':
        // What was stored to the variable is all that a load gives, if it is not longer than the load.
        return slotAt.has(pc) && !op.signed ? this.cut(operands.first[i], OF_BYTES[op.size]) : undefined;
      case 'store':
        if (op.src.kind === 'imm') {
          return op.src.value >= 0 && op.src.value <= OF_BYTES[op.size] ? constant(op.src.value) : undefined;
        }
        return this.cut(operands.second[i], OF_BYTES[op.size]);
      default:
        return undefined;
    }
  }

  private cut(value: number, limit: number): Form | undefined {
    return limit > U32 || this.max(value) <= limit ? this.of(value) : undefined;
  }

  /** The same as of 64 bits where nothing is cut off: neither of the operands nor of the result. */
  private short(op: Alu, i: number): Form | undefined {
    const { operands } = this.given;
    if (op.op === 'sub') return undefined;
    if (op.src?.kind === 'imm' && op.src.value < 0) return undefined;
    const a = op.op === 'mov' ? 0 : this.max(operands.first[i]);
    const b = op.src?.kind === 'imm' ? op.src.value : this.max(operands.second[i]);
    if (a > U32 || b > U32) return undefined;
    const result = op.op === 'mul' ? a * b : op.op === 'lsh' ? a * 2 ** (b & 31) : a + b;
    return result <= U32 ? this.alu(op, i) : undefined;
  }

  private alu(op: Alu, i: number): Form | undefined {
    const { first, second } = this.given.operands;
    const by = op.src?.kind === 'imm' ? op.src.value : undefined;
    const source = (): Form | undefined => (by === undefined ? this.of(second[i]) : constant(by));
    if (op.op === 'mov') return source();
    const a = this.of(first[i]);
    if (a === undefined) return undefined;
    if (op.op === 'lsh' || op.op === 'mul') {
      if (by === undefined) return undefined;
      const times = op.op === 'mul' ? by : 2 ** (by & (op.width - 1));
      return times > 0 && times <= MAX_CONSTANT ? scale(a, times) : undefined;
    }
    if (op.op !== 'add' && op.op !== 'sub') return undefined;
    const b = source();
    return b && sum(a, op.op === 'sub' ? scale(b, -1) : b);
  }
}

const constant = (add: number): Form => ({ terms: new Map(), add });

/** By how much a sum grows each round, given the same of the numbers in it; undefined if one of them has no such number. */
export function strideOf(form: Form, growth: (value: number) => number | undefined): number | undefined {
  let stride = 0;
  for (const [value, times] of form.terms) {
    const by = growth(value);
    if (by === undefined) return undefined;
    stride += by * times;
  }
  return Math.abs(stride) <= MAX_CONSTANT ? stride : undefined;
}
