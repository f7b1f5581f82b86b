// One argument of a kfunc, judged by its BTF type and the suffix of its name.
import { EACCES, EFAULT, EINVAL } from '../../isa';
import * as abi from '../abi';
import { checkRegion } from '../access/memory';
import { Env } from '../env';
import { fail, say } from '../log';
import * as msg from '../messages/call';
import { markChainPrecision } from '../precision';
import { isNullConst, RegState } from '../reg-state';
import { REF_RES_LOCK, REF_RES_LOCK_IRQ } from '../state';
import { checkSizeArg } from './arg';
import { checkArgOffset } from './compatible';
import { checkConstString } from './const-str';
import { checkDynptrArg, dynptrFlag, dynptrReg, isRefcounted } from './dynptr';
import { checkMapField, giveLock, inTreeCallback, takeLock } from './fields';
import { checkNodeArg, checkRootArg } from './graph';
import { IRQ_LOCK, IRQ_NATIVE, restoreIrq, saveIrq } from './irq';
import { checkIterArg } from './iter';
import { KfuncArg, KfuncProto } from './kfunc-proto';
import { checkMemArg } from './mem-args';
import { CallMeta } from './meta';
import { structAt, structHasField, structMatches } from './structs';

const ALLOCATED: u32 = abi.PTR_TO_BTF_ID | abi.MEM_ALLOC;
const TRUSTED: u32 = abi.MEM_ALLOC | abi.PTR_TRUSTED | abi.NON_OWN_REF;
const FLAGS: u32 = ~(<u32>abi.BASE_MASK);

/** All arguments of the kfunc `proto`. */
export function checkKfuncArgs(env: Env, meta: CallMeta, proto: KfuncProto): i32 {
  for (let i: u32 = 0; i < proto.argCount; i++) {
    const arg = proto.arg(i);
    if (arg.kind == abi.KA_IGNORED) continue;
    const isPair = i + 1 < proto.argCount && (proto.arg(i + 1).flags & (abi.KAF_SIZE | abi.KAF_CONST_SIZE)) != 0;
    const err =
      arg.kind == abi.KA_SCALAR ? checkScalar(env, meta, arg, i + 1) : checkPointer(env, meta, proto, i, isPair);
    if (err < 0) return err;
    // The size was looked at with its memory.
    if (err == PAIR_DONE) i++;
  }
  if (proto.has(abi.KFF_RELEASE) && meta.releaseRegno == 0)
    return fail(env, EINVAL, msg.MSG_KFUNC_RELEASE_NOTHING, meta.func);
  return 0;
}

const PAIR_DONE: i32 = 1;

function checkScalar(env: Env, meta: CallMeta, arg: KfuncArg, regno: u32): i32 {
  const reg = env.reg(regno);
  if (reg.type != abi.SCALAR) return fail(env, EINVAL, msg.MSG_KFUNC_NOT_SCALAR, regno);
  if (arg.has(abi.KAF_CONST)) {
    if (reg.mask != 0) return fail(env, EINVAL, msg.MSG_KFUNC_NOT_CONST, regno);
    meta.hasConst = true;
    meta.constant = reg.value;
    return markChainPrecision(env, regno);
  }
  if (!arg.has(abi.KAF_RDONLY_SIZE | abi.KAF_RDWR_SIZE)) return 0;
  if (reg.mask != 0) return fail(env, EINVAL, msg.MSG_KFUNC_SIZE_NOT_CONST, regno);
  if (arg.has(abi.KAF_RDONLY_SIZE)) meta.retReadOnly = true;
  meta.retBytes = reg.value;
  return markChainPrecision(env, regno);
}

/** Kernel structs that registers of other types are (STF_), 0 for none. */
function knownStruct(base: u32): u32 {
  switch (base) {
    case abi.PTR_TO_SOCKET:
      return abi.STF_SOCK;
    case abi.PTR_TO_SOCK_COMMON:
      return abi.STF_SOCK_COMMON;
    case abi.PTR_TO_TCP_SOCK:
      return abi.STF_TCP_SOCK;
    case abi.CONST_PTR_TO_MAP:
      return abi.STF_MAP;
    default:
      return 0;
  }
}

