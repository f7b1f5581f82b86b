// Changes of a hash by a key in registers, of up to 16 bytes: `low` has its first eight, `high` the others, with zeros behind it. Compiled code has such
// keys and their hashes at hand. Only where one thread uses the maps.
import { BPF_EXIST, BPF_F_LOCK, E2BIG, EINVAL, ENOENT, ENOMEM } from '../../isa';
import { FIELD_RES_SPIN_LOCK, FIELD_SPIN_LOCK } from '../../verifier/abi/input';
import { copyLocked, freeFields, hasField } from './fields';
import { countDown, countUp } from './guard';
import { flagsError, Put } from './hash';
import { bucketOf, ELEMENT_KEY, give, link, tableOf, unlink } from './hash-table';
import { BpfMap } from './map';

class Words {
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
}

export function hash_update_words(map: u32, hash: u32, low: u64, high: u64, value: u32, flags: u64): i64 {
  const m = changetype<BpfMap>(map);
  if ((flags & ~(<u64>BPF_F_LOCK)) > <u64>BPF_EXIST) return -EINVAL;
  if (flags & BPF_F_LOCK && !hasField(m, FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK)) return -EINVAL;
  const at = Words.seek(map, hash, low, high);
  const old = load<u32>(at);
  const error = flagsError(old, flags & ~(<u64>BPF_F_LOCK));
  if (error) return error;
  if (old && flags & BPF_F_LOCK) {
    copyLocked(m, old + tableOf(map).valueOffset, value);
    return 0;
  }
  if (!old && !countUp(m)) return -E2BIG;
  const element = Put.element(map, old);
  if (!element) {
    if (!old) countDown(m);
    return -ENOMEM;
  }
  store<u32>(element, hash, 4);
  store<u64>(element, low, ELEMENT_KEY);
  if (m.keySize > 8) store<u64>(element, high, ELEMENT_KEY + 8);
  Put.value(map, element, value);
  if (old) Put.exchange(map, at, element);
  else link(map, element);
  return 0;
}

export function hash_delete_words(map: u32, hash: u32, low: u64, high: u64): i64 {
  const m = changetype<BpfMap>(map);
  const at = Words.seek(map, hash, low, high);
  const element = load<u32>(at);
  if (!element) return -ENOENT;
  unlink(map, at);
  freeFields(m, element + tableOf(map).valueOffset);
  give(map, element);
  countDown(m);
  return 0;
}
