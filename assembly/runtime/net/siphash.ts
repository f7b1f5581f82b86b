// SipHash-2-4 (Aumasson, Bernstein 2012) of a few words: what cannot be guessed without the engine's seed.

/** The key: two words. */
const key: u32 = <u32>memory.data(16, 8);

let v0: u64 = 0;
let v1: u64 = 0;
let v2: u64 = 0;
let v3: u64 = 0;

export function setSipKey(low: u64, high: u64): void {
  store<u64>(key, low);
  store<u64>(key, high, 8);
}

function round(): void {
  v0 += v1;
  v1 = rotl(v1, 13) ^ v0;
  v0 = rotl(v0, 32);
  v2 += v3;
  v3 = rotl(v3, 16) ^ v2;
  v0 += v3;
  v3 = rotl(v3, 21) ^ v0;
  v2 += v1;
  v1 = rotl(v1, 17) ^ v2;
  v2 = rotl(v2, 32);
}

/** Begins a hash of its own for each `salt`. */
export function sipStart(salt: u64): void {
  const key0 = load<u64>(key);
  const key1 = load<u64>(key, 8);
  v0 = key0 ^ 0x736f6d6570736575 ^ salt;
  v1 = key1 ^ 0x646f72616e646f6d;
  v2 = key0 ^ 0x6c7967656e657261;
  v3 = key1 ^ 0x7465646279746573 ^ salt;
}

export function sipWord(word: u64): void {
  v3 ^= word;
  round();
  round();
  v0 ^= word;
}

export function sipEnd(): u64 {
  v2 ^= 0xff;
  round();
  round();
  round();
  round();
  return v0 ^ v1 ^ v2 ^ v3;
}
