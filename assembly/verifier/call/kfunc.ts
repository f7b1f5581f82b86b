// Calls of kfuncs, judged by their BTF prototypes.
import { EACCES, EFAULT, EINVAL } from '../../isa';
import * as abi from '../abi';
import { sync } from '../domain/sync';
import { Env } from '../env';
import { Insn } from '../insn';
import { fail, say } from '../log';
import * as msg from '../messages/call';
import { MSG_CALL_LOCKED } from '../messages/core';
import { pushPath } from '../paths';
import { isSpilled, markChainPrecision } from '../precision';
import { markNotInit, RegState } from '../reg-state';
import { checkRead, clobberCallerSaved, setUnknown } from '../regs';
import { State } from '../state';
import { CB_RBTREE_ADD, CB_TIMER, pushAsyncCallback, pushCallback } from './callback';
import { releaseDynptr } from './dynptr';
import { inTreeCallback } from './fields';
import { disown } from './graph';
import { stepIter, underRcu } from './iter';
import { checkKfuncArgs } from './kfunc-arg';
import { KfuncProto, kfuncProto } from './kfunc-proto';
import { setKfuncReturn } from './kfunc-ret';
import { beginMeta, CallMeta } from './meta';
import { clearPacketPointers } from './packet';
import { checkHeld, HELD_THROW, isObjectSlot, release } from './refs';

/** `checkKfuncCall`: the call does not return. */
export const KFUNC_ENDS_PATH: i32 = 1;

const MAX_ERRNO: i32 = 4095;

/** A call with src_reg BPF_PSEUDO_KFUNC_CALL: 0 with R0 set, KFUNC_ENDS_PATH, or -errno. */
export function checkKfuncCall(env: Env, insn: Insn): i32 {
  const proto = kfuncProto(env, insn);
  const name = insn.imm;
  if (changetype<usize>(proto) == 0 || !proto.has(abi.KFF_ALLOWED))
    return fail(env, EACCES, msg.MSG_KFUNC_NOT_ALLOWED, name);
  let err = checkPlace(env, proto, name);
  if (err != 0) return err;
  const meta = beginMeta(name);
  err = checkKfuncArgs(env, meta, proto);
  if (err == 0) err = callBack(env, meta, proto);
  if (err == 0) err = checkRegions(env, proto, name);
  if (err == 0) err = releaseArgs(env, meta, proto);
  if (err == 0 && proto.kind == abi.KFUNC_THROW) err = checkThrow(env);
  if (err != 0) return err;
  if (proto.kind == abi.KFUNC_THROW) return endByThrow(env);
  clobberCallerSaved(env);
  err = setKfuncReturn(env, meta, proto);
  if (err != 0) return err;
  if (proto.kind == abi.KFUNC_MOVES_PACKET) {
    env.resultFlags |= abi.RF_CHANGES_PACKET;
    clearPacketPointers(env);
  }
  return proto.has(abi.KFF_ITER_NEXT) ? stepIter(env, meta) : 0;
}

/** May it be called here? */
function checkPlace(env: Env, proto: KfuncProto, name: u32): i32 {
  const locked = env.cur.activeLocks != 0;
  if (locked && !proto.isGraphOrLock && !proto.has(abi.KFF_UNDER_LOCK)) return fail(env, EINVAL, MSG_CALL_LOCKED);
  if (proto.has(abi.KFF_DEVICE_BOUND) && !env.input.has(abi.IN_DEVICE_BOUND))
    return fail(env, EINVAL, msg.MSG_KFUNC_DEVICE_BOUND);
  if (proto.kind == abi.KFUNC_TRAP) return fail(env, EFAULT, msg.MSG_KFUNC_TRAP);
  if (proto.kind == abi.KFUNC_RES_SPIN_LOCK || proto.kind == abi.KFUNC_RES_SPIN_LOCK_IRQSAVE) {
    const err = pushFailedLock(env);
    if (err != 0) return err;
  }
  if (proto.has(abi.KFF_SLEEPABLE) && !env.cur.inSleepable) return fail(env, EACCES, msg.MSG_KFUNC_SLEEPABLE, name);
  return 0;
}

/** A resilient lock may not be got: R0 is then an error. */
function pushFailedLock(env: Env): i32 {
  const state = pushPath(env, env.pc + 1, env.pc, false);
  if (changetype<usize>(state) == 0) return -EINVAL;
  for (let i: u32 = 0; i < 6; i++) markNotInit(state.reg(i));
  const r0 = state.reg(0);
  setUnknown(env, r0);
  r0.smin = -MAX_ERRNO;
  r0.smax = -1;
  r0.s32Min = -MAX_ERRNO;
  r0.s32Max = -1;
  sync(r0);
  return 0;
}

function callBack(env: Env, meta: CallMeta, proto: KfuncProto): i32 {
  if (proto.kind != abi.KFUNC_RBTREE_ADD && proto.kind != abi.KFUNC_WQ_SET_CALLBACK) return 0;
  const isTree = proto.kind == abi.KFUNC_RBTREE_ADD;
  const err = isTree
    ? pushCallback(env, meta.subprog, CB_RBTREE_ADD)
    : pushAsyncCallback(env, meta.subprog, CB_TIMER, true);
  if (err != 0) say(env, msg.MSG_KFUNC_CALLBACK, meta.func);
  return err;
}

