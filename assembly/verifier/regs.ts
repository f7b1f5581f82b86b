// Registers of the current frame as an insn uses them: reading needs a value, R10 is never written, calls leave R1..R5 unreadable.

import { EACCES, EINVAL } from '../isa';
import { NOT_INIT, SCALAR } from './abi';
import { Env } from './env';
import { fail } from './log';
import { MSG_BAD_REG, MSG_FP_READ_ONLY, MSG_REG_NOT_READABLE } from './messages/core';
import { markNotInit, markUnknown, REG_PRECISE, RegState } from './reg-state';

/** The insn reads `regno`. */
export function checkRead(env: Env, regno: u32): i32 {
  if (regno > 10) return fail(env, EINVAL, MSG_BAD_REG, regno);
  if (env.reg(regno).type == NOT_INIT) return fail(env, EACCES, MSG_REG_NOT_READABLE, regno);
  return 0;
}

/** The insn will write `regno`; its state is left as it is. */
export function checkWritable(env: Env, regno: u32): i32 {
  if (regno > 10) return fail(env, EINVAL, MSG_BAD_REG, regno);
  if (regno == 10) return fail(env, EACCES, MSG_FP_READ_ONLY);
  return 0;
}

/** The insn writes `regno`: until told otherwise, a scalar of which nothing is known. */
export function checkWrite(env: Env, regno: u32): i32 {
  const err = checkWritable(env, regno);
  if (err != 0) return err;
  setUnknown(env, env.reg(regno));
  return 0;
}

/** A scalar of which nothing is known, precise where the program's rights ask for it. */
export function setUnknown(env: Env, reg: RegState): void {
  markUnknown(reg);
  if (!env.allowImprecise) reg.flags = REG_PRECISE;
}

/** R0..R5 behind a call: nothing may be read. */
export function clobberCallerSaved(env: Env): void {
  for (let i: u32 = 0; i < 6; i++) markNotInit(env.reg(i));
}

/** A pointer as far as leaks are concerned: everything but a scalar. */
export function isPointer(env: Env, regno: u32): bool {
  const type = env.reg(regno).type;
  return type != SCALAR && type != NOT_INIT;
}
