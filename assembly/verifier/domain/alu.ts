// What an ALU insn makes of what is known of its operands. RFC 9669, section 4.1; results are Linux 6.18's.
import { BPF_ADD, BPF_AND, BPF_ARSH, BPF_LSH, BPF_MUL, BPF_NEG, BPF_OR, BPF_RSH, BPF_SUB, BPF_XOR } from '../../isa';
import { addRanges, multiplyRanges, negateRanges, subtractRanges } from './arith';
import { zext32 } from './extend';
import { isSingle32, isSingle64, Scalar, setConst32, setRange32 } from './scalar';
import { shiftLeft, shiftLeft32, shiftRight, shiftRight32, shiftRightSigned, shiftRightSigned32 } from './shift';
import { sync } from './sync';
import { tnumAdd, tnumAnd, tnumMul, tnumNeg, tnumOr, tnumSub, tnumXor } from './tnum';

/** Signed ranges of a bitwise result: the unsigned ones where these do not run over the sign. */
function setUnsigned(reg: Scalar, umin: u64, umax: u64, u32Min: u32, u32Max: u32): void {
  reg.umin = umin;
  reg.umax = umax;
  const signed = <i64>umin <= <i64>umax;
  reg.smin = signed ? <i64>umin : i64.MIN_VALUE;
  reg.smax = signed ? <i64>umax : i64.MAX_VALUE;
  const signed32 = <i32>u32Min <= <i32>u32Max;
  setRange32(reg, u32Min, u32Max, signed32 ? <i32>u32Min : i32.MIN_VALUE, signed32 ? <i32>u32Max : i32.MAX_VALUE);
}

/** A low half, or a whole, is known when that of both operands is. */
function settle(dst: Scalar, mask: u64): void {
  if (mask == 0) dst.setConst(dst.value);
  else if (<u32>mask == 0) setConst32(dst, <u32>dst.value);
}

function and(dst: Scalar, src: Scalar): void {
  const mask = dst.mask | src.mask;
  const umax = min<u64>(dst.umax, src.umax);
  const u32Max = min<u32>(dst.u32Max, src.u32Max);
  tnumAnd(dst, src.value, src.mask);
  setUnsigned(dst, dst.value, umax, <u32>dst.value, u32Max);
  settle(dst, mask);
}

function or(dst: Scalar, src: Scalar): void {
  const mask = dst.mask | src.mask;
  const umin = max<u64>(dst.umin, src.umin);
  const u32Min = max<u32>(dst.u32Min, src.u32Min);
  tnumOr(dst, src.value, src.mask);
  const most = dst.value | dst.mask;
  setUnsigned(dst, umin, most, u32Min, <u32>most);
  settle(dst, mask);
}

function xor(dst: Scalar, src: Scalar): void {
  const mask = dst.mask | src.mask;
  tnumXor(dst, src.value, src.mask);
  const most = dst.value | dst.mask;
  setUnsigned(dst, dst.value, most, <u32>dst.value, <u32>most);
  settle(dst, mask);
}

/** The shift's result; false when the amount is not known or not in range, and nothing is known of the result. */
function shift(op: u32, is64: bool, dst: Scalar, src: Scalar): bool {
  if (!(is64 ? isSingle64(src) : isSingle32(src)) || src.umax >= (is64 ? 64 : 32)) return false;
  const amount = <u32>src.umin;
  if (is64) {
    if (op == BPF_LSH) shiftLeft(dst, amount);
    else if (op == BPF_RSH) shiftRight(dst, amount);
    else shiftRightSigned(dst, amount);
  } else {
    if (op == BPF_LSH) shiftLeft32(dst, amount);
    else if (op == BPF_RSH) shiftRight32(dst, amount);
    else shiftRightSigned32(dst, amount);
  }
  return true;
}

/** `dst op= src` before the result is cut and synced; false when nothing is known of it. */
function transfer(op: u32, is64: bool, dst: Scalar, src: Scalar): bool {
  switch (op) {
    case BPF_ADD:
      addRanges(dst, src);
      tnumAdd(dst, src.value, src.mask);
      return true;
    case BPF_SUB:
      subtractRanges(dst, src);
      tnumSub(dst, src.value, src.mask);
      return true;
    case BPF_NEG:
      negateRanges(dst);
      tnumNeg(dst);
      return true;
    case BPF_MUL:
      multiplyRanges(dst, src);
      tnumMul(dst, src.value, src.mask);
      return true;
    case BPF_AND:
      and(dst, src);
      return true;
    case BPF_OR:
      or(dst, src);
      return true;
    case BPF_XOR:
      xor(dst, src);
      return true;
    case BPF_LSH:
    case BPF_RSH:
    case BPF_ARSH:
      return shift(op, is64, dst, src);
  }
  return false;
}

/** A number that is 0 or -1, as a shift of the sign makes it, is two paths for AND and OR with a constant: see `splits`. */
export const SPLIT_NONE: u32 = 0;
export const SPLIT_64: u32 = 1;
export const SPLIT_32: u32 = 2;

/**
 * Whether the verifier walks `dst op= src` twice, with 0 and with -1 in `dst` (SPLIT_64), or in its low half (SPLIT_32). The width
 * is that of what is known, not the insn's.
 */
export function splits(op: u32, dst: Scalar, src: Scalar): u32 {
  if ((op != BPF_AND && op != BPF_OR) || !src.isConst) return SPLIT_NONE;
  if (dst.smin == -1 && dst.smax == 0) return SPLIT_64;
  return dst.s32Min == -1 && dst.s32Max == 0 ? SPLIT_32 : SPLIT_NONE;
}

/**
 * `dst op= src`, or `dst = -dst`. Nothing is known of a division, a remainder, nor of a shift by an amount that is unknown
 * or too large. `dst` and `src` may be the same. Moves, extensions and byte swaps are in extend.ts.
 */
export function scalarAlu(op: u32, is64: bool, dst: Scalar, src: Scalar): void {
  if (!transfer(op, is64, dst, src)) {
    dst.setUnknown();
    return;
  }
  if (!is64) zext32(dst);
  sync(dst);
}
