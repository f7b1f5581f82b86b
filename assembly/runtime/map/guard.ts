// What keeps threads apart that use one map at the same time. The runtime of one thread has none of it.
//
// Who changes a bucket of a hash holds its stripe's lock; an LRU hash has one lock, because an update may take an element out of any bucket. Who looks
// something up holds nothing. An element that leaves its bucket is used again at once, so a lookup may be led into another bucket, or compare a key
// while it is written: a stripe counts what left its buckets, and a lookup during which that changed begins anew.
//
//   stripe  0  lock      u32
//           4  sequence  u32
//           8  spare     u32: an element that takes the place of the next one replaced in its buckets, so that threads whose keys differ share no list
//
// Tries, queues and stacks have one lock; a trie's sequence is odd while it is changed.
import { MAP_DATA } from '../../abi';
import { lock, unlock } from '../lock';
import { THREADS, threadRoom } from '../thread';
import { BpfMap } from './map';

const MIN_STRIPES: u32 = 32;
const MAX_STRIPES: u32 = 1024;
/** A line of the cache each. */
export const STRIPE: u32 = 64;
const SEQUENCE: u32 = 4;
export const STRIPE_SPARE: u32 = 8;

/** At the end of struct Map, which those kinds leave free. */
const MAP_LOCK: u32 = MAP_DATA - 8;

/** A word that no other thread looks at. */
const fence: u32 = THREADS ? threadRoom(4) : 0;

/** How many there are for so many buckets, both powers of two; a bucket has one. A line that two threads write to takes longer to come than all else that an update does. */
export function stripesFor(buckets: u32): u32 {
  return THREADS ? min(buckets, max(MIN_STRIPES, min(MAX_STRIPES, buckets >> 2))) : 0;
}

/** Elements beyond `maxEntries` of a pre-allocated map: spare ones. */
export function sparesFor(buckets: u32): u32 {
  return THREADS ? stripesFor(buckets) : 1;
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

/** Counts one more element, if there may be one: never one too many, not even for a moment, in which another thread would find the map full that is not. */
export function countUp(m: BpfMap): bool {
  if (!THREADS) {
    if (m.count >= m.maxEntries) return false;
    m.count++;
    return true;
  }
  const at = changetype<u32>(m) + offsetof<BpfMap>('count');
  for (let count = atomic.load<u32>(at); count < m.maxEntries; ) {
    const found = atomic.cmpxchg<u32>(at, count, count + 1);
    if (found == count) return true;
    count = found;
  }
  return false;
}

export function countDown(m: BpfMap): void {
  if (THREADS) atomic.sub<u32>(changetype<u32>(m) + offsetof<BpfMap>('count'), 1);
  else m.count--;
}
