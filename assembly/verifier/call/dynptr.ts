// Dynptrs: objects of 16 bytes on the stack that stand for memory, made and used by helpers and kfuncs alone.
import { EINVAL, ENOMEM, ERANGE } from '../../isa';
import * as abi from '../abi';
import { checkAccess } from '../access/memory';
import { Env } from '../env';
import { Frame, StackSlot } from '../frame';
import { markStackRead, markStackWrite } from '../liveness';
import { fail } from '../log';
import {
  MSG_DYNPTR_INIT,
  MSG_DYNPTR_MUTABLE,
  MSG_DYNPTR_OVERWRITE_REF,
  MSG_DYNPTR_RELEASE_CONST,
  MSG_DYNPTR_STACK_OR_CONST,
  MSG_DYNPTR_TYPE,
  MSG_DYNPTR_UNACQUIRED,
  MSG_DYNPTR_UNINIT,
  MSG_OBJECT_OFFSET,
  MSG_OBJECT_VARIABLE,
} from '../messages/call';
import { isSpilled } from '../precision';
import { markNotInit, markPointer, RegState } from '../reg-state';
import { acquire, kill, release } from './refs';

/** What an object on the stack is called in messages. */
export const OBJ_DYNPTR: i64 = 0;
export const OBJ_ITER: i64 = 1;
export const OBJ_IRQ_FLAG: i64 = 2;

const NO_SLOT: i32 = -ERANGE;

function pairMask(spi: u32): u64 {
  return (<u64>3) << (spi - 1);
}

function isDynptrSlot(slot: StackSlot): bool {
  return slot.typeAt(0) == abi.STACK_DYNPTR;
}

function isFirst(slot: StackSlot): bool {
  return (slot.aux2 & 1) != 0;
}

export function isRefcounted(kind: u32): bool {
  return kind == abi.DYNPTR_RINGBUF;
}

/** Kind that the DYNPTR_TYPE_ flag of an argument names; 0 for none. */
export function dynptrKind(arg: u32): u32 {
  switch (arg & abi.DYNPTR_TYPE_MASK) {
    case abi.DYNPTR_TYPE_LOCAL:
      return abi.DYNPTR_LOCAL;
    case abi.DYNPTR_TYPE_RINGBUF:
      return abi.DYNPTR_RINGBUF;
    case abi.DYNPTR_TYPE_SKB:
      return abi.DYNPTR_SKB;
    case abi.DYNPTR_TYPE_XDP:
      return abi.DYNPTR_XDP;
    case abi.DYNPTR_TYPE_SKB_META:
      return abi.DYNPTR_SKB_META;
    default:
      return 0;
  }
}

/** DYNPTR_TYPE_ flag of a kind: part of the type of slices. */
export function dynptrFlag(kind: u32): u32 {
  switch (kind) {
    case abi.DYNPTR_LOCAL:
      return abi.DYNPTR_TYPE_LOCAL;
    case abi.DYNPTR_RINGBUF:
      return abi.DYNPTR_TYPE_RINGBUF;
    case abi.DYNPTR_SKB:
      return abi.DYNPTR_TYPE_SKB;
    case abi.DYNPTR_XDP:
      return abi.DYNPTR_TYPE_XDP;
    case abi.DYNPTR_SKB_META:
      return abi.DYNPTR_TYPE_SKB_META;
    default:
      return 0;
  }
}

export function frameOf(env: Env, reg: RegState): Frame {
  return env.cur.frame(reg.frameno);
}

/**
 * Slot of an object of `slots` slots (the highest, where its first bytes are) that stack pointer `reg` points to. -ERANGE when the
 * stack has not grown that far; another -errno after `fail`.
 */
export function objectSlot(env: Env, reg: RegState, slots: i32, what: i64): i32 {
  if (reg.mask != 0) return fail(env, EINVAL, MSG_OBJECT_VARIABLE, what);
  const off = reg.off + <i32>reg.value;
  if ((off & 7) != 0) return fail(env, EINVAL, MSG_OBJECT_OFFSET, what, off);
  const spi = (-off - 1) / 8;
  if (off >= 0 || spi + 1 < slots) return fail(env, EINVAL, MSG_OBJECT_OFFSET, what, off);
  return <u32>spi < frameOf(env, reg).slots ? spi : NO_SLOT;
}

export function dynptrSlot(env: Env, reg: RegState): i32 {
  return objectSlot(env, reg, 2, OBJ_DYNPTR);
}

/** Register state of a dynptr argument that has been checked: of its first slot, or the register itself. */
export function dynptrReg(env: Env, reg: RegState): RegState {
  if (reg.type == abi.CONST_PTR_TO_DYNPTR) return reg;
  const spi = (-(reg.off + <i32>reg.value) - 1) / 8;
  return frameOf(env, reg).slot(spi);
}

/** A dynptr given to a callback or a global function. */
export function markDynptrReg(env: Env, reg: RegState, kind: u32): void {
  markPointer(reg, abi.CONST_PTR_TO_DYNPTR);
  reg.aux = kind;
  reg.aux2 = 1;
  reg.id = env.newId();
}

function clearPair(env: Env, frame: Frame, spi: u32): void {
  for (let i = spi - 1; i <= spi; i++) {
    markNotInit(frame.slot(i));
    frame.slot(i).types = 0;
  }
  markStackWrite(env, frame, pairMask(spi));
}

function killSlices(env: Env, id: u32): void {
  for (let f: u32 = 0; f <= env.cur.curframe; f++) {
    const frame = env.cur.frame(f);
    for (let i: u32 = 0; i < 10; i++) killSlice(env, frame.reg(i), id);
    for (let i: u32 = 0; i < frame.slots; i++) {
      if (isSpilled(frame.slot(i))) killSlice(env, frame.slot(i), id);
    }
  }
}

