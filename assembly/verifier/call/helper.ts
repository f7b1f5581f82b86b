// Calls of helpers: may this program call it, do the arguments fit its prototype, what does it return.
import { EACCES, EINVAL } from '../../isa';
import * as abi from '../abi';
import { checkAccess } from '../access/memory';
import { Env } from '../env';
import { checkSubprogExit } from '../functions';
import { Insn } from '../insn';
import { fail, say } from '../log';
import {
  MSG_DYNPTR_FROM_MEM,
  MSG_GPL_ONLY,
  MSG_HELPER_MIGHT_SLEEP,
  MSG_HELPER_NOT_ALLOWED,
  MSG_INVALID_FUNC,
  MSG_LOCAL_STORAGE_FLAGS,
  MSG_LOOP_LIMIT,
  MSG_MAP_FUNC,
  MSG_MAP_WRITE_FORBIDDEN,
  MSG_NOT_ACQUIRED,
  MSG_SLEEPABLE_IN_IRQ,
  MSG_SLEEPABLE_IN_PREEMPT,
  MSG_SLEEPABLE_IN_RCU,
  MSG_TAIL_CALL_MAP,
} from '../messages/call';
import { pushPath } from '../paths';
import { isSpilled, markChainPrecision } from '../precision';
import { isNullConst, RegState } from '../reg-state';
import { clobberCallerSaved, setUnknown } from '../regs';
import { HelperProto, helperProto } from '../table/helper';
import { checkArg } from './arg';
import { CB_FOR_EACH, CB_LOOP, CB_TIMER, CB_USER_RINGBUF, pushAsyncCallback, pushCallback } from './callback';
import { checkSnprintf } from './const-str';
import { dynptrReg, releaseDynptr } from './dynptr';
import * as id from './helper-ids';
import { beginMeta, CallMeta } from './meta';
import { clearPacketPointers } from './packet';
import { checkHeld, dropRef, HELD_TAIL_CALL, kill, release } from './refs';
import { setReturn } from './ret';

const MAP_TYPE_PROG_ARRAY: u32 = 3;
const BPF_F_RDONLY_PROG: u32 = 128;

/** A call with src_reg 0: 0 with R0 set, or -errno. */
export function checkHelperCall(env: Env, insn: Insn): i32 {
  const func = <u32>insn.imm;
  const proto = helperProto(env.input.helpers, func);
  if (proto === null) return fail(env, EINVAL, func == 0 ? MSG_HELPER_NOT_ALLOWED : MSG_INVALID_FUNC, <i32>func);
  let err = checkAllowed(env, proto, func);
  if (err != 0) return err;
  const meta = beginMeta(func);
  meta.packetAccess = proto.has(abi.HPF_PKT_ACCESS);
  for (let i: u32 = 0; i < 5; i++) {
    err = checkArg(env, meta, proto, i);
    if (err != 0) return err;
  }
  err = noteMap(env, meta);
  if (err == 0) err = fillRaw(env, meta);
  if (err == 0) err = releaseArg(env, meta, proto);
  if (err == 0) err = applyRules(env, meta);
  if (err != 0) return err;
  const moves = proto.has(abi.HPF_CHANGES_PKT) || writesPacketDynptr(env, meta, proto);
  clobberCallerSaved(env);
  err = setReturn(env, meta, proto);
  if (err != 0) return err;
  if (meta.map >= 0 && namesMap(proto) && !proto.takesMap(env.map(meta.map).type))
    return fail(env, EINVAL, MSG_MAP_FUNC, env.map(meta.map).type, func);
  if (moves) {
    env.resultFlags |= abi.RF_CHANGES_PACKET;
    clearPacketPointers(env);
  }
  return func == id.BPF_FUNC_tail_call && env.cur.curframe != 0 ? tailCallLeaves(env) : 0;
}

/**
 * A tail call that succeeds in a function: the other program returns to the caller, with any value and with the packet moved. The path goes
 * on there; the one on which it fails waits.
 */
function tailCallLeaves(env: Env): i32 {
  const failed = pushPath(env, env.pc + 1, env.pc, false);
  if (changetype<usize>(failed) == 0) return -env.errno;
  clearPacketPointers(env);
  setUnknown(env, env.reg(0));
  const err = checkSubprogExit(env);
  env.logWholeState = false;
  return err;
}

/** One of the arguments is a map; the maps of timers and kptrs are found through what is in them. */
function namesMap(proto: HelperProto): bool {
  for (let i: u32 = 0; i < 5; i++) {
    if ((proto.arg(i) & abi.BASE_MASK) == abi.ARG_CONST_MAP_PTR) return true;
  }
  return false;
}

