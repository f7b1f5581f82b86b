// Keys of LPM tries: a length in bits, then bytes in network order. Looking at them as 64-bit words whose first bit is the highest makes a comparison of
// prefixes one exclusive or and one shift.

import { THREADS, threadRoom } from '../thread';
import { KEY_BYTES, LpmTrie, NODE_KEY } from './lpm-node';

/** The words of the key at hand: as many as the longest key has (256 bytes). */
const words: u32 = THREADS ? threadRoom(256) : <u32>memory.data(256);

/** The first word of a key of at most 8 bytes. */
export function shortKey(key: u32, bytes: u32): u64 {
  if (bytes == 4) return (<u64>bswap<u32>(load<u32>(key, KEY_BYTES))) << 32;
  if (bytes == 8) return bswap<u64>(load<u64>(key, KEY_BYTES));
  let word: u64 = 0;
  for (let i: u32 = 0; i < bytes; i++) word |= (<u64>load<u8>(key + i, KEY_BYTES)) << (56 - 8 * i);
  return word;
}

/** Makes this key the one at hand. */
export function loadKey(t: LpmTrie, key: u32): void {
  const whole = t.bytes >> 3;
  for (let i: u32 = 0; i < whole; i++) store<u64>(words + (i << 3), bswap<u64>(load<u64>(key + (i << 3), KEY_BYTES)));
  if (t.bytes & 7) store<u64>(words + (whole << 3), shortKey(key + (whole << 3), t.bytes & 7));
}

export function keyWord(index: u32): u64 {
  return load<u64>(words + (index << 3));
}

/** Gives a node the key at hand. */
export function storeKey(t: LpmTrie, node: u32): void {
  for (let i: u32 = 0; i < t.words; i++) store<u64>(node + (i << 3), keyWord(i), NODE_KEY);
}

/** Writes a node's key as programs and user space have it. */
export function writeKey(t: LpmTrie, node: u32, length: u32, out: u32): void {
  store<u32>(out, length);
  for (let i: u32 = 0; i < t.bytes; i++) {
    const word = load<u64>(node + (i & ~7), NODE_KEY);
    store<u8>(out + i, <u32>(word >> (56 - 8 * (i & 7))), KEY_BYTES);
  }
}

/** Bit `at` of the key at hand. */
export function keyBit(at: u32): u32 {
  return <u32>(keyWord(at >> 6) >> (63 - (at & 63))) & 1;
}

export function nodeBit(node: u32, at: u32): u32 {
  return <u32>(load<u64>(node + ((at >> 6) << 3), NODE_KEY) >> (63 - (at & 63))) & 1;
}

/** How many bits the node's key and the one at hand have in common, `limit` at most. */
export function common(node: u32, limit: u32): u32 {
  for (let bits: u32 = 0; bits < limit; bits += 64) {
    const differ = load<u64>(node + (bits >> 3), NODE_KEY) ^ keyWord(bits >> 6);
    if (differ) return min(limit, bits + <u32>clz(differ));
  }
  return limit;
}
