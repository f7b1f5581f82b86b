// The table under every keyed hash: chained buckets over elements that never move while a program may hold a pointer to one.
//
//   | struct Map 128 | HashTable 192 | stripes (threads only) | buckets: u32 each ... | LruList 64 each ... | elements (unless BPF_F_NO_PREALLOC) ... |
//
//   element  -16 struct LruNode, LRU kinds only
//            0   next  u32  in its bucket or in the free list
//            4   hash  u32
//            8   key, padded to 8
//            ..  value, padded to 8; per-CPU kinds: one for each CPU
//
// A replaced or deleted element's memory stays readable until it is used again: a program that holds the old value's address keeps
// seeing the old value.
import { HASH_BUCKETS, HASH_ELEMENT_KEY, HASH_MASK, MAP_DATA, HASH_NUMBERS as NUMBERS_AT } from '../../abi';
import {
  BPF_F_NO_PREALLOC,
  BPF_F_ZERO_SEED,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_HASH,
  E2BIG,
  ENOMEM,
} from '../../isa';
import { lock, unlock } from '../lock';
import { alloc, free } from '../mem';
import { removeRegion, reserveRegion } from '../region';
import { THREADS } from '../thread';
import { noteLeft, publish, STRIPE, STRIPE_SPARE, sparesFor, stripesFor } from './guard';
import { fillNumbers, HASH_NUMBERS, hashKey, sameKey } from './hash-key';
import { BpfMap, dropMap, MapSpec, mapRegion, newMap, round8 } from './map';

@unmanaged
export class HashTable {
  /** Number of buckets, a power of two, less one. */
  mask: u32;
  valueOffset: u32;
  /** Elements that were never used begin in [cursor, limit). */
  cursor: u32;
  limit: u32;
  /** Takes the place of an element being replaced; 0 without pre-allocation. With threads a hash without lists has one in each stripe instead. */
  spare: u32;
  /** Chunks of elements allocated on demand: a list through their first word. */
  chunks: u32;
  /** Elements of the next chunk. */
  chunkSize: u32;
  /** Copies of a value: CPUs of a per-CPU kind, or 1. */
  copies: u32;
  /** LRU kinds: the first of the lists, and how many there are. */
  lists: u32;
  listCount: u32;
  /** Of the free elements. */
  freeLock: u32;
  /** The first stripe, and their number less one. */
  stripes: u32;
  stripeMask: u32;
}

const TABLE: u32 = MAP_DATA;
/** The numbers that keys are hashed with: hash-key.ts. */
const NUMBERS: u32 = TABLE + 64;
export const BUCKETS: u32 = NUMBERS + HASH_NUMBERS * 8;
export const ELEMENT_KEY: u32 = HASH_ELEMENT_KEY;
export const LRU_LIST_SIZE: u32 = 64;
export const LRU_NODE_SIZE: u32 = 16;
const CHUNK_HEADER: u32 = 64;
const FIRST_CHUNK_SIZE: u32 = 32;
const MAX_CHUNK_SIZE: u32 = 65536;
/** Above this Linux cannot round the number of buckets up to a power of two. */
const MAX_ENTRIES: u32 = 0x80000000;
/** And above this the buckets alone would not fit in a 32-bit address space. */
const MAX_BUCKETS: u32 = 0x20000000;
/**
 * Up to so many elements there are twice as many buckets: a chain of two costs a branch that is not foreseen. In larger maps each bucket
 * costs more in misses of the cache than that.
 */
const MAX_SPARSE: u32 = 32768;

if (offsetof<HashTable>() > NUMBERS - TABLE) ERROR('HashTable outgrew its room');
if (TABLE + offsetof<HashTable>('mask') != HASH_MASK) ERROR('HashTable.mask drifted from abi.ts');
if (NUMBERS != NUMBERS_AT) ERROR('The numbers of a hash drifted from abi.ts');
if (!THREADS && BUCKETS != HASH_BUCKETS) ERROR('The buckets of a hash drifted from abi.ts');

let engineSeed: u64 = 0;

/** Seeds the hashes of maps created from now on. */
export function setHashSeed(seed: u64): void {
  engineSeed = seed;
}

