// BPF_MAP_TYPE_HASH: chained buckets over elements that never move while a program may hold a pointer to one.
//
//   | struct Map 64 | HashState 64 | buckets: u32 each ... | elements (unless BPF_F_NO_PREALLOC) ... |
//
//   element  0  next  u32  in its bucket or in the free list
//            4  hash  u32
//            8  key, padded to 8
//            .. value, padded to 8
//
// As in Linux, updating a key that exists links a new element and retires the old one, whose memory stays readable until it
// is used again: a program that holds the old value's address keeps seeing the old value. A pre-allocated map has one
// spare element for that.
import { MAP_DATA } from '../../abi';
import {
  BPF_EXIST,
  BPF_F_NO_PREALLOC,
  BPF_F_ZERO_SEED,
  BPF_NOEXIST,
  E2BIG,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOMEM,
} from '../../isa';
import { copy } from '../copy';
import { alloc, free } from '../mem';
import { removeRegion, reserveRegion } from '../region';
import { copyValue, freeFields, freeKinds } from './fields';
import { hash4, hash8, hash16, hashKey, sameKey } from './hash-key';
import { BpfMap, dropMap, MapSpec, mapRegion, newMap, round8 } from './map';

@unmanaged
class HashState {
  seed: u64;
  /** Number of buckets, a power of two, less one. */
  mask: u32;
  valueOffset: u32;
  /** Elements that were never used lie in [cursor, limit). */
  cursor: u32;
  limit: u32;
  /** Takes the place of an element being replaced; 0 without pre-allocation. */
  spare: u32;
  /** Chunks of elements allocated on demand: a list through their first word. */
  chunks: u32;
  /** Elements of the next chunk. */
  chunkSize: u32;
}

const STATE: u32 = MAP_DATA;
const BUCKETS: u32 = MAP_DATA + 64;
const ELEMENT_KEY: u32 = 8;
const CHUNK_HEADER: u32 = 64;
const FIRST_CHUNK_SIZE: u32 = 32;
const MAX_CHUNK_SIZE: u32 = 65536;
/** Above this Linux cannot round the number of buckets up to a power of two. */
const MAX_ENTRIES: u32 = 0x80000000;
/** And above this the buckets alone would not fit in a 32-bit address space. */
const MAX_BUCKETS: u32 = 0x20000000;

if (offsetof<HashState>() > BUCKETS - STATE) ERROR('HashState outgrew its room');

let engineSeed: u64 = 0;

/** Seeds the hashes of maps created from now on. */
export function setHashSeed(seed: u64): void {
  engineSeed = seed;
}

/** The seed of maps that are made from now on. */
export function hashSeed(): u64 {
  return engineSeed;
}

function state(map: u32): HashState {
  return changetype<HashState>(map + STATE);
}

export function hashCreate(spec: MapSpec): u32 {
  if (spec.maxEntries > MAX_ENTRIES) return -E2BIG;
  if (spec.maxEntries > MAX_BUCKETS) return -ENOMEM;
  const buckets: u32 = spec.maxEntries == 1 ? 1 : 1 << (32 - clz(spec.maxEntries - 1));
  const valueOffset = ELEMENT_KEY + round8(spec.keySize);
  const stride = valueOffset + round8(spec.valueSize);
  const elements: u64 = spec.flags & BPF_F_NO_PREALLOC ? 0 : <u64>spec.maxEntries + 1;
  const dataOffset = <u64>BUCKETS + 4 * ((<u64>buckets + 1) & ~1);
  const map = newMap(spec, dataOffset + elements * stride, <u32>dataOffset, stride, valueOffset);
  if (map >= <u32>-4095) return map;
  const m = changetype<BpfMap>(map);
  const s = state(map);
  m.impl = map + BUCKETS;
  s.seed = spec.flags & BPF_F_ZERO_SEED ? 0 : engineSeed;
  s.mask = buckets - 1;
  s.valueOffset = valueOffset;
  s.chunkSize = FIRST_CHUNK_SIZE;
  if (elements) {
    s.spare = m.data;
    s.cursor = m.data + stride;
    s.limit = m.end;
  }
  return map;
}

