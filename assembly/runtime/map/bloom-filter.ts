// BPF_MAP_TYPE_BLOOM_FILTER: a value that was pushed is found for ever; one that was not is found seldom. map_extra is the number of hash functions.
import { MAP_DATA, MAP_PRIVATE } from '../../abi';
import { BPF_F_ZERO_SEED, EINVAL, ENOENT } from '../../isa';
import { THREADS } from '../thread';
import { hash64 } from './hash-key';
import { hashSeed } from './hash-table';
import { BpfMap, MapSpec, newMap } from './map';

/** Hash functions when map_extra names none. */
const DEFAULT_HASHES: u32 = 5;
const WORD_BITS: u64 = 64;
/** What lies at MAP_PRIVATE. */
@unmanaged
class Bits {
  seed: u64;
  /** Number of bits - 1. */
  mask: u32;
  hashes: u32;
}

function bits(map: u32): Bits {
  return changetype<Bits>(map + MAP_PRIVATE);
}

/** As many bits as make the fewest false positives, 1 / ln 2 for each hash of each value, rounded up to a power of two. */
function bitCount(spec: MapSpec, hashes: u32): u64 {
  const wanted = (<u64>spec.maxEntries * hashes * 7) / 5;
  if (wanted <= WORD_BITS) return WORD_BITS;
  if (wanted > (<u64>1) << 31) return (<u64>1) << 32;
  return (<u64>1) << (64 - clz(wanted - 1));
}

export function bloomFilterCreate(spec: MapSpec): u32 {
  const hashes = spec.extra ? spec.extra : DEFAULT_HASHES;
  const count = bitCount(spec, hashes);
  const map = newMap(spec, <u64>MAP_DATA + (count >> 3), MAP_DATA, 0);
  if (map >= <u32>-4095) return map;
  const b = bits(map);
  b.seed = spec.flags & BPF_F_ZERO_SEED ? 0 : hashSeed();
  b.mask = <u32>(count - 1);
  b.hashes = hashes;
  return map;
}

/** All hash functions follow from one (Kirsch, Mitzenmacher 2006): its bits, and so often its bits the other way round. */
function hashOf(map: u32, value: u32): u64 {
  return hash64(value, changetype<BpfMap>(map).valueSize, bits(map).seed);
}

function bitOf(hash: u64, i: u32, mask: u32): u32 {
  return <u32>(hash + i * (rotl(hash, 32) | 1)) & mask;
}

/** `count` of the map is how many pushes found a bit to set. */
export function bloomFilterPush(map: u32, value: u32, flags: u64): i32 {
  if (flags) return -EINVAL;
  const m = changetype<BpfMap>(map);
  const hashes = bits(map).hashes;
  const mask = bits(map).mask;
  const hash = hashOf(map, value);
  let isNew: u32 = 0;
  for (let i: u32 = 0; i < hashes; i++) {
    const bit = bitOf(hash, i, mask);
    const at = m.data + (bit >> 3);
    const mine = (<u8>1) << (<u8>(bit & 7));
    const before = THREADS ? atomic.or<u8>(at, mine) : load<u8>(at);
    if (!(before & mine)) isNew = 1;
    if (!THREADS) store<u8>(at, before | mine);
  }
  if (THREADS) atomic.add<u32>(changetype<u32>(m) + offsetof<BpfMap>('count'), isNew);
  else m.count += isNew;
  return 0;
}

/** 0 when the value may have been pushed, -ENOENT when it was not. */
export function bloomFilterPeek(map: u32, value: u32): i32 {
  const data = changetype<BpfMap>(map).data;
  const hashes = bits(map).hashes;
  const mask = bits(map).mask;
  const hash = hashOf(map, value);
  for (let i: u32 = 0; i < hashes; i++) {
    const bit = bitOf(hash, i, mask);
    if (!((load<u8>(data + (bit >> 3)) >> <u8>(bit & 7)) & 1)) return -ENOENT;
  }
  return 0;
}
