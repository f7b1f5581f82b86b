// Is a stored state, found safe, more general than the current one? Then whatever follows is safe as well. All comparisons are "old allows cur".
import {
  BASE_MASK,
  NOT_INIT,
  PTR_TO_ARENA,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  SCALAR,
  STACK_DYNPTR,
  STACK_INVALID,
  STACK_IRQ_FLAG,
  STACK_ITER,
  STACK_MISC,
  STACK_SPILL,
  STACK_ZERO,
} from './abi';
import { scalarEquals, scalarWithin } from './domain/scalar';
import { Env } from './env';
import { Frame, StackSlot } from './frame';
import { IdMap } from './id-map';
import { isSpilled } from './precision';
import { copyReg, LINK_ADD_CONST, RegState } from './reg-state';
import { REF_LOCKS, State } from './state';

/** Imprecise scalars match anything. */
export const NOT_EXACT: u32 = 0;
/** Everything must be the same: is this an endless loop? */
export const EXACT: u32 = 1;
/** Imprecise scalars must be within the old ranges: does a loop converge? */
export const RANGE_WITHIN: u32 = 2;

/** `State.differed`: 0 for nothing yet, a register's number + 1, or a stack slot's number behind these. */
const FIRST_SLOT: u32 = 16;

const ALL_MISC: u64 = 0x0202020202020202;

/** Everything but the map behind the ids is equal. */
export function regsExact(old: RegState, cur: RegState, ids: IdMap): bool {
  return (
    scalarEquals(old, cur) &&
    old.type == cur.type &&
    old.off == cur.off &&
    old.aux == cur.aux &&
    old.aux2 == cur.aux2 &&
    ids.same(old.id, cur.id) &&
    ids.same(old.refId, cur.refId)
  );
}

function scalarSafe(env: Env, old: RegState, cur: RegState, ids: IdMap, mode: u32): bool {
  if (!env.allowImprecise) return scalarEquals(old, cur) && ids.sameScalar(old.id, cur.id);
  if (!old.precise && mode == NOT_EXACT) return true;
  // Without an id the old one stood alone: whatever links the current one only says more of it.
  if (old.id == 0) return scalarWithin(old, cur);
  if ((old.id & LINK_ADD_CONST) != (cur.id & LINK_ADD_CONST)) return false;
  if ((old.id & LINK_ADD_CONST) != 0 && old.off != cur.off) return false;
  return scalarWithin(old, cur) && ids.sameScalar(old.id, cur.id);
}

function packetSafe(old: RegState, cur: RegState, ids: IdMap): bool {
  if (old.range < 0 || cur.range < 0) {
    if (old.range != cur.range) return false;
  } else if (old.range > cur.range) return false;
  return old.off == cur.off && ids.same(old.id, cur.id) && scalarWithin(old, cur);
}

class Compare {
  /** What most comparisons end with, in place. */
  @inline static regs(env: Env, old: RegState, cur: RegState, ids: IdMap, mode: u32): bool {
    if (mode == NOT_EXACT) {
      const type = old.type;
      if (type == NOT_INIT) return true;
      if (type != cur.type) return false;
      if (type == SCALAR && !old.precise && env.allowImprecise) return true;
    }
    return compareRegs(env, old, cur, ids, mode);
  }
}

function compareRegs(env: Env, old: RegState, cur: RegState, ids: IdMap, mode: u32): bool {
  if (mode == EXACT) return regsExact(old, cur, ids);
  if (old.type == NOT_INIT) return true;
  if (old.type != cur.type) return false;
  switch (old.type & BASE_MASK) {
    case SCALAR:
      return scalarSafe(env, old, cur, ids, mode);
    case PTR_TO_MAP_KEY:
    case PTR_TO_MAP_VALUE:
    case PTR_TO_MEM:
      return (
        old.off == cur.off &&
        old.aux == cur.aux &&
        old.aux2 == cur.aux2 &&
        scalarWithin(old, cur) &&
        ids.same(old.id, cur.id) &&
        ids.same(old.refId, cur.refId)
      );
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
      return packetSafe(old, cur, ids);
    case PTR_TO_STACK:
      return regsExact(old, cur, ids) && old.frameno == cur.frameno;
    case PTR_TO_ARENA:
      return true;
    default:
      return regsExact(old, cur, ids);
  }
}

/** Eight bytes that a load takes as a scalar: a spilled one, or an unknown one for bytes that are all misc. 1 spilled, 2 unknown, 0 neither. */
function scalarKind(env: Env, slot: StackSlot): u32 {
  if (slot.type == SCALAR && slot.types == 0x0101010101010101) return 1;
  if (slot.types == ALL_MISC) return 2;
  if (!env.allowPtrLeaks || slot.typeAt(7) == STACK_SPILL) return 0;
  for (let i: u32 = 0; i < 8; i++) {
    const type = slot.typeAt(i);
    if (type != STACK_MISC && type != STACK_INVALID) return 0;
  }
  return 2;
}

