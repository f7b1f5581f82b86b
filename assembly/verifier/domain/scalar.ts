// What is known of a 64-bit number: tnum and ranges.
import { Tnum } from './tnum';

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

  setUnknown(): void {
    this.value = 0;
    this.mask = u64.MAX_VALUE;
    this.umin = 0;
    this.umax = u64.MAX_VALUE;
    this.smin = i64.MIN_VALUE;
    this.smax = i64.MAX_VALUE;
    this.u32Min = 0;
    this.u32Max = u32.MAX_VALUE;
    this.s32Min = i32.MIN_VALUE;
    this.s32Max = i32.MAX_VALUE;
  }
  setConst(v: u64): void {
    this.value = v;
    this.mask = 0;
    this.umin = v;
    this.umax = v;
    this.smin = <i64>v;
    this.smax = <i64>v;
    this.u32Min = <u32>v;
    this.u32Max = <u32>v;
    this.s32Min = <i32>v;
    this.s32Max = <i32>v;
  }
}

export function scalarWithin(outer: Scalar, inner: Scalar): bool {
  return outer.umin <= inner.umin && outer.umax >= inner.umax && outer.smin <= inner.smin && outer.smax >= inner.smax;
}
