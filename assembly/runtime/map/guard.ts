// What keeps threads apart that use one map at the same time. The runtime of one thread has none of it.
//
// Who changes a bucket of a hash holds its stripe's lock; an LRU hash has one lock, because an update may take an element out of any bucket. Who looks
// something up holds nothing. An element that leaves its bucket is used again at once, so a lookup may be led into another bucket, or compare a key
// while it is written: a stripe counts what left its buckets, and a lookup during which that changed begins anew.
//
//   stripe  0  lock      u32
//           4  sequence  u32
//
// Tries, queues and stacks have one lock; a trie's sequence is odd while it is changed.
import { MAP_DATA } from '../../abi';
import { lock, unlock } from '../lock';
import { THREADS, threadRoom } from '../thread';
import { BpfMap } from './map';

const STRIPES: u32 = 32;
/** A line of the cache each. */
const STRIPE: u32 = 64;
/** Room for them in a hash. */
export const STRIPES_SIZE: u32 = THREADS ? STRIPES * STRIPE : 0;
/** Elements beyond `maxEntries` of a pre-allocated map: as many threads may be replacing one at a time. */
export const SPARE_ELEMENTS: u32 = THREADS ? 32 : 1;
const SEQUENCE: u32 = 4;

/** At the end of struct Map, which those kinds leave free. */
const MAP_LOCK: u32 = MAP_DATA - 8;

/** A word that no other thread looks at. */
const fence: u32 = THREADS ? threadRoom(4) : 0;

/** The stripe of a bucket; `stripes` is where they begin. */
export function stripeOf(stripes: u32, bucket: u32): u32 {
  return stripes + (bucket & (STRIPES - 1)) * STRIPE;
}

export function sequenceOf(stripe: u32): u32 {
  return atomic.load<u32>(stripe, SEQUENCE);
}

/** An element left a bucket of this stripe. */
export function noteLeft(stripe: u32): void {
  atomic.add<u32>(stripe, 1, SEQUENCE);
}

/** Makes `value` seen at `at`, and before it all that was written so far. */
export function publish(at: u32, value: u32): void {
  if (THREADS) atomic.store<u32>(at, value);
  else store<u32>(at, value);
}

export function lockMap(map: u32): void {
  lock(map + MAP_LOCK);
}

export function unlockMap(map: u32): void {
  unlock(map + MAP_LOCK);
}

/** The same around a change that lookups must not see half of. */
export function beginChange(map: u32): void {
  if (!THREADS) return;
  lockMap(map);
  atomic.add<u32>(map + MAP_LOCK, 1, SEQUENCE);
}

export function endChange(map: u32): void {
  if (!THREADS) return;
  atomic.add<u32>(map + MAP_LOCK, 1, SEQUENCE);
  unlockMap(map);
}

/** The number of a map's last change, when none is going on. */
export function waitForChange(map: u32): u32 {
  let sequence = sequenceOf(map + MAP_LOCK);
  while (sequence & 1) sequence = sequenceOf(map + MAP_LOCK);
  return sequence;
}

/** Whether nothing changed since `waitForChange` said this. */
export function isUnchanged(map: u32, sequence: u32): bool {
  // A fence (asc 0.28 makes none that validates): plain loads stay in front of an atomic store, and that in front of an atomic load.
  atomic.store<u32>(fence, 0);
  return sequenceOf(map + MAP_LOCK) == sequence;
}

/** Counts one more element, if there may be one. */
export function countUp(m: BpfMap): bool {
  if (!THREADS) {
    if (m.count >= m.maxEntries) return false;
    m.count++;
    return true;
  }
  const at = changetype<u32>(m) + offsetof<BpfMap>('count');
  if (atomic.add<u32>(at, 1) < m.maxEntries) return true;
  atomic.sub<u32>(at, 1);
  return false;
}

export function countDown(m: BpfMap): void {
  if (THREADS) atomic.sub<u32>(changetype<u32>(m) + offsetof<BpfMap>('count'), 1);
  else m.count--;
}