function isTrusted(reg: RegState): bool {
  if (reg.refId != 0) return true;
  const flags = reg.type & FLAGS;
  if ((flags & ~TRUSTED) != 0) return false;
  return knownStruct(reg.base) != 0 || flags != 0;
}

/** Kind that the argument has for this register: a struct pointer is memory for a register that is no BTF pointer. */
function kindFor(env: Env, arg: KfuncArg, reg: RegState, isPair: bool): u32 {
  const kind = arg.kind;
  if (kind != abi.KA_STRUCT_PTR && kind != abi.KA_MEM && kind != abi.KA_VOID) return kind;
  if (arg.has(abi.KAF_ALLOC) || arg.has(abi.KAF_REFCOUNTED)) return kind;
  if (reg.base == abi.PTR_TO_BTF_ID || knownStruct(reg.base) != 0)
    return kind == abi.KA_STRUCT_PTR ? kind : abi.KA_OTHER;
  if (kind == abi.KA_VOID) return isPair ? kind : abi.KA_OTHER;
  if (kind == abi.KA_MEM) return isPair ? abi.KA_VOID : kind;
  if ((structAt(env, arg.struct).flags & abi.STF_PLAIN) == 0) return abi.KA_OTHER;
  return isPair ? abi.KA_VOID : abi.KA_MEM;
}

function checkPointer(env: Env, meta: CallMeta, proto: KfuncProto, i: u32, isPair: bool): i32 {
  const arg = proto.arg(i);
  const regno = i + 1;
  const reg = env.reg(regno);
  const isNull = isNullConst(reg);
  // Later builds of 6.18 ask this of every kfunc, earlier ones only of those that want trusted pointers.
  if ((isNull || reg.maybeNull) && !arg.has(abi.KAF_NULLABLE | abi.KAF_OPTIONAL))
    return fail(env, EACCES, msg.MSG_KFUNC_POSSIBLY_NULL, i);
  const releases = proto.has(abi.KFF_RELEASE);
  if (reg.refId != 0) {
    if (releases && meta.refId != 0) return -EFAULT;
    meta.refId = reg.refId;
    if (releases) meta.releaseRegno = regno;
  }
  if (arg.kind != abi.KA_CTX && isNull && arg.has(abi.KAF_NULLABLE)) return 0;
  const kind = kindFor(env, arg, reg, isPair);
  if (kind == abi.KA_OTHER)
    return fail(env, EINVAL, msg.MSG_KFUNC_POINTER_TYPE, i, arg.struct, isPair ? 1 : 0, meta.func);
  const err = checkTrust(env, meta, proto, kind, arg, regno);
  if (err != 0) return err;
  const off = checkArgOffset(env, regno, releases && reg.refId != 0 ? abi.OBJ_RELEASE : 0);
  return off != 0 ? off : checkKind(env, meta, proto, i, kind);
}

function checkTrust(env: Env, meta: CallMeta, proto: KfuncProto, kind: u32, arg: KfuncArg, regno: u32): i32 {
  const reg = env.reg(regno);
  if (kind == abi.KA_MAP) {
    if (reg.base != abi.CONST_PTR_TO_MAP) return fail(env, EINVAL, msg.MSG_KFUNC_NOT_MAP, regno);
    if (meta.map >= 0 && (meta.map != <i32>reg.aux || meta.mapUid != reg.aux2))
      return fail(env, EINVAL, msg.MSG_KFUNC_MAP_UID, meta.mapUid, reg.aux2);
    meta.map = <i32>reg.aux;
    meta.mapUid = reg.aux2;
  }
  const isObject = kind == abi.KA_MAP || kind == abi.KA_STRUCT_PTR || arg.has(abi.KAF_ALLOC);
  if (!isObject || arg.has(abi.KAF_REFCOUNTED)) return 0;
  if (!proto.wantsTrusted && !proto.has(abi.KFF_RCU)) return 0;
  if (isTrusted(reg)) return 0;
  if (!proto.has(abi.KFF_RCU)) return fail(env, EINVAL, msg.MSG_KFUNC_NOT_TRUSTED, regno);
  return (reg.type & abi.MEM_RCU) == 0 ? fail(env, EINVAL, msg.MSG_KFUNC_NOT_RCU, regno) : 0;
}

