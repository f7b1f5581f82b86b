/** A choice between what a register holds and what a move would put there (`ir/choices`). */
import type { Move } from '../ir/choices.ts';
import { type FuncEnv, pushReg, pushReg32, setReg, setReg32 } from './env.ts';
import * as w from './opcodes.ts';

/** What is moved, as an i64: a move of 32 bits clears the upper half. */
function pushMoved(f: FuncEnv, move: Move): void {
  const { code } = f;
  if (move.kind === 'lddw') {
    if (move.value.kind === 'const') code.i64parts(move.value.lo, move.value.hi);
  } else if (move.src?.kind === 'reg') {
    if (move.width === 64) {
      pushReg(f, move.src.reg);
      return;
    }
    pushReg32(f, move.src.reg);
    code.op(w.I64_EXTEND_I32_U);
  } else {
    const value = move.src?.value ?? 0;
    code.i64parts(value | 0, move.width === 64 && value < 0 ? -1 : 0);
  }
}

/** Its low half, as an i32. */
function pushMoved32(f: FuncEnv, move: Move): void {
  if (move.kind === 'lddw') f.code.i32(move.value.kind === 'const' ? move.value.lo : 0);
  else if (move.src?.kind === 'reg') pushReg32(f, move.src.reg);
  else f.code.i32(move.src?.value ?? 0);
}

/** The move happens unless `pushCondition` puts something else than zero on the stack. */
export function lowerChoice(f: FuncEnv, move: Move, pushCondition: () => void): void {
  if (f.regs.isDead()) return;
  const low = f.regs.makesLow();
  (low ? pushReg32 : pushReg)(f, move.dst);
  (low ? pushMoved32 : pushMoved)(f, move);
  pushCondition();
  f.code.op(w.SELECT);
  (low ? setReg32 : setReg)(f, move.dst);
}
