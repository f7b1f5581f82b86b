// ALU and ALU64 insns: requirements, then what the destination holds behind them.

import { EINVAL } from '../isa';
import { Env } from './env';
import { Insn } from './insn';
import { fail } from './log';
import { MSG_UNKNOWN_OPCODE } from './messages/core';

/** Checks the insn and changes its destination. 0, or -errno. */
export function checkAlu(env: Env, insn: Insn): i32 {
  return fail(env, EINVAL, MSG_UNKNOWN_OPCODE, insn.code);
}
