// Hashing and comparing keys. Hashes are multiply and xor-shift over 64-bit words, seeded per map, so that the order of
// a hash's elements follows from the engine's seed alone.

const C1: u64 = 0x9e3779b97f4a7c15;
const C2: u64 = 0xd6e8feb86659fd93;

function mix(h: u64): u64 {
  h *= C1;
  h ^= h >> 32;
  return h * C2;
}

export function hash4(key: u32, seed: u64): u32 {
  return <u32>(mix(<u64>load<u32>(key) ^ seed) >> 32);
}

export function hash8(key: u32, seed: u64): u32 {
  return <u32>(mix(load<u64>(key) ^ seed) >> 32);
}

export function hash16(key: u32, seed: u64): u32 {
  const h = mix(load<u64>(key) ^ seed);
  return <u32>(mix(h ^ (h >> 29) ^ load<u64>(key, 8)) >> 32);
}

/** A key of any size: whole words, then the rest as one more word with the size in it. */
export function hashBytes(key: u32, size: u32, seed: u64): u32 {
  let h = seed;
  const end = key + (size & ~7);
  for (; key != end; key += 8) {
    h = mix(h ^ load<u64>(key));
    h ^= h >> 29;
  }
  let tail: u64 = size;
  for (let i: u32 = 0; i < (size & 7); i++) tail = (tail << 8) | load<u8>(key + i);
  return <u32>(mix(h ^ tail) >> 32);
}

export function hashKey(key: u32, size: u32, seed: u64): u32 {
  if (size == 4) return hash4(key, seed);
  if (size == 8) return hash8(key, seed);
  if (size == 16) return hash16(key, seed);
  return hashBytes(key, size, seed);
}

export function sameKey(a: u32, b: u32, size: u32): bool {
  const end = a + (size & ~7);
  for (; a != end; a += 8, b += 8) if (load<u64>(a) != load<u64>(b)) return false;
  for (const last = end + (size & 7); a != last; a++, b++) if (load<u8>(a) != load<u8>(b)) return false;
  return true;
}
