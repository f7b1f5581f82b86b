/** Arithmetic, byte order and conditions of RFC 9669 sections 4.1 to 4.3 on BigInt, by the code in an opcode's high bits. */

export type Width = 32 | 64;

/** `off` is 1 for signed division, and 8, 16 or 32 for sign-extending moves. */
export function alu(code: number, width: Width, off: number, dst: bigint, src: bigint): bigint {
  const a = BigInt.asUintN(width, dst);
  const b = BigInt.asUintN(width, src);
  const shift = b & BigInt(width - 1);
  const signed = off === 1;
  const [sa, sb] = [BigInt.asIntN(width, a), BigInt.asIntN(width, b)];
  const result = (): bigint => {
    switch (code) {
      case 0x00:
        return a + b;
      case 0x10:
        return a - b;
      case 0x20:
        return a * b;
      case 0x30:
        return b === 0n ? 0n : signed ? sa / sb : a / b;
      case 0x40:
        return a | b;
      case 0x50:
        return a & b;
      case 0x60:
        return a << shift;
      case 0x70:
        return a >> shift;
      case 0x80:
        return -a;
      case 0x90:
        return b === 0n ? a : signed ? sa % sb : a % b;
      case 0xa0:
        return a ^ b;
      case 0xb0:
        return off === 0 ? b : BigInt.asIntN(off, b);
      default:
        return sa >> shift;
    }
  };
  return BigInt.asUintN(width, result());
}

export function byteOrder(bits: number, swap: boolean, value: bigint): bigint {
  const low = BigInt.asUintN(bits, value);
  if (!swap) return low;
  let out = 0n;
  for (let i = 0n; i < BigInt(bits); i += 8n) out = (out << 8n) | ((low >> i) & 0xffn);
  return out;
}

export function condition(code: number, width: Width, dst: bigint, src: bigint): boolean {
  const a = BigInt.asUintN(width, dst);
  const b = BigInt.asUintN(width, src);
  const [sa, sb] = [BigInt.asIntN(width, a), BigInt.asIntN(width, b)];
  switch (code) {
    case 0x10:
      return a === b;
    case 0x20:
      return a > b;
    case 0x30:
      return a >= b;
    case 0x40:
      return (a & b) !== 0n;
    case 0x50:
      return a !== b;
    case 0x60:
      return sa > sb;
    case 0x70:
      return sa >= sb;
    case 0xa0:
      return a < b;
    case 0xb0:
      return a <= b;
    case 0xc0:
      return sa < sb;
    default:
      return sa <= sb;
  }
}
