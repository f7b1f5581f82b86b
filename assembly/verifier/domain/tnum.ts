// Tracked numbers: of each bit, whether it is 0, 1 or not known. `value` has the known ones, `mask` the unknown bits; no bit is in both.
// The sets are those of Vishwanathan et al., "Sound, Precise, and Fast Abstract Interpretation with Tristate Numbers".

@unmanaged
export class Tnum {
  value: u64;
  mask: u64;

  @inline get isConst(): bool {
    return this.mask == 0;
  }
  @inline get isUnknown(): bool {
    return ~this.mask == 0;
  }
  /** Whether the low 32 bits are known. */
  @inline get isSubregConst(): bool {
    return <u32>this.mask == 0;
  }
}

// A right operand is a pair (value, mask) and not a Tnum: pairs stay in locals, and it may come from the left operand itself.

export function tnumSet(t: Tnum, value: u64, mask: u64): void {
  t.value = value;
  t.mask = mask;
}

/** Bits below the highest one in which the ends of a range differ. */
export function rangeMask(min: u64, max: u64): u64 {
  const differ = min ^ max;
  return differ == 0 ? 0 : u64.MAX_VALUE >> clz(differ);
}

/** The smallest tnum that holds min..max. */
export function tnumRange(t: Tnum, min: u64, max: u64): void {
  const mask = rangeMask(min, max);
  tnumSet(t, min & ~mask, mask);
}

export function tnumLsh(t: Tnum, shift: u64): void {
  tnumSet(t, t.value << shift, t.mask << shift);
}

export function tnumRsh(t: Tnum, shift: u64): void {
  tnumSet(t, t.value >> shift, t.mask >> shift);
}

/** An unknown sign stays unknown: the mask is shifted as a signed number, too. */
export function tnumArsh(t: Tnum, shift: u64): void {
  tnumSet(t, <u64>(<i64>t.value >> shift), <u64>(<i64>t.mask >> shift));
}

/** The same of the low 32 bits; the upper ones become 0. */
export function tnumArsh32(t: Tnum, shift: u32): void {
  tnumSet(t, <u64>(<u32>(<i32>t.value >> shift)), <u64>(<u32>(<i32>t.mask >> shift)));
}

/** A bit of the sum is known where no carry into it depends on an unknown bit: the carries of all 0 and of all 1 agree. */
export function tnumAdd(t: Tnum, value: u64, mask: u64): void {
  const low = t.value + value;
  const unknown = ((low + (t.mask + mask)) ^ low) | t.mask | mask;
  tnumSet(t, low & ~unknown, unknown);
}

export function tnumSub(t: Tnum, value: u64, mask: u64): void {
  const difference = t.value - value;
  const unknown = ((difference + t.mask) ^ (difference - mask)) | t.mask | mask;
  tnumSet(t, difference & ~unknown, unknown);
}

export function tnumNeg(t: Tnum): void {
  const negated = 0 - t.value;
  const unknown = (negated ^ (negated - t.mask)) | t.mask;
  tnumSet(t, negated & ~unknown, unknown);
}

export function tnumAnd(t: Tnum, value: u64, mask: u64): void {
  const ones = t.value & value;
  tnumSet(t, ones, (t.value | t.mask) & (value | mask) & ~ones);
}

export function tnumOr(t: Tnum, value: u64, mask: u64): void {
  const ones = t.value | value;
  tnumSet(t, ones, (t.mask | mask) & ~ones);
}

export function tnumXor(t: Tnum, value: u64, mask: u64): void {
  const unknown = t.mask | mask;
  tnumSet(t, (t.value ^ value) & ~unknown, unknown);
}

/**
 * Long multiplication: for each bit of `t` the shifted operand is added when the bit is 1, and when it is unknown
 * the result is the join of adding and of leaving it out.
 */
export function tnumMul(t: Tnum, value: u64, mask: u64): void {
  if ((t.mask | mask) == 0) {
    t.value *= value;
    return;
  }
  if (t.isUnknown) {
    // Any multiple: only the zeros at the end are known.
    tnumSet(t, 0, (value | mask) == 0 ? 0 : u64.MAX_VALUE << ctz(value | mask));
    return;
  }
  let ones = t.value;
  let unknown = t.mask;
  let sum: u64 = 0;
  let sumMask: u64 = 0;
  while ((ones | unknown) != 0) {
    // Bits that are 0 for certain add nothing.
    const skip = ctz(ones | unknown);
    ones >>= skip;
    unknown >>= skip;
    value <<= skip;
    mask <<= skip;
    const low = sum + value;
    const added = ((low + (sumMask + mask)) ^ low) | sumMask | mask;
    if ((ones & 1) != 0) {
      sumMask = added;
      sum = low & ~added;
    } else {
      const joined = (sum ^ (low & ~added)) | sumMask | added;
      sum &= low & ~joined;
      sumMask = joined;
    }
    ones >>= 1;
    unknown >>= 1;
    value <<= 1;
    mask <<= 1;
  }
  tnumSet(t, sum, sumMask);
}

/** What both say. Where they contradict each other, 1 wins. */
export function tnumIntersect(t: Tnum, value: u64, mask: u64): void {
  const unknown = t.mask & mask;
  tnumSet(t, (t.value | value) & ~unknown, unknown);
}

/** The smallest number of `t` above `number`, or the largest there is. */
export function tnumNext(t: Tnum, number: u64): u64 {
  const value = t.value;
  const mask = t.mask;
  if (number < value) return value;
  if (number >= (value | mask)) return value | mask;
  const from = number + 1;
  const wrong = (from ^ value) & ~mask;
  if (wrong == 0) return from;
  // The first known bit that is not as in `from`, and all below: the least when it becomes a 1; else an unknown bit above has to grow.
  const below = u64.MAX_VALUE >> clz(wrong);
  const top = below ^ (below >> 1);
  if ((value & top) != 0) return (from & mask & ~below) | value;
  return (((from | ~mask | below) + 1) & mask) | value;
}

/** Whether some number is in both. */
export function tnumOverlap(value: u64, mask: u64, otherValue: u64, otherMask: u64): bool {
  return ((value ^ otherValue) & ~(mask | otherMask)) == 0;
}

/** The low `size` bytes, zero-extended. */
export function tnumCast(t: Tnum, size: u32): void {
  const keep = u64.MAX_VALUE >> ((<u64>(8 - size)) << 3);
  tnumSet(t, t.value & keep, t.mask & keep);
}

/** The low 32 bits, zero-extended. */
export function tnumSubreg(t: Tnum): void {
  tnumSet(t, <u64>(<u32>t.value), <u64>(<u32>t.mask));
}

/** The low 32 bits become 0. */
export function tnumClearSubreg(t: Tnum): void {
  tnumSet(t, (t.value >> 32) << 32, (t.mask >> 32) << 32);
}

/** The low 32 bits become those of (value, mask), the upper ones stay. */
export function tnumWithSubreg(t: Tnum, value: u64, mask: u64): void {
  tnumSet(t, ((t.value >> 32) << 32) | <u64>(<u32>value), ((t.mask >> 32) << 32) | <u64>(<u32>mask));
}

/** `size` is a power of two. */
export function tnumIsAligned(t: Tnum, size: u64): bool {
  return ((t.value | t.mask) & (size - 1)) == 0;
}

/** Whether every number of `inner` is one of `outer`. */
export function tnumContains(outer: Tnum, inner: Tnum): bool {
  return (inner.mask & ~outer.mask) == 0 && outer.value == (inner.value & ~outer.mask);
}

export function tnumEquals(a: Tnum, b: Tnum): bool {
  return a.value == b.value && a.mask == b.mask;
}
