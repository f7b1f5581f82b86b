// Pointer arithmetic: which pointers may be moved, how far, and what is known of where they point then.
import { BPF_ADD, BPF_ALU64, BPF_AND, BPF_OR, BPF_SUB, BPF_XOR, EACCES, EINVAL, MAX_BPF_STACK } from '../isa';
import {
  BASE_MASK,
  CONST_PTR_TO_DYNPTR,
  CONST_PTR_TO_MAP,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_FUNC,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  PTR_TO_STACK,
  PTR_UNTRUSTED,
} from './abi';
import { setUnbounded32 } from './domain/scalar';
import { sync } from './domain/sync';
import { tnumAdd, tnumSub } from './domain/tnum';
import { Env } from './env';
import { Insn } from './insn';
import { fail } from './log';
import {
  MSG_ARITH_32,
  MSG_ARITH_MAYBE_NULL,
  MSG_ARITH_ON_TYPE,
  MSG_BITWISE_ON_POINTER,
  MSG_MAP_ARITH_RANGE,
  MSG_MATH_CONST,
  MSG_MATH_UNBOUNDED,
  MSG_MIXED_BOUNDS,
  MSG_OFFSET_TOO_LARGE,
  MSG_OPERATOR_ON_POINTER,
  MSG_STACK_ARITH_RANGE,
  MSG_STACK_ARITH_VARIABLE,
  MSG_SUB_FROM_SCALAR,
  MSG_SUB_FROM_STACK,
  MSG_VALUE_OUT_OF_BOUNDS,
} from './messages/alu';
import { copyReg, isPacketPointer, RegState } from './reg-state';
import { setUnknown } from './regs';

/** No pointer may be moved so far, in all (BPF_MAX_VAR_OFF). */
const MAX_VAR_OFF: i64 = 1 << 29;

/** `dst = ptr op off`, where `dst` is one of the two. */
export function addToPointer(env: Env, insn: Insn, ptr: RegState, off: RegState): i32 {
  const dst = env.reg(insn.dst);
  if (off.smin > off.smax || off.umin > off.umax || (off.isConst && (off.smin != off.smax || off.umin != off.umax))) {
    setUnknown(env, dst);
    return 0;
  }
  if (insn.cls != BPF_ALU64) {
    if (insn.op != BPF_SUB || !env.allowPtrLeaks) return fail(env, EACCES, MSG_ARITH_32, insn.dst);
    setUnknown(env, dst);
    return 0;
  }
  if ((ptr.type & PTR_MAYBE_NULL) != 0) return fail(env, EACCES, MSG_ARITH_MAYBE_NULL, insn.dst, ptr.type);
  // Untrusted memory is read with faults caught: where it points does not matter.
  if (ptr.base == PTR_TO_MEM && (ptr.type & PTR_UNTRUSTED) != 0) {
    if (dst != ptr) copyReg(dst, ptr);
    return 0;
  }
  if (!mayMove(ptr, off, insn.op)) return fail(env, EACCES, MSG_ARITH_ON_TYPE, insn.dst, ptr.type);
  let err = checkSaneOffset(env, off, ptr.type);
  if (err == 0) err = checkSaneOffset(env, ptr, ptr.type);
  if (err == 0 && insn.isX && !env.allowPtrLeaks && !off.isConst && off.smin < 0 != off.smax < 0)
    err = fail(env, EACCES, MSG_MIXED_BOUNDS, insn.src, insn.op);
  if (err != 0) return err;
  err = move(env, insn, dst, ptr, off);
  if (err == 0) err = checkSaneOffset(env, dst, dst.type);
  if (err != 0) return err;
  setUnbounded32(dst);
  sync(dst);
  return env.allowPtrLeaks ? 0 : checkUnprivileged(env, insn, dst);
}

/** Kinds that may be moved at all. */
function mayMove(ptr: RegState, off: RegState, op: u32): bool {
  switch (ptr.type & BASE_MASK) {
    case PTR_TO_CTX:
    case PTR_TO_MAP_VALUE:
    case PTR_TO_MAP_KEY:
    case PTR_TO_STACK:
    case PTR_TO_PACKET_META:
    case PTR_TO_PACKET:
    case PTR_TO_BTF_ID:
    case PTR_TO_MEM:
    case PTR_TO_FUNC:
    case CONST_PTR_TO_DYNPTR:
      return true;
    case PTR_TO_FLOW_KEYS:
      return off.isConst;
    case CONST_PTR_TO_MAP:
      return off.isConst && off.smin == 0 && op == BPF_ADD;
    default:
      return false;
  }
}

