// Open-coded iterators: objects on the stack, made by `_new`, stepped by `_next`, given back by `_destroy`.
import { EINVAL, ENOMEM, ERANGE } from '../../isa';
import * as abi from '../abi';
import { checkAccess } from '../access/memory';
import { Env } from '../env';
import { ITER_ACTIVE, ITER_DRAINED, widen } from '../equal';
import { Frame, StackSlot } from '../frame';
import { markStackRead, markStackWrite } from '../liveness';
import { fail } from '../log';
import { MSG_ITER_INIT, MSG_ITER_NOT_STACK, MSG_ITER_RCU, MSG_ITER_UNINIT } from '../messages/call';
import { pushPath } from '../paths';
import { markConst, markNotInit, markPointer, RegState } from '../reg-state';
import { State } from '../state';
import { previousRound } from '../visit';
import { frameOf, OBJ_ITER, objectSlot } from './dynptr';
import { KfuncProto } from './kfunc-proto';
import { CallMeta } from './meta';
import { acquire, release } from './refs';

const ALL_ITER: u64 = <u64>abi.STACK_ITER * 0x0101010101010101;

function slotsMask(spi: u32, slots: u32): u64 {
  return (((<u64>1) << slots) - 1) << (spi + 1 - slots);
}

/** RCU protects what is read here: of programs that cannot sleep, everything. */
export function underRcu(st: State): bool {
  return st.activeRcuLocks != 0 || st.activeLocks != 0 || !st.inSleepable;
}

export function checkIterArg(env: Env, meta: CallMeta, proto: KfuncProto, regno: u32): i32 {
  const reg = env.reg(regno);
  if (reg.type != abi.PTR_TO_STACK) return fail(env, EINVAL, MSG_ITER_NOT_STACK, regno - 1);
  if (proto.has(abi.KFF_ITER_NEW)) return makeIter(env, proto, regno);
  const spi = objectSlot(env, reg, proto.iterSlots, OBJ_ITER);
  const err = spi < 0 ? EINVAL : validity(frameOf(env, reg), spi, proto);
  if (err == EINVAL) return fail(env, EINVAL, MSG_ITER_INIT, env.insn(env.pc).imm, regno - 1);
  if (err != 0) return fail(env, err, MSG_ITER_RCU, env.insn(env.pc).imm);
  const frame = frameOf(env, reg);
  const mask = slotsMask(spi, proto.iterSlots);
  markStackRead(env, frame, env.pc, mask);
  meta.iterFrame = reg.frameno;
  meta.iterSlot = spi;
  meta.refId = frame.slot(spi).refId;
  if (proto.has(abi.KFF_ITER_DESTROY)) destroyIter(env, frame, spi, proto.iterSlots);
  return 0;
}

const EPROTO: i32 = 71;

/** Is there such an iterator, highest slot `spi`? 0, EINVAL, or EPROTO when the RCU section it began in has ended. */
function validity(frame: Frame, spi: u32, proto: KfuncProto): i32 {
  for (let i: u32 = 0; i < proto.iterSlots; i++) {
    const slot = frame.slot(spi - i);
    if (slot.types == ALL_ITER && (slot.type & abi.PTR_UNTRUSTED) != 0) return EPROTO;
    if (slot.types != ALL_ITER || slot.aux != proto.iterId) return EINVAL;
    if ((slot.refId != 0) != (i == 0)) return EINVAL;
  }
  return 0;
}

function isFree(frame: Frame, spi: u32, slots: u32): bool {
  for (let i: u32 = 0; i < slots; i++) {
    for (let b: u32 = 0; b < 8; b++) {
      if (frame.slot(spi - i).typeAt(b) == abi.STACK_ITER) return false;
    }
  }
  return true;
}

function makeIter(env: Env, proto: KfuncProto, regno: u32): i32 {
  const reg = env.reg(regno);
  const name = env.insn(env.pc).imm;
  let spi = objectSlot(env, reg, proto.iterSlots, OBJ_ITER);
  if ((spi < 0 && spi != -ERANGE) || (spi >= 0 && !isFree(frameOf(env, reg), spi, proto.iterSlots)))
    return fail(env, EINVAL, MSG_ITER_UNINIT, name, regno - 1);
  for (let i: u32 = 0; i < proto.iterSlots; i++) {
    const err = checkAccess(env, regno, i << 3, 8, true, -1, false, false);
    if (err != 0) return err;
  }
  spi = objectSlot(env, reg, proto.iterSlots, OBJ_ITER);
  if (spi < 0) return spi;
  const id = acquire(env);
  if (id == 0) return -ENOMEM;
  const frame = frameOf(env, reg);
  for (let i: u32 = 0; i < proto.iterSlots; i++) {
    const slot = frame.slot(spi - i);
    markPointer(slot, abi.PTR_TO_STACK);
    if (proto.has(abi.KFF_RCU_PROTECTED)) slot.type |= underRcu(env.cur) ? abi.MEM_RCU : abi.PTR_UNTRUSTED;
    slot.setTypes(abi.STACK_ITER);
    slot.refId = i == 0 ? id : 0;
    slot.aux = proto.iterId;
    slot.aux2 = ITER_ACTIVE;
  }
  markStackWrite(env, frame, slotsMask(spi, proto.iterSlots));
  return 0;
}

function destroyIter(env: Env, frame: Frame, spi: u32, slots: u32): void {
  release(env, frame.slot(spi).refId);
  for (let i: u32 = 0; i < slots; i++) {
    markNotInit(frame.slot(spi - i));
    frame.slot(spi - i).types = 0;
  }
  markStackWrite(env, frame, slotsMask(spi, slots));
}

function iterIn(state: State, meta: CallMeta): StackSlot {
  return state.frame(meta.iterFrame).slot(meta.iterSlot);
}

/** What `_next` gave is protected like its iterator. */
export function iterFlags(env: Env, meta: CallMeta): u32 {
  return (iterIn(env.cur, meta).type & abi.MEM_RCU) != 0 ? abi.MEM_RCU : abi.PTR_TRUSTED;
}

function notNull(reg: RegState): void {
  reg.type &= ~abi.PTR_MAYBE_NULL;
}

/** `_next` has set R0: the path where it is not NULL is put aside, the current one has come to the end. */
export function stepIter(env: Env, meta: CallMeta): i32 {
  const iter = iterIn(env.cur, meta);
  if ((iter.aux2 & 0xff) == ITER_ACTIVE) {
    const before = previousStep(env);
    const queued = pushPath(env, env.pc + 1, env.pc, false);
    if (changetype<usize>(queued) == 0) return -ENOMEM;
    const active = iterIn(queued, meta);
    active.aux2 = ITER_ACTIVE | (((active.aux2 >> 8) + 1) << 8);
    if (changetype<usize>(before) != 0) widen(env, before, queued);
    notNull(queued.reg(0));
  }
  iter.aux2 = ITER_DRAINED | (iter.aux2 & ~0xff);
  markConst(env.reg(0), 0);
  if (meta.iterFrame == env.cur.curframe) env.scratchedSlots |= (<u64>1) << meta.iterSlot;
  return 0;
}

/** The stored state of the round before: the one stored for this very step is not it. */
function previousStep(env: Env): State {
  const parent = env.cur.parent;
  if (parent == 0) return changetype<State>(0);
  return previousRound(env, changetype<State>(parent), env.pc);
}
