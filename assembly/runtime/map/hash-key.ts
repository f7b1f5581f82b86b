// Hashing and comparing keys.
//
// A map's hash is multilinear: each 32-bit word of a key is multiplied by a number of the map's own. Two keys have the same sum by chance alone as long
// as the numbers are not known (Lemire, Kaser 2014: "Strongly universal string hashing is fast"), and the products do not wait for each other. The sum
// is mixed once more: sums of keys that count up are a lattice, which some numbers lay into few buckets. The numbers follow from the engine's seed,
// and so does the order of a map's elements.
//
// Keys are read in words of 32 bits even where 64 would do: a program has often just written its key, field by field, and a processor cannot
// forward two stores to one load. Such a load waits until both are in the cache, behind every miss that came before.

/** Numbers of a map; longer keys are hashed in pieces of as many words. */
export const HASH_NUMBERS: u32 = 16;

const PIECE: u32 = HASH_NUMBERS * 4;
const C1: u64 = 0x9e3779b97f4a7c15;
const C2: u64 = 0xd6e8feb86659fd93;

/** SplitMix64: the numbers of a map with this seed. */
export function fillNumbers(numbers: u32, seed: u64): void {
  for (let i: u32 = 0; i < HASH_NUMBERS; i++) {
    seed += C1;
    let z = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    // Odd: no bit of a word is lost.
    store<u64>(numbers + (i << 3), (z ^ (z >> 31)) | 1);
  }
}

function term(word: u32, numbers: u32, index: u32): u64 {
  return <u64>word * load<u64>(numbers + (index << 3));
}

function finish(sum: u64): u32 {
  return <u32>(((sum ^ (sum >> 32)) * C2) >> 32);
}

export function hash4(word: u32, numbers: u32): u32 {
  return finish(term(word, numbers, 0));
}

export function hash8(low: u32, high: u32, numbers: u32): u32 {
  return finish(term(low, numbers, 0) + term(high, numbers, 1));
}

export function hash16(a: u32, b: u32, c: u32, d: u32, numbers: u32): u32 {
  const left = term(a, numbers, 0) + term(b, numbers, 1);
  return finish(left + (term(c, numbers, 2) + term(d, numbers, 3)));
}

/** A key of any size. */
function hashBytes(key: u32, size: u32, numbers: u32): u32 {
  let sum: u64 = 0;
  for (; size > PIECE; size -= PIECE) {
    for (let i: u32 = 0; i < PIECE; i += 4) sum += <u64>load<u32>(key + i) * load<u64>(numbers + (i << 1));
    key += PIECE;
    sum = (sum ^ (sum >> 32)) * C1;
  }
  let at = numbers;
  for (; size >= 8; size -= 8, key += 8, at += 16) {
    sum += <u64>load<u32>(key) * load<u64>(at) + <u64>load<u32>(key, 4) * load<u64>(at, 8);
  }
  if (size & 4) {
    sum += <u64>load<u32>(key) * load<u64>(at);
    key += 4;
    at += 8;
  }
  size &= 3;
  if (size) sum += <u64>lastBytes(key, size) * load<u64>(at);
  return finish(sum);
}

/** One to three bytes as a word. */
function lastBytes(at: u32, size: u32): u32 {
  if (size == 1) return load<u8>(at);
  const word = <u32>load<u16>(at);
  return size == 2 ? word : word | ((<u32>load<u8>(at, 2)) << 16);
}

export function hashKey(key: u32, size: u32, numbers: u32): u32 {
  if (size == 4) return hash4(load<u32>(key), numbers);
  if (size == 8) return hash8(load<u32>(key), load<u32>(key, 4), numbers);
  if (size == 16) return hash16(load<u32>(key), load<u32>(key, 4), load<u32>(key, 8), load<u32>(key, 12), numbers);
  return hashBytes(key, size, numbers);
}

export function sameKey(a: u32, b: u32, size: u32): bool {
  // Keys that have the same hash are the same as a rule: nothing is gained by a branch for each word.
  let differ: u32 = 0;
  for (; size >= 8; size -= 8, a += 8, b += 8) {
    differ |= (load<u32>(a) ^ load<u32>(b)) | (load<u32>(a, 4) ^ load<u32>(b, 4));
  }
  if (size & 4) {
    differ |= load<u32>(a) ^ load<u32>(b);
    a += 4;
    b += 4;
  }
  size &= 3;
  if (size) differ |= lastBytes(a, size) ^ lastBytes(b, size);
  return !differ;
}

/** The same for an element's key `a`, at a multiple of 8, which another thread may be writing: no load of it is moved behind a later atomic one. */
export function sameKeyShared(a: u32, b: u32, size: u32): bool {
  for (; size >= 8; size -= 8, a += 8, b += 8) {
    if (atomic.load<u64>(a) != (<u64>load<u32>(b) | ((<u64>load<u32>(b, 4)) << 32))) return false;
  }
  if (size & 4) {
    if (atomic.load<u32>(a) != load<u32>(b)) return false;
    a += 4;
    b += 4;
  }
  if (size & 2) {
    if (atomic.load<u16>(a) != load<u16>(b)) return false;
    a += 2;
    b += 2;
  }
  return size & 1 ? atomic.load<u8>(a) == load<u8>(b) : true;
}

export function copyKey(to: u32, key: u32, size: u32): void {
  if (size == 16) {
    store<u32>(to, load<u32>(key));
    store<u32>(to, load<u32>(key, 4), 4);
    store<u32>(to, load<u32>(key, 8), 8);
    store<u32>(to, load<u32>(key, 12), 12);
    return;
  }
  for (; size >= 4; size -= 4, to += 4, key += 4) store<u32>(to, load<u32>(key));
  if (size & 2) {
    store<u16>(to, load<u16>(key));
    to += 2;
    key += 2;
  }
  if (size & 1) store<u8>(to, load<u8>(key));
}

/** All 64 bits of a hash that needs no numbers: multiply and xor-shift. */
export function hash64(key: u32, size: u32, seed: u64): u64 {
  let h = seed ^ size;
  for (; size >= 4; size -= 4, key += 4) {
    h = (h ^ load<u32>(key)) * C1;
    h ^= h >> 32;
  }
  if (size) h = (h ^ lastBytes(key, size)) * C1;
  h = (h ^ (h >> 32)) * C2;
  return h ^ (h >> 29);
}
