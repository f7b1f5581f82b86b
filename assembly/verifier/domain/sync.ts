// Keeps the bits and the four ranges of a number in step: each tells the others what it knows.
// How often and in which order decides how exact the result is, and so does what the kernel accepts: its passes are kept.
import { Scalar, setRange32, setUnbounded } from './scalar';
import { rangeMask, tnumIntersect, tnumNext } from './tnum';

/** The ranges of the low half, from the bits: all unknown ones 0, all 1. */
export function bounds32FromBits(reg: Scalar): void {
  const value = <u32>reg.value;
  const mask = <u32>reg.mask;
  setRange32(
    reg,
    max<u32>(reg.u32Min, value),
    min<u32>(reg.u32Max, value | mask),
    max<i32>(reg.s32Min, <i32>(value | (mask & 0x80000000))),
    min<i32>(reg.s32Max, <i32>(value | (mask & 0x7fffffff))),
  );
}

export function boundsFromBits(reg: Scalar): void {
  bounds32FromBits(reg);
  const value = reg.value;
  const mask = reg.mask;
  reg.umin = max<u64>(reg.umin, value);
  reg.umax = min<u64>(reg.umax, value | mask);
  reg.smin = max<i64>(reg.smin, <i64>(value | (mask & (1 << 63))));
  reg.smax = min<i64>(reg.smax, <i64>(value | (mask & <u64>i64.MAX_VALUE)));
  if (mask != 0 || reg.umin != value || reg.umax != value) settleSingle(reg);
}

/** Where the bits allow just one number of the unsigned range, that is it. So is the largest one when they allow none: a dead branch. */
function settleSingle(reg: Scalar): void {
  const umin = reg.umin;
  const umax = reg.umax;
  const next = tnumNext(reg, umin);
  if ((umin & ~reg.mask) == reg.value) {
    if (next > umax) reg.setConst(umin);
  } else if (next == (reg.value | reg.mask) || (next <= umax && tnumNext(reg, next) > umax)) {
    reg.setConst(next);
  }
}

// Each pass says whether it learned something: what learned nothing need not run again.

/** Whether they are not what they were. */
function setRange64(reg: Scalar, umin: u64, umax: u64, smin: i64, smax: i64): bool {
  const changed = ((umin ^ reg.umin) | (umax ^ reg.umax) | <u64>(smin ^ reg.smin) | <u64>(smax ^ reg.smax)) != 0;
  reg.umin = umin;
  reg.umax = umax;
  reg.smin = smin;
  reg.smax = smax;
  return changed;
}

