// Loads, stores, atomics and legacy packet loads: what each insn needs of its registers, then the access itself (memory.ts).

import { EINVAL } from '../../isa';
import { Env } from '../env';
import { Insn } from '../insn';
import { fail } from '../log';
import { MSG_UNKNOWN_OPCODE } from '../messages/core';

export function checkLoad(env: Env, insn: Insn): i32 {
  return fail(env, EINVAL, MSG_UNKNOWN_OPCODE, insn.code);
}

/** Store of a register. */
export function checkStore(env: Env, insn: Insn): i32 {
  return fail(env, EINVAL, MSG_UNKNOWN_OPCODE, insn.code);
}

/** Store of a constant. */
export function checkStoreImm(env: Env, insn: Insn): i32 {
  return fail(env, EINVAL, MSG_UNKNOWN_OPCODE, insn.code);
}

export function checkAtomic(env: Env, insn: Insn): i32 {
  return fail(env, EINVAL, MSG_UNKNOWN_OPCODE, insn.code);
}

/** BPF_LD with ABS or IND. */
export function checkLegacyLoad(env: Env, insn: Insn): i32 {
  return fail(env, EINVAL, MSG_UNKNOWN_OPCODE, insn.code);
}
