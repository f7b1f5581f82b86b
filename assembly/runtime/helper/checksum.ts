// bpf_csum_diff: ones' complement sums (RFC 1071) of removed and added bytes.

/** a + b in ones' complement. */
function add(a: u32, b: u32): u32 {
  const sum = <u64>a + b;
  return <u32>sum + <u32>(sum >> 32);
}

/** The sum of `size` bytes as little-endian 32-bit words, on top of `seed`. */
function partial(ptr: u32, size: u32, seed: u32): u32 {
  let sum: u64 = seed;
  const end = ptr + (size & ~7);
  for (; ptr != end; ptr += 8) {
    const word = load<u64>(ptr);
    sum += word;
    if (sum < word) sum++;
  }
  let tail: u64 = 0;
  for (let i: u32 = 0; i < (size & 7); i++) tail |= (<u64>load<u8>(ptr + i)) << (i << 3);
  sum += tail;
  if (sum < tail) sum++;
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
