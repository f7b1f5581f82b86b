// Fields of map values and objects that only calls may touch: spin locks, timers, kptrs.
import { EACCES, EINVAL } from '../../isa';
import * as abi from '../abi';
import { Env } from '../env';
import { Field } from '../input';
import { fail } from '../log';
import * as msg from '../messages/call';
import { isSpilled } from '../precision';
import { RegState } from '../reg-state';
import { REF_LOCK, REF_LOCKS, REF_RES_LOCK, REF_RES_LOCK_IRQ } from '../state';
import { BPF_FUNC_spin_lock } from './helper-ids';
import { CallMeta } from './meta';
import { acquireLock, findLock, kill, releaseLock } from './refs';
import { structAt } from './structs';

/** `ptr` of a lock in an object that the program made. */
const IN_OBJECT: u32 = 0x80000000;
const NONE: usize = 0;

/** The field of kind `kind` in what `reg` points to; null when it has none. */
export function fieldOf(env: Env, reg: RegState, kind: u32): Field {
  return findField(env, reg, kind, -1);
}

/** The same, at offset `off` (-1: anywhere). */
export function findField(env: Env, reg: RegState, kinds: u32, off: i64): Field {
  let fields: usize = 0;
  let count: u32 = 0;
  if (reg.base == abi.PTR_TO_MAP_VALUE) {
    const map = env.map(reg.aux);
    fields = map.fields;
    count = map.fieldCount;
  } else if (reg.base == abi.PTR_TO_BTF_ID && <i32>reg.aux >= 0) {
    const struct = structAt(env, <i32>reg.aux);
    fields = struct.fields;
    count = struct.fieldCount;
  }
  for (let i: u32 = 0; i < count; i++) {
    const field = changetype<Field>(fields + <usize>i * abi.MF_SIZE);
    if ((field.kind & kinds) != 0 && (off < 0 || <i64>field.offset == off)) return field;
  }
  return changetype<Field>(NONE);
}

/** A callback that orders a tree runs under the tree's lock. */
export function inTreeCallback(env: Env): bool {
  const st = env.cur;
  if (st.curframe == 0 || st.activeLocks == 0) return false;
  for (let f: u32 = 1; f <= st.curframe; f++) {
    const frame = st.frame(f);
    if ((frame.flags & 1) != 0 && env.insn(frame.callsite).isKfuncCall) return true;
  }
  return false;
}

export function checkSpinLockArg(env: Env, meta: CallMeta, regno: u32): i32 {
  if (inTreeCallback(env)) return fail(env, EACCES, msg.MSG_LOCK_IN_CALLBACK);
  const isLock = meta.func == BPF_FUNC_spin_lock;
  return isLock ? takeLock(env, regno, REF_LOCK) : giveLock(env, regno, REF_LOCK);
}

export function lockPtr(reg: RegState): u32 {
  return reg.base == abi.PTR_TO_MAP_VALUE ? reg.aux + 1 : IN_OBJECT;
}

/** The register points to a lock of `kind`. `name` of messages: 0 bpf_spin, 1 bpf_res_spin. */
function checkLockField(env: Env, regno: u32, kind: u32): i32 {
  const reg = env.reg(regno);
  const name: i64 = kind == REF_LOCK ? 0 : 1;
  if (reg.mask != 0) return fail(env, EINVAL, msg.MSG_LOCK_OFFSET, regno, name);
  const isMap = reg.base == abi.PTR_TO_MAP_VALUE;
  if (isMap && env.map(reg.aux).hasBtf == 0) return fail(env, EINVAL, msg.MSG_LOCK_NO_BTF, reg.aux, name);
  const field = fieldOf(env, reg, kind == REF_LOCK ? abi.FIELD_SPIN_LOCK : abi.FIELD_RES_SPIN_LOCK);
  if (changetype<usize>(field) == NONE) {
    return isMap
      ? fail(env, EINVAL, msg.MSG_LOCK_NONE_MAP, reg.aux, name)
      : fail(env, EINVAL, msg.MSG_LOCK_NONE_KPTR, 0, name);
  }
  const off = <i64>reg.value + <i64>reg.off;
  return <i64>field.offset != off ? fail(env, EINVAL, msg.MSG_LOCK_AT, off, name, field.offset) : 0;
}

export function takeLock(env: Env, regno: u32, kind: u32): i32 {
  const err = checkLockField(env, regno, kind);
  if (err != 0) return err;
  const reg = env.reg(regno);
  const st = env.cur;
  const ptr = lockPtr(reg);
  if (kind == REF_LOCK) {
    if (st.activeLocks != 0 && findLock(st, REF_LOCK, 0, 0)) return fail(env, EINVAL, msg.MSG_LOCK_TWO);
  } else if (st.activeLocks != 0 && findLock(st, REF_RES_LOCK | REF_RES_LOCK_IRQ, reg.id, ptr)) {
    return fail(env, EINVAL, msg.MSG_LOCK_AGAIN);
  }
  return acquireLock(env, kind, reg.id, ptr);
}

