// One argument of a helper, judged by its type word: a small function for each kind.
import { EACCES, EINVAL } from '../../isa';
import * as abi from '../abi';
import { checkRegion } from '../access/memory';
import { Env } from '../env';
import { fail } from '../log';
import {
  MSG_HELPER_PACKET_ACCESS,
  MSG_LEAKS_INTO_HELPER,
  MSG_MAP_UID_TIMER,
  MSG_NO_MAP_FOR_KEY,
  MSG_NO_MAP_FOR_TYPE,
  MSG_NO_MAP_FOR_VALUE,
  MSG_NOT_REFERENCED,
  MSG_PERCPU_BTF_ID,
  MSG_SIZE_NEGATIVE,
  MSG_SIZE_NOT_CONST,
  MSG_SIZE_UNBOUNDED,
  MSG_SIZE_ZERO,
  MSG_SOCKMAP_ARG,
  MSG_TWO_REFS,
} from '../messages/call';
import { isSpilledScalar, markChainPrecision, markSlotPrecision } from '../precision';
import { isNullConst, isPacketPointer, RegState } from '../reg-state';
import { checkRead, isPointer } from '../regs';
import { HelperProto } from '../table/helper';
import { checkArgOffset, checkArgType } from './compatible';
import { checkConstString } from './const-str';
import { checkDynptrArg, checkDynptrRelease } from './dynptr';
import { checkKptrDest, checkSpinLockArg, checkTimerArg } from './fields';
import { BPF_FUNC_map_peek_elem } from './helper-ids';
import { CallMeta } from './meta';

/** A size must be below this (BPF_MAX_VAR_SIZ). */
const MAX_SIZE: u64 = 1 << 29;
const MAP_TYPE_ARRAY: u32 = 2;
const MAP_TYPE_PERCPU_ARRAY: u32 = 6;
const MAP_TYPE_SOCKMAP: u32 = 15;
const MAP_TYPE_SOCKHASH: u32 = 18;
const MAP_TYPE_BLOOM_FILTER: u32 = 30;

/** Argument `i` (0 for R1) of the helper `proto`. */
export function checkArg(env: Env, meta: CallMeta, proto: HelperProto, i: u32): i32 {
  const regno = i + 1;
  let arg = proto.arg(i);
  if (arg == abi.ARG_DONTCARE) return 0;
  let err = checkRead(env, regno);
  if (err != 0) return err;
  if (arg == abi.ARG_ANYTHING) {
    const leaks = !env.allowPtrLeaks && isPointer(env, regno);
    return leaks ? fail(env, EACCES, MSG_LEAKS_INTO_HELPER, regno) : 0;
  }
  const reg = env.reg(regno);
  if (isPacketPointer(reg) && (!meta.packetAccess || env.input.packetAccess == abi.PACKET_ACCESS_NONE))
    return fail(env, EACCES, MSG_HELPER_PACKET_ACCESS);
  if ((arg & abi.BASE_MASK) == abi.ARG_PTR_TO_MAP_VALUE) {
    err = checkValueArgMap(env, meta, arg);
    if (err != 0) return err;
    arg = valueArg(env, meta, arg);
  }
  if (!isNullConst(reg) || (arg & abi.PTR_MAYBE_NULL) == 0) {
    err = checkArgType(env, meta, regno, arg, proto.argStruct(i));
    if (err != 0) return err;
    err = checkArgOffset(env, regno, arg);
    if (err != 0) return err;
  }
  err = noteReference(env, meta, regno, arg);
  return err != 0 ? err : checkKind(env, meta, proto, i, arg);
}

function checkValueArgMap(env: Env, meta: CallMeta, arg: u32): i32 {
  if (meta.map < 0) return fail(env, EACCES, MSG_NO_MAP_FOR_TYPE);
  const type = env.map(meta.map).type;
  const isSockMap = type == MAP_TYPE_SOCKMAP || type == MAP_TYPE_SOCKHASH;
  return isSockMap && arg != abi.ARG_PTR_TO_MAP_VALUE ? fail(env, EINVAL, MSG_SOCKMAP_ARG) : 0;
}

/** The values of some maps are not plain memory. */
function valueArg(env: Env, meta: CallMeta, arg: u32): u32 {
  switch (env.map(meta.map).type) {
    case MAP_TYPE_SOCKMAP:
    case MAP_TYPE_SOCKHASH:
      return abi.ARG_PTR_TO_BTF_ID_SOCK_COMMON;
    case MAP_TYPE_BLOOM_FILTER:
      return meta.func == BPF_FUNC_map_peek_elem ? abi.ARG_PTR_TO_MAP_VALUE : arg;
    default:
      return arg;
  }
}

