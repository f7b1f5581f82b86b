// BPF_MAP_TYPE_HASH. As in Linux, updating a key that exists links a new element and retires the old one. A pre-allocated map has one spare
// element for that.
import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, ENOENT, ENOMEM } from '../../isa';
import { FIELD_RES_SPIN_LOCK, FIELD_SPIN_LOCK } from '../../verifier/abi/input';
import { copy } from '../copy';
import { copyValue, freeFields, hasField } from './fields';
import { hash4, hash8, hash16 } from './hash-key';
import { bucketOf, ELEMENT_KEY, find, give, hashOf, link, tableCreate, tableOf, take, unlink } from './hash-table';
import { BpfMap, MapSpec } from './map';

export function hashCreate(spec: MapSpec): u32 {
  return tableCreate(spec, 1, 0);
}

/** Lookup in a map of 4-byte keys: the value's address, or 0. */
export function hash_lookup4(map: u32, key: u32): u32 {
  const wanted = load<u32>(key);
  let element = load<u32>(bucketOf(map, hash4(key, tableOf(map).seed)));
  for (; element; element = load<u32>(element)) {
    if (load<u32>(element, 8) == wanted) return element + 16;
  }
  return 0;
}

/** Lookup in a map of 8-byte keys. */
export function hash_lookup8(map: u32, key: u32): u32 {
  const wanted = load<u64>(key);
  let element = load<u32>(bucketOf(map, hash8(key, tableOf(map).seed)));
  for (; element; element = load<u32>(element)) {
    if (load<u64>(element, 8) == wanted) return element + 16;
  }
  return 0;
}

/** Lookup in a map of 16-byte keys. */
export function hash_lookup16(map: u32, key: u32): u32 {
  const low = load<u64>(key);
  const high = load<u64>(key, 8);
  let element = load<u32>(bucketOf(map, hash16(key, tableOf(map).seed)));
  for (; element; element = load<u32>(element)) {
    if (load<u64>(element, 8) == low && load<u64>(element, 16) == high) return element + 24;
  }
  return 0;
}

/** Lookup whatever the key's size. */
export function hash_lookup(map: u32, key: u32): u32 {
  const element = find(map, key, hashOf(map, key));
  return element ? element + tableOf(map).valueOffset : 0;
}

/** What the flags say of an element that is there or not: 0 or a negated errno. */
export function flagsError(old: u32, flags: u64): i32 {
  if (old) return flags == BPF_NOEXIST ? -EEXIST : 0;
  return flags == BPF_EXIST ? -ENOENT : 0;
}

/** The element that will hold a new value, or 0: nothing left. `old` is the one it replaces, or 0. */
export function replacement(map: u32, old: u32): u32 {
  const t = tableOf(map);
  if (!old || !t.spare) return take(map);
  const element = t.spare;
  t.spare = old;
  return element;
}

/**
 * Fills an element with key and value and puts it in its bucket. Its special fields are zero, unless a program that still had the address of an element
 * deleted before put something there: that stays, as in Linux.
 */
export function place(map: u32, element: u32, hash: u32, key: u32, value: u32): void {
  const m = changetype<BpfMap>(map);
  const at = element + tableOf(map).valueOffset;
  store<u32>(element, hash, 4);
  copy(element + ELEMENT_KEY, key, m.keySize);
  copyValue(m, at, value);
  link(map, element);
}

/** Takes an element that was replaced out of its bucket: it became the spare one, or goes back. */
export function retire(map: u32, old: u32): void {
  const t = tableOf(map);
  unlink(map, old);
  freeFields(changetype<BpfMap>(map), old + t.valueOffset);
  if (t.spare != old) give(map, old);
}

export function hashUpdate(map: u32, key: u32, value: u32, flags: u64): i32 {
  const how = flags & ~(<u64>BPF_F_LOCK);
  if (how > <u64>BPF_EXIST) return -EINVAL;
  const m = changetype<BpfMap>(map);
  const isLocked = (flags & BPF_F_LOCK) != 0;
  if (isLocked && !hasField(m, FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK)) return -EINVAL;
  const hash = hashOf(map, key);
  const old = find(map, key, hash);
  const error = flagsError(old, how);
  if (error) return error;
  if (!old && m.count >= m.maxEntries) return -E2BIG;
  if (old && isLocked) {
    // Under its lock an element is changed where it is.
    copyValue(m, old + tableOf(map).valueOffset, value);
    return 0;
  }
  const element = replacement(map, old);
  if (!element) return -ENOMEM;
  place(map, element, hash, key, value);
  if (old) retire(map, old);
  else m.count++;
  return 0;
}

export function hashDelete(map: u32, key: u32): i32 {
  const m = changetype<BpfMap>(map);
  const element = find(map, key, hashOf(map, key));
  if (!element) return -ENOENT;
  unlink(map, element);
  freeFields(m, element + tableOf(map).valueOffset);
  give(map, element);
  m.count--;
  return 0;
}
