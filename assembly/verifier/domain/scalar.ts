// What is known of a 64-bit number: its bits (tnum), and its ranges as u64, s64, and of the low half as u32 and s32.
import { Block } from '../block';
import { Tnum, tnumContains } from './tnum';

/*
 *    0       8      16     24     32     40     48       52       56       60       64
 *   +-------+------+------+------+------+------+--------+--------+--------+--------+
 *   | value | mask | umin | umax | smin | smax | u32Min | u32Max | s32Min | s32Max |
 *   +-------+------+------+------+------+------+--------+--------+--------+--------+
 */
@unmanaged
export class Scalar extends Tnum {
  umin: u64;
  umax: u64;
  smin: i64;
  smax: i64;
  u32Min: u32;
  u32Max: u32;
  s32Min: i32;
  s32Max: i32;

  @inline setUnknown(): void {
    this.value = 0;
    this.mask = u64.MAX_VALUE;
    setUnbounded(this);
  }
  @inline setConst(v: u64): void {
    this.value = v;
    this.mask = 0;
    this.umin = v;
    this.umax = v;
    this.smin = <i64>v;
    this.smax = <i64>v;
    setRange32(this, <u32>v, <u32>v, <i32>v, <i32>v);
  }
}

export const SCALAR_SIZE: usize = 64;
const U32_RANGE: usize = offsetof<Scalar>('u32Min');
const S32_RANGE: usize = offsetof<Scalar>('s32Min');
if (offsetof<Scalar>() != SCALAR_SIZE) ERROR('Scalar: its size drifted');

export function copyScalar(dst: Scalar, src: Scalar): void {
  Block.copy(changetype<usize>(dst), changetype<usize>(src), SCALAR_SIZE);
}

export function setRange32(reg: Scalar, u32Min: u32, u32Max: u32, s32Min: i32, s32Max: i32): void {
  reg.u32Min = u32Min;
  reg.u32Max = u32Max;
  reg.s32Min = s32Min;
  reg.s32Max = s32Max;
}

export function setUnbounded32(reg: Scalar): void {
  setRange32(reg, 0, u32.MAX_VALUE, i32.MIN_VALUE, i32.MAX_VALUE);
}

export function setUnbounded64(reg: Scalar): void {
  reg.umin = 0;
  reg.umax = u64.MAX_VALUE;
  reg.smin = i64.MIN_VALUE;
  reg.smax = i64.MAX_VALUE;
}

/** All ranges; the bits stay. */
export function setUnbounded(reg: Scalar): void {
  setUnbounded64(reg);
  setUnbounded32(reg);
}

/** The low half is `v`; the upper one and the 64-bit ranges stay as they are. */
export function setConst32(reg: Scalar, v: u32): void {
  reg.value = ((reg.value >> 32) << 32) | <u64>v;
  reg.mask = (reg.mask >> 32) << 32;
  setRange32(reg, v, v, <i32>v, <i32>v);
}

/** Both are known, bits and 64-bit ranges: a shift by it is computed, and any other is not. */
export function isSingle64(reg: Scalar): bool {
  return reg.mask == 0 && reg.umin == reg.umax && reg.smin == reg.smax;
}

export function isSingle32(reg: Scalar): bool {
  return <u32>reg.mask == 0 && reg.u32Min == reg.u32Max && reg.s32Min == reg.s32Max;
}

/** Whether the ranges of `outer` hold those of `inner`; the bits are not looked at. */
export function rangesWithin(outer: Scalar, inner: Scalar): bool {
  return (
    outer.umin <= inner.umin &&
    outer.umax >= inner.umax &&
    outer.smin <= inner.smin &&
    outer.smax >= inner.smax &&
    outer.u32Min <= inner.u32Min &&
    outer.u32Max >= inner.u32Max &&
    outer.s32Min <= inner.s32Min &&
    outer.s32Max >= inner.s32Max
  );
}

/** Whether all that `inner` may be is allowed by `outer`. */
export function scalarWithin(outer: Scalar, inner: Scalar): bool {
  return rangesWithin(outer, inner) && tnumContains(outer, inner);
}

export function scalarEquals(a: Scalar, b: Scalar): bool {
  // The ranges of the low half as well, two at a time: memory.compare goes byte by byte.
  return (
    ((a.value ^ b.value) |
      (a.mask ^ b.mask) |
      (a.umin ^ b.umin) |
      (a.umax ^ b.umax) |
      <u64>(a.smin ^ b.smin) |
      <u64>(a.smax ^ b.smax) |
      (load<u64>(changetype<usize>(a), U32_RANGE) ^ load<u64>(changetype<usize>(b), U32_RANGE)) |
      (load<u64>(changetype<usize>(a), S32_RANGE) ^ load<u64>(changetype<usize>(b), S32_RANGE))) ==
    0
  );
}