function checkKind(env: Env, meta: CallMeta, proto: KfuncProto, i: u32, kind: u32): i32 {
  const arg = proto.arg(i);
  const regno = i + 1;
  const reg = env.reg(regno);
  if (arg.has(abi.KAF_ALLOC)) return checkAllocated(env, meta, proto, regno);
  if (arg.has(abi.KAF_REFCOUNTED)) return checkRefcounted(env, meta, regno);
  switch (kind) {
    case abi.KA_CTX:
      return reg.type != abi.PTR_TO_CTX ? fail(env, EINVAL, msg.MSG_KFUNC_NOT_CTX, i, reg.type) : 0;
    case abi.KA_DYNPTR:
      return checkDynptr(env, meta, proto, arg, regno);
    case abi.KA_ITER:
      return checkIterArg(env, meta, proto, regno);
    case abi.KA_LIST_HEAD:
      return checkRootArg(env, meta, regno, abi.FIELD_LIST_HEAD);
    case abi.KA_RB_ROOT:
      return checkRootArg(env, meta, regno, abi.FIELD_RB_ROOT);
    case abi.KA_LIST_NODE:
      return checkOwned(env, regno) != 0 ? -EINVAL : checkNodeArg(env, meta, regno, abi.FIELD_LIST_NODE);
    case abi.KA_RB_NODE:
      return checkRbNode(env, meta, proto, regno);
    case abi.KA_MAP:
      return 0;
    case abi.KA_STRUCT_PTR:
      return checkStruct(env, meta, proto, arg, regno);
    case abi.KA_MEM:
      return checkMemArg(env, regno, arg.kind == abi.KA_MEM ? arg.bytes : structAt(env, arg.struct).bytes);
    case abi.KA_VOID:
      return checkPair(env, meta, proto, i);
    default:
      return checkFieldKind(env, meta, proto, i, kind);
  }
}

function checkFieldKind(env: Env, meta: CallMeta, proto: KfuncProto, i: u32, kind: u32): i32 {
  const regno = i + 1;
  const reg = env.reg(regno);
  const isMapValue = reg.type == abi.PTR_TO_MAP_VALUE;
  switch (kind) {
    case abi.KA_CALLBACK:
      if (reg.type != abi.PTR_TO_FUNC) return fail(env, EINVAL, msg.MSG_KFUNC_NOT_FUNC, i);
      meta.subprog = reg.aux;
      return 0;
    case abi.KA_CONST_STR:
      return isMapValue ? checkConstString(env, regno) : fail(env, EINVAL, msg.MSG_KFUNC_NOT_STR, i);
    case abi.KA_WORKQUEUE: {
      if (!isMapValue) return fail(env, EINVAL, msg.MSG_KFUNC_NOT_MAP_VALUE, i);
      const err = checkMapField(env, regno, abi.FIELD_WORKQUEUE);
      meta.map = <i32>reg.aux;
      meta.mapUid = reg.aux2;
      return err;
    }
    case abi.KA_IRQ_FLAG: {
      if (reg.type != abi.PTR_TO_STACK) return fail(env, EINVAL, msg.MSG_KFUNC_NOT_IRQ_FLAG, i);
      const native = proto.kind == abi.KFUNC_LOCAL_IRQ_SAVE || proto.kind == abi.KFUNC_LOCAL_IRQ_RESTORE;
      const saves = proto.kind == abi.KFUNC_LOCAL_IRQ_SAVE || proto.kind == abi.KFUNC_RES_SPIN_LOCK_IRQSAVE;
      const by = native ? IRQ_NATIVE : IRQ_LOCK;
      return saves ? saveIrq(env, regno, by) : restoreIrq(env, regno, by);
    }
    case abi.KA_RES_LOCK: {
      if (!isMapValue && reg.type != ALLOCATED) return fail(env, EINVAL, msg.MSG_KFUNC_NOT_LOCK, i);
      const isIrq = proto.kind == abi.KFUNC_RES_SPIN_LOCK_IRQSAVE || proto.kind == abi.KFUNC_RES_SPIN_UNLOCK_IRQRESTORE;
      const lock = isIrq ? REF_RES_LOCK_IRQ : REF_RES_LOCK;
      const takes = proto.kind == abi.KFUNC_RES_SPIN_LOCK || proto.kind == abi.KFUNC_RES_SPIN_LOCK_IRQSAVE;
      return takes ? takeLock(env, regno, lock) : giveLock(env, regno, lock);
    }
    default:
      return fail(env, EINVAL, msg.MSG_KFUNC_ARG_UNSUPPORTED, i);
  }
}