/** Sections in which the program may not sleep: RCU, no preemption, no interrupts. */
function checkRegions(env: Env, proto: KfuncProto, name: u32): i32 {
  const st = env.cur;
  const sleeps = proto.has(abi.KFF_SLEEPABLE);
  const isRcu = proto.kind == abi.KFUNC_RCU_READ_LOCK || proto.kind == abi.KFUNC_RCU_READ_UNLOCK;
  if (isRcu && inTreeCallback(env)) return fail(env, EACCES, msg.MSG_RCU_IN_TREE_CB);
  if (proto.kind == abi.KFUNC_RCU_READ_LOCK) {
    if (st.activeRcuLocks != 0) return fail(env, EINVAL, msg.MSG_RCU_NESTED, name);
    st.activeRcuLocks++;
  } else if (proto.kind == abi.KFUNC_RCU_READ_UNLOCK) {
    if (st.activeRcuLocks == 0) return fail(env, EINVAL, msg.MSG_RCU_UNMATCHED, name);
    if (--st.activeRcuLocks == 0) distrustRcu(st);
  } else if (sleeps && st.activeRcuLocks != 0) return fail(env, EACCES, msg.MSG_KFUNC_SLEEPABLE_RCU, name);
  if (proto.kind == abi.KFUNC_PREEMPT_DISABLE) st.activePreemptLocks++;
  else if (proto.kind == abi.KFUNC_PREEMPT_ENABLE) {
    if (st.activePreemptLocks == 0) return fail(env, EINVAL, msg.MSG_PREEMPT_UNMATCHED, name);
    st.activePreemptLocks--;
  } else if (sleeps && st.activePreemptLocks != 0) return fail(env, EACCES, msg.MSG_KFUNC_SLEEPABLE_PREEMPT, name);
  if (sleeps && st.activeIrqId != 0) return fail(env, EACCES, msg.MSG_KFUNC_SLEEPABLE_IRQ, name);
  if (proto.has(abi.KFF_RCU_PROTECTED) && !underRcu(st)) return fail(env, EACCES, msg.MSG_KFUNC_NEEDS_RCU, name);
  return 0;
}

/** Behind the outermost RCU unlock, what RCU protected may be gone. */
function distrustRcu(st: State): void {
  for (let f: u32 = 0; f <= st.curframe; f++) {
    const frame = st.frame(f);
    for (let i: u32 = 0; i < 10; i++) distrust(frame.reg(i));
    for (let i: u32 = 0; i < frame.slots; i++) {
      if (isSpilled(frame.slot(i)) || isObjectSlot(frame, i)) distrust(frame.slot(i));
    }
  }
}

function distrust(reg: RegState): void {
  if ((reg.type & abi.MEM_RCU) == 0) return;
  reg.type = (reg.type & ~(abi.MEM_RCU | abi.PTR_MAYBE_NULL)) | abi.PTR_UNTRUSTED;
}

function releaseArgs(env: Env, meta: CallMeta, proto: KfuncProto): i32 {
  if (meta.releaseRegno != 0) {
    const reg = env.reg(meta.releaseRegno);
    if (meta.dynptrRef != 0) return releaseDynptr(env, reg);
    if (!release(env, reg.refId)) return fail(env, EINVAL, msg.MSG_KFUNC_NOT_ACQUIRED, meta.func);
  }
  const kind = proto.kind;
  const inserts = kind == abi.KFUNC_LIST_PUSH_FRONT || kind == abi.KFUNC_LIST_PUSH_BACK || kind == abi.KFUNC_RBTREE_ADD;
  if (!inserts) return 0;
  const id = env.reg(2).refId;
  return disown(env, id) && release(env, id) ? 0 : fail(env, EINVAL, msg.MSG_KFUNC_NOT_ACQUIRED, meta.func);
}

/** bpf_throw: with the kernel's own callback, the cookie in R1 is what the program returns. */
function checkThrow(env: Env): i32 {
  env.seenException = true;
  if (env.exceptionCb != 0) return 0;
  const err = checkRead(env, 1);
  if (err != 0 || !env.input.has(abi.IN_RET_RANGE) || env.root != 0) return err;
  const reg = env.reg(1);
  if (reg.type != abi.SCALAR) return fail(env, EINVAL, msg.MSG_THROW_NOT_SCALAR, reg.type);
  const marked = markChainPrecision(env, 1);
  if (marked != 0) return marked;
  const input = env.input;
  if (reg.smin >= <i64>input.retLo && reg.smax <= <i64>input.retHi) return 0;
  return fail(env, EINVAL, msg.MSG_THROW_RANGE, reg.smin, reg.smax, input.retLo, input.retHi);
}

/** All frames are left at once: nothing may be held in any of them. */
function endByThrow(env: Env): i32 {
  const err = checkHeld(env, true, true, HELD_THROW);
  return err != 0 ? err : KFUNC_ENDS_PATH;
}
