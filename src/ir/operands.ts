/** Which values an insn reads: found by one walk over the blocks. */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import type { Block } from './cfg.ts';
import type { Values } from './values.ts';

/** The operand is R10: the frame, which is no value. */
export const FRAME = -2;
/** There is no such operand. */
export const NONE = -1;

/** By pc - start: values of the first and the second operand (see `operandsOf`). */
export interface Operands {
  readonly first: Int32Array;
  readonly second: Int32Array;
}

/** Registers of the operands: what is changed or the base of an access first, then the source. -1 for none. */
function operandRegs(op: Op): readonly [number, number] {
  switch (op.kind) {
    case 'alu':
      return [op.op === 'mov' ? -1 : op.dst, op.src?.kind === 'reg' ? op.src.reg : -1];
    case 'movsx':
    case 'cast_user':
    case 'ldind':
      return [-1, op.src];
    case 'swap':
      return [op.dst, -1];
    case 'load':
      return [op.src, -1];
    case 'store':
    case 'jcond':
      return [op.dst, op.src.kind === 'reg' ? op.src.reg : -1];
    case 'atomic':
      return op.op === 'load_acq' ? [op.src, -1] : [op.dst, op.src];
    case 'exit':
      return [-1, 0];
    default:
      return [-1, -1];
  }
}

/** Calls `visit` for each insn in the order of the blocks, with the value of each variable before it. The array is reused. */
export function walkValues(
  blocks: readonly Block[],
  ops: Ops,
  values: Values,
  visit: (pc: number, op: Op, now: Int32Array) => void,
): void {
  const { count, start, writes } = values.effects;
  const now = new Int32Array(count);
  for (const b of values.order.rpo) {
    for (let v = 0; v < count; v++) now[v] = values.entry[b * count + v];
    for (let pc = blocks[b].start; pc < blocks[b].end; pc++) {
      const op = ops[pc];
      if (op === undefined) continue;
      visit(pc, op, now);
      if (writes[pc - start] >= 0) now[writes[pc - start]] = values.made[pc - start];
    }
  }
}

const operandValue = (now: Int32Array, reg: number): number => (reg === 10 ? FRAME : reg < 0 ? NONE : now[reg]);

/** Operands of all insns; a load of a slot has the slot's value as its first, a store to one has none. */
export function findOperands(
  blocks: readonly Block[],
  ops: Ops,
  values: Values,
  slotAt: ReadonlyMap<number, number>,
): Operands {
  const { start, reads } = values.effects;
  const first = new Int32Array(reads.length).fill(NONE);
  const second = new Int32Array(reads.length).fill(NONE);
  walkValues(blocks, ops, values, (pc, op, now) => {
    const [a, b] = operandRegs(op);
    const i = pc - start;
    second[i] = operandValue(now, b);
    const slot = slotAt.get(pc);
    if (slot === undefined) first[i] = operandValue(now, a);
    else first[i] = op.kind === 'load' ? now[slot] : NONE;
  });
  return { first, second };
}