export function giveLock(env: Env, regno: u32, kind: u32): i32 {
  const err = checkLockField(env, regno, kind);
  if (err != 0) return err;
  const reg = env.reg(regno);
  const st = env.cur;
  const ptr = lockPtr(reg);
  const name: i64 = kind == REF_LOCK ? 0 : 1;
  if (st.activeLocks == 0) return fail(env, EINVAL, msg.MSG_UNLOCK_NONE, name);
  if (!findLock(st, kind & REF_LOCKS, reg.id, ptr)) return fail(env, EINVAL, msg.MSG_UNLOCK_OTHER, name);
  if (reg.id != st.activeLockId || ptr != st.activeLockPtr) return fail(env, EINVAL, msg.MSG_UNLOCK_ORDER, name);
  if (!releaseLock(st, kind, reg.id, ptr)) return fail(env, EINVAL, msg.MSG_UNLOCK_OTHER, name);
  dropNonOwning(env);
  return 0;
}

/** Behind an unlock, nodes that the lock's tree or list owns may be gone. */
export function dropNonOwning(env: Env): void {
  for (let f: u32 = 0; f <= env.cur.curframe; f++) {
    const frame = env.cur.frame(f);
    for (let i: u32 = 0; i < 10; i++) {
      if (isNonOwning(frame.reg(i))) kill(env, frame.reg(i));
    }
    for (let i: u32 = 0; i < frame.slots; i++) {
      if (isSpilled(frame.slot(i)) && isNonOwning(frame.slot(i))) kill(env, frame.slot(i));
    }
  }
}

function isNonOwning(reg: RegState): bool {
  return reg.base == abi.PTR_TO_BTF_ID && (reg.type & abi.MEM_ALLOC) != 0 && (reg.type & abi.NON_OWN_REF) != 0;
}

/** The register points to the one field of kind `kind` in a map's value. */
export function checkMapField(env: Env, regno: u32, kind: u32): i32 {
  const reg = env.reg(regno);
  if (reg.mask != 0) return fail(env, EINVAL, msg.MSG_FIELD_OFFSET, regno, kind);
  if (env.map(reg.aux).hasBtf == 0) return fail(env, EINVAL, msg.MSG_FIELD_NO_BTF, reg.aux, kind);
  const field = fieldOf(env, reg, kind);
  if (changetype<usize>(field) == NONE) return fail(env, EINVAL, msg.MSG_FIELD_NONE, reg.aux, kind);
  const off = <i64>reg.value + <i64>reg.off;
  return <i64>field.offset != off ? fail(env, EINVAL, msg.MSG_FIELD_AT, off, kind, field.offset) : 0;
}

export function checkTimerArg(env: Env, meta: CallMeta, regno: u32): i32 {
  const err = checkMapField(env, regno, abi.FIELD_TIMER);
  if (err != 0) return err;
  meta.map = <i32>env.reg(regno).aux;
  meta.mapUid = env.reg(regno).aux2;
  return 0;
}

/** R1 of bpf_kptr_xchg: a kptr that holds references. */
export function checkKptrDest(env: Env, meta: CallMeta, regno: u32): i32 {
  const reg = env.reg(regno);
  const kinds: u32 = abi.FIELD_KPTR_UNREF | abi.FIELD_KPTR_REF | abi.FIELD_KPTR_PERCPU;
  if (reg.base == abi.PTR_TO_MAP_VALUE) {
    if (env.map(reg.aux).hasBtf == 0) return fail(env, EINVAL, msg.MSG_KPTR_NO_BTF, reg.aux);
    meta.map = <i32>reg.aux;
  }
  if (reg.mask != 0) return fail(env, EINVAL, msg.MSG_KPTR_OFFSET, regno);
  if (changetype<usize>(fieldOf(env, reg, kinds)) == NONE) return fail(env, EINVAL, msg.MSG_KPTR_NONE, regno);
  const off = reg.off + <i32>reg.value;
  const field = findField(env, reg, kinds, off);
  if (changetype<usize>(field) == NONE) return fail(env, EACCES, msg.MSG_KPTR_AT, off);
  if (field.kind == abi.FIELD_KPTR_UNREF) return fail(env, EACCES, msg.MSG_KPTR_UNREF, off);
  meta.retStruct = field.struct;
  const isLocal = field.struct >= 0 && (structAt(env, field.struct).flags & abi.STF_LOCAL) != 0;
  if (isLocal) meta.retFlags = abi.MEM_ALLOC | (field.kind == abi.FIELD_KPTR_PERCPU ? abi.MEM_PERCPU : 0);
  return 0;
}