/** The seed of maps that are made from now on. */
export function hashSeed(): u64 {
  return engineSeed;
}

export function tableOf(map: u32): HashTable {
  return changetype<HashTable>(map + TABLE);
}

/** A power of two. */
function bucketCount(maxEntries: u32): u32 {
  if (maxEntries == 1) return 1;
  const count: u32 = 1 << (32 - clz(maxEntries - 1));
  return maxEntries > MAX_SPARSE ? count : count << 1;
}

/** A map whose values have `copies` copies, in an LRU with that many lists, or in none. */
export function tableCreate(spec: MapSpec, copies: u32, lists: u32): u32 {
  if (spec.maxEntries > MAX_ENTRIES) return -E2BIG;
  if (spec.maxEntries > MAX_BUCKETS) return -ENOMEM;
  const buckets = bucketCount(spec.maxEntries);
  const valueOffset = ELEMENT_KEY + round8(spec.keySize);
  const prefix: u32 = lists ? LRU_NODE_SIZE : 0;
  const stride = <u64>valueOffset + <u64>round8(spec.valueSize) * copies + prefix;
  const elements: u64 = spec.flags & BPF_F_NO_PREALLOC ? 0 : <u64>spec.maxEntries + sparesFor(buckets);
  const listsOffset = <u64>BUCKETS + 4 * ((<u64>buckets + 1) & ~1);
  const stripes = stripesFor(buckets);
  const stripesOffset = (listsOffset + <u64>lists * LRU_LIST_SIZE + STRIPE - 1) & ~(<u64>STRIPE - 1);
  const dataOffset = (THREADS ? stripesOffset + stripes * STRIPE : listsOffset + <u64>lists * LRU_LIST_SIZE) + prefix;
  if (stride >> 32) return -ENOMEM;
  const map = newMap(spec, dataOffset + elements * stride, <u32>dataOffset, <u32>stride, valueOffset, copies);
  if (map >= <u32>-4095) return map;
  const m = changetype<BpfMap>(map);
  const t = tableOf(map);
  m.impl = map + BUCKETS;
  if (spec.type == BPF_MAP_TYPE_PERCPU_HASH || spec.type == BPF_MAP_TYPE_LRU_PERCPU_HASH) {
    m.cpuStride = round8(spec.valueSize);
  }
  fillNumbers(map + NUMBERS, spec.flags & BPF_F_ZERO_SEED ? 0 : engineSeed);
  t.mask = buckets - 1;
  t.valueOffset = valueOffset;
  t.chunkSize = FIRST_CHUNK_SIZE;
  t.copies = copies;
  if (THREADS) {
    t.stripes = map + <u32>stripesOffset;
    t.stripeMask = stripes - 1;
  }
  t.lists = map + <u32>listsOffset;
  t.listCount = lists;
  if (elements) {
    // With threads, the first spare element of a stripe is a free one.
    t.spare = THREADS ? 0 : m.data;
    t.cursor = THREADS ? m.data : m.data + <u32>stride;
    t.limit = m.data + <u32>(elements * stride);
  }
  return map;
}

export function tableDestroy(map: u32): void {
  for (let chunk = tableOf(map).chunks; chunk; ) {
    const next = load<u32>(chunk);
    removeRegion(chunk);
    free(chunk);
    chunk = next;
  }
  dropMap(map);
}

export function numbersOf(map: u32): u32 {
  return map + NUMBERS;
}

export function hashOf(map: u32, key: u32): u32 {
  return hashKey(key, changetype<BpfMap>(map).keySize, map + NUMBERS);
}

export function bucketOf(map: u32, hash: u32): u32 {
  return map + BUCKETS + ((hash & tableOf(map).mask) << 2);
}