function checkSaneOffset(env: Env, reg: RegState, type: u32): i32 {
  const value = <i64>reg.value;
  if (reg.isConst && (value >= MAX_VAR_OFF || value <= -MAX_VAR_OFF))
    return fail(env, EINVAL, MSG_MATH_CONST, type, value);
  if (<i64>reg.off >= MAX_VAR_OFF || <i64>reg.off <= -MAX_VAR_OFF)
    return fail(env, EINVAL, MSG_OFFSET_TOO_LARGE, type, reg.off);
  if (reg.smin == i64.MIN_VALUE) return fail(env, EINVAL, MSG_MATH_UNBOUNDED, type);
  if (reg.smin >= MAX_VAR_OFF || reg.smin <= -MAX_VAR_OFF)
    return fail(env, EINVAL, MSG_VALUE_OUT_OF_BOUNDS, reg.smin, type);
  return 0;
}

function move(env: Env, insn: Insn, dst: RegState, ptr: RegState, off: RegState): i32 {
  switch (insn.op) {
    case BPF_ADD:
      return add(env, dst, ptr, off);
    case BPF_SUB:
      if (dst == off) return fail(env, EACCES, MSG_SUB_FROM_SCALAR, insn.dst);
      if (ptr.base == PTR_TO_STACK) return fail(env, EACCES, MSG_SUB_FROM_STACK, insn.dst);
      return subtract(env, dst, off);
    case BPF_AND:
    case BPF_OR:
    case BPF_XOR:
      return fail(env, EACCES, MSG_BITWISE_ON_POINTER, insn.dst, insn.op);
    default:
      return fail(env, EACCES, MSG_OPERATOR_ON_POINTER, insn.dst, insn.op);
  }
}

function fits32(v: i64): bool {
  return v == <i64>(<i32>v);
}

function add(env: Env, dst: RegState, ptr: RegState, off: RegState): i32 {
  const delta = off.smin;
  if (off.isConst && fits32(<i64>ptr.off + delta)) {
    if (dst != ptr) copyReg(dst, ptr);
    dst.off = <i32>(<i64>dst.off + delta);
    return 0;
  }
  // `dst` may be `off`: its ranges are read before it becomes the pointer.
  const smin = off.smin;
  const smax = off.smax;
  const umin = off.umin;
  const umax = off.umax;
  const value = off.value;
  const mask = off.mask;
  if (dst != ptr) copyReg(dst, ptr);
  const low = dst.smin + smin;
  const high = dst.smax + smax;
  const wraps = ((dst.smin ^ low) & (smin ^ low)) < 0 || ((dst.smax ^ high) & (smax ^ high)) < 0;
  const uwraps = dst.umin + umin < umin || dst.umax + umax < umax;
  setRanges(dst, wraps, low, high, uwraps, dst.umin + umin, dst.umax + umax);
  tnumAdd(dst, value, mask);
  if (isPacketPointer(dst)) {
    dst.id = env.newId();
    dst.aux = 0;
  }
  return 0;
}

function subtract(env: Env, dst: RegState, off: RegState): i32 {
  if (off.isConst && fits32(<i64>dst.off - off.smin)) {
    dst.off = <i32>(<i64>dst.off - off.smin);
    return 0;
  }
  const low = dst.smin - off.smax;
  const high = dst.smax - off.smin;
  const wraps = ((dst.smin ^ off.smax) & (dst.smin ^ low)) < 0 || ((dst.smax ^ off.smin) & (dst.smax ^ high)) < 0;
  setRanges(dst, wraps, low, high, dst.umin < off.umax, dst.umin - off.umax, dst.umax - off.umin);
  tnumSub(dst, off.value, off.mask);
  if (isPacketPointer(dst)) {
    dst.id = env.newId();
    // Going back keeps what was proven of the bytes in front.
    if (off.smin < 0) dst.aux = 0;
  }
  return 0;
}

function setRanges(reg: RegState, wraps: bool, smin: i64, smax: i64, uwraps: bool, umin: u64, umax: u64): void {
  reg.smin = wraps ? i64.MIN_VALUE : smin;
  reg.smax = wraps ? i64.MAX_VALUE : smax;
  reg.umin = uwraps ? 0 : umin;
  reg.umax = uwraps ? u64.MAX_VALUE : umax;
}

/** Without CAP_PERFMON a pointer may not even point outside: a mispredicted access could read there. */
function checkUnprivileged(env: Env, insn: Insn, dst: RegState): i32 {
  if (dst.type == PTR_TO_STACK) {
    if (!dst.isConst) return fail(env, EACCES, MSG_STACK_ARITH_VARIABLE, insn.dst, dst.value, dst.mask, dst.off);
    const off = <i64>dst.off + <i64>dst.value;
    if (off >= 0 || off < -(<i64>MAX_BPF_STACK)) return fail(env, EACCES, MSG_STACK_ARITH_RANGE, insn.dst, off);
  } else if (dst.type == PTR_TO_MAP_VALUE) {
    const size = <i64>env.map(dst.aux).valueSize;
    if (dst.smin + <i64>dst.off < 0 || <i64>dst.umax + <i64>dst.off >= size)
      return fail(env, EACCES, MSG_MAP_ARITH_RANGE, insn.dst);
  }
  return 0;
}