/** Whether a reference comes with the register, and whether the call gives it back. */
function noteReference(env: Env, meta: CallMeta, regno: u32, arg: u32): i32 {
  const reg = env.reg(regno);
  if ((arg & abi.OBJ_RELEASE) != 0) {
    if ((arg & abi.BASE_MASK) == abi.ARG_PTR_TO_DYNPTR) {
      const err = checkDynptrRelease(env, regno);
      if (err != 0) return err;
    } else if (reg.refId == 0 && !isNullConst(reg)) return fail(env, EINVAL, MSG_NOT_REFERENCED, regno);
    meta.releaseRegno = regno;
  }
  if (reg.refId == 0 || (arg & abi.BASE_MASK) == abi.ARG_KPTR_XCHG_DEST) return 0;
  if (meta.refId != 0) return fail(env, EACCES, MSG_TWO_REFS, regno, reg.refId, meta.refId);
  meta.refId = reg.refId;
  return 0;
}

function checkKind(env: Env, meta: CallMeta, proto: HelperProto, i: u32, arg: u32): i32 {
  const regno = i + 1;
  const reg = env.reg(regno);
  switch (arg & abi.BASE_MASK) {
    case abi.ARG_CONST_MAP_PTR:
      return checkMapArg(env, meta, reg);
    case abi.ARG_PTR_TO_MAP_KEY:
      return checkKeyArg(env, meta, regno);
    case abi.ARG_PTR_TO_MAP_VALUE:
      return checkValueArg(env, meta, regno, arg);
    case abi.ARG_PTR_TO_PERCPU_BTF_ID:
      meta.retStruct = <i32>reg.aux;
      // A CPU's copy of an object that a program made may be written.
      if ((reg.type & abi.MEM_RCU) != 0) meta.retFlags = abi.MEM_ALLOC | abi.MEM_RCU;
      return <i32>reg.aux < 0 ? fail(env, EACCES, MSG_PERCPU_BTF_ID, regno) : 0;
    case abi.ARG_PTR_TO_SPIN_LOCK:
      return checkSpinLockArg(env, meta, regno);
    case abi.ARG_PTR_TO_TIMER:
      return checkTimerArg(env, meta, regno);
    case abi.ARG_PTR_TO_FUNC:
      meta.subprog = reg.aux;
      return 0;
    case abi.ARG_PTR_TO_MEM:
      return checkMemArg(env, meta, proto, i, arg);
    case abi.ARG_CONST_SIZE:
      return checkSizeArg(env, meta, regno, writes(proto.arg(i - 1)), false);
    case abi.ARG_CONST_SIZE_OR_ZERO:
      return checkSizeArg(env, meta, regno, writes(proto.arg(i - 1)), true);
    case abi.ARG_CONST_ALLOC_SIZE_OR_ZERO:
      return checkAllocSize(env, meta, regno);
    case abi.ARG_PTR_TO_DYNPTR:
      return checkDynptrArg(env, regno, arg, 0);
    case abi.ARG_PTR_TO_CONST_STR:
      return checkConstString(env, regno);
    case abi.ARG_KPTR_XCHG_DEST:
      return checkKptrDest(env, meta, regno);
    default:
      return 0;
  }
}

function writes(arg: u32): bool {
  return (arg & abi.MEM_WRITE) != 0;
}

function checkMapArg(env: Env, meta: CallMeta, reg: RegState): i32 {
  // A timer of one inner map must not be started with another: R1 told which map it is in.
  if (meta.map >= 0 && (meta.map != <i32>reg.aux || meta.mapUid != reg.aux2))
    return fail(env, EINVAL, MSG_MAP_UID_TIMER, meta.mapUid, reg.aux2);
  meta.map = <i32>reg.aux;
  meta.mapUid = reg.aux2;
  return 0;
}

function checkKeyArg(env: Env, meta: CallMeta, regno: u32): i32 {
  if (meta.map < 0) return fail(env, EACCES, MSG_NO_MAP_FOR_KEY);
  const map = env.map(meta.map);
  const err = checkRegion(env, regno, map.keySize, false, false, false);
  if (err != 0) return err;
  const isArray = map.type == MAP_TYPE_ARRAY || map.type == MAP_TYPE_PERCPU_ARRAY;
  return isArray && env.capable ? noteConstKey(env, meta, env.reg(regno), map.keySize) : 0;
}

