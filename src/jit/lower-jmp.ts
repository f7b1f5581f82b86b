/** Conditions of jumps (RFC 9669 section 4.3): puts an i32 on the stack that is not zero when the jump is taken. */
import type { Op } from '../isa/op.ts';
import { type FuncEnv, fits32, pushReg, pushReg32 } from './env.ts';
import * as w from './opcodes.ts';

type Jcond = Op & { kind: 'jcond' };
type Condition = Exclude<Jcond['op'], 'set'>;

const OPCODE_64: Record<Condition, number> = {
  eq: w.I64_EQ,
  ne: w.I64_NE,
  gt: w.I64_GT_U,
  ge: w.I64_GE_U,
  lt: w.I64_LT_U,
  le: w.I64_LE_U,
  sgt: w.I64_GT_S,
  sge: w.I64_GE_S,
  slt: w.I64_LT_S,
  sle: w.I64_LE_S,
};
const OPCODE_32: Record<Condition, number> = {
  eq: w.I32_EQ,
  ne: w.I32_NE,
  gt: w.I32_GT_U,
  ge: w.I32_GE_U,
  lt: w.I32_LT_U,
  le: w.I32_LE_U,
  sgt: w.I32_GT_S,
  sge: w.I32_GE_S,
  slt: w.I32_LT_S,
  sle: w.I32_LE_S,
};
const OPPOSITE: Record<Condition, Condition> = {
  eq: 'ne',
  ne: 'eq',
  gt: 'le',
  ge: 'lt',
  lt: 'ge',
  le: 'gt',
  sgt: 'sle',
  sge: 'slt',
  slt: 'sge',
  sle: 'sgt',
};

/** Signed comparisons of what is not negative in 64 bits. */
const UNSIGNED: Partial<Record<Condition, Condition>> = { sgt: 'gt', sge: 'ge', slt: 'lt', sle: 'le' };

/** A comparison of two numbers below 2^32 is one of 32 bits. */
function isShort(f: FuncEnv, op: Jcond): boolean {
  return fits32(f, op.dst) && (op.src.kind === 'reg' ? fits32(f, op.src.reg) : op.src.value >= 0);
}

function pushOperands(f: FuncEnv, op: Jcond, wide: boolean): void {
  const push = wide ? pushReg : pushReg32;
  push(f, op.dst);
  if (op.src.kind === 'reg') push(f, op.src.reg);
  else if (wide) f.code.i64(op.src.value);
  else f.code.i32(op.src.value);
}

/** The jump's condition, or with `negate` its opposite. */
export function lowerCondition(
  f: FuncEnv,
  given: Op & { kind: 'jcond' | 'may_goto' },
  pc: number,
  negate: boolean,
): void {
  const constant = f.plan.swaps.constants.get(pc);
  const op = constant === undefined ? given : { ...given, src: { kind: 'imm' as const, value: constant } };
  if (op.kind === 'may_goto') {
    mayGoto(f, negate);
    return;
  }
  const short = op.width === 64 && isShort(f, op);
  const wide = op.width === 64 && !short;
  pushOperands(f, op, wide);
  if (op.op !== 'set') {
    const condition = short ? (UNSIGNED[op.op] ?? op.op) : op.op;
    f.code.op((wide ? OPCODE_64 : OPCODE_32)[negate ? OPPOSITE[condition] : condition]);
    return;
  }
  f.code.op(wide ? w.I64_AND : w.I32_AND, wide ? w.I64_EQZ : w.I32_EQZ);
  if (!negate) f.code.op(w.I32_EQZ);
}

/** The jump is taken when the counter is used up; otherwise it counts down. */
function mayGoto(f: FuncEnv, negate: boolean): void {
  const counter = f.mayGoto as number;
  f.code.get(counter);
  f.code.i32(1);
  f.code.op(w.I32_SUB);
  f.code.tee(counter);
  f.code.i32(0);
  f.code.op(negate ? w.I32_GE_S : w.I32_LT_S);
}
