// What ALU insns and comparisons do to concrete numbers. RFC 9669, sections 4.1 and 4.3.

import * as isa from '../../assembly/isa.ts';

const u64 = (v: bigint): bigint => BigInt.asUintN(64, v);
const divide = (a: bigint, b: bigint): bigint => (b === 0n ? 0n : a / b);
const remainder = (a: bigint, b: bigint): bigint => (b === 0n ? a : a % b);

/** The result as an unsigned number. Shift amounts must be in range. */
export function alu(op: number, is64: boolean, left: bigint, right: bigint): bigint {
  const width = is64 ? 64 : 32;
  const a = BigInt.asUintN(width, left);
  const b = BigInt.asUintN(width, right);
  const cut = (v: bigint): bigint => BigInt.asUintN(width, v);
  switch (op) {
    case isa.BPF_ADD:
      return cut(a + b);
    case isa.BPF_SUB:
      return cut(a - b);
    case isa.BPF_MUL:
      return cut(a * b);
    case isa.BPF_DIV:
      return divide(a, b);
    case isa.BPF_MOD:
      return remainder(a, b);
    case isa.BPF_OR:
      return a | b;
    case isa.BPF_AND:
      return a & b;
    case isa.BPF_XOR:
      return a ^ b;
    case isa.BPF_NEG:
      return cut(-a);
    case isa.BPF_LSH:
      return cut(a << (b % BigInt(width)));
    case isa.BPF_RSH:
      return a >> (b % BigInt(width));
    default:
      return cut(BigInt.asIntN(width, a) >> (b % BigInt(width)));
  }
}

export function compare(op: number, is32: boolean, left: bigint, right: bigint): boolean {
  const width = is32 ? 32 : 64;
  const a = BigInt.asUintN(width, left);
  const b = BigInt.asUintN(width, right);
  const signedA = BigInt.asIntN(width, a);
  const signedB = BigInt.asIntN(width, b);
  switch (op) {
    case isa.BPF_JEQ:
      return a === b;
    case isa.BPF_JNE:
      return a !== b;
    case isa.BPF_JSET:
      return (a & b) !== 0n;
    case isa.BPF_JGT:
      return a > b;
    case isa.BPF_JGE:
      return a >= b;
    case isa.BPF_JLT:
      return a < b;
    case isa.BPF_JLE:
      return a <= b;
    case isa.BPF_JSGT:
      return signedA > signedB;
    case isa.BPF_JSGE:
      return signedA >= signedB;
    case isa.BPF_JSLT:
      return signedA < signedB;
    default:
      return signedA <= signedB;
  }
}

export function signExtend(v: bigint, bits: number, is64: boolean): bigint {
  return BigInt.asUintN(is64 ? 64 : 32, BigInt.asIntN(bits, v));
}

/** The low `bits` with their bytes reversed. */
export function swapBytes(v: bigint, bits: number): bigint {
  let swapped = 0n;
  for (let i = 0; i < bits; i += 8) swapped = (swapped << 8n) | ((v >> BigInt(i)) & 0xffn);
  return u64(swapped);
}
