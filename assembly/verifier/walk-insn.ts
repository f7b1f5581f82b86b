// One insn: dispatch to its class, and what it does to the path.
import { BPF_ALU, BPF_ALU64, BPF_ATOMIC, BPF_IMM, BPF_JMP, BPF_LD, BPF_LDX, BPF_ST, BPF_STX, EINVAL } from '../isa';
import { AUXF_FORM_OK, AUXF_SEEN } from './abi';
import { checkAtomic, checkLegacyLoad, checkLoad, checkStore, checkStoreImm } from './access/insns';
import { checkAlu } from './alu';
import { checkHelperCall } from './call/helper';
import { checkKfuncCall, KFUNC_ENDS_PATH } from './call/kfunc';
import { checkExitRefs } from './call/refs';
import { isMayGoto } from './cfg';
import { Env } from './env';
import { checkReturn } from './exit';
import { checkForm } from './form';
import { checkSubprogCall, checkSubprogExit } from './functions';
import { Insn } from './insn';
import { checkCondJump, checkMayGoto } from './jmp';
import { checkLddw } from './lddw';
import { fail } from './log';
import { MSG_CALL_LOCKED } from './messages/core';
import { isExit, isGoto } from './successors';

/** `walkInsn`: the path goes on behind `env.pc`, or ends here. */
export const NEXT: i32 = 0;
export const END_OF_PATH: i32 = 1;

const HELPER_SPIN_UNLOCK: i32 = 94;

/** NEXT with `env.pc` at the last slot of the insn (or of the one before the target), END_OF_PATH, or -errno. */
export function walkInsn(env: Env, insn: Insn): i32 {
  const aux = env.auxOf(env.pc);
  aux.flags |= AUXF_SEEN;
  if ((aux.flags & AUXF_FORM_OK) == 0) {
    const err = checkForm(env, insn);
    if (err != 0) return err;
    aux.flags |= AUXF_FORM_OK;
  }
  switch (insn.cls) {
    case BPF_ALU:
    case BPF_ALU64:
      return checkAlu(env, insn);
    case BPF_LDX:
      return checkLoad(env, insn);
    case BPF_STX:
      return insn.mode == BPF_ATOMIC ? checkAtomic(env, insn) : checkStore(env, insn);
    case BPF_ST:
      return checkStoreImm(env, insn);
    case BPF_LD:
      return insn.mode == BPF_IMM ? checkLddw(env, insn) : checkLegacyLoad(env, insn);
    default:
      env.jmpsProcessed++;
      return walkJump(env, insn);
  }
}

function walkJump(env: Env, insn: Insn): i32 {
  if (isExit(insn)) return walkExit(env);
  if (isGoto(insn)) {
    env.pc += insn.cls == BPF_JMP ? <i32>insn.off : insn.imm;
    return NEXT;
  }
  if (insn.isCall) return walkCall(env, insn);
  return isMayGoto(insn) ? checkMayGoto(env, insn) : checkCondJump(env, insn);
}

function walkCall(env: Env, insn: Insn): i32 {
  if (insn.isKfuncCall) {
    const result = checkKfuncCall(env, insn);
    return result == KFUNC_ENDS_PATH ? END_OF_PATH : result;
  }
  const locked = env.cur.activeLocks != 0;
  if (insn.isSubprogCall) return checkSubprogCall(env, insn);
  if (locked && insn.imm != HELPER_SPIN_UNLOCK) return fail(env, EINVAL, MSG_CALL_LOCKED);
  return checkHelperCall(env, insn);
}

function walkExit(env: Env): i32 {
  const err = checkExitRefs(env, env.cur.curframe == 0);
  if (err != 0) return err;
  if (env.cur.curframe > 0) return checkSubprogExit(env);
  const ret = checkReturn(env);
  return ret != 0 ? ret : END_OF_PATH;
}