function scalarSlotsSafe(
  env: Env,
  old: StackSlot,
  cur: StackSlot,
  oldKind: u32,
  curKind: u32,
  ids: IdMap,
  mode: u32,
): bool {
  const unknown = changetype<RegState>(env.unknownReg);
  return Compare.regs(env, oldKind == 1 ? old : unknown, curKind == 1 ? cur : unknown, ids, mode);
}

/** Slots of equal byte types: what they hold. */
function contentsSafe(env: Env, old: StackSlot, cur: StackSlot, ids: IdMap, mode: u32): bool {
  switch (old.typeAt(7)) {
    case STACK_SPILL:
      return Compare.regs(env, old, cur, ids, mode);
    case STACK_DYNPTR:
      return old.aux == cur.aux && ((old.aux2 ^ cur.aux2) & 1) == 0 && ids.same(old.refId, cur.refId);
    case STACK_ITER:
      // The depth is left out: it differs in every round of a loop.
      return old.aux == cur.aux && ((old.aux2 ^ cur.aux2) & 0xff) == 0 && ids.same(old.refId, cur.refId);
    case STACK_IRQ_FLAG:
      return old.aux == cur.aux && ids.same(old.refId, cur.refId);
    default:
      return true;
  }
}

function slotSafe(env: Env, old: StackSlot, cur: StackSlot, ids: IdMap, mode: u32): bool {
  // Loops converge only when every byte is of the same type.
  if (mode != NOT_EXACT && old.types != cur.types) return false;
  if (old.types == 0) return true;
  const oldKind = scalarKind(env, old);
  if (oldKind != 0) {
    if (oldKind == 2 && env.allowPtrLeaks) return true;
    const curKind = scalarKind(env, cur);
    if (curKind != 0) return scalarSlotsSafe(env, old, cur, oldKind, curKind, ids, mode);
  }
  for (let i: u32 = 0; i < 8; i++) {
    const was = old.typeAt(i);
    const is = cur.typeAt(i);
    if (was == is || was == STACK_INVALID) continue;
    if (was == STACK_MISC && (env.allowPtrLeaks || is == STACK_ZERO)) continue;
    return false;
  }
  return old.typeAt(7) == cur.typeAt(7) ? contentsSafe(env, old, cur, ids, mode) : true;
}

function stackSafe(env: Env, old: Frame, cur: Frame, ids: IdMap, mode: u32): bool {
  for (let i: u32 = 0; i < old.slots; i++) {
    const slot = old.slot(i);
    if (i >= cur.slots) {
      if (mode != NOT_EXACT || !emptySlotSafe(env, slot)) return false;
      continue;
    }
    // Nothing was there, or bytes of which nothing is known.
    if (mode == NOT_EXACT && (slot.types == 0 || (slot.types == ALL_MISC && env.allowPtrLeaks))) continue;
    if (slotSafe(env, slot, cur.slot(i), ids, mode)) continue;
    env.differed = FIRST_SLOT + i;
    return false;
  }
  return true;
}

/** The current state never touched this slot: the old one must not have relied on it. */
function emptySlotSafe(env: Env, old: StackSlot): bool {
  for (let i: u32 = 0; i < 8; i++) {
    const type = old.typeAt(i);
    if (type != STACK_INVALID && !(type == STACK_MISC && env.allowPtrLeaks)) return false;
  }
  return true;
}

function refsSafe(old: State, cur: State, ids: IdMap): bool {
  if (old.refCount != cur.refCount) return false;
  if (old.activeLocks != cur.activeLocks || old.activePreemptLocks != cur.activePreemptLocks) return false;
  if (old.activeRcuLocks != cur.activeRcuLocks) return false;
  if (!ids.same(old.activeIrqId, cur.activeIrqId)) return false;
  if (!ids.same(old.activeLockId, cur.activeLockId) || old.activeLockPtr != cur.activeLockPtr) return false;
  for (let i: u32 = 0; i < old.refCount; i++) {
    const a = old.ref(i);
    const b = cur.ref(i);
    if (a.kind != b.kind || !ids.same(a.id, b.id)) return false;
    if ((a.kind & REF_LOCKS) != 0 && a.ptr != b.ptr) return false;
  }
  return true;
}

function framesEqual(env: Env, old: Frame, cur: Frame, pc: u32, ids: IdMap, mode: u32): bool {
  if (old.callbackDepth > cur.callbackDepth) return false;
  const live = env.auxOf(pc).liveRegs;
  for (let rest = live & 0x3ff; rest != 0; rest &= rest - 1) {
    const i = <u32>ctz(rest);
    if (Compare.regs(env, old.reg(i), cur.reg(i), ids, mode)) continue;
    env.differed = i + 1;
    return false;
  }
  return stackSafe(env, old, cur, ids, mode);
}

/**
 * What differed last time, in the innermost frame, differs again: then so do the states, whatever ids stand for each other. Looks at a copy beside
 * what else is read of a stored state, because there are too many of them for a processor's caches. A copy that is not precise yet differs no
 * sooner, and no mode finds equal what NOT_EXACT does not.
 */