function killSlice(env: Env, reg: RegState, id: u32): void {
  if ((reg.type & ~abi.PTR_MAYBE_NULL) == abi.PTR_TO_MEM && reg.aux2 == id) kill(env, reg);
}

/** The program, or a call, writes to slot `spi`: a dynptr there is gone, and so are its slices. 0, or -errno when it must be released first. */
export function destroyDynptrSlots(env: Env, frame: Frame, spi: u32): i32 {
  if (spi >= frame.slots || !isDynptrSlot(frame.slot(spi))) return 0;
  const first = isFirst(frame.slot(spi)) ? spi : spi + 1;
  const slot = frame.slot(first);
  if (isRefcounted(slot.aux)) return fail(env, EINVAL, MSG_DYNPTR_OVERWRITE_REF);
  const id = slot.id;
  clearPair(env, frame, first);
  killSlices(env, id);
  return 0;
}

function isInitialised(env: Env, reg: RegState): bool {
  if (reg.type == abi.CONST_PTR_TO_DYNPTR) return true;
  const spi = dynptrSlot(env, reg);
  if (spi < 0) return false;
  const frame = frameOf(env, reg);
  const first = frame.slot(spi);
  const all: u64 = <u64>abi.STACK_DYNPTR * 0x0101010101010101;
  return first.types == all && frame.slot(spi - 1).types == all && isFirst(first);
}

/** A dynptr argument with type word `arg`. `cloned`: reference of the dynptr that this call makes another one of. */
export function checkDynptrArg(env: Env, regno: u32, arg: u32, cloned: u32): i32 {
  const reg = env.reg(regno);
  if (reg.type != abi.PTR_TO_STACK && reg.type != abi.CONST_PTR_TO_DYNPTR)
    return fail(env, EINVAL, MSG_DYNPTR_STACK_OR_CONST, regno - 1);
  if ((arg & abi.MEM_UNINIT) != 0) return makeDynptr(env, regno, arg, cloned);
  if (reg.type == abi.CONST_PTR_TO_DYNPTR && (arg & abi.MEM_RDONLY) == 0) return fail(env, EINVAL, MSG_DYNPTR_MUTABLE);
  if (!isInitialised(env, reg)) return fail(env, EINVAL, MSG_DYNPTR_INIT, regno - 1);
  const kind = dynptrKind(arg);
  if (kind != 0 && dynptrReg(env, reg).aux != kind) return fail(env, EINVAL, MSG_DYNPTR_TYPE, kind, regno - 1);
  if (reg.type == abi.PTR_TO_STACK) {
    const spi = dynptrSlot(env, reg);
    markStackRead(env, frameOf(env, reg), env.pc, pairMask(spi));
  }
  return 0;
}

/** The call makes a dynptr in the 16 bytes that `regno` points to. */
function makeDynptr(env: Env, regno: u32, arg: u32, cloned: u32): i32 {
  const reg = env.reg(regno);
  if (reg.type == abi.CONST_PTR_TO_DYNPTR) return fail(env, EINVAL, MSG_DYNPTR_UNINIT);
  const at = dynptrSlot(env, reg);
  if (at < 0 && at != NO_SLOT) return fail(env, EINVAL, MSG_DYNPTR_UNINIT);
  for (let i = 0; i < 16; i += 8) {
    const err = checkAccess(env, regno, i, 8, true, -1, false, false);
    if (err != 0) return err;
  }
  const spi = dynptrSlot(env, reg);
  if (spi < 0) return spi;
  const frame = frameOf(env, reg);
  for (let i = <u32>spi - 1; i <= <u32>spi; i++) {
    const err = destroyDynptrSlots(env, frame, i);
    if (err != 0) return err;
  }
  const kind = dynptrKind(arg);
  if (kind == 0) return -EINVAL;
  const id = env.newId();
  const ref = isRefcounted(kind) ? (cloned != 0 ? cloned : acquire(env)) : 0;
  if (isRefcounted(kind) && ref == 0) return -ENOMEM;
  for (let i = <u32>spi - 1; i <= <u32>spi; i++) {
    const slot = frame.slot(i);
    markPointer(slot, abi.CONST_PTR_TO_DYNPTR);
    slot.setTypes(abi.STACK_DYNPTR);
    slot.aux = kind;
    slot.aux2 = i == <u32>spi ? 1 : 0;
    slot.id = id;
    slot.refId = ref;
  }
  markStackWrite(env, frame, pairMask(spi));
  return 0;
}

/** The argument is a dynptr that the call releases: it is one on the stack that holds a reference. */
export function checkDynptrRelease(env: Env, regno: u32): i32 {
  const reg = env.reg(regno);
  if (reg.type != abi.PTR_TO_STACK) return fail(env, EINVAL, MSG_DYNPTR_RELEASE_CONST);
  const spi = dynptrSlot(env, reg);
  if (spi < 0 || frameOf(env, reg).slot(spi).refId == 0) return fail(env, EINVAL, MSG_DYNPTR_UNACQUIRED, regno);
  return 0;
}

/** Releases it, with its clones and all slices. */
export function releaseDynptr(env: Env, reg: RegState): i32 {
  const spi = dynptrSlot(env, reg);
  if (spi < 0) return spi;
  const frame = frameOf(env, reg);
  const ref = frame.slot(spi).refId;
  if (!isRefcounted(frame.slot(spi).aux)) {
    clearPair(env, frame, spi);
    return 0;
  }
  release(env, ref);
  for (let i: u32 = 1; i < frame.slots; i++) {
    const slot = frame.slot(i);
    if (isDynptrSlot(slot) && slot.refId == ref && isFirst(slot)) clearPair(env, frame, i);
  }
  return 0;
}
