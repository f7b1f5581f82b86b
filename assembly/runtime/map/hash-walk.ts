// Walks over the elements of every keyed hash, bucket by bucket.
import { ENOENT, ENOSPC } from '../../isa';
import { copy } from '../copy';
import { freeKinds } from './fields';
import { BUCKETS, ELEMENT_KEY, enter, hashOf, leave, seek, tableOf } from './hash-table';
import { BpfMap } from './map';
import { ownCopy } from './percpu-hash';

// A walk over all elements, bucket by bucket, during which elements may come and go.

export function hash_buckets(map: u32): u32 {
  return tableOf(map).mask + 1;
}

/** The first element of a bucket, or 0. */
export function hashChain(map: u32, bucket: u32): u32 {
  return load<u32>(map + BUCKETS + (bucket << 2));
}

export function hashNext(element: u32): u32 {
  return load<u32>(element);
}

export function hashIsIn(map: u32, bucket: u32, element: u32): bool {
  const guard = enter(map, bucket);
  let at = hashChain(map, bucket);
  while (at && at != element) at = load<u32>(at);
  leave(guard);
  return at != 0;
}

export function hashKeyOf(element: u32): u32 {
  return element + ELEMENT_KEY;
}

/** The value that a program sees: in a per-CPU kind, its own CPU's copy. */
export function hashValueOf(map: u32, element: u32): u32 {
  const value = element + tableOf(map).valueOffset;
  return tableOf(map).copies == 1 ? value : value + ownCopy(changetype<BpfMap>(map), map);
}

/** Lets go of the fields of these kinds in every CPU's value, of this element and those behind it. */
function freeChain(map: u32, element: u32, kinds: u32): void {
  const m = changetype<BpfMap>(map);
  const t = tableOf(map);
  for (; element; element = load<u32>(element)) {
    for (let i: u32 = 0; i < t.copies; i++) freeKinds(m, element + t.valueOffset + i * m.cpuStride, kinds);
  }
}

/**
 * The same for all elements. Those that are free count as well: a program that deletes an element may start its timer afterwards, or leave an object in it.
 */
export function hashFreeFields(map: u32, kinds: u32): void {
  const t = tableOf(map);
  for (let bucket: u32 = 0; bucket <= t.mask; bucket++) freeChain(map, hashChain(map, bucket), kinds);
  freeChain(map, changetype<BpfMap>(map).impl2, kinds);
  // The spare element is in no list, but its first word is what it was when it was.
  if (!t.spare) return;
  store<u32>(t.spare, 0);
  freeChain(map, t.spare, kinds);
}

/** The key after this one, bucket by bucket; the first one for no key or one that is not there. */
export function hashNextKey(map: u32, key: u32, out: u32): i32 {
  const t = tableOf(map);
  let bucket: u32 = 0;
  if (key) {
    const hash = hashOf(map, key);
    const guard = enter(map, hash);
    const element = load<u32>(seek(map, key, hash));
    const isDone = element ? copyKeyOf(map, load<u32>(element), out) : false;
    leave(guard);
    if (isDone) return 0;
    if (element) bucket = (hash & t.mask) + 1;
  }
  for (; bucket <= t.mask; bucket++) {
    if (!hashChain(map, bucket)) continue;
    const guard = enter(map, bucket);
    const isDone = copyKeyOf(map, hashChain(map, bucket), out);
    leave(guard);
    if (isDone) return 0;
  }
  return -ENOENT;
}

/** Whether there is an element, whose key is then copied out. */
function copyKeyOf(map: u32, element: u32, out: u32): bool {
  if (!element) return false;
  copy(out, element + ELEMENT_KEY, changetype<BpfMap>(map).keySize);
  return true;
}

/**
 * Addresses of the keys of whole buckets from number `bucket` on, at most `max`, to `out`; the number of the first bucket that was not taken is in front of
 * them. Returns how many, or -ENOSPC when the first bucket that has elements has more than `max`, or -ENOENT for a bucket there is none of.
 */
export function hash_batch(map: u32, bucket: u32, max: u32, out: u32): i32 {
  const t = tableOf(map);
  if (bucket > t.mask) return -ENOENT;
  let count: u32 = 0;
  for (; bucket <= t.mask; bucket++) {
    const before = count;
    const guard = enter(map, bucket);
    let element = hashChain(map, bucket);
    for (; element && count < max; element = load<u32>(element)) {
      store<u32>(out + 4 + (count++ << 2), element + ELEMENT_KEY);
    }
    leave(guard);
    if (!element) continue;
    if (!before) return -ENOSPC;
    count = before;
    break;
  }
  store<u32>(out, bucket);
  return count;
}
