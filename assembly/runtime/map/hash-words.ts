// Changes of a hash by a key in registers, of up to 16 bytes: `low` has its first eight, `high` the others, with zeros behind it. Compiled code has such
// keys and their hashes at hand. Only where one thread uses the maps.
import { BPF_EXIST, BPF_F_LOCK, E2BIG, EINVAL, ENOENT, ENOMEM } from '../../isa';
import { FIELD_RES_SPIN_LOCK, FIELD_SPIN_LOCK } from '../../verifier/abi/input';
import { copyLocked, freeFields, hasField } from './fields';
import { flagsError, Put } from './hash';
import { bucketOf, ELEMENT_KEY, tableOf, unlink } from './hash-table';
import { BpfMap } from './map';

/** Parts of a change, copied to where they are used. */
export class Words {
  /** As `seek` of hash-table.ts. */
  @inline
  static seek(map: u32, hash: u32, low: u64, high: u64): u32 {
    let at = bucketOf(map, hash);
    // Behind a short key its value begins.
    const mask: u64 = changetype<BpfMap>(map).keySize > 8 ? -1 : 0;
    for (let element = load<u32>(at); element; element = load<u32>(at)) {
      if (!((load<u64>(element, ELEMENT_KEY) ^ low) | ((load<u64>(element, ELEMENT_KEY + 8) & mask) ^ high))) break;
      at = element;
    }
    return at;
  }

  /** Fills an element that is in no bucket. */
  @inline
  static fill(map: u32, element: u32, hash: u32, low: u64, high: u64, value: u32): void {
    store<u32>(element, hash, 4);
    store<u64>(element, low, ELEMENT_KEY);
    if (changetype<BpfMap>(map).keySize > 8) store<u64>(element, high, ELEMENT_KEY + 8);
    Put.value(map, element, value);
  }

  /** As `link` of hash-table.ts. */
  @inline
  static link(map: u32, element: u32, hash: u32): void {
    const bucket = bucketOf(map, hash);
    store<u32>(element, load<u32>(bucket));
    store<u32>(bucket, element);
  }
}

/** Flags that ask for a lock, or that nobody knows. */
function updateUnusual(map: u32, hash: u32, low: u64, high: u64, value: u32, flags: u64): i64 {
  const m = changetype<BpfMap>(map);
  const plain = flags & ~(<u64>BPF_F_LOCK);
  if (plain > <u64>BPF_EXIST || !hasField(m, FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK)) return -EINVAL;
  const old = load<u32>(Words.seek(map, hash, low, high));
  if (!old) return hash_update_words(map, hash, low, high, value, plain);
  const error = flagsError(old, plain);
  if (!error) copyLocked(m, old + tableOf(map).valueOffset, value);
  return error;
}

export function hash_update_words(map: u32, hash: u32, low: u64, high: u64, value: u32, flags: u64): i64 {
  if (flags > <u64>BPF_EXIST) return updateUnusual(map, hash, low, high, value, flags);
  const m = changetype<BpfMap>(map);
  const at = Words.seek(map, hash, low, high);
  const old = load<u32>(at);
  if (flags) {
    const error = flagsError(old, flags);
    if (error) return error;
  }
  if (!old && m.count >= m.maxEntries) return -E2BIG;
  const element = Put.element(map, old, hash);
  if (!element) return -ENOMEM;
  Words.fill(map, element, hash, low, high, value);
  if (old) {
    Put.exchange(map, at, element);
    return 0;
  }
  Words.link(map, element, hash);
  m.count++;
  return 0;
}

export function hash_delete_words(map: u32, hash: u32, low: u64, high: u64): i64 {
  const m = changetype<BpfMap>(map);
  const at = Words.seek(map, hash, low, high);
  const element = load<u32>(at);
  if (!element) return -ENOENT;
  unlink(map, at);
  if (m.fields) freeFields(m, element + tableOf(map).valueOffset);
  store<u32>(element, m.impl2);
  m.impl2 = element;
  m.count--;
  return 0;
}