/** From the 64-bit ranges, and of signed and unsigned from each other. */
function deduce32(reg: Scalar): bool {
  const umin = reg.umin;
  const umax = reg.umax;
  const smin = reg.smin;
  const smax = reg.smax;
  let u32Min = reg.u32Min;
  let u32Max = reg.u32Max;
  let s32Min = reg.s32Min;
  let s32Max = reg.s32Max;
  const unsignedHighs = <u32>(umax >> 32) - <u32>(umin >> 32);
  const signedHighs = <u32>(smax >> 32) - <u32>(smin >> 32);
  if (unsignedHighs == 0) {
    u32Min = max<u32>(u32Min, <u32>umin);
    u32Max = min<u32>(u32Max, <u32>umax);
    if (<i32>umin <= <i32>umax) {
      s32Min = max<i32>(s32Min, <i32>umin);
      s32Max = min<i32>(s32Max, <i32>umax);
    }
  }
  if (signedHighs == 0) {
    if (<u32>smin <= <u32>smax) {
      u32Min = max<u32>(u32Min, <u32>smin);
      u32Max = min<u32>(u32Max, <u32>smax);
    }
    if (<i32>smin <= <i32>smax) {
      s32Min = max<i32>(s32Min, <i32>smin);
      s32Max = min<i32>(s32Max, <i32>smax);
    }
  }
  // The upper half grows by one on the way: the low half runs from a negative number over -1 and 0 to a positive one.
  if (unsignedHighs == 1 && <i32>umin < 0 && <i32>umax >= 0) {
    s32Min = max<i32>(s32Min, <i32>umin);
    s32Max = min<i32>(s32Max, <i32>umax);
  }
  if (signedHighs == 1 && <i32>smin < 0 && <i32>smax >= 0) {
    s32Min = max<i32>(s32Min, <i32>smin);
    s32Max = min<i32>(s32Max, <i32>smax);
  }
  if (<i32>u32Min <= <i32>u32Max) {
    s32Min = max<i32>(s32Min, <i32>u32Min);
    s32Max = min<i32>(s32Max, <i32>u32Max);
  }
  if (<u32>s32Min <= <u32>s32Max) {
    u32Min = max<u32>(u32Min, <u32>s32Min);
    u32Max = min<u32>(u32Max, <u32>s32Max);
  } else if (u32Max < <u32>s32Min) {
    s32Min = <i32>u32Min;
    u32Max = min<u32>(u32Max, <u32>s32Max);
  } else if (<u32>s32Max < u32Min) {
    s32Max = <i32>u32Max;
    u32Min = max<u32>(u32Min, <u32>s32Min);
  }
  const learned =
    ((u32Min ^ reg.u32Min) | (u32Max ^ reg.u32Max) | <u32>(s32Min ^ reg.s32Min) | <u32>(s32Max ^ reg.s32Max)) != 0;
  setRange32(reg, u32Min, u32Max, s32Min, s32Max);
  return learned;
}

/**
 * Signed and unsigned 64-bit ranges from each other. A signed range over 0 is two unsigned ones, at the start and at the end:
 *
 *     0                    2^63                   2^64
 *     |=====smax|            .            |smin=====|
 *     |  umin----umax        .                      |   only the part at the start is possible
 */
function deduce64(reg: Scalar): bool {
  let umin = reg.umin;
  let umax = reg.umax;
  let smin = reg.smin;
  let smax = reg.smax;
  if (<i64>umin <= <i64>umax) {
    smin = max<i64>(smin, <i64>umin);
    smax = min<i64>(smax, <i64>umax);
  }
  if (<u64>smin <= <u64>smax) {
    umin = max<u64>(umin, <u64>smin);
    umax = min<u64>(umax, <u64>smax);
  } else if (umax < <u64>smin) {
    smin = <i64>umin;
    umax = min<u64>(umax, <u64>smax);
  } else if (<u64>smax < umin) {
    smax = <i64>umax;
    umin = max<u64>(umin, <u64>smin);
  }
  return setRange64(reg, umin, umax, smin, smax);
}

/** 64-bit ranges from those of the low half: the ends keep their upper half, and get the low half's end if that is tighter. */
function deduceMixed(reg: Scalar): bool {
  const low = <u64>reg.u32Min;
  const high = <u64>reg.u32Max;
  const learned = setRange64(
    reg,
    max<u64>(reg.umin, ((reg.umin >> 32) << 32) | low),
    min<u64>(reg.umax, ((reg.umax >> 32) << 32) | high),
    max<i64>(reg.smin, ((reg.smin >> 32) << 32) | <i64>low),
    min<i64>(reg.smax, ((reg.smax >> 32) << 32) | <i64>high),
  );
  // The upper half is all 0 or all 1, the latter only above a negative low half, and this one is not negative: it is the whole number.
  if (reg.s32Min < 0 || reg.smin < <i64>i32.MIN_VALUE || reg.smax > <i64>i32.MAX_VALUE) return learned;
  const smin = <i64>reg.s32Min;
  const smax = <i64>reg.s32Max;
  const value = reg.value;
  const mask = reg.mask;
  const unknown = rangeMask(<u64>smin, <u64>smax);
  tnumIntersect(reg, <u64>smin & ~unknown, unknown);
  return setRange64(reg, <u64>smin, <u64>smax, smin, smax) || learned || reg.value != value || reg.mask != mask;
}