/** A key on the stack whose value is known: the lookup of an array elem inside of its bounds cannot fail. */
function noteConstKey(env: Env, meta: CallMeta, reg: RegState, size: u32): i32 {
  if (reg.type != abi.PTR_TO_STACK || reg.mask != 0) return 0;
  const at = -(reg.off + <i32>reg.value) - 1;
  const frame = env.cur.frame(reg.frameno);
  const spi = <u32>at >> 3;
  if (at < 0 || spi >= frame.slots) return 0;
  const slot = frame.slot(spi);
  if (bytesOf(env, reg, at & 7, abi.STACK_ZERO) >= size) {
    meta.constKey = 0;
    return 0;
  }
  if (!isSpilledScalar(slot) || slot.mask != 0) return 0;
  if (bytesOf(env, reg, at & 7, abi.STACK_SPILL) != size) return 0;
  meta.constKey = <i64>slot.value;
  return markSlotPrecision(env, reg.frameno, spi);
}

/** How many bytes of type `type` follow the one `at` that `reg` points to, in its slot. */
function bytesOf(env: Env, reg: RegState, at: i32, type: u32): u32 {
  const spi = <u32>(-(reg.off + <i32>reg.value) - 1) >> 3;
  const slot = env.cur.frame(reg.frameno).slot(spi);
  let count: u32 = 0;
  for (let i = at; i >= 0 && slot.typeAt(i) == type; i--) count++;
  return count;
}

function checkValueArg(env: Env, meta: CallMeta, regno: u32, arg: u32): i32 {
  if ((arg & abi.PTR_MAYBE_NULL) != 0 && isNullConst(env.reg(regno))) return 0;
  if (meta.map < 0) return fail(env, EACCES, MSG_NO_MAP_FOR_VALUE);
  meta.raw = (arg & abi.MEM_UNINIT) != 0;
  return checkMemory(env, meta, regno, env.map(meta.map).valueSize, writes(arg), false, meta.raw);
}

function checkMemArg(env: Env, meta: CallMeta, proto: HelperProto, i: u32, arg: u32): i32 {
  // Without a size of its own the memory is checked with the next argument.
  meta.raw = (arg & abi.MEM_UNINIT) != 0;
  if ((arg & abi.MEM_FIXED_SIZE) == 0) return 0;
  const err = checkMemory(env, meta, i + 1, proto.argSize(i), writes(arg), false, meta.raw);
  return err;
}

/** Memory of `size` bytes; `raw` lets stack memory be uninitialised, which the call then fills. */
function checkMemory(env: Env, meta: CallMeta, regno: u32, size: u32, write: bool, zero: bool, raw: bool): i32 {
  const reg = env.reg(regno);
  const fills = raw && reg.base == abi.PTR_TO_STACK && reg.mask == 0;
  const err = checkRegion(env, regno, size, write, zero, fills);
  if (err == 0 && fills) {
    meta.rawRegno = regno;
    meta.rawSize = size;
  }
  return err;
}

/** The size in `regno` of the memory in the register before it. */
export function checkSizeArg(env: Env, meta: CallMeta, regno: u32, write: bool, zeroAllowed: bool): i32 {
  const reg = env.reg(regno);
  meta.maxSize = reg.umax;
  const raw = meta.raw && reg.mask == 0;
  if (reg.smin < 0) return fail(env, EACCES, MSG_SIZE_NEGATIVE, regno);
  if (reg.umin == 0 && !zeroAllowed) return fail(env, EACCES, MSG_SIZE_ZERO, regno, reg.umin, reg.umax);
  if (reg.umax >= MAX_SIZE) return fail(env, EACCES, MSG_SIZE_UNBOUNDED, regno);
  const err = checkMemory(env, meta, regno - 1, <u32>reg.umax, write, zeroAllowed, raw);
  if (err != 0) return err;
  noteSize(env, regno, env.reg(regno));
  return markChainPrecision(env, regno);
}

/** How many bytes the call is given, over all paths: the fact of the first sized argument. The caller marks it precise. */
function noteSize(env: Env, regno: u32, size: RegState): void {
  const aux = env.curAux;
  const lo = <i32>size.umin;
  const hi = <i32>size.umax;
  if ((aux.factFlags & abi.FACT_SEEN) == 0) {
    aux.factFlags |= abi.FACT_SEEN;
    aux.factMap = regno;
    aux.factLo = lo;
    aux.factHi = hi;
  } else if (aux.factMap == <i32>regno) {
    aux.factLo = min(aux.factLo, lo);
    aux.factHi = max(aux.factHi, hi);
  }
}

function checkAllocSize(env: Env, meta: CallMeta, regno: u32): i32 {
  const reg = env.reg(regno);
  if (reg.mask != 0) return fail(env, EACCES, MSG_SIZE_NOT_CONST, regno);
  meta.memSize = reg.value;
  return markChainPrecision(env, regno);
}
