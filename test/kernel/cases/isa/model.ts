// RFC 9669, sections 4.1-4.3, in BigInt: an independent reading of the arithmetic and the conditions.

import type { AluOp, JmpOp } from '../asm.ts';

export type Width = 32 | 64;

/** Names of the model's operations: the insn's, with the signed division and modulo apart. */
export type ModelOp = Exclude<AluOp, 'end' | 'neg'> | 'sdiv' | 'smod';

const u = (width: Width, value: bigint): bigint => BigInt.asUintN(width, value);
const s = (width: Width, value: bigint): bigint => BigInt.asIntN(width, value);

/** dst = dst op src; both as u64 registers; a 32-bit result is zero-extended. */
export function alu(op: ModelOp, width: Width, dstReg: bigint, srcReg: bigint): bigint {
  const dst = u(width, dstReg);
  const src = u(width, srcReg);
  const shift = src & BigInt(width - 1);
  switch (op) {
    case 'add':
      return u(width, dst + src);
    case 'sub':
      return u(width, dst - src);
    case 'mul':
      return u(width, dst * src);
    case 'div':
      return src === 0n ? 0n : dst / src;
    case 'sdiv':
      return src === 0n ? 0n : u(width, s(width, dst) / s(width, src));
    case 'mod':
      return src === 0n ? dst : dst % src;
    case 'smod':
      return src === 0n ? dst : u(width, s(width, dst) % s(width, src));
    case 'or':
      return dst | src;
    case 'and':
      return dst & src;
    case 'xor':
      return dst ^ src;
    case 'mov':
      return src;
    case 'lsh':
      return u(width, dst << shift);
    case 'rsh':
      return dst >> shift;
    case 'arsh':
      return u(width, s(width, dst) >> shift);
  }
}

/** Sign-extend the low `bits` of src to the width. */
export const movsx = (bits: number, width: Width, src: bigint): bigint => u(width, BigInt.asIntN(bits, src));

export const neg = (width: Width, dst: bigint): bigint => u(width, -dst);

/** The low `bits` of dst, bytes kept (little-endian host, to_le) or swapped (to_be, bswap); the rest is zero. */
export function byteOrder(bits: number, swap: boolean, dst: bigint): bigint {
  const low = BigInt.asUintN(bits, dst);
  if (!swap) return low;
  const digits = low.toString(16).padStart(bits / 4, '0');
  return BigInt(`0x${digits.match(/../g)!.reverse().join('')}`);
}

/** Is the jump taken? */
export function jmp(op: JmpOp, width: Width, dstReg: bigint, srcReg: bigint): boolean {
  const [ud, us] = [u(width, dstReg), u(width, srcReg)];
  const [sd, ss] = [s(width, dstReg), s(width, srcReg)];
  switch (op) {
    case 'jeq':
      return ud === us;
    case 'jne':
      return ud !== us;
    case 'jset':
      return (ud & us) !== 0n;
    case 'jgt':
      return ud > us;
    case 'jge':
      return ud >= us;
    case 'jlt':
      return ud < us;
    case 'jle':
      return ud <= us;
    case 'jsgt':
      return sd > ss;
    case 'jsge':
      return sd >= ss;
    case 'jslt':
      return sd < ss;
    case 'jsle':
      return sd <= ss;
  }
}