/** The program's type, licence and where the call stands allow the helper. */
function checkAllowed(env: Env, proto: HelperProto, func: u32): i32 {
  if (!proto.has(abi.HPF_ALLOWED)) return fail(env, EINVAL, MSG_HELPER_NOT_ALLOWED, func);
  if (proto.has(abi.HPF_GPL_ONLY) && !env.input.has(abi.IN_GPL)) return fail(env, EINVAL, MSG_GPL_ONLY);
  if (!proto.has(abi.HPF_MIGHT_SLEEP)) return 0;
  const st = env.cur;
  if (!st.inSleepable) return fail(env, EINVAL, MSG_HELPER_MIGHT_SLEEP);
  if (st.activeRcuLocks != 0) return fail(env, EINVAL, MSG_SLEEPABLE_IN_RCU, func);
  if (st.activePreemptLocks != 0) return fail(env, EINVAL, MSG_SLEEPABLE_IN_PREEMPT, func);
  return st.activeIrqId != 0 ? fail(env, EINVAL, MSG_SLEEPABLE_IN_IRQ, func) : 0;
}

function writesMap(func: u32): bool {
  return (
    func == id.BPF_FUNC_map_update_elem ||
    func == id.BPF_FUNC_map_delete_elem ||
    func == id.BPF_FUNC_map_push_elem ||
    func == id.BPF_FUNC_map_pop_elem
  );
}

/** Which map the call uses on all paths, and which index a tail call. */
function noteMap(env: Env, meta: CallMeta): i32 {
  if (meta.map >= 0) {
    const isReadOnly = (env.map(meta.map).flags & BPF_F_RDONLY_PROG) != 0;
    if (isReadOnly && writesMap(meta.func)) return fail(env, EACCES, MSG_MAP_WRITE_FORBIDDEN);
    const aux = env.curAux;
    if (aux.map == abi.AUX_MAP_UNSEEN) aux.map = meta.map;
    else if (aux.map != meta.map) aux.map = abi.AUX_MAP_SEVERAL;
  }
  if (meta.func == id.BPF_FUNC_tail_call) return noteTailCall(env, meta);
  // Of a bpf_loop the key is its callback: see checkLoop.
  if (meta.func != id.BPF_FUNC_loop) noteKey(env, meta.constKey >= 0, <u32>meta.constKey);
  return 0;
}

function noteTailCall(env: Env, meta: CallMeta): i32 {
  if (meta.map < 0 || env.map(meta.map).type != MAP_TYPE_PROG_ARRAY) return fail(env, EINVAL, MSG_TAIL_CALL_MAP);
  env.resultFlags |= abi.RF_HAS_TAIL_CALL;
  const index = env.reg(3);
  const isConst = index.type == abi.SCALAR && index.mask == 0 && index.value < <u64>env.map(meta.map).maxEntries;
  noteKey(env, isConst, <u32>index.value);
  const wantsRange = env.input.has(abi.IN_TAIL_RANGES) && index.type == abi.SCALAR;
  if (wantsRange) noteRange(env, index);
  return isConst || wantsRange ? markChainPrecision(env, 3) : 0;
}

/** The smallest and largest index on all paths; it is the low half that is used. */
function noteRange(env: Env, index: RegState): void {
  const aux = env.curAux;
  const seen = (aux.factFlags & abi.FACT_SEEN) != 0;
  aux.factLo = <i32>(seen ? min<u32>(<u32>aux.factLo, index.u32Min) : index.u32Min);
  aux.factHi = <i32>(seen ? max<u32>(<u32>aux.factHi, index.u32Max) : index.u32Max);
  aux.factFlags |= abi.FACT_SEEN;
}

/** The index of a tail call, the key of a lookup or the callback of a loop: a fact when it is the same on all paths. Its value must have been marked precise. */
function noteKey(env: Env, known: bool, key: u32): void {
  const aux = env.curAux;
  if (!known) aux.keyState = abi.KEY_UNKNOWN;
  else if (aux.keyState == abi.KEY_UNSEEN) {
    aux.keyState = abi.KEY_CONST;
    aux.key = key;
  } else if (aux.key != key) aux.keyState = abi.KEY_UNKNOWN;
}

/** Stack memory that the call fills is initialised behind it. */
function fillRaw(env: Env, meta: CallMeta): i32 {
  for (let i: u32 = 0; i < meta.rawSize; i++) {
    const err = checkAccess(env, meta.rawRegno, i, 1, true, -1, false, false);
    if (err != 0) return err;
  }
  return 0;
}

function isDynptrArg(arg: u32): bool {
  return (arg & abi.BASE_MASK) == abi.ARG_PTR_TO_DYNPTR;
}