export function differsAgain(env: Env, old: State, cur: State): bool {
  const at = old.differed;
  if (at == 0) return false;
  const is = cur.cur;
  const ids = changetype<IdMap>(env.idMap);
  ids.reset(env.idGen);
  if (at < FIRST_SLOT) return !Compare.regs(env, old.seenSlot, is.reg(at - 1), ids, NOT_EXACT);
  const slot = at - FIRST_SLOT;
  return slot < is.slots && !slotSafe(env, old.seenSlot, is.slot(slot), ids, NOT_EXACT);
}

function noteDifference(env: Env, old: State): void {
  const at = env.differed;
  old.differed = at;
  if (at == 0) return;
  const from: RegState = at < FIRST_SLOT ? old.cur.reg(at - 1) : changetype<RegState>(old.cur.slot(at - FIRST_SLOT));
  copyReg(old.seenSlot, from);
  if (at >= FIRST_SLOT) old.seenSlot.types = changetype<StackSlot>(from).types;
}

/** Pc at which frame `i` of a state stands: where the state is, or the call it waits for. */
export function framePc(state: State, i: u32): u32 {
  return i == state.curframe ? state.pc : <u32>state.frame(i + 1).callsite;
}

export function sameCallsites(a: State, b: State): bool {
  if (a.curframe != b.curframe) return false;
  for (let i: u32 = 0; i <= a.curframe; i++) {
    if (a.frame(i).callsite != b.frame(i).callsite) return false;
  }
  return true;
}

export function statesEqual(env: Env, old: State, cur: State, mode: u32): bool {
  if (old.curframe != cur.curframe) return false;
  const ids = changetype<IdMap>(env.idMap);
  if (old.speculative && !cur.speculative) return false;
  if (old.inSleepable != cur.inSleepable) return false;
  ids.reset(env.idGen);
  if (!refsSafe(old, cur, ids)) return false;
  for (let i: u32 = 0; i <= old.curframe; i++) {
    if (old.frame(i).callsite != cur.frame(i).callsite) return false;
    env.differed = 0;
    if (framesEqual(env, old.frame(i), cur.frame(i), framePc(old, i), ids, mode)) continue;
    if (i == old.curframe) noteDifference(env, old);
    return false;
  }
  return true;
}

function sameRegister(x: RegState, y: RegState): bool {
  if (!scalarEquals(x, y)) return false;
  return x.type == y.type && x.off == y.off && x.id == y.id && x.refId == y.refId && x.aux == y.aux;
}

/** Quick look before an EXACT comparison. The register that differed last time is the first to be looked at: a loop's counter, mostly. */
export function maybeLooping(env: Env, old: State, cur: State): bool {
  if (old.curframe != cur.curframe) return false;
  const a = old.cur;
  const b = cur.cur;
  if (!sameRegister(a.reg(env.counter), b.reg(env.counter))) return false;
  for (let i: u32 = 0; i < 11; i++) {
    if (sameRegister(a.reg(i), b.reg(i))) continue;
    env.counter = i;
    return false;
  }
  return true;
}

/** Iterators that are at different depths in the two states: a loop that moves on. */
export function iterDepthsDiffer(old: State, cur: State): bool {
  for (let f: u32 = 0; f <= old.curframe; f++) {
    const frame = old.frame(f);
    for (let i: u32 = 0; i < frame.slots; i++) {
      const slot = frame.slot(i);
      if (slot.typeAt(7) != STACK_ITER || (slot.aux2 & 0xff) != ITER_ACTIVE) continue;
      if (slot.aux2 >> 8 != cur.frame(f).slot(i).aux2 >> 8) return true;
    }
  }
  return false;
}

/** State of an iterator, in the low byte of `aux2` of its slot; the rounds walked are above it. */
export const ITER_ACTIVE: u32 = 1;
export const ITER_DRAINED: u32 = 2;

/** Widens what a round of a loop changed without anybody relying on it, so that the loop converges. */
export function widen(env: Env, old: State, cur: State): void {
  const ids = changetype<IdMap>(env.idMap);
  ids.reset(env.idGen);
  for (let f: u32 = 0; f <= cur.curframe; f++) {
    const before = old.frame(f);
    const now = cur.frame(f);
    for (let i: u32 = 0; i < 10; i++) widenReg(before.reg(i), now.reg(i), ids);
    const slots = min(before.slots, now.slots);
    for (let i: u32 = 0; i < slots; i++) {
      if (isSpilled(before.slot(i)) && isSpilled(now.slot(i))) widenReg(before.slot(i), now.slot(i), ids);
    }
  }
}

function widenReg(old: RegState, cur: RegState, ids: IdMap): void {
  if (old.type != SCALAR || cur.type != SCALAR) return;
  if (old.precise || cur.precise || regsExact(old, cur, ids)) return;
  cur.setUnknown();
  cur.id = 0;
  cur.off = 0;
}
