// BPF_MAP_TYPE_HASH. As in Linux, updating a key that exists links a new element and retires the old one. A pre-allocated map has one spare
// element for that.
import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, ENOENT, ENOMEM } from '../../isa';
import { FIELD_RES_SPIN_LOCK, FIELD_SPIN_LOCK } from '../../verifier/abi/input';
import { copy } from '../copy';
import { THREADS } from '../thread';
import { copyLocked, copyValue, freeFields, hasField } from './fields';
import { countDown, countUp, noteLeft, publish } from './guard';
import { Find, find } from './hash-find';
import { copyKey } from './hash-key';
import {
  ELEMENT_KEY,
  enter,
  give,
  hashOf,
  leave,
  link,
  seek,
  spareAt,
  stripe,
  tableCreate,
  tableOf,
  take,
  unlink,
} from './hash-table';
import { BpfMap, MapSpec } from './map';

export function hashCreate(spec: MapSpec): u32 {
  return tableCreate(spec, 1, 0);
}

/** Lookup in a map of 4-byte keys: the value's address, or 0. */
export function hash_lookup4(map: u32, key: u32): u32 {
  const element = Find.key4(map, key);
  return element ? element + 16 : 0;
}

/** Lookup in a map of 8-byte keys. */
export function hash_lookup8(map: u32, key: u32): u32 {
  const element = Find.key8(map, key);
  return element ? element + 16 : 0;
}

/** Lookup in a map of 16-byte keys. */
export function hash_lookup16(map: u32, key: u32): u32 {
  const element = Find.key16(map, key);
  return element ? element + 24 : 0;
}

/** Lookup whatever the key's size. */
export function hash_lookup(map: u32, key: u32): u32 {
  const element = find(map, key);
  return element ? element + tableOf(map).valueOffset : 0;
}

/** What the flags say of an element that is there or not: 0 or a negated errno. */
export function flagsError(old: u32, flags: u64): i32 {
  if (old) return flags == BPF_NOEXIST ? -EEXIST : 0;
  return flags == BPF_EXIST ? -ENOENT : 0;
}

/** Parts of an update, copied to where they are used. */
export class Put {
  /** The element that will hold a new value, or 0: nothing left. `old` is the one it replaces, or 0. */
  @inline
  static element(map: u32, old: u32, hash: u32): u32 {
    const at = spareAt(map, hash);
    const spare = old ? load<u32>(at) : 0;
    if (spare) {
      store<u32>(at, old);
      return spare;
    }
    const free = changetype<BpfMap>(map).impl2;
    if (THREADS || !free) return take(map);
    changetype<BpfMap>(map).impl2 = load<u32>(free);
    return free;
  }

  /**
   * Fills an element that is in no bucket with key and value. Its special fields are zero, unless a program that still had the address of an element
   * deleted before put something there: that stays, as in Linux.
   */
  @inline
  static fill(map: u32, element: u32, hash: u32, key: u32, value: u32): void {
    store<u32>(element, hash, 4);
    copyKey(element + ELEMENT_KEY, key, changetype<BpfMap>(map).keySize);
    Put.value(map, element, value);
  }

  @inline
  static value(map: u32, element: u32, value: u32): void {
    const m = changetype<BpfMap>(map);
    const at = element + tableOf(map).valueOffset;
    if (m.fields) copyValue(m, at, value);
    else if (m.valueSize == 8) store<u64>(at, load<u64>(value));
    else if (m.valueSize == 16) {
      const low = load<u64>(value);
      const high = load<u64>(value, 8);
      store<u64>(at, low);
      store<u64>(at, high, 8);
    } else copy(at, value, m.valueSize);
  }

  /** Puts a filled element where `at` leads to another, which became the spare one, or goes back. */
  @inline
  static exchange(map: u32, at: u32, element: u32): void {
    const m = changetype<BpfMap>(map);
    const t = tableOf(map);
    const old = load<u32>(at);
    store<u32>(element, load<u32>(old));
    publish(at, element);
    const hash = load<u32>(old, 4);
    if (THREADS) noteLeft(stripe(map, hash));
    if (m.fields) freeFields(m, old + t.valueOffset);
    const spare = spareAt(map, hash);
    if (THREADS && !load<u32>(spare)) store<u32>(spare, old);
    if (load<u32>(spare) != old) give(map, old);
  }
}

/** What is done to the bucket of a key, with its lock held. */
class Change {
  @inline
  static update(map: u32, key: u32, hash: u32, value: u32, flags: u64): i32 {
    const m = changetype<BpfMap>(map);
    const at = seek(map, key, hash);
    const old = load<u32>(at);
    const error = flagsError(old, flags & ~(<u64>BPF_F_LOCK));
    if (error) return error;
    if (old && flags & BPF_F_LOCK) {
      copyLocked(m, old + tableOf(map).valueOffset, value);
      return 0;
    }
    if (!old && !countUp(m)) return -E2BIG;
    const element = Put.element(map, old, hash);
    if (!element) {
      if (!old) countDown(m);
      return -ENOMEM;
    }
    Put.fill(map, element, hash, key, value);
    if (old) Put.exchange(map, at, element);
    else link(map, element);
    return 0;
  }

  @inline
  static remove(map: u32, key: u32, hash: u32): i32 {
    const m = changetype<BpfMap>(map);
    const at = seek(map, key, hash);
    const element = load<u32>(at);
    if (!element) return -ENOENT;
    unlink(map, at);
    freeFields(m, element + tableOf(map).valueOffset);
    give(map, element);
    countDown(m);
    return 0;
  }
}

export function hashUpdate(map: u32, key: u32, value: u32, flags: u64): i32 {
  if ((flags & ~(<u64>BPF_F_LOCK)) > <u64>BPF_EXIST) return -EINVAL;
  if (flags & BPF_F_LOCK && !hasField(changetype<BpfMap>(map), FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK)) return -EINVAL;
  const hash = hashOf(map, key);
  const guard = enter(map, hash);
  const error = Change.update(map, key, hash, value, flags);
  leave(guard);
  return error;
}

export function hashDelete(map: u32, key: u32): i32 {
  const hash = hashOf(map, key);
  const guard = enter(map, hash);
  const error = Change.remove(map, key, hash);
  leave(guard);
  return error;
}
