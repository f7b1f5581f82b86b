// Calls of helpers: may this program call it, do the arguments fit its prototype, what does it return.

import { EINVAL } from '../../isa';
import { Env } from '../env';
import { Insn } from '../insn';
import { fail } from '../log';
import { MSG_UNKNOWN_OPCODE } from '../messages/core';

export function checkHelperCall(env: Env, insn: Insn): i32 {
  return fail(env, EINVAL, MSG_UNKNOWN_OPCODE, insn.code);
}
