// Whether the outcome of a comparison is known from what is known of its operands.
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
} from '../../isa';
import { Scalar } from './scalar';
import { tnumOverlap } from './tnum';

/** 1 they are equal, 0 they differ, -1 it is not known. */
function equal(is32: bool, a: Scalar, b: Scalar): i32 {
  if (is32) {
    if ((a.mask | b.mask) << 32 == 0) return i32(<u32>a.value == <u32>b.value);
    if (!tnumOverlap(a.value << 32, a.mask << 32, b.value << 32, b.mask << 32)) return 0;
  } else {
    if ((a.mask | b.mask) == 0) return i32(a.value == b.value);
    if (!tnumOverlap(a.value, a.mask, b.value, b.mask)) return 0;
    if (a.umin > b.umax || a.umax < b.umin || a.smin > b.smax || a.smax < b.smin) return 0;
  }
  // Low halves that differ make the whole numbers differ.
  if (a.u32Min > b.u32Max || a.u32Max < b.u32Min || a.s32Min > b.s32Max || a.s32Max < b.s32Min) return 0;
  return -1;
}

function anySet(is32: bool, a: Scalar, b: Scalar): i32 {
  const half: u64 = is32 ? 32 : 0;
  let value = a.value << half;
  let mask = a.mask << half;
  let bits = b.value << half;
  if (b.mask << half != 0) {
    if (mask != 0) return -1;
    bits = value;
    value = b.value << half;
    mask = b.mask << half;
  }
  if ((value & bits) != 0) return 1;
  return ((value | mask) & bits) == 0 ? 0 : -1;
}

/** a > b, or with `orEqual` a >= b. */
function above(is32: bool, a: Scalar, b: Scalar, orEqual: bool): i32 {
  const aMin = is32 ? <u64>a.u32Min : a.umin;
  const aMax = is32 ? <u64>a.u32Max : a.umax;
  const bMin = is32 ? <u64>b.u32Min : b.umin;
  const bMax = is32 ? <u64>b.u32Max : b.umax;
  if (orEqual ? aMin >= bMax : aMin > bMax) return 1;
  return (orEqual ? aMax < bMin : aMax <= bMin) ? 0 : -1;
}

function aboveSigned(is32: bool, a: Scalar, b: Scalar, orEqual: bool): i32 {
  const aMin = is32 ? <i64>a.s32Min : a.smin;
  const aMax = is32 ? <i64>a.s32Max : a.smax;
  const bMin = is32 ? <i64>b.s32Min : b.smin;
  const bMax = is32 ? <i64>b.s32Max : b.smax;
  if (orEqual ? aMin >= bMax : aMin > bMax) return 1;
  return (orEqual ? aMax < bMin : aMax <= bMin) ? 0 : -1;
}

/** 1 when `a op b` holds for certain, 0 when it does not, -1 when both are possible. */
export function branchTaken(op: u32, is32: bool, a: Scalar, b: Scalar): i32 {
  switch (op) {
    case BPF_JEQ:
      return equal(is32, a, b);
    case BPF_JNE: {
      const same = equal(is32, a, b);
      return same < 0 ? same : 1 - same;
    }
    case BPF_JSET:
      return anySet(is32, a, b);
    case BPF_JGT:
      return above(is32, a, b, false);
    case BPF_JGE:
      return above(is32, a, b, true);
    case BPF_JLT:
      return above(is32, b, a, false);
    case BPF_JLE:
      return above(is32, b, a, true);
    case BPF_JSGT:
      return aboveSigned(is32, a, b, false);
    case BPF_JSGE:
      return aboveSigned(is32, a, b, true);
    case BPF_JSLE:
      return aboveSigned(is32, b, a, true);
    default:
      return aboveSigned(is32, b, a, false);
  }
}
