// bpf_csum_diff: ones' complement sums (RFC 1071) of removed and added bytes.

/** a + b in ones' complement. */
function add(a: u32, b: u32): u32 {
  const sum = <u64>a + b;
  return <u32>sum + <u32>(sum >> 32);
}

/**
 * The sum of `size` bytes as little-endian 32-bit words, on top of `seed`; what lacks to the last word counts as zero.
 * Words add up in 64-bit lanes, where fewer than 2^32 of them cannot overflow.
 */
function partial(ptr: u32, size: u32, seed: u32): u32 {
  let lanes = i64x2.splat(0);
  for (const end = ptr + (size & ~15); ptr != end; ptr += 16) {
    const words = v128.load(ptr);
    lanes = i64x2.add(lanes, i64x2.extend_low_i32x4_u(words));
    lanes = i64x2.add(lanes, i64x2.extend_high_i32x4_u(words));
  }
  let sum: u64 = <u64>seed + i64x2.extract_lane(lanes, 0) + i64x2.extract_lane(lanes, 1);
  for (const end = ptr + (size & 12); ptr != end; ptr += 4) sum += load<u32>(ptr);
  let tail: u32 = 0;
  for (let i: u32 = 0; i < (size & 3); i++) tail |= (<u32>load<u8>(ptr + i)) << (i << 3);
  sum += tail;
  return add(<u32>sum, <u32>(sum >> 32));
}

/** Sum of `to` less sum of `from`, plus seed, folded to 16 bits; either may be absent (size 0). */
export function csum_diff(from: u32, fromSize: u32, to: u32, toSize: u32, seed: u64): i64 {
  let sum = <u32>seed;
  if (toSize) sum = partial(to, toSize, sum);
  if (fromSize && toSize) sum = add(sum, ~partial(from, fromSize, 0));
  else if (fromSize) sum = ~partial(from, fromSize, ~sum);
  return (sum + ((sum >> 16) | (sum << 16))) >> 16;
}
