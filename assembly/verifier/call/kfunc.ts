// Calls of kfuncs, judged by their BTF prototypes.

import { EINVAL } from '../../isa';
import { Env } from '../env';
import { Insn } from '../insn';
import { fail } from '../log';
import { MSG_UNKNOWN_OPCODE } from '../messages/core';

export function checkKfuncCall(env: Env, insn: Insn): i32 {
  return fail(env, EINVAL, MSG_UNKNOWN_OPCODE, insn.code);
}

/** `checkKfuncCall`: the call does not return. */
export const KFUNC_ENDS_PATH: i32 = 1;
