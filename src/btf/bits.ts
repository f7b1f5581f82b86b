/** Little-endian bit-fields of any width: bit 0 is the lowest bit of byte 0. */

/** The unsigned number in [bitOffset, bitOffset + width) of `bytes`; the range must be inside. */
export function readBits(bytes: Uint8Array, bitOffset: number, width: number): bigint {
  const first = bitOffset >> 3;
  const last = (bitOffset + width - 1) >> 3;
  let value = 0n;
  for (let i = last; i >= first; i--) value = (value << 8n) | BigInt(bytes[i]);
  return BigInt.asUintN(width, value >> BigInt(bitOffset & 7));
}

/** Writes the low `width` bits of `value` there and leaves every other bit as it is. */
export function writeBits(bytes: Uint8Array, bitOffset: number, width: number, value: bigint): void {
  const first = bitOffset >> 3;
  const last = (bitOffset + width - 1) >> 3;
  const shift = BigInt(bitOffset & 7);
  const mask = ((1n << BigInt(width)) - 1n) << shift;
  const bits = (BigInt.asUintN(width, value) << shift) & mask;
  for (let i = first; i <= last; i++) {
    const at = BigInt(8 * (i - first));
    bytes[i] = (bytes[i] & ~Number((mask >> at) & 0xffn)) | Number((bits >> at) & 0xffn);
  }
}
