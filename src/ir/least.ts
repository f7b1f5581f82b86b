/**
 * The least number that each value can be, as far as addresses of packets are concerned: a program asks each pointer that it has gone forward with whether it
 * is NULL, and page 0 of a memory holds nothing. A number is only added to where the sum of the largest ones does not wrap.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import type { Operands } from './operands.ts';
import type { Values } from './values.ts';

/** No packet begins below: it is the end of page 0. */
const ADDRESS_START = 0x1_0000;
const U32 = 0xffff_ffff;

export interface LeastOptions {
  /** The load at a pc gives an address: one of the packet's ends. */
  readonly loadsAddress: (pc: number) => boolean;
  /** By value: the largest number it can be. */
  readonly max: Float64Array;
  readonly slotAt: ReadonlyMap<number, number>;
}

class Finder {
  readonly least: Float64Array;
  private readonly ops: Ops;
  private readonly values: Values;
  private readonly operands: Operands;
  private readonly options: LeastOptions;

  constructor(ops: Ops, values: Values, operands: Operands, options: LeastOptions) {
    this.ops = ops;
    this.values = values;
    this.operands = operands;
    this.options = options;
    this.least = new Float64Array(values.count);
  }

  /** Values come behind those they are made of, but for what comes round a loop: that is still 0 then. */
  run(): void {
    const { pcOf, count } = this.values;
    for (let value = 0; value < count; value++) {
      const pc = pcOf[value];
      const op = pc < 0 ? undefined : this.ops[pc];
      this.least[value] = op === undefined ? this.join(value) : this.made(op, pc);
    }
  }

  private join(value: number): number {
    const { from, list } = this.values.joins;
    let least = from[value] < from[value + 1] ? U32 : 0;
    for (let j = from[value]; j < from[value + 1]; j++) least = Math.min(least, this.of(list[j]));
    return least;
  }

  private of(value: number): number {
    return value < 0 ? 0 : this.least[value];
  }

  private made(op: Op, pc: number): number {
    const { loadsAddress, slotAt } = this.options;
    const i = pc - this.values.effects.start;
    if (op.kind === 'load' && op.size === 8 && slotAt.has(pc)) return this.of(this.operands.first[i]);
    if (op.kind === 'load') return loadsAddress(pc) ? ADDRESS_START : 0;
    if (op.kind === 'store' && op.size === 8 && slotAt.has(pc) && op.src.kind === 'reg')
      return this.of(this.operands.second[i]);
    return op.kind === 'alu' ? this.alu(op, i) : 0;
  }

  private alu(op: Op & { kind: 'alu' }, i: number): number {
    const { max } = this.options;
    const [a, b] = [this.operands.first[i], this.operands.second[i]];
    if (op.op === 'mov' && op.src?.kind === 'reg') return b >= 0 && max[b] <= U32 ? this.of(b) : 0;
    if (op.op !== 'add' || a < 0) return 0;
    if (op.src?.kind === 'imm') {
      const sum = this.of(a) + op.src.value;
      return sum > 0 && max[a] + op.src.value <= U32 ? sum : 0;
    }
    return b >= 0 && max[a] + max[b] <= U32 ? this.of(a) + this.of(b) : 0;
  }
}

/** By value; 0 where nothing is known. */
export function findLeast(ops: Ops, values: Values, operands: Operands, options: LeastOptions): Float64Array {
  const finder = new Finder(ops, values, operands, options);
  finder.run();
  return finder.least;
}

/** Whether a jump that asks if a value is one number is taken, where that number is below all that it can be. */
export function isTaken(op: Op, least: number, max: number): boolean | undefined {
  if (op.kind !== 'jcond' || op.src.kind !== 'imm' || op.src.value < 0 || op.src.value >= least) return undefined;
  if (op.width === 32 && max > U32) return undefined;
  return op.op === 'eq' || op.op === 'ne' ? op.op === 'ne' : undefined;
}
