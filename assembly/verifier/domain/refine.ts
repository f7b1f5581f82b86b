// What a comparison of two numbers says: whether its outcome is known, and what is known of both where it holds.
import {
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
} from '../../isa';
import { Scalar, setUnbounded } from './scalar';
import { sync } from './sync';
import { tnumAnd, tnumIntersect, tnumOr, tnumWithSubreg } from './tnum';

export { branchTaken } from './branch';

/** `refine` only: no bit of the mask is set. It has no opcode. */
export const NOT_JSET: u32 = BPF_JSET | 8;

/** The comparison that holds exactly when `op` does not. */
export function invert(op: u32): u32 {
  switch (op) {
    case BPF_JEQ:
      return BPF_JNE;
    case BPF_JNE:
      return BPF_JEQ;
    case BPF_JSET:
      return NOT_JSET;
    case NOT_JSET:
      return BPF_JSET;
    case BPF_JGT:
      return BPF_JLE;
    case BPF_JLE:
      return BPF_JGT;
    case BPF_JGE:
      return BPF_JLT;
    case BPF_JLT:
      return BPF_JGE;
    case BPF_JSGT:
      return BPF_JSLE;
    case BPF_JSLE:
      return BPF_JSGT;
    case BPF_JSGE:
      return BPF_JSLT;
    default:
      return BPF_JSGE;
  }
}

function isConstAs(reg: Scalar, is32: bool): bool {
  return is32 ? reg.isSubregConst : reg.isConst;
}

function refineEqual(a: Scalar, b: Scalar): void {
  a.umin = b.umin = max<u64>(a.umin, b.umin);
  a.umax = b.umax = min<u64>(a.umax, b.umax);
  a.smin = b.smin = max<i64>(a.smin, b.smin);
  a.smax = b.smax = min<i64>(a.smax, b.smax);
  tnumIntersect(a, b.value, b.mask);
  b.value = a.value;
  b.mask = a.mask;
}

function refineEqual32(a: Scalar, b: Scalar): void {
  a.u32Min = b.u32Min = max<u32>(a.u32Min, b.u32Min);
  a.u32Max = b.u32Max = min<u32>(a.u32Max, b.u32Max);
  a.s32Min = b.s32Min = max<i32>(a.s32Min, b.s32Min);
  a.s32Max = b.s32Max = min<i32>(a.s32Max, b.s32Max);
  const mask = a.mask & b.mask;
  const value = (a.value | b.value) & ~mask;
  tnumWithSubreg(a, value, mask);
  tnumWithSubreg(b, value, mask);
}

/** A constant at the end of a range is not in it any more. */
function refineUnequal(reg: Scalar, v: u64): void {
  if (reg.umin == v) reg.umin++;
  if (reg.umax == v) reg.umax--;
  if (reg.smin == <i64>v) reg.smin++;
  if (reg.smax == <i64>v) reg.smax--;
}

function refineUnequal32(reg: Scalar, v: u32): void {
  if (reg.u32Min == v) reg.u32Min++;
  if (reg.u32Max == v) reg.u32Max--;
  if (reg.s32Min == <i32>v) reg.s32Min++;
  if (reg.s32Max == <i32>v) reg.s32Max--;
}

/** One operand is a constant, or nothing is learned. */
function refineBits(op: u32, is32: bool, a: Scalar, b: Scalar): void {
  let reg = a;
  let other = b;
  if (!isConstAs(b, is32)) {
    if (!isConstAs(a, is32)) return;
    reg = b;
    other = a;
  }
  const v = is32 ? <u64>(<u32>other.value) : other.value;
  if (op == BPF_JNE) {
    if (is32) refineUnequal32(reg, <u32>v);
    else refineUnequal(reg, v);
  } else if (op == BPF_JSET) {
    // Only of a single bit is it known which one is set.
    if (popcnt(v) == 1) tnumOr(reg, v, 0);
  } else {
    setUnbounded(reg);
    tnumAnd(reg, ~v, 0);
  }
}

/** a <= b, or a + 1 <= b: each pulls the other's end. */
function refineBelow(a: Scalar, b: Scalar, strict: u64): void {
  a.umax = min<u64>(a.umax, b.umax - strict);
  b.umin = max<u64>(a.umin + strict, b.umin);
}

function refineBelow32(a: Scalar, b: Scalar, strict: u32): void {
  a.u32Max = min<u32>(a.u32Max, b.u32Max - strict);
  b.u32Min = max<u32>(a.u32Min + strict, b.u32Min);
}

function refineBelowSigned(a: Scalar, b: Scalar, strict: i64): void {
  a.smax = min<i64>(a.smax, b.smax - strict);
  b.smin = max<i64>(a.smin + strict, b.smin);
}

function refineBelowSigned32(a: Scalar, b: Scalar, strict: i32): void {
  a.s32Max = min<i32>(a.s32Max, b.s32Max - strict);
  b.s32Min = max<i32>(a.s32Min + strict, b.s32Min);
}

function refineOrder(a: Scalar, b: Scalar, is32: bool, strict: u32): void {
  if (is32) refineBelow32(a, b, strict);
  else refineBelow(a, b, strict);
}

function refineSignedOrder(a: Scalar, b: Scalar, is32: bool, strict: u32): void {
  if (is32) refineBelowSigned32(a, b, strict);
  else refineBelowSigned(a, b, strict);
}

function dispatch(op: u32, is32: bool, a: Scalar, b: Scalar): void {
  switch (op) {
    case BPF_JEQ:
      if (is32) refineEqual32(a, b);
      else refineEqual(a, b);
      break;
    case BPF_JNE:
    case BPF_JSET:
    case NOT_JSET:
      refineBits(op, is32, a, b);
      break;
    case BPF_JLE:
      refineOrder(a, b, is32, 0);
      break;
    case BPF_JLT:
      refineOrder(a, b, is32, 1);
      break;
    case BPF_JGE:
      refineOrder(b, a, is32, 0);
      break;
    case BPF_JGT:
      refineOrder(b, a, is32, 1);
      break;
    case BPF_JSLE:
      refineSignedOrder(a, b, is32, 0);
      break;
    case BPF_JSLT:
      refineSignedOrder(a, b, is32, 1);
      break;
    case BPF_JSGE:
      refineSignedOrder(b, a, is32, 0);
      break;
    case BPF_JSGT:
      refineSignedOrder(b, a, is32, 1);
      break;
  }
}

/** What is known of both where `a op b` holds. `op` is a BPF_J* of a comparison, or NOT_JSET. */
export function refine(op: u32, is32: bool, a: Scalar, b: Scalar): void {
  dispatch(op, is32, a, b);
  sync(a);
  sync(b);
}