function deduce(reg: Scalar): bool {
  const low = deduce32(reg);
  const whole = deduce64(reg);
  return deduceMixed(reg) || low || whole;
}

/** The bits from the unsigned ranges. */
function bitsFromBounds(reg: Scalar): bool {
  let rangeBits = rangeMask(reg.umin, reg.umax);
  const mask = reg.mask & rangeBits;
  const value = (reg.value | (reg.umin & ~rangeBits)) & ~mask;
  rangeBits = rangeMask(<u64>reg.u32Min, <u64>reg.u32Max);
  const lowMask = <u64>(<u32>mask) & rangeBits;
  const low = (<u64>(<u32>value) | (<u64>reg.u32Min & ~rangeBits)) & ~lowMask;
  const newValue = ((value >> 32) << 32) | low;
  const newMask = ((mask >> 32) << 32) | lowMask;
  const changed = newValue != reg.value || newMask != reg.mask;
  reg.value = newValue;
  reg.mask = newMask;
  return changed;
}

/** A constant that all ranges allow: they become it, and there is nothing else to learn. */
function settles(reg: Scalar): bool {
  const v = reg.value;
  if (
    reg.mask != 0 ||
    reg.umin > v ||
    reg.umax < v ||
    reg.smin > <i64>v ||
    reg.smax < <i64>v ||
    reg.u32Min > <u32>v ||
    reg.u32Max < <u32>v ||
    reg.s32Min > <i32>v ||
    reg.s32Max < <i32>v
  )
    return false;
  reg.setConst(v);
  return true;
}

/**
 * A number of 31 bits whose four ranges are one, as most are: they and the bits tell each other nothing new. When they do, nothing is
 * changed here, and the passes find out what.
 */
function isSmallRange(reg: Scalar): bool {
  const low = reg.umin;
  const high = reg.umax;
  if (high > <u64>i32.MAX_VALUE || low != <u64>reg.smin || high != <u64>reg.smax) return false;
  if (<u32>low != reg.u32Min || <u32>high != reg.u32Max || <i32>low != reg.s32Min || <i32>high != reg.s32Max)
    return false;
  const value = reg.value;
  const mask = reg.mask;
  // Neither do the bits narrow the range, nor the range the bits; and more than one number is possible.
  if (low < value || high > (value | mask) || low == high) return false;
  const unknown = rangeMask(low, high);
  if ((mask & ~unknown) != 0 || (low & ~unknown & ~value & ~mask) != 0) return false;
  const next = tnumNext(reg, low);
  if ((low & ~mask) == value) return next <= high;
  return next != (value | mask) && next <= high && tnumNext(reg, next) <= high;
}

export function sync(reg: Scalar): void {
  if (settles(reg) || isSmallRange(reg)) return;
  boundsFromBits(reg);
  // Three rounds; one that learned nothing ends them.
  const learned = deduce(reg);
  if (learned && deduce(reg)) deduce(reg);
  if (bitsFromBounds(reg) || learned) boundsFromBits(reg);
}

/** Whether no range is empty, and a constant is the same in all. */
export function isConsistent(reg: Scalar): bool {
  if (reg.umin > reg.umax || reg.smin > reg.smax || reg.u32Min > reg.u32Max || reg.s32Min > reg.s32Max) return false;
  if (reg.mask == 0) {
    const v = reg.value;
    if (reg.umin != v || reg.umax != v || reg.smin != <i64>v || reg.smax != <i64>v) return false;
  }
  if (<u32>reg.mask == 0) {
    const v = <u32>reg.value;
    if (reg.u32Min != v || reg.u32Max != v || reg.s32Min != <i32>v || reg.s32Max != <i32>v) return false;
  }
  return true;
}

/** A number that contradicts itself is on a path nobody can take; the kernel forgets its ranges and goes on. False if it did. */
export function checkConsistent(reg: Scalar): bool {
  if (isConsistent(reg)) return true;
  setUnbounded(reg);
  return false;
}
