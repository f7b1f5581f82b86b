// The stack that functions calling each other use together: 512 bytes, and 256 below a function that tail-calls.
import { E2BIG, EACCES, EINVAL, MAX_BPF_STACK } from '../isa';
import {
  KFUNC_THROW,
  SPX_HAS_TAIL_CALL,
  SPX_IS_ASYNC_CALLBACK,
  SPX_IS_CALLBACK,
  SPX_IS_EXCEPTION_CB,
  SPX_TAIL_CALL_REACHABLE,
} from './abi';
import { kfuncProto } from './call/kfunc-proto';
import { Env } from './env';
import { Insn } from './insn';
import { fail } from './log';
import {
  MSG_EXCEPTION_CB_CALL,
  MSG_STACK_TOO_LARGE,
  MSG_TAIL_CALL_STACK,
  MSG_THROW_IN_CALLBACK,
  MSG_TOO_MANY_FRAMES,
} from './messages/core';
import { subprogAt } from './subprogs';

const MAX_FRAMES: u32 = 8;
/** A tail-called program gets a whole stack of its own: what calls it may not use more than half. */
const TAIL_CALL_STACK: u32 = 256;

/** The JIT's frames are multiples of 16 bytes. */
function frameBytes(depth: u32): u32 {
  return (depth + 15) & ~15;
}

/** Exceptions unwind to the program's entry: what a helper has called cannot be left like that. */
function throws(env: Env, insn: Insn): bool {
  if (!insn.isKfuncCall) return false;
  const proto = kfuncProto(env, insn);
  return changetype<usize>(proto) != 0 && proto.kind == KFUNC_THROW;
}

export function checkStackDepth(env: Env): i32 {
  let err = walk(env, 0, 0, 1, false, NO_CALLBACK);
  for (let i: u32 = 1; i < env.subprogCount && err == 0; i++) {
    if ((env.subprog(i).found & (SPX_IS_ASYNC_CALLBACK | SPX_IS_EXCEPTION_CB)) != 0)
      err = walk(env, i, 0, 1, false, NO_CALLBACK);
  }
  return err;
}

const NO_CALLBACK: i32 = -1;

/** `depth`: bytes of the callers; `frames` counts this function; `callback`: the innermost callback that led here. */
function walk(env: Env, index: u32, depth: u32, frames: u32, tailReachable: bool, callback: i32): i32 {
  const func = env.subprog(index);
  env.pc = func.start;
  if (frames > 1 && (func.found & SPX_HAS_TAIL_CALL) != 0 && depth >= TAIL_CALL_STACK)
    return fail(env, EACCES, MSG_TAIL_CALL_STACK, depth);
  const total = depth + frameBytes(func.stackDepth);
  if (total > <u32>MAX_BPF_STACK) return fail(env, EACCES, MSG_STACK_TOO_LARGE, frames, total);
  const reachable = tailReachable || (func.found & SPX_HAS_TAIL_CALL) != 0;
  if (reachable) func.found |= SPX_TAIL_CALL_REACHABLE;
  const within = (func.found & (SPX_IS_CALLBACK | SPX_IS_EXCEPTION_CB)) != 0 ? <i32>index : callback;
  for (let pc = func.start; pc < func.end; pc++) {
    const insn = env.insn(pc);
    if (within >= 0 && throws(env, insn)) {
      env.pc = pc;
      return fail(env, EINVAL, MSG_THROW_IN_CALLBACK, pc, within);
    }
    if (!insn.isSubprogCall && !insn.isFuncAddress) continue;
    const callee = subprogAt(env, <i64>pc + insn.imm + 1);
    if (callee < 0) continue;
    const found = env.subprog(callee).found;
    if ((found & (SPX_IS_ASYNC_CALLBACK | SPX_IS_EXCEPTION_CB)) != 0 && !insn.isSubprogCall) continue;
    env.pc = pc;
    if ((found & SPX_IS_EXCEPTION_CB) != 0) return fail(env, EINVAL, MSG_EXCEPTION_CB_CALL, pc);
    if (frames >= MAX_FRAMES) return fail(env, E2BIG, MSG_TOO_MANY_FRAMES, frames);
    const err = walk(env, callee, total, frames + 1, reachable, within);
    if (err != 0) return err;
  }
  return 0;
}
