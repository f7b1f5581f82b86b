// Conditional jumps: which branches are possible, and what each says of the registers compared.

import { EINVAL } from '../isa';
import { Env } from './env';
import { Insn } from './insn';
import { fail } from './log';
import { MSG_UNKNOWN_OPCODE } from './messages/core';

/**
 * Walks on with one branch and puts the other aside (paths.ts), each with what the comparison says. The main loop adds 1 to `env.pc`
 * afterwards: to follow the jump, this adds the insn's offset. 0, or -errno.
 */
export function checkCondJump(env: Env, insn: Insn): i32 {
  return fail(env, EINVAL, MSG_UNKNOWN_OPCODE, insn.code);
}

export function checkMayGoto(env: Env, insn: Insn): i32 {
  return fail(env, EINVAL, MSG_UNKNOWN_OPCODE, insn.code);
}
