// Open-coded iterator over the bits that are set in some words.
//
//   struct bpf_iter_bits   0   bits    u64  the word itself, or the address of a copy of several
//                          8   nrBits  u32
//                          12  bit     i32  the latest one
import { E2BIG, EINVAL, ENOMEM } from '../../isa';
import { faultOf, isReadable } from '../helper/probe';
import { alloc, free } from '../mem';
import { payRound } from './iter-num';

/** BITS_ITER_NR_WORDS_MAX */
const MAX_WORDS: u32 = 511;
const NR_BITS: u32 = 8;
const BIT: u32 = 12;

export function bpf_iter_bits_new(it: u64, words: u64, count: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const at = <u32>it;
  const n = <u32>count;
  store<u64>(at, 0);
  store<u32>(at, 0, NR_BITS);
  store<i32>(at, -1, BIT);
  if (!words || !n) return <u32>-EINVAL;
  if (n > MAX_WORDS) return <u32>-E2BIG;
  if (!isReadable(words, n << 3)) return <u32>faultOf(words);
  let bits = load<u64>(<u32>words);
  if (n > 1) {
    const copy = alloc(n << 3);
    if (!copy) return <u32>-ENOMEM;
    memory.copy(copy, <u32>words, n << 3);
    bits = copy;
  }
  store<u64>(at, bits);
  store<u32>(at, n << 6, NR_BITS);
  return 0;
}

/** The first set bit from `bit` on, or the number of bits. */
function nextBit(at: u32, bit: u32): u32 {
  const count = load<u32>(at, NR_BITS);
  const words = count == 64 ? at : load<u32>(at);
  while (bit < count) {
    const rest = load<u64>(words + ((bit >> 6) << 3)) >> (bit & 63);
    if (rest) return bit + <u32>ctz(rest);
    bit = (bit | 63) + 1;
  }
  return count;
}

/** The address of the number of the next set bit, or 0. */
export function bpf_iter_bits_next(it: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const at = <u32>it;
  const count = load<u32>(at, NR_BITS);
  const latest = load<i32>(at, BIT);
  if (latest >= <i32>count || !payRound()) return 0;
  const bit = nextBit(at, latest + 1);
  store<i32>(at, bit, BIT);
  return bit < count ? at + BIT : 0;
}

export function bpf_iter_bits_destroy(it: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const at = <u32>it;
  if (load<u32>(at, NR_BITS) > 64) free(load<u32>(at));
  store<u32>(at, 0, NR_BITS);
  return 0;
}
