// Finding an element by its key. Keys of 4, 8 and 16 bytes have code of their own.
import { THREADS } from '../thread';
import { sequenceOf } from './guard';
import { hash4, hash8, hash16, sameKeyShared } from './hash-key';
import { bucketOf, ELEMENT_KEY, hashOf, numbersOf, seek, stripe } from './hash-table';
import { BpfMap } from './map';

/** Copied to where they are used: a call would cost as much as half a lookup, and the compiler copies no function that has a loop by itself. */
export class Find {
  /** The element with this key of 4 bytes, or 0. */
  @inline
  static key4(map: u32, key: u32): u32 {
    const wanted = load<u32>(key);
    if (THREADS) return findShared(map, key, hash4(wanted, numbersOf(map)));
    let element = load<u32>(bucketOf(map, hash4(wanted, numbersOf(map))));
    while (element && load<u32>(element, ELEMENT_KEY) != wanted) element = load<u32>(element);
    return element;
  }

  /** The same for a key of 8 bytes. */
  @inline
  static key8(map: u32, key: u32): u32 {
    const low = load<u32>(key);
    const high = load<u32>(key, 4);
    if (THREADS) return findShared(map, key, hash8(low, high, numbersOf(map)));
    const wanted = <u64>low | ((<u64>high) << 32);
    let element = load<u32>(bucketOf(map, hash8(low, high, numbersOf(map))));
    while (element && load<u64>(element, ELEMENT_KEY) != wanted) element = load<u32>(element);
    return element;
  }

  /** The same for a key of 16 bytes. */
  @inline
  static key16(map: u32, key: u32): u32 {
    const a = load<u32>(key);
    const b = load<u32>(key, 4);
    const c = load<u32>(key, 8);
    const d = load<u32>(key, 12);
    if (THREADS) return findShared(map, key, hash16(a, b, c, d, numbersOf(map)));
    const low = <u64>a | ((<u64>b) << 32);
    const high = <u64>c | ((<u64>d) << 32);
    let element = load<u32>(bucketOf(map, hash16(a, b, c, d, numbersOf(map))));
    // One branch for both halves: which one differs is not foreseen either.
    while (element && ((load<u64>(element, ELEMENT_KEY) ^ low) | (load<u64>(element, ELEMENT_KEY + 8) ^ high)) != 0)
      element = load<u32>(element);
    return element;
  }
}

/** The same among threads that change the map meanwhile: guard.ts says what may happen. */
function findShared(map: u32, key: u32, hash: u32): u32 {
  const size = changetype<BpfMap>(map).keySize;
  const guard = stripe(map, hash);
  let before: u32;
  let element: u32;
  do {
    before = sequenceOf(guard);
    element = atomic.load<u32>(bucketOf(map, hash));
    while (element && !sameKeyShared(element + ELEMENT_KEY, key, size)) element = atomic.load<u32>(element);
  } while (sequenceOf(guard) != before);
  return element;
}

/** The element with this key, or 0. */
export function find(map: u32, key: u32): u32 {
  if (THREADS) return findShared(map, key, hashOf(map, key));
  const size = changetype<BpfMap>(map).keySize;
  if (size == 4) return Find.key4(map, key);
  if (size == 8) return Find.key8(map, key);
  return size == 16 ? Find.key16(map, key) : load<u32>(seek(map, key, hashOf(map, key)));
}
