// Which registers an argument takes, by their types and offsets.
import { EACCES, EFAULT, EINVAL } from '../../isa';
import * as abi from '../abi';
import { Env } from '../env';
import { fail } from '../log';
import {
  MSG_ARG_TYPE,
  MSG_KPTR_TYPE,
  MSG_MAY_WRITE_BTF,
  MSG_MODIFIED_PTR,
  MSG_NEGATIVE_OFFSET,
  MSG_POSSIBLY_NULL_HELPER,
  MSG_RELEASE_OFFSET,
  MSG_VARIABLE_PTR,
  MSG_WRONG_STRUCT,
} from '../messages/call';
import { RegState } from '../reg-state';
import { BPF_FUNC_kptr_xchg, BPF_FUNC_sk_release, BPF_FUNC_spin_lock, BPF_FUNC_spin_unlock } from './helper-ids';
import { CallMeta } from './meta';
import { structMatches } from './structs';

/** Memory that helpers may be given. The texts of MSG_ARG_TYPE list the same types. */
function isMemType(type: u32): bool {
  switch (type) {
    case abi.PTR_TO_STACK:
    case abi.PTR_TO_PACKET:
    case abi.PTR_TO_PACKET_META:
    case abi.PTR_TO_MAP_KEY:
    case abi.PTR_TO_MAP_VALUE:
    case abi.PTR_TO_MEM:
    case abi.PTR_TO_MEM | abi.MEM_RINGBUF:
    case abi.PTR_TO_BTF_ID | abi.PTR_TRUSTED:
      return true;
    default:
      return false;
  }
}

function isSockType(type: u32): bool {
  return (
    type == abi.PTR_TO_SOCK_COMMON ||
    type == abi.PTR_TO_SOCKET ||
    type == abi.PTR_TO_TCP_SOCK ||
    type == abi.PTR_TO_XDP_SOCK
  );
}

function isBtfType(type: u32, flags: u32): bool {
  return type == (abi.PTR_TO_BTF_ID | flags);
}

/** A register of `type` (flags that the argument tolerates taken away) fits an argument of base `arg`. */
function fits(arg: u32, type: u32): bool {
  switch (arg) {
    case abi.ARG_CONST_SIZE:
    case abi.ARG_CONST_SIZE_OR_ZERO:
    case abi.ARG_CONST_ALLOC_SIZE_OR_ZERO:
      return type == abi.SCALAR;
    case abi.ARG_CONST_MAP_PTR:
      return type == abi.CONST_PTR_TO_MAP;
    case abi.ARG_PTR_TO_CTX:
      return type == abi.PTR_TO_CTX;
    case abi.ARG_PTR_TO_SOCK_COMMON:
      return isSockType(type);
    case abi.ARG_PTR_TO_BTF_ID_SOCK_COMMON:
      return isSockType(type) || isBtfType(type, 0) || isBtfType(type, abi.PTR_TRUSTED);
    case abi.ARG_PTR_TO_SOCKET:
      return type == abi.PTR_TO_SOCKET;
    case abi.ARG_PTR_TO_BTF_ID:
      return isBtfType(type, 0) || isBtfType(type, abi.PTR_TRUSTED) || isBtfType(type, abi.MEM_RCU);
    case abi.ARG_PTR_TO_SPIN_LOCK:
    case abi.ARG_KPTR_XCHG_DEST:
      return type == abi.PTR_TO_MAP_VALUE || isBtfType(type, abi.MEM_ALLOC);
    case abi.ARG_PTR_TO_RINGBUF_MEM:
      return type == (abi.PTR_TO_MEM | abi.MEM_RINGBUF);
    case abi.ARG_PTR_TO_PERCPU_BTF_ID:
      return (
        isBtfType(type, abi.MEM_PERCPU) ||
        isBtfType(type, abi.MEM_PERCPU | abi.MEM_RCU) ||
        isBtfType(type, abi.MEM_PERCPU | abi.PTR_TRUSTED)
      );
    case abi.ARG_PTR_TO_FUNC:
      return type == abi.PTR_TO_FUNC;
    case abi.ARG_PTR_TO_STACK:
      return type == abi.PTR_TO_STACK;
    case abi.ARG_PTR_TO_CONST_STR:
    case abi.ARG_PTR_TO_TIMER:
      return type == abi.PTR_TO_MAP_VALUE;
    case abi.ARG_PTR_TO_DYNPTR:
      return type == abi.PTR_TO_STACK || type == abi.CONST_PTR_TO_DYNPTR;
    default:
      return isMemType(type);
  }
}

function wantsMemory(base: u32): bool {
  return base == abi.ARG_PTR_TO_MEM || base == abi.ARG_PTR_TO_MAP_KEY || base == abi.ARG_PTR_TO_MAP_VALUE;
}

