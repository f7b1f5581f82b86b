// References: what was acquired and must be given back, locks included, and what dies with it.
import { EINVAL, ENOMEM } from '../../isa';
import { STACK_DYNPTR, STACK_ITER } from '../abi';
import { alloc, free } from '../arena';
import { Env } from '../env';
import { Frame } from '../frame';
import { fail, say } from '../log';
import {
  MSG_IRQ_REGION,
  MSG_LEAK,
  MSG_LOCKED_REGION,
  MSG_PREEMPT_REGION,
  MSG_RCU_REGION,
  MSG_UNRELEASED,
} from '../messages/call';
import { MSG_NO_MEMORY } from '../messages/core';
import { isSpilled } from '../precision';
import { markNotInit, RegState } from '../reg-state';
import { setUnknown } from '../regs';
import { REF_LOCKS, REF_PTR, REF_SIZE, Ref, State } from '../state';

// What must not happen while something is held: argument 0 of the messages of `checkHeld`.
export const HELD_EXIT: i64 = 0;
export const HELD_TAIL_CALL: i64 = 1;
export const HELD_LEGACY_LOAD: i64 = 2;
export const HELD_THROW: i64 = 3;

/** Appends a reference; null after `fail`. */
export function addRef(env: Env, kind: u32, id: u32): Ref {
  const st = env.cur;
  if (st.refCount == st.refCapacity) {
    const capacity = max<u32>(4, st.refCapacity * 2);
    const grown = alloc(<usize>capacity * REF_SIZE);
    if (grown == 0) {
      fail(env, ENOMEM, MSG_NO_MEMORY);
      return changetype<Ref>(0);
    }
    memory.copy(grown, st.refs, <usize>st.refCount * REF_SIZE);
    free(st.refs, <usize>st.refCapacity * REF_SIZE);
    st.refs = grown;
    st.refCapacity = capacity;
  }
  const ref = st.ref(st.refCount++);
  ref.kind = kind;
  ref.id = id;
  ref.pc = env.pc;
  ref.ptr = 0;
  return ref;
}

/** The current insn acquires something: its new id, 0 after `fail`. */
export function acquire(env: Env): u32 {
  const id = env.newId();
  return changetype<usize>(addRef(env, REF_PTR, id)) == 0 ? 0 : id;
}

/** Takes entry `i` out; the order of the others stays. */
export function removeRef(st: State, i: u32): void {
  st.refCount--;
  memory.copy(st.refs + <usize>i * REF_SIZE, st.refs + <usize>(i + 1) * REF_SIZE, <usize>(st.refCount - i) * REF_SIZE);
}

/** Forgets the reference `id` alone; false when nothing is held under it. */
export function dropRef(st: State, id: u32): bool {
  for (let i: u32 = 0; i < st.refCount; i++) {
    const ref = st.ref(i);
    if (ref.kind != REF_PTR || ref.id != id) continue;
    removeRef(st, i);
    return true;
  }
  return false;
}

export function isHeld(st: State, id: u32): bool {
  for (let i: u32 = 0; i < st.refCount; i++) {
    if (st.ref(i).kind == REF_PTR && st.ref(i).id == id) return true;
  }
  return false;
}

/** The reference is given back: every register and spilled pointer that came with it is dead. False when nothing is held under `id`. */
export function release(env: Env, id: u32): bool {
  if (!dropRef(env.cur, id)) return false;
  for (let f: u32 = 0; f <= env.cur.curframe; f++) {
    const frame = env.cur.frame(f);
    for (let i: u32 = 0; i < 10; i++) {
      if (frame.reg(i).refId == id) kill(env, frame.reg(i));
    }
    for (let i: u32 = 0; i < frame.slots; i++) {
      if (isSpilled(frame.slot(i)) && frame.slot(i).refId == id) kill(env, frame.slot(i));
    }
  }
  return true;
}

/** A pointer that may not be used any more: just a number where pointers may leak, otherwise unreadable. */
export function kill(env: Env, reg: RegState): void {
  if (env.allowPtrLeaks) setUnknown(env, reg);
  else markNotInit(reg);
}

/** The slot holds what a call put there: not a spilled register. */
export function isObjectSlot(frame: Frame, spi: u32): bool {
  const type = frame.slot(spi).typeAt(7);
  return type == STACK_DYNPTR || type == STACK_ITER;
}

function checkReferenceLeak(env: Env, exception: bool): i32 {
  const st = env.cur;
  if (!exception && st.curframe != 0) return 0;
  let err = 0;
  for (let i: u32 = 0; i < st.refCount; i++) {
    const ref = st.ref(i);
    if (ref.kind == REF_PTR) err = fail(env, EINVAL, MSG_UNRELEASED, ref.id, ref.pc);
  }
  return err;
}

/** `where` (HELD_*) would lose what is held. `locks`: locks and critical sections count as well. */
export function checkHeld(env: Env, exception: bool, locks: bool, where: i64): i32 {
  const st = env.cur;
  if (locks && st.activeLocks != 0) return fail(env, EINVAL, MSG_LOCKED_REGION, where);
  const err = checkReferenceLeak(env, exception);
  if (err != 0) {
    say(env, MSG_LEAK, where);
    return err;
  }
  if (!locks) return 0;
  if (st.activeIrqId != 0) return fail(env, EINVAL, MSG_IRQ_REGION, where);
  if (st.activeRcuLocks != 0) return fail(env, EINVAL, MSG_RCU_REGION, where);
  return st.activePreemptLocks != 0 ? fail(env, EINVAL, MSG_PREEMPT_REGION, where) : 0;
}

/** At `exit`: nothing may be held. `main`: the outermost frame exits. */
export function checkExitRefs(env: Env, main: bool): i32 {
  return checkHeld(env, false, main, HELD_EXIT);
}

/** Before LD_ABS and LD_IND, which may end the program. */
export function checkLegacyLoadRefs(env: Env): i32 {
  return checkHeld(env, false, true, HELD_LEGACY_LOAD);
}

/** Any lock of a kind in `kinds`, or with `id` (and `ptr`) the one. */
export function findLock(st: State, kinds: u32, id: u32, ptr: u32): bool {
  for (let i: u32 = 0; i < st.refCount; i++) {
    const ref = st.ref(i);
    if ((ref.kind & kinds & REF_LOCKS) == 0) continue;
    if (ptr == 0 || (ref.id == id && ref.ptr == ptr)) return true;
  }
  return false;
}

export function acquireLock(env: Env, kind: u32, id: u32, ptr: u32): i32 {
  const ref = addRef(env, kind, id);
  if (changetype<usize>(ref) == 0) return -ENOMEM;
  ref.ptr = ptr;
  const st = env.cur;
  st.activeLocks++;
  st.activeLockId = id;
  st.activeLockPtr = ptr;
  return 0;
}

/** Gives a lock back; the one taken before it becomes the active one. False when it is not held. */
export function releaseLock(st: State, kind: u32, id: u32, ptr: u32): bool {
  let lastId: u32 = 0;
  let lastPtr: u32 = 0;
  for (let i: u32 = 0; i < st.refCount; i++) {
    const ref = st.ref(i);
    if (ref.kind == kind && ref.id == id && ref.ptr == ptr) {
      removeRef(st, i);
      st.activeLocks--;
      st.activeLockId = lastId;
      st.activeLockPtr = lastPtr;
      return true;
    }
    if ((ref.kind & REF_LOCKS) != 0) {
      lastId = ref.id;
      lastPtr = ref.ptr;
    }
  }
  return false;
}
