// Calls of the program's own functions: static ones are walked in place, global ones are judged by their BTF alone and walked by themselves.
import { E2BIG, EINVAL, ENOMEM } from '../isa';
import {
  PTR_MAYBE_NULL,
  PTR_TO_ARENA,
  PTR_TO_CTX,
  PTR_TO_STACK,
  SA_ARENA,
  SA_BTF_ID,
  SA_CTX,
  SA_DYNPTR,
  SA_MEM,
  SA_SCALAR,
  SAF_NULLABLE,
  SAF_UNTRUSTED,
  SCALAR,
  SPF_HAS_BTF,
  SPF_RETURNS_OTHER,
  SPF_UNRELIABLE,
  SPF_VOID,
  SPX_CALLED,
  SPX_CHANGES_PACKET,
  SPX_MIGHT_SLEEP,
} from './abi';
import { checkUnmodified } from './access/offset';
import { checkGlobalBtfArg, checkGlobalDynptr } from './call/global-args';
import { checkMemArg } from './call/mem-args';
import { clearPacketPointers } from './call/packet';
import { Env } from './env';
import { widen } from './equal';
import { checkFrameReturn } from './exit';
import { FRAME_IN_CALLBACK, Frame, freeFrame, newFrame } from './frame';
import { SubprogArg } from './input';
import { Insn } from './insn';
import { bindInstance } from './liveness';
import { fail, say } from './log';
import { logAssumed, logReturn } from './log-state';
import {
  MSG_ARG_NOT_ARENA,
  MSG_ARG_NOT_CTX,
  MSG_ARG_NOT_SCALAR,
  MSG_ARG_NULLABLE,
  MSG_CALL_TARGET,
  MSG_CALLS_TOO_DEEP,
  MSG_GLOBAL_BAD_ARGS,
  MSG_GLOBAL_CALL_LOCKED,
  MSG_GLOBAL_CALL_MAY_SLEEP,
  MSG_GLOBAL_RETURN_TYPE,
  MSG_NO_MEMORY,
} from './messages/core';
import { copyReg, isNullConst, markNotInit, markPointer } from './reg-state';
import { clobberCallerSaved, setUnknown } from './regs';
import { State } from './state';
import { subprogAt } from './subprogs';
import { previousRound } from './visit';

const MAX_FRAMES: u32 = 8;

/** Everything unreadable but R10. */
export function initFrame(frame: Frame, callsite: i32, frameno: u32, subprog: u32): void {
  frame.callsite = callsite;
  frame.frameno = frameno;
  frame.subprog = subprog;
  for (let i: u32 = 0; i < 10; i++) markNotInit(frame.reg(i));
  const fp = frame.reg(10);
  markPointer(fp, PTR_TO_STACK);
  fp.frameno = frameno;
}

/** Puts a frame for `subprog` on top; its R1..R5 are for the caller to fill. Null after `fail`. */
export function pushFrame(env: Env, state: State, subprog: u32, callsite: u32): Frame {
  const none = changetype<Frame>(0);
  if (state.curframe + 1 >= MAX_FRAMES) {
    fail(env, E2BIG, MSG_CALLS_TOO_DEEP, state.curframe + 2);
    return none;
  }
  const frame = newFrame();
  if (changetype<usize>(frame) == 0) {
    fail(env, ENOMEM, MSG_NO_MEMORY);
    return none;
  }
  state.curframe++;
  state.setFrame(state.curframe, frame);
  initFrame(frame, <i32>callsite, state.curframe, subprog);
  if (!bindInstance(env, state, state.curframe)) {
    fail(env, ENOMEM, MSG_NO_MEMORY);
    return none;
  }
  return frame;
}

/** A call with src_reg BPF_PSEUDO_CALL. The main loop adds 1 to `env.pc` afterwards. */
export function checkSubprogCall(env: Env, insn: Insn): i32 {
  const index = subprogAt(env, <i64>env.pc + insn.imm + 1);
  if (index < 0) return fail(env, EINVAL, MSG_CALL_TARGET, <i64>env.pc + insn.imm + 1);
  const subprog = env.subprog(index);
  if (subprog.isGlobal) return checkGlobalCall(env, index);
  noteArguments(env, index);
  const caller = env.cur.cur;
  const callee = pushFrame(env, env.cur, index, env.pc);
  if (changetype<usize>(callee) == 0) return -EINVAL;
  for (let i: u32 = 1; i < 6; i++) copyReg(callee.reg(i), caller.reg(i));
  for (let i: u32 = 0; i < 6; i++) markNotInit(caller.reg(i));
  env.pc = subprog.start - 1;
  return 0;
}