/** An object made by bpf_obj_new that the program still owns. */
function checkOwned(env: Env, regno: u32): i32 {
  const reg = env.reg(regno);
  if (reg.type != ALLOCATED) return fail(env, EINVAL, msg.MSG_KFUNC_NOT_ALLOC, regno - 1);
  return reg.refId == 0 ? fail(env, EINVAL, msg.MSG_KFUNC_ALLOC_REF) : 0;
}

function checkAllocated(env: Env, meta: CallMeta, proto: KfuncProto, regno: u32): i32 {
  const reg = env.reg(regno);
  if (reg.type == ALLOCATED) {
    if (proto.kind != abi.KFUNC_OBJ_DROP) return fail(env, EINVAL, msg.MSG_KFUNC_DROP_ALLOC, regno - 1);
  } else if (reg.type == (ALLOCATED | abi.MEM_PERCPU)) {
    if (proto.kind != abi.KFUNC_PERCPU_OBJ_DROP) return fail(env, EINVAL, msg.MSG_KFUNC_DROP_PERCPU, regno - 1);
  } else return fail(env, EINVAL, msg.MSG_KFUNC_NOT_ALLOC, regno - 1);
  meta.argStruct = <i32>reg.aux;
  return reg.refId == 0 ? fail(env, EINVAL, msg.MSG_KFUNC_ALLOC_REF) : 0;
}

function checkRefcounted(env: Env, meta: CallMeta, regno: u32): i32 {
  const reg = env.reg(regno);
  if (reg.base != abi.PTR_TO_BTF_ID || (reg.type & abi.MEM_ALLOC) == 0)
    return fail(env, EINVAL, msg.MSG_KFUNC_NOT_OWNING, regno - 1);
  if ((reg.type & abi.NON_OWN_REF) == 0) meta.owning = true;
  if (!structHasField(env, reg.aux, abi.FIELD_REFCOUNT)) return fail(env, EINVAL, msg.MSG_KFUNC_NO_REFCOUNT, regno - 1);
  meta.argStruct = <i32>reg.aux;
  return 0;
}

function checkDynptr(env: Env, meta: CallMeta, proto: KfuncProto, arg: KfuncArg, regno: u32): i32 {
  const reg = env.reg(regno);
  let word: u32 = abi.ARG_PTR_TO_DYNPTR;
  let cloned: u32 = 0;
  if (reg.type == abi.CONST_PTR_TO_DYNPTR) word |= abi.MEM_RDONLY;
  if (arg.has(abi.KAF_UNINIT)) word |= abi.MEM_UNINIT;
  if (proto.kind == abi.KFUNC_DYNPTR_FROM_SKB) word |= abi.DYNPTR_TYPE_SKB;
  else if (proto.kind == abi.KFUNC_DYNPTR_FROM_XDP) word |= abi.DYNPTR_TYPE_XDP;
  else if (proto.kind == abi.KFUNC_DYNPTR_FROM_SKB_META) word |= abi.DYNPTR_TYPE_SKB_META;
  else if (proto.kind == abi.KFUNC_DYNPTR_CLONE && arg.has(abi.KAF_UNINIT)) {
    word |= dynptrFlag(meta.dynptrKind);
    cloned = isRefcounted(meta.dynptrKind) ? meta.dynptrRef : 0;
  }
  const err = checkDynptrArg(env, regno, word, cloned);
  if (err != 0 || arg.has(abi.KAF_UNINIT)) return err;
  const dynptr = dynptrReg(env, reg);
  meta.dynptrId = dynptr.id;
  meta.dynptrKind = dynptr.aux;
  meta.dynptrRef = dynptr.refId;
  return 0;
}