export function hashDestroy(map: u32): void {
  for (let chunk = state(map).chunks; chunk; ) {
    const next = load<u32>(chunk);
    removeRegion(chunk);
    free(chunk);
    chunk = next;
  }
  dropMap(map);
}

function bucketOf(map: u32, hash: u32): u32 {
  return map + BUCKETS + ((hash & state(map).mask) << 2);
}

/** The element with this key, or 0. */
function find(map: u32, key: u32, hash: u32): u32 {
  const size = changetype<BpfMap>(map).keySize;
  let element = load<u32>(bucketOf(map, hash));
  for (; element; element = load<u32>(element)) {
    if (load<u32>(element, 4) == hash && sameKey(element + ELEMENT_KEY, key, size)) break;
  }
  return element;
}

/** Lookup in a map of 4-byte keys. */
export function hash_lookup4(map: u32, key: u32): u32 {
  const wanted = load<u32>(key);
  let element = load<u32>(bucketOf(map, hash4(key, state(map).seed)));
  for (; element; element = load<u32>(element)) {
    if (load<u32>(element, 8) == wanted) return element + 16;
  }
  return 0;
}

/** Lookup in a map of 8-byte keys. */
export function hash_lookup8(map: u32, key: u32): u32 {
  const wanted = load<u64>(key);
  let element = load<u32>(bucketOf(map, hash8(key, state(map).seed)));
  for (; element; element = load<u32>(element)) {
    if (load<u64>(element, 8) == wanted) return element + 16;
  }
  return 0;
}

/** Lookup in a map of 16-byte keys. */
export function hash_lookup16(map: u32, key: u32): u32 {
  const low = load<u64>(key);
  const high = load<u64>(key, 8);
  let element = load<u32>(bucketOf(map, hash16(key, state(map).seed)));
  for (; element; element = load<u32>(element)) {
    if (load<u64>(element, 8) == low && load<u64>(element, 16) == high) return element + 24;
  }
  return 0;
}

/** Lookup whatever the key's size: the value's address, or 0. */
export function hash_lookup(map: u32, key: u32): u32 {
  const s = state(map);
  const element = find(map, key, hashKey(key, changetype<BpfMap>(map).keySize, s.seed));
  return element ? element + s.valueOffset : 0;
}

/** Adds a chunk of elements to a map without pre-allocation. */
function addChunk(map: u32): bool {
  const m = changetype<BpfMap>(map);
  const s = state(map);
  const size = <u64>CHUNK_HEADER + <u64>s.chunkSize * m.stride;
  if (size >> 32 || !reserveRegion()) return false;
  const chunk = alloc(<u32>size);
  if (!chunk) return false;
  store<u32>(chunk, s.chunks);
  s.chunks = chunk;
  s.cursor = chunk + CHUNK_HEADER;
  s.limit = chunk + <u32>size;
  s.chunkSize = min(s.chunkSize * 2, MAX_CHUNK_SIZE);
  mapRegion(m, chunk, s.limit, s.cursor, s.valueOffset);
  return true;
}

/** An element that nothing uses, or 0. */
function take(map: u32): u32 {
  const m = changetype<BpfMap>(map);
  const s = state(map);
  const element = m.impl2;
  if (element) {
    m.impl2 = load<u32>(element);
    return element;
  }
  if (s.cursor == s.limit && (!(m.flags & BPF_F_NO_PREALLOC) || !addChunk(map))) return 0;
  const unused = s.cursor;
  s.cursor = unused + m.stride;
  return unused;
}

function give(map: u32, element: u32): void {
  const m = changetype<BpfMap>(map);
  store<u32>(element, m.impl2);
  m.impl2 = element;
}

function unlink(bucket: u32, element: u32): void {
  let link = bucket;
  while (load<u32>(link) != element) link = load<u32>(link);
  store<u32>(link, load<u32>(element));
}

