/** Rounds of a loop that are run several at a time (`ir/unroll`): their guards, and where their accesses go. */
import type { Form } from '../ir/linear.ts';
import { FRAME } from '../ir/operands.ts';
import type { Guard } from '../ir/unroll.ts';
import type { Access } from './check.ts';
import { type FuncEnv, pushReg32 } from './env.ts';
import * as w from './opcodes.ts';

const SHORT = { lt: w.I32_GE_U, le: w.I32_GT_U, gt: w.I32_LE_U, ge: w.I32_LT_U } as const;
const WIDE = { lt: w.I64_GE_S, le: w.I64_GT_S, gt: w.I64_LE_S, ge: w.I64_LT_S } as const;

function pushForm(f: FuncEnv, { terms, add }: Form, short: boolean): void {
  const { code, plan, regs } = f;
  const number = (value: number) => (short ? code.i32(value | 0) : code.i64parts(value, Math.floor(value / 2 ** 32)));
  let pushed = 0;
  for (const [value, times] of terms) {
    if (value === FRAME) {
      code.get(f.fp);
      if (!short) code.op(w.I64_EXTEND_I32_U);
    } else if (short) {
      regs.pushLow(plan.values.varOf[value]);
    } else {
      regs.push(plan.values.varOf[value]);
    }
    if (times !== 1) {
      number(times);
      code.op(short ? w.I32_MUL : w.I64_MUL);
    }
    if (pushed > 0) code.op(short ? w.I32_ADD : w.I64_ADD);
    pushed++;
  }
  if (add === 0 && pushed > 0) return;
  number(add);
  if (pushed > 0) code.op(short ? w.I32_ADD : w.I64_ADD);
}

/** Puts an i32 on the stack that is not zero where a guard does not hold. */
export function pushFailure(f: FuncEnv, { at, bound, relation, short }: Guard): void {
  pushForm(f, at, short);
  pushForm(f, bound, short);
  f.code.op((short ? SHORT : WIDE)[relation]);
}

/**
 * Puts the base of an access on the stack that goes on by a constant each round: that of round 0, and what the others are behind it goes into the offset that
 * is returned. Both addresses are below 2^32, so they are the same. Undefined where it is another access.
 */
export function pushAnchored(f: FuncEnv, { pc, reg, off }: Access): number | undefined {
  const { code, plan, round } = f;
  if (round === undefined || reg === 10) return undefined;
  const base = plan.operands.first[pc - plan.values.effects.start];
  const stride = round.unroll.strides.get(base);
  if (stride === undefined) return undefined;
  const behind = off + round.index * stride;
  if (round.index === 0) {
    if (!round.bases.has(base)) round.bases.set(base, code.addLocal('i32'));
    pushReg32(f, reg);
    code.tee(round.bases.get(base) as number);
  } else if (behind >= 0) {
    code.get(round.bases.get(base) as number);
  }
  if (behind >= 0) return behind;
  if (round.index > 0) pushReg32(f, reg);
  code.i32(off);
  code.op(w.I32_ADD);
  return 0;
}