function checkRbNode(env: Env, meta: CallMeta, proto: KfuncProto, regno: u32): i32 {
  const reg = env.reg(regno);
  if (proto.kind == abi.KFUNC_RBTREE_ADD) {
    if (checkOwned(env, regno) != 0) return -EINVAL;
  } else {
    const isNonOwning = (reg.type & abi.NON_OWN_REF) != 0 && (reg.type & abi.MEM_ALLOC) != 0;
    if (!isNonOwning && reg.refId == 0) return fail(env, EINVAL, msg.MSG_KFUNC_RB_NODE, meta.func);
    if (inTreeCallback(env)) return fail(env, EINVAL, msg.MSG_KFUNC_IN_TREE_CB, meta.func);
  }
  return checkNodeArg(env, meta, regno, abi.FIELD_RB_NODE);
}

function checkStruct(env: Env, meta: CallMeta, proto: KfuncProto, arg: KfuncArg, regno: u32): i32 {
  const reg = env.reg(regno);
  const known = knownStruct(reg.base);
  if (known != 0) {
    const fits = (structAt(env, arg.struct).flags & known) != 0;
    return fits
      ? 0
      : fail(env, EINVAL, msg.MSG_KFUNC_WRONG_STRUCT, meta.func, regno - 1, arg.struct, -1, reg.type, regno);
  }
  const unsafe = (reg.type & FLAGS & ~TRUSTED) != 0 && (reg.type & abi.MEM_RCU) == 0;
  if (reg.base != abi.PTR_TO_BTF_ID || unsafe)
    return fail(env, EINVAL, msg.MSG_KFUNC_NOT_BTF_ID, regno - 1, reg.type, reg.base | (reg.type & TRUSTED));
  const strict = proto.has(abi.KFF_RELEASE) && reg.refId != 0;
  if (structMatches(env, <i32>reg.aux, reg.off, arg.struct, strict)) return 0;
  return fail(env, EINVAL, msg.MSG_KFUNC_WRONG_STRUCT, meta.func, regno - 1, arg.struct, reg.aux, reg.type, regno);
}

/** Memory and, in the next register, its size: read and written. */
function checkPair(env: Env, meta: CallMeta, proto: KfuncProto, i: u32): i32 {
  const buffer = env.reg(i + 1);
  const size = env.reg(i + 2);
  if (!isNullConst(buffer) || !proto.arg(i).has(abi.KAF_OPTIONAL)) {
    const type = buffer.type;
    if (size.type != abi.SCALAR) return fail(env, EINVAL, msg.MSG_KFUNC_NOT_SCALAR, i + 2);
    buffer.type = type & ~abi.PTR_MAYBE_NULL;
    meta.raw = false;
    let err = checkSizeArg(env, meta, i + 2, false, true);
    if (err == 0) err = checkSizeArg(env, meta, i + 2, true, true);
    buffer.type = type;
    if (err != 0) {
      say(env, msg.MSG_KFUNC_MEM_LEN, i, i + 1);
      return err;
    }
  }
  if (!proto.arg(i + 1).has(abi.KAF_CONST_SIZE)) return PAIR_DONE;
  if (size.mask != 0) return fail(env, EINVAL, msg.MSG_KFUNC_NOT_CONST, i + 2);
  meta.hasConst = true;
  meta.constant = size.value;
  return PAIR_DONE;
}