/** The element that will hold a new value, or 0: nothing left. `old` is the one it replaces, or 0. */
function replacement(map: u32, old: u32): u32 {
  const s = state(map);
  if (!old || !s.spare) return take(map);
  const element = s.spare;
  s.spare = old;
  return element;
}

export function hashUpdate(map: u32, key: u32, value: u32, flags: u64): i32 {
  if (flags > <u64>BPF_EXIST) return -EINVAL;
  const m = changetype<BpfMap>(map);
  const s = state(map);
  const hash = hashKey(key, m.keySize, s.seed);
  const old = find(map, key, hash);
  if (old) {
    if (flags == BPF_NOEXIST) return -EEXIST;
  } else {
    if (flags == BPF_EXIST) return -ENOENT;
    if (m.count >= m.maxEntries) return -E2BIG;
  }
  const element = replacement(map, old);
  if (!element) return -ENOMEM;
  store<u32>(element, hash, 4);
  copy(element + ELEMENT_KEY, key, m.keySize);
  copyValue(m, element + s.valueOffset, value);
  const bucket = bucketOf(map, hash);
  store<u32>(element, load<u32>(bucket));
  store<u32>(bucket, element);
  if (!old) {
    m.count++;
  } else {
    unlink(bucket, old);
    freeFields(m, old + s.valueOffset);
    if (!s.spare) give(map, old);
  }
  return 0;
}

export function hashDelete(map: u32, key: u32): i32 {
  const m = changetype<BpfMap>(map);
  const hash = hashKey(key, m.keySize, state(map).seed);
  const element = find(map, key, hash);
  if (!element) return -ENOENT;
  unlink(bucketOf(map, hash), element);
  freeFields(m, element + state(map).valueOffset);
  give(map, element);
  m.count--;
  return 0;
}

/** Lets go of the fields of these kinds in every value. */
export function hashFreeFields(map: u32, kinds: u32): void {
  const m = changetype<BpfMap>(map);
  const s = state(map);
  for (let bucket: u32 = 0; bucket <= s.mask; bucket++) {
    let element = load<u32>(map + BUCKETS + (bucket << 2));
    for (; element; element = load<u32>(element)) freeKinds(m, element + s.valueOffset, kinds);
  }
}

/** The key after this one, bucket by bucket; the first one for no key or one that is not there. */
export function hashNextKey(map: u32, key: u32, out: u32): i32 {
  const m = changetype<BpfMap>(map);
  const s = state(map);
  let bucket: u32 = 0;
  if (key) {
    const hash = hashKey(key, m.keySize, s.seed);
    const element = find(map, key, hash);
    if (element) {
      const next = load<u32>(element);
      if (next) {
        copy(out, next + ELEMENT_KEY, m.keySize);
        return 0;
      }
      bucket = (hash & s.mask) + 1;
    }
  }
  for (; bucket <= s.mask; bucket++) {
    const first = load<u32>(map + BUCKETS + (bucket << 2));
    if (first) {
      copy(out, first + ELEMENT_KEY, m.keySize);
      return 0;
    }
  }
  return -ENOENT;
}

// A walk over all elements, bucket by bucket, during which elements may come and go.

export function hashBuckets(map: u32): u32 {
  return state(map).mask + 1;
}

/** The first element of a bucket, or 0. */
export function hashChain(map: u32, bucket: u32): u32 {
  return load<u32>(map + BUCKETS + (bucket << 2));
}

export function hashNext(element: u32): u32 {
  return load<u32>(element);
}

export function hashIsIn(map: u32, bucket: u32, element: u32): bool {
  let at = hashChain(map, bucket);
  while (at && at != element) at = load<u32>(at);
  return at != 0;
}

export function hashKeyOf(element: u32): u32 {
  return element + ELEMENT_KEY;
}

export function hashValueOf(map: u32, element: u32): u32 {
  return element + state(map).valueOffset;
}
