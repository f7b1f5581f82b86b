// BPF_MAP_TYPE_ARRAY: values 8 bytes apart right behind the header, all there from the start.
import { MAP_DATA } from '../../abi';
import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, ENOENT } from '../../isa';
import { FIELD_SPIN_LOCK } from '../../verifier/abi/input';
import { copyLocked, copyValue, freeFields, hasField } from './fields';
import { BpfMap, MapSpec, newMap, round8 } from './map';

export function arrayCreate(spec: MapSpec): u32 {
  const stride = round8(spec.valueSize);
  return newMap(spec, <u64>MAP_DATA + <u64>stride * spec.maxEntries, MAP_DATA, stride);
}

/** The value at the key's index, or 0. Programs and user space see the same. */
export function array_lookup(map: u32, key: u32): u32 {
  const m = changetype<BpfMap>(map);
  const index = load<u32>(key);
  return index < m.maxEntries ? m.data + index * m.stride : 0;
}

/** What Linux checks before any update of an array kind: 0 or a negated errno. */
export function arrayUpdateError(m: BpfMap, index: u32, flags: u64): i32 {
  if ((flags & ~(<u64>BPF_F_LOCK)) > <u64>BPF_EXIST) return -EINVAL;
  if (index >= m.maxEntries) return -E2BIG;
  if (flags & BPF_NOEXIST) return -EEXIST;
  return flags & BPF_F_LOCK && !hasField(m, FIELD_SPIN_LOCK) ? -EINVAL : 0;
}

export function arrayUpdate(map: u32, key: u32, value: u32, flags: u64): i32 {
  const m = changetype<BpfMap>(map);
  const index = load<u32>(key);
  const error = arrayUpdateError(m, index, flags);
  if (error) return error;
  const to = m.data + index * m.stride;
  if (flags & BPF_F_LOCK) copyLocked(m, to, value);
  else copyValue(m, to, value);
  freeFields(m, to);
  return 0;
}

/** Elements of arrays cannot be deleted. */
export function arrayDelete(): i32 {
  return -EINVAL;
}

/** The index after the key's; the first one for no key or one out of range. */
export function arrayNextKey(map: u32, key: u32, out: u32): i32 {
  const last = changetype<BpfMap>(map).maxEntries - 1;
  const index: u32 = key ? load<u32>(key) : u32.MAX_VALUE;
  if (index == last) return -ENOENT;
  store<u32>(out, index > last ? 0 : index + 1);
  return 0;
}