function checkGlobalCall(env: Env, index: u32): i32 {
  const subprog = env.subprog(index);
  const cur = env.cur;
  const bad = checkGlobalArgs(env, index);
  if (cur.activeLocks != 0) return fail(env, EINVAL, MSG_GLOBAL_CALL_LOCKED);
  if ((subprog.found & SPX_MIGHT_SLEEP) != 0) {
    if (cur.activeRcuLocks != 0 || cur.activePreemptLocks != 0 || cur.activeIrqId != 0 || !cur.inSleepable)
      return fail(env, EINVAL, MSG_GLOBAL_CALL_MAY_SLEEP);
  }
  if (bad != 0) return fail(env, EINVAL, MSG_GLOBAL_BAD_ARGS, index);
  if ((subprog.found & SPX_CHANGES_PACKET) != 0) clearPacketPointers(env);
  subprog.found |= SPX_CALLED;
  logAssumed(env, index);
  clobberCallerSaved(env);
  setUnknown(env, env.reg(0));
  return 0;
}

function checkGlobalArgs(env: Env, index: u32): i32 {
  const subprog = env.subprog(index);
  if ((subprog.flags & SPF_HAS_BTF) == 0 || (subprog.flags & SPF_UNRELIABLE) != 0) return -EINVAL;
  if ((subprog.flags & (SPF_VOID | SPF_RETURNS_OTHER)) != 0) return fail(env, EINVAL, MSG_GLOBAL_RETURN_TYPE, index);
  for (let i: u32 = 0; i < subprog.argCount; i++) {
    const err = checkGlobalArg(env, subprog.arg(i), i + 1);
    if (err != 0) return err;
  }
  return 0;
}

/**
 * Whether the arguments fit the BTF of a function that is walked with them anyway: what does not is said, nothing is refused, and the BTF is not
 * believed again.
 */
export function noteArguments(env: Env, index: u32): void {
  const subprog = env.subprog(index);
  // Memory of a static function is what its body makes of it: checking it here would change what is known of the caller's stack.
  for (let i: u32 = 0; i < subprog.argCount; i++) {
    const kind = subprog.arg(i).kind;
    if (kind != SA_SCALAR && kind != SA_CTX && kind != SA_DYNPTR) subprog.flags |= SPF_UNRELIABLE;
  }
  if ((subprog.flags & SPF_UNRELIABLE) != 0) return;
  const errno = env.errno;
  const code = env.errorCode;
  const pc = env.errorPc;
  if (checkGlobalArgs(env, index) != 0) subprog.flags |= SPF_UNRELIABLE;
  env.errno = errno;
  env.errorCode = code;
  env.errorPc = pc;
}

function checkGlobalArg(env: Env, arg: SubprogArg, regno: u32): i32 {
  const reg = env.reg(regno);
  if ((arg.flags & SAF_UNTRUSTED) != 0) return 0;
  switch (arg.kind) {
    case SA_SCALAR:
      return reg.type != SCALAR ? fail(env, EINVAL, MSG_ARG_NOT_SCALAR, regno) : 0;
    case SA_CTX:
      if (reg.type != PTR_TO_CTX) return fail(env, EINVAL, MSG_ARG_NOT_CTX, regno - 1);
      return checkUnmodified(env, reg, regno, false);
    case SA_MEM: {
      const err = checkMemArg(env, regno, arg.size);
      if (err != 0) return err;
      if ((arg.flags & SAF_NULLABLE) == 0 && ((reg.type & PTR_MAYBE_NULL) != 0 || isNullConst(reg)))
        return fail(env, EINVAL, MSG_ARG_NULLABLE, regno - 1);
      return 0;
    }
    case SA_ARENA:
      if (reg.base != PTR_TO_ARENA && reg.type != SCALAR) return fail(env, EINVAL, MSG_ARG_NOT_ARENA, regno);
      return 0;
    case SA_DYNPTR:
      return checkGlobalDynptr(env, arg, regno);
    case SA_BTF_ID:
      return checkGlobalBtfArg(env, arg, regno);
    default:
      return -EINVAL;
  }
}

/** `exit` above the outermost frame: back to the caller, or to the helper that runs the callback. The main loop adds 1 to `env.pc`. */
export function checkSubprogExit(env: Env): i32 {
  const state = env.cur;
  const callee = state.cur;
  const err = checkFrameReturn(env, callee);
  if (err != 0) return err;
  const isCallback = (callee.flags & FRAME_IN_CALLBACK) != 0;
  const caller = state.frame(state.curframe - 1);
  if (!isCallback) copyReg(caller.reg(0), callee.reg(0));
  const back = <u32>callee.callsite;
  env.pc = isCallback ? back - 1 : back;
  if (env.input.logLevel != 0) logReturn(env, callee, caller);
  state.setFrame(state.curframe, changetype<Frame>(0));
  state.curframe--;
  freeFrame(callee);
  if (!isCallback) return 0;
  const before = previousRound(env, state, back);
  if (changetype<usize>(before) != 0) widen(env, before, state);
  return 0;
}
