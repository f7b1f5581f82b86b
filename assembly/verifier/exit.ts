// The end of a path: what R0 must be when the program, a global function or a callback returns.
import { EACCES, EINVAL } from '../isa';
import { IN_RET_RANGE, PTR_TO_STACK, SCALAR, SPF_VOID } from './abi';
import { Env } from './env';
import { FRAME_IN_ASYNC, FRAME_IN_CALLBACK, Frame } from './frame';
import { fail } from './log';
import {
  MSG_ASYNC_RANGE,
  MSG_CALLBACK_RANGE,
  MSG_CANNOT_RETURN_STACK,
  MSG_R0_LEAKS_ADDR,
  MSG_R0_NOT_SCALAR,
  MSG_R0_NOT_SCALAR_CALLBACK,
  MSG_R0_NOT_SCALAR_SUBPROG,
  MSG_R0_RANGE,
} from './messages/core';
import { markChainPrecision } from './precision';
import { RegState } from './reg-state';
import { checkRead, isPointer } from './regs';

/** Where a value outside of its range was returned from; the message code says it. */
function checkRange(env: Env, reg: RegState, lo: i32, hi: i32, code: u32): i32 {
  if (reg.smin >= <i64>lo && reg.smax <= <i64>hi) return 0;
  return fail(env, EINVAL, code, reg.smin, reg.smax, lo, hi, reg.value, reg.mask);
}

/** `exit` in the outermost frame. */
export function checkReturn(env: Env): i32 {
  const frame = env.cur.cur;
  if (env.root != 0 && (env.subprog(env.root).flags & SPF_VOID) != 0 && (frame.flags & FRAME_IN_ASYNC) == 0) return 0;
  const err = checkRead(env, 0);
  if (err != 0) return err;
  const reg = env.reg(0);
  if (isPointer(env, 0) && !env.allowPtrLeaks) return fail(env, EACCES, MSG_R0_LEAKS_ADDR);
  if ((frame.flags & FRAME_IN_ASYNC) != 0) {
    if (reg.type != SCALAR) return fail(env, EINVAL, MSG_R0_NOT_SCALAR, reg.type, 1);
    const marked = markChainPrecision(env, 0);
    return marked != 0 ? marked : checkRange(env, reg, frame.retLo, frame.retHi, MSG_ASYNC_RANGE);
  }
  // What handles exceptions returns for the program.
  if (env.root != 0 && env.root != env.exceptionCb) {
    return reg.type != SCALAR ? fail(env, EINVAL, MSG_R0_NOT_SCALAR_SUBPROG, reg.type) : 0;
  }
  if (!env.input.has(IN_RET_RANGE)) return 0;
  if (reg.type != SCALAR) return fail(env, EINVAL, MSG_R0_NOT_SCALAR, reg.type, 0);
  const marked = markChainPrecision(env, 0);
  return marked != 0 ? marked : checkRange(env, reg, env.input.retLo, env.input.retHi, MSG_R0_RANGE);
}

/** `exit` in a frame above: what it may hand to its caller. */
export function checkFrameReturn(env: Env, callee: Frame): i32 {
  const r0 = callee.reg(0);
  if (r0.base == PTR_TO_STACK) return fail(env, EINVAL, MSG_CANNOT_RETURN_STACK);
  if ((callee.flags & FRAME_IN_CALLBACK) == 0) return 0;
  if (r0.type != SCALAR) return fail(env, EACCES, MSG_R0_NOT_SCALAR_CALLBACK);
  const err = markChainPrecision(env, 0);
  return err != 0 ? err : checkRange(env, r0, callee.retLo, callee.retHi, MSG_CALLBACK_RANGE);
}