function releaseArg(env: Env, meta: CallMeta, proto: HelperProto): i32 {
  const regno = meta.releaseRegno;
  if (regno == 0) return 0;
  const reg = env.reg(regno);
  let ok = false;
  if (isDynptrArg(proto.arg(regno - 1))) ok = releaseDynptr(env, reg) == 0;
  else if (meta.func == id.BPF_FUNC_kptr_xchg && meta.refId != 0) ok = storeReference(env, meta.refId);
  else if (meta.refId != 0) ok = release(env, meta.refId);
  else ok = isNullConst(reg);
  return ok ? 0 : fail(env, EINVAL, MSG_NOT_ACQUIRED, meta.func);
}

/** The object goes into a map. Under RCU a per-CPU object can still be read. */
function storeReference(env: Env, refId: u32): bool {
  if (!dropRef(env.cur, refId)) return false;
  const keeps = env.cur.activeRcuLocks != 0 || !env.cur.inSleepable;
  for (let f: u32 = 0; f <= env.cur.curframe; f++) {
    const frame = env.cur.frame(f);
    for (let i: u32 = 0; i < 10; i++) loseReference(env, frame.reg(i), refId, keeps);
    for (let i: u32 = 0; i < frame.slots; i++) {
      if (isSpilled(frame.slot(i))) loseReference(env, frame.slot(i), refId, keeps);
    }
  }
  return true;
}

function loseReference(env: Env, reg: RegState, refId: u32, keeps: bool): void {
  if (reg.refId != refId) return;
  const isPercpu = (reg.type & abi.MEM_ALLOC) != 0 && (reg.type & abi.MEM_PERCPU) != 0;
  if (!keeps || !isPercpu) {
    kill(env, reg);
    return;
  }
  reg.refId = 0;
  reg.type = (reg.type & ~abi.MEM_ALLOC) | abi.MEM_RCU;
}

/** Helpers with rules of their own. */
function applyRules(env: Env, meta: CallMeta): i32 {
  switch (meta.func) {
    case id.BPF_FUNC_tail_call:
      return checkHeld(env, false, true, HELD_TAIL_CALL);
    case id.BPF_FUNC_get_local_storage:
      return isNullConst(env.reg(2)) ? 0 : fail(env, EINVAL, MSG_LOCAL_STORAGE_FLAGS);
    case id.BPF_FUNC_for_each_map_elem:
      return pushCallback(env, meta.subprog, CB_FOR_EACH);
    case id.BPF_FUNC_timer_set_callback:
      return pushAsyncCallback(env, meta.subprog, CB_TIMER, false);
    case id.BPF_FUNC_user_ringbuf_drain:
      return pushCallback(env, meta.subprog, CB_USER_RINGBUF);
    case id.BPF_FUNC_loop:
      return checkLoop(env, meta);
    case id.BPF_FUNC_snprintf:
      return checkSnprintf(env);
    case id.BPF_FUNC_dynptr_from_mem: {
      const type = env.reg(1).type;
      return type != abi.PTR_TO_MAP_VALUE ? fail(env, EACCES, MSG_DYNPTR_FROM_MEM, type) : 0;
    }
    case id.BPF_FUNC_dynptr_data: {
      const dynptr = dynptrReg(env, env.reg(1));
      meta.dynptrId = dynptr.id;
      meta.refId = dynptr.refId;
      return 0;
    }
    default:
      return 0;
  }
}

/** Linux makes a loop of a bpf_loop whose flags are 0 whenever it is called: then R4 has mattered. */
function markInlineLoop(env: Env): i32 {
  const aux = env.curAux;
  if ((aux.flags & abi.AUXF_LOOP_FLAGS) != 0) return 0;
  if (isNullConst(env.reg(4))) return markChainPrecision(env, 4);
  aux.flags |= abi.AUXF_LOOP_FLAGS;
  return 0;
}

/** bpf_loop: a round more as long as R1, the number of rounds, allows it. */
function checkLoop(env: Env, meta: CallMeta): i32 {
  noteKey(env, true, env.subprog(meta.subprog).start);
  let err = markInlineLoop(env);
  if (err == 0) err = markChainPrecision(env, 1);
  if (err != 0) return err;
  const frame = env.cur.cur;
  if (<u64>frame.callbackDepth < env.reg(1).umax) return pushCallback(env, meta.subprog, CB_LOOP);
  frame.callbackDepth = 0;
  if (env.input.logLevel >= 2) say(env, MSG_LOOP_LIMIT, env.cur.curframe);
  return 0;
}

/** bpf_dynptr_write into a packet: slices of it are dead, as after any call that moves it. */
function writesPacketDynptr(env: Env, meta: CallMeta, proto: HelperProto): bool {
  if (meta.func != id.BPF_FUNC_dynptr_write || !isDynptrArg(proto.arg(0))) return false;
  const kind = dynptrReg(env, env.reg(1)).aux;
  return kind == abi.DYNPTR_SKB || kind == abi.DYNPTR_SKB_META;
}