/** The link that leads to the element with this key: in its bucket, or in the element before it. Without one, the chain's last link, which is 0. */
export function seek(map: u32, key: u32, hash: u32): u32 {
  const size = changetype<BpfMap>(map).keySize;
  let link = bucketOf(map, hash);
  if (size == 16) {
    const low = <u64>load<u32>(key) | ((<u64>load<u32>(key, 4)) << 32);
    const high = <u64>load<u32>(key, 8) | ((<u64>load<u32>(key, 12)) << 32);
    for (let element = load<u32>(link); element; element = load<u32>(link)) {
      if (!((load<u64>(element, ELEMENT_KEY) ^ low) | (load<u64>(element, ELEMENT_KEY + 8) ^ high))) break;
      link = element;
    }
    return link;
  }
  for (let element = load<u32>(link); element; element = load<u32>(link)) {
    if (load<u32>(element, 4) == hash && sameKey(element + ELEMENT_KEY, key, size)) break;
    link = element;
  }
  return link;
}

/** Puts an element that has its hash at the head of its bucket. */
export function link(map: u32, element: u32): void {
  const bucket = bucketOf(map, load<u32>(element, 4));
  store<u32>(element, load<u32>(bucket));
  publish(bucket, element);
}

/** The link that leads to an element of the map. */
export function linkTo(map: u32, element: u32): u32 {
  let at = bucketOf(map, load<u32>(element, 4));
  while (load<u32>(at) != element) at = load<u32>(at);
  return at;
}

/** Takes the element out that this link leads to. */
export function unlink(map: u32, at: u32): void {
  const element = load<u32>(at);
  publish(at, load<u32>(element));
  if (THREADS) noteLeft(stripe(map, load<u32>(element, 4)));
}

/** The stripe of the bucket of this hash. */
export function stripe(map: u32, hash: u32): u32 {
  const t = tableOf(map);
  return t.stripes + (hash & t.stripeMask) * STRIPE;
}

/** Where the spare element for the bucket of this hash is noted. */
export function spareAt(map: u32, hash: u32): u32 {
  const t = tableOf(map);
  if (THREADS && !t.listCount) return stripe(map, hash) + STRIPE_SPARE;
  return changetype<u32>(t) + offsetof<HashTable>('spare');
}

/** Whoever changes the bucket of this hash, or looks at all of it, does so between these. The first one gives what the second one needs. */
export function enter(map: u32, hash: u32): u32 {
  if (!THREADS) return 0;
  const guard = tableOf(map).listCount ? tableOf(map).stripes : stripe(map, hash);
  lock(guard);
  return guard;
}

export function leave(guard: u32): void {
  if (THREADS) unlock(guard);
}

/** Adds a chunk of elements to a map without pre-allocation. */
function addChunk(map: u32): bool {
  const m = changetype<BpfMap>(map);
  const t = tableOf(map);
  const size = <u64>CHUNK_HEADER + <u64>t.chunkSize * m.stride;
  if (size >> 32 || !reserveRegion()) return false;
  const chunk = alloc(<u32>size);
  if (!chunk) return false;
  store<u32>(chunk, t.chunks);
  t.chunks = chunk;
  t.cursor = chunk + CHUNK_HEADER;
  t.limit = chunk + <u32>size;
  t.chunkSize = min(t.chunkSize * 2, MAX_CHUNK_SIZE);
  mapRegion(m, chunk, t.limit, t.cursor, t.valueOffset, t.copies);
  return true;
}

/** An element that nothing uses, or 0. */
export function take(map: u32): u32 {
  if (!THREADS) return takeOne(map);
  const guard = map + TABLE + offsetof<HashTable>('freeLock');
  lock(guard);
  const element = takeOne(map);
  unlock(guard);
  return element;
}

function takeOne(map: u32): u32 {
  const m = changetype<BpfMap>(map);
  const t = tableOf(map);
  const element = m.impl2;
  if (element) {
    m.impl2 = load<u32>(element);
    return element;
  }
  if (t.cursor == t.limit && (!(m.flags & BPF_F_NO_PREALLOC) || !addChunk(map))) return 0;
  const unused = t.cursor;
  t.cursor = unused + m.stride;
  return unused;
}

export function give(map: u32, element: u32): void {
  const m = changetype<BpfMap>(map);
  const guard = map + TABLE + offsetof<HashTable>('freeLock');
  lock(guard);
  publish(element, m.impl2);
  m.impl2 = element;
  unlock(guard);
}
