// Zero and sign extension of a number's low part: 32-bit results, narrow loads and fills, movsx and ldsx, byte swaps.
import { Scalar, setRange32, setUnbounded, setUnbounded32 } from './scalar';
import { sync } from './sync';
import { rangeMask, tnumCast, tnumSet, tnumSubreg } from './tnum';

/** The low half's ranges become those of the whole. Does not sync. */
export function zext32(reg: Scalar): void {
  tnumSubreg(reg);
  reg.umin = <u64>reg.u32Min;
  reg.umax = <u64>reg.u32Max;
  const positive = reg.s32Min >= 0 && reg.s32Max >= 0;
  reg.smin = positive ? <i64>reg.s32Min : 0;
  reg.smax = positive ? <i64>reg.s32Max : <i64>u32.MAX_VALUE;
}

/** `w1 = w2` */
export function movZext32(reg: Scalar): void {
  zext32(reg);
  sync(reg);
}

/** Nothing is known: most loads are from places of which nothing is. */
function isUnbounded(reg: Scalar): bool {
  return (
    reg.isUnknown &&
    reg.umin == 0 &&
    reg.umax == u64.MAX_VALUE &&
    reg.smin == i64.MIN_VALUE &&
    reg.smax == i64.MAX_VALUE &&
    reg.u32Min == 0 &&
    reg.u32Max == u32.MAX_VALUE &&
    reg.s32Min == i32.MIN_VALUE &&
    reg.s32Max == i32.MAX_VALUE
  );
}

/** 0..`last`, which is all ones: what sync makes of it. */
function setZeroTo(reg: Scalar, last: u64): void {
  const negative = last >= <u64>u32.MAX_VALUE;
  reg.value = 0;
  reg.mask = last;
  reg.umin = 0;
  reg.umax = last;
  reg.smin = 0;
  reg.smax = <i64>last;
  setRange32(reg, 0, <u32>last, negative ? i32.MIN_VALUE : 0, negative ? i32.MAX_VALUE : <i32>last);
}

/** Cuts a number to its low 1, 2 or 4 bytes, as a load of that width does. */
export function truncate(reg: Scalar, size: u32): void {
  const keep: u64 = u64.MAX_VALUE >> ((<u64>(8 - size)) << 3);
  if (isUnbounded(reg)) {
    setZeroTo(reg, keep);
    return;
  }
  tnumCast(reg, size);
  if ((reg.umin & ~keep) == (reg.umax & ~keep)) {
    reg.umin &= keep;
    reg.umax &= keep;
  } else {
    reg.umin = 0;
    reg.umax = keep;
  }
  reg.smin = <i64>reg.umin;
  reg.smax = <i64>reg.umax;
  if (size < 4) setUnbounded32(reg);
  sync(reg);
}

/** `r1 = be16 r1` and the like: the low `bits`, zero-extended, their bytes in reverse order when the insn `swaps` on this machine. */
export function byteSwap(reg: Scalar, bits: u32, swaps: bool): void {
  if (!swaps) {
    if (bits < 64) truncate(reg, bits >> 3);
    return;
  }
  const unused = <u64>(64 - bits);
  tnumSet(reg, bswap<u64>(reg.value) >> unused, bswap<u64>(reg.mask) >> unused);
  setUnbounded(reg);
  sync(reg);
}

function sextFrom(v: u64, bits: u64): i64 {
  return <i64>(v << (64 - bits)) >> (64 - bits);
}

/** `r1 = (s8)r2` and the s16 and s32 forms, and sign-extending loads: `size` is 1, 2 or 4. */
export function signExtend(reg: Scalar, size: u32): void {
  const bits = (<u64>size) << 3;
  if (reg.mask == 0) {
    reg.setConst(<u64>sextFrom(reg.value, bits));
    return;
  }
  if (<u64>reg.smin >> bits == <u64>reg.smax >> bits) {
    const first = sextFrom(<u64>reg.smin, bits);
    const second = sextFrom(<u64>reg.smax, bits);
    const low = min<i64>(first, second);
    const high = max<i64>(first, second);
    if (low >= 0 == high >= 0) {
      reg.smin = low;
      reg.smax = high;
      reg.umin = <u64>low;
      reg.umax = <u64>high;
      reg.u32Min = <u32>low;
      reg.u32Max = <u32>high;
      reg.s32Min = <i32>low;
      reg.s32Max = <i32>high;
      const mask = rangeMask(<u64>low, <u64>high);
      reg.value = <u64>low & ~mask;
      reg.mask = mask;
      return;
    }
  }
  reg.setUnknown();
  reg.smin = i64.MIN_VALUE >> (64 - bits);
  reg.smax = i64.MAX_VALUE >> (64 - bits);
  reg.s32Min = <i32>reg.smin;
  reg.s32Max = <i32>reg.smax;
}

/** `w1 = (s8)w2` and `w1 = (s16)w2`, of the low half alone: movZext32 has to follow. `size` is 1 or 2. */
export function signExtend32(reg: Scalar, size: u32): void {
  const bits = (<u64>size) << 3;
  if (reg.mask == 0) {
    const v = <u32>sextFrom(reg.value, bits);
    reg.value = <u64>v;
    reg.u32Min = v;
    reg.u32Max = v;
    reg.s32Min = <i32>v;
    reg.s32Max = <i32>v;
    return;
  }
  if (<u32>reg.s32Min >> <u32>bits == <u32>reg.s32Max >> <u32>bits) {
    const first = <i32>sextFrom(<u64>reg.s32Min, bits);
    const second = <i32>sextFrom(<u64>reg.s32Max, bits);
    const low = min<i32>(first, second);
    const high = max<i32>(first, second);
    if (low >= 0 == high >= 0) {
      reg.u32Min = <u32>low;
      reg.u32Max = <u32>high;
      reg.s32Min = low;
      reg.s32Max = high;
      const mask = rangeMask(<u64>(<u32>low), <u64>(<u32>high));
      reg.value = <u64>(<u32>low) & ~mask;
      reg.mask = mask;
      return;
    }
  }
  reg.value = 0;
  reg.mask = <u64>u32.MAX_VALUE;
  reg.u32Min = 0;
  reg.u32Max = u32.MAX_VALUE;
  reg.s32Min = i32.MIN_VALUE >> (32 - <i32>bits);
  reg.s32Max = i32.MAX_VALUE >> (32 - <i32>bits);
}
