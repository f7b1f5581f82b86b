// Shifts by a known amount: ranges and bits. What the low half is behind a 64-bit shift to the right, sync finds from the bits.
import { Scalar, setRange32, setUnbounded32, setUnbounded64 } from './scalar';
import { bounds32FromBits, boundsFromBits } from './sync';
import { tnumArsh, tnumArsh32, tnumLsh, tnumRsh, tnumSubreg } from './tnum';

/** The low half's ranges; unbounded when a set bit may go over the top. */
function shiftLeftRange32(reg: Scalar, amount: u32): void {
  const wraps = amount > 31 || <u64>reg.u32Max > (<u64>1) << (<u64>(31 - amount));
  setRange32(
    reg,
    wraps ? 0 : reg.u32Min << amount,
    wraps ? u32.MAX_VALUE : reg.u32Max << amount,
    i32.MIN_VALUE,
    i32.MAX_VALUE,
  );
}

export function shiftLeft(reg: Scalar, amount: u32): void {
  // `r <<= 32; r s>>= 32` is how a low half is sign-extended without movsx: its signed range is not lost on the way.
  const extending = amount == 32;
  reg.smin = extending ? (<i64>reg.s32Min) << 32 : i64.MIN_VALUE;
  reg.smax = extending ? (<i64>reg.s32Max) << 32 : i64.MAX_VALUE;
  const wraps = reg.umax > (<u64>1) << (<u64>(63 - amount));
  reg.umin = wraps ? 0 : reg.umin << (<u64>amount);
  reg.umax = wraps ? u64.MAX_VALUE : reg.umax << (<u64>amount);
  shiftLeftRange32(reg, amount);
  tnumLsh(reg, amount);
  boundsFromBits(reg);
}

export function shiftLeft32(reg: Scalar, amount: u32): void {
  shiftLeftRange32(reg, amount);
  tnumLsh(reg, amount);
  tnumSubreg(reg);
  setUnbounded64(reg);
  bounds32FromBits(reg);
}

export function shiftRight(reg: Scalar, amount: u32): void {
  reg.smin = i64.MIN_VALUE;
  reg.smax = i64.MAX_VALUE;
  reg.umin >>= <u64>amount;
  reg.umax >>= <u64>amount;
  setUnbounded32(reg);
  tnumRsh(reg, amount);
  boundsFromBits(reg);
}

export function shiftRight32(reg: Scalar, amount: u32): void {
  setRange32(reg, reg.u32Min >> amount, reg.u32Max >> amount, i32.MIN_VALUE, i32.MAX_VALUE);
  tnumSubreg(reg);
  tnumRsh(reg, amount);
  setUnbounded64(reg);
  bounds32FromBits(reg);
}

export function shiftRightSigned(reg: Scalar, amount: u32): void {
  reg.smin >>= <i64>amount;
  reg.smax >>= <i64>amount;
  reg.umin = 0;
  reg.umax = u64.MAX_VALUE;
  setUnbounded32(reg);
  tnumArsh(reg, amount);
  boundsFromBits(reg);
}

export function shiftRightSigned32(reg: Scalar, amount: u32): void {
  setRange32(reg, 0, u32.MAX_VALUE, reg.s32Min >> amount, reg.s32Max >> amount);
  tnumArsh32(reg, amount);
  setUnbounded64(reg);
  bounds32FromBits(reg);
}
