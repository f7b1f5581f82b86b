// Little-endian words as bytes, for keys, values and packets.

export const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
export const u64 = (...values: bigint[]): Uint8Array =>
  new Uint8Array(BigUint64Array.from(values, (value) => BigInt.asUintN(64, value)).buffer);

/** The u64 words of a hex string (a map value of an observation). */
export function words(hex: string): bigint[] {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return [...new BigUint64Array(bytes.buffer)];
}
