// Ranges of sums, differences, negations and products. A range in which only some results wrap becomes unbounded.
import { Scalar } from './scalar';

/** Unsigned: both ends wrap, or none. */
function addUnsigned(dst: Scalar, src: Scalar): void {
  const umin = dst.umin + src.umin;
  const umax = dst.umax + src.umax;
  const bounded = umin < dst.umin || umax >= dst.umax;
  dst.umin = bounded ? umin : 0;
  dst.umax = bounded ? umax : u64.MAX_VALUE;
  const u32Min = dst.u32Min + src.u32Min;
  const u32Max = dst.u32Max + src.u32Max;
  const bounded32 = u32Min < dst.u32Min || u32Max >= dst.u32Max;
  dst.u32Min = bounded32 ? u32Min : 0;
  dst.u32Max = bounded32 ? u32Max : u32.MAX_VALUE;
}

/** Signed: no end wraps. Its ends have the sign bit set where operands of one sign make a result of the other. */
function addSigned(dst: Scalar, src: Scalar): void {
  const smin = dst.smin + src.smin;
  const smax = dst.smax + src.smax;
  const wraps = (((dst.smin ^ smin) & (src.smin ^ smin)) | ((dst.smax ^ smax) & (src.smax ^ smax))) < 0;
  dst.smin = wraps ? i64.MIN_VALUE : smin;
  dst.smax = wraps ? i64.MAX_VALUE : smax;
  const min = dst.s32Min + src.s32Min;
  const max = dst.s32Max + src.s32Max;
  const wraps32 = (((dst.s32Min ^ min) & (src.s32Min ^ min)) | ((dst.s32Max ^ max) & (src.s32Max ^ max))) < 0;
  dst.s32Min = wraps32 ? i32.MIN_VALUE : min;
  dst.s32Max = wraps32 ? i32.MAX_VALUE : max;
}

export function addRanges(dst: Scalar, src: Scalar): void {
  addUnsigned(dst, src);
  addSigned(dst, src);
}

/** dst = a - b where `a` is a range and `b` another one; the ends of `b` change places. */
function setDifference(dst: Scalar, aMin: u64, aMax: u64, bMin: u64, bMax: u64): void {
  const bounded = aMin >= bMax || aMax < bMin;
  dst.umin = bounded ? aMin - bMax : 0;
  dst.umax = bounded ? aMax - bMin : u64.MAX_VALUE;
}

function setDifference32(dst: Scalar, aMin: u32, aMax: u32, bMin: u32, bMax: u32): void {
  const bounded = aMin >= bMax || aMax < bMin;
  dst.u32Min = bounded ? aMin - bMax : 0;
  dst.u32Max = bounded ? aMax - bMin : u32.MAX_VALUE;
}

function setSignedDifference(dst: Scalar, aMin: i64, aMax: i64, bMin: i64, bMax: i64): void {
  const smin = aMin - bMax;
  const smax = aMax - bMin;
  const wraps = (((aMin ^ bMax) & (aMin ^ smin)) | ((aMax ^ bMin) & (aMax ^ smax))) < 0;
  dst.smin = wraps ? i64.MIN_VALUE : smin;
  dst.smax = wraps ? i64.MAX_VALUE : smax;
}

function setSignedDifference32(dst: Scalar, aMin: i32, aMax: i32, bMin: i32, bMax: i32): void {
  const smin = aMin - bMax;
  const smax = aMax - bMin;
  const wraps = (((aMin ^ bMax) & (aMin ^ smin)) | ((aMax ^ bMin) & (aMax ^ smax))) < 0;
  dst.s32Min = wraps ? i32.MIN_VALUE : smin;
  dst.s32Max = wraps ? i32.MAX_VALUE : smax;
}

export function subtractRanges(dst: Scalar, src: Scalar): void {
  setDifference(dst, dst.umin, dst.umax, src.umin, src.umax);
  setDifference32(dst, dst.u32Min, dst.u32Max, src.u32Min, src.u32Max);
  setSignedDifference(dst, dst.smin, dst.smax, src.smin, src.smax);
  setSignedDifference32(dst, dst.s32Min, dst.s32Max, src.s32Min, src.s32Max);
}

/** 0 - dst */
export function negateRanges(dst: Scalar): void {
  setDifference(dst, 0, 0, dst.umin, dst.umax);
  setDifference32(dst, 0, 0, dst.u32Min, dst.u32Max);
  setSignedDifference(dst, 0, 0, dst.smin, dst.smax);
  setSignedDifference32(dst, 0, 0, dst.s32Min, dst.s32Max);
}

function productWraps(a: u64, b: u64): bool {
  return (a | b) > u32.MAX_VALUE && a != 0 && b > u64.MAX_VALUE / a;
}

function signedProductWraps(a: i64, b: i64): bool {
  if (a == <i64>(<i32>a) && b == <i64>(<i32>b)) return false;
  if (a == 0 || b == 0) return false;
  if (a == -1) return b == i64.MIN_VALUE;
  if (b == -1) return a == i64.MIN_VALUE;
  return (a * b) / b != a;
}

function multiplySigned(dst: Scalar, src: Scalar): void {
  const a = dst.smin;
  const b = dst.smax;
  const c = src.smin;
  const d = src.smax;
  if (signedProductWraps(a, c) || signedProductWraps(a, d) || signedProductWraps(b, c) || signedProductWraps(b, d)) {
    dst.smin = i64.MIN_VALUE;
    dst.smax = i64.MAX_VALUE;
    return;
  }
  dst.smin = min<i64>(min<i64>(a * c, a * d), min<i64>(b * c, b * d));
  dst.smax = max<i64>(max<i64>(a * c, a * d), max<i64>(b * c, b * d));
}

function multiply32(dst: Scalar, src: Scalar): void {
  const umin = <u64>dst.u32Min * <u64>src.u32Min;
  const umax = <u64>dst.u32Max * <u64>src.u32Max;
  const bounded = umax <= <u64>u32.MAX_VALUE;
  dst.u32Min = bounded ? <u32>umin : 0;
  dst.u32Max = bounded ? <u32>umax : u32.MAX_VALUE;
  const a = <i64>dst.s32Min;
  const b = <i64>dst.s32Max;
  const c = <i64>src.s32Min;
  const d = <i64>src.s32Max;
  const smin = min<i64>(min<i64>(a * c, a * d), min<i64>(b * c, b * d));
  const smax = max<i64>(max<i64>(a * c, a * d), max<i64>(b * c, b * d));
  const fits = smin >= <i64>i32.MIN_VALUE && smax <= <i64>i32.MAX_VALUE;
  dst.s32Min = fits ? <i32>smin : i32.MIN_VALUE;
  dst.s32Max = fits ? <i32>smax : i32.MAX_VALUE;
}

export function multiplyRanges(dst: Scalar, src: Scalar): void {
  multiply32(dst, src);
  const umin = src.umin;
  const umax = src.umax;
  multiplySigned(dst, src);
  // The smaller product cannot wrap when the larger one does not.
  const bounded = !productWraps(dst.umax, umax);
  dst.umin = bounded ? dst.umin * umin : 0;
  dst.umax = bounded ? dst.umax * umax : u64.MAX_VALUE;
}