/** Does the register's type fit the argument's type word `arg`? `struct`: the one a BTF pointer must point to, -1 for any. */
export function checkArgType(env: Env, meta: CallMeta, regno: u32, arg: u32, struct: i32): i32 {
  const reg = env.reg(regno);
  const base = arg & abi.BASE_MASK;
  let type = reg.type;
  if ((arg & abi.MEM_RDONLY) != 0) type &= ~abi.MEM_RDONLY;
  if ((arg & abi.PTR_MAYBE_NULL) != 0) type &= ~abi.PTR_MAYBE_NULL;
  if (base == abi.ARG_PTR_TO_MEM) type &= ~abi.DYNPTR_TYPE_MASK;
  const isXchgSource = meta.func == BPF_FUNC_kptr_xchg && regno == 2;
  if (isXchgSource && (type & abi.MEM_ALLOC) != 0) type &= ~(abi.MEM_ALLOC | abi.MEM_PERCPU);
  if (!fits(base, type)) return fail(env, EACCES, MSG_ARG_TYPE, regno, reg.type, base);
  if (reg.base != abi.PTR_TO_BTF_ID) return 0;
  if (wantsMemory(base)) {
    if ((arg & abi.MEM_RDONLY) != 0) return 0;
    return fail(env, EACCES, MSG_MAY_WRITE_BTF, meta.func, regno, reg.type);
  }
  return checkBtfArg(env, meta, regno, arg, struct);
}

/** A pointer to a kernel object or to one that the program made. */
function checkBtfArg(env: Env, meta: CallMeta, regno: u32, arg: u32, struct: i32): i32 {
  const reg = env.reg(regno);
  if ((reg.type & abi.MEM_ALLOC) != 0) {
    const func = meta.func;
    if (func != BPF_FUNC_spin_lock && func != BPF_FUNC_spin_unlock && func != BPF_FUNC_kptr_xchg) return -EFAULT;
    return func == BPF_FUNC_kptr_xchg && regno == 2 ? checkXchgSource(env, meta, regno) : 0;
  }
  if ((reg.type & abi.MEM_PERCPU) != 0) return 0;
  const releases = (arg & abi.OBJ_RELEASE) != 0;
  if (reg.maybeNull && ((arg & abi.PTR_MAYBE_NULL) == 0 || releases))
    return fail(env, EACCES, MSG_POSSIBLY_NULL_HELPER, regno);
  if (meta.func == BPF_FUNC_kptr_xchg) return checkXchgSource(env, meta, regno);
  const err = checkFixedOffset(env, reg, regno, true);
  if (err != 0 || struct < 0) return err;
  const strict = releases && meta.func != BPF_FUNC_sk_release;
  if (structMatches(env, <i32>reg.aux, reg.off, struct, strict)) return 0;
  return fail(env, EACCES, MSG_WRONG_STRUCT, regno, reg.aux, struct);
}

/** The object goes into the kptr that R1 points to (`meta.retStruct`). */
function checkXchgSource(env: Env, meta: CallMeta, regno: u32): i32 {
  const reg = env.reg(regno);
  const err = checkFixedOffset(env, reg, regno, true);
  if (err != 0) return err;
  if (structMatches(env, <i32>reg.aux, reg.off, meta.retStruct, true)) return 0;
  return fail(env, EACCES, MSG_KPTR_TYPE, reg.type, reg.aux, meta.retStruct, regno);
}

/** Fixed and variable offsets that the argument `arg` tolerates in the register. */
export function checkArgOffset(env: Env, regno: u32, arg: u32): i32 {
  const reg = env.reg(regno);
  if ((arg & abi.OBJ_RELEASE) != 0) {
    if ((arg & abi.BASE_MASK) == abi.ARG_PTR_TO_DYNPTR && reg.type == abi.PTR_TO_STACK) return 0;
    if (reg.off != 0) return fail(env, EINVAL, MSG_RELEASE_OFFSET, regno);
    return checkFixedOffset(env, reg, regno, false);
  }
  switch (reg.type) {
    case abi.PTR_TO_STACK:
    case abi.PTR_TO_PACKET:
    case abi.PTR_TO_PACKET_META:
    case abi.PTR_TO_MAP_KEY:
    case abi.PTR_TO_MAP_VALUE:
    case abi.PTR_TO_MEM:
    case abi.PTR_TO_MEM | abi.MEM_RDONLY:
    case abi.PTR_TO_MEM | abi.MEM_RINGBUF:
    case abi.PTR_TO_ARENA:
    case abi.SCALAR:
      return 0;
    case abi.PTR_TO_BTF_ID:
    case abi.PTR_TO_BTF_ID | abi.MEM_ALLOC:
    case abi.PTR_TO_BTF_ID | abi.PTR_TRUSTED:
    case abi.PTR_TO_BTF_ID | abi.MEM_RCU:
    case abi.PTR_TO_BTF_ID | abi.MEM_ALLOC | abi.NON_OWN_REF:
    case abi.PTR_TO_BTF_ID | abi.MEM_ALLOC | abi.NON_OWN_REF | abi.MEM_RCU:
      return checkFixedOffset(env, reg, regno, true);
    default:
      return checkFixedOffset(env, reg, regno, false);
  }
}

/** The pointer is as it was given, but for a constant offset where `fixedOk`. */
export function checkFixedOffset(env: Env, reg: RegState, regno: u32, fixedOk: bool): i32 {
  if (reg.off < 0) return fail(env, EACCES, MSG_NEGATIVE_OFFSET, reg.type, regno, reg.off);
  if (!fixedOk && reg.off != 0) return fail(env, EACCES, MSG_MODIFIED_PTR, reg.type, regno, reg.off);
  if (reg.mask != 0 || reg.value != 0) return fail(env, EACCES, MSG_VARIABLE_PTR, reg.type, reg.value, reg.mask);
  return 0;
}
