// BPF_MAP_TYPE_PERCPU_HASH: an element has a value for each CPU, one behind the other. A program sees its own CPU's copy, user space all of them.
// Values of elements that exist are changed where they are.
import { VM_CPU } from '../../abi';
import { BPF_EXIST, E2BIG, EINVAL, ENOMEM } from '../../isa';
import { vm } from '../env';
import { copyValue, freeFields, zeroValue } from './fields';
import { countDown, countUp } from './guard';
import { flagsError, hash_lookup } from './hash';
import { copyKey } from './hash-key';
import { ELEMENT_KEY, enter, hashOf, leave, link, seek, tableCreate, tableOf, take } from './hash-table';
import { BpfMap, MapSpec } from './map';

export function percpuHashCreate(spec: MapSpec): u32 {
  return tableCreate(spec, spec.cpus, 0);
}

/** From the first CPU's copy of a value to the running CPU's. */
export function ownCopy(m: BpfMap, map: u32): u32 {
  const cpu = load<u32>(vm, VM_CPU);
  return cpu < tableOf(map).copies ? cpu * m.cpuStride : 0;
}

/** The running CPU's copy of the value, or 0. */
export function percpu_hash_lookup(map: u32, key: u32): u32 {
  const value = hash_lookup(map, key);
  return value ? value + ownCopy(changetype<BpfMap>(map), map) : 0;
}

/** One CPU's copy of an existing element's value. */
function overwrite(m: BpfMap, to: u32, value: u32): void {
  copyValue(m, to, value);
  freeFields(m, to);
}

/** The running CPU's copy, of the element whose first copy is at `at`. */
export function writeOwn(map: u32, at: u32, value: u32): void {
  const m = changetype<BpfMap>(map);
  overwrite(m, at + ownCopy(m, map), value);
}

/** Every CPU's copy: `values` has them in slots of 8-rounded size. */
export function writeAll(map: u32, at: u32, values: u32): void {
  const m = changetype<BpfMap>(map);
  const end = at + tableOf(map).copies * m.cpuStride;
  for (; at != end; at += m.cpuStride, values += m.cpuStride) overwrite(m, at, values);
}

/** Fills a new element and puts it in its bucket. What the writing CPU does not say of others is zero; special fields as in `place`. */
export function placeCopies(map: u32, element: u32, hash: u32, key: u32, value: u32, isAll: bool): void {
  const m = changetype<BpfMap>(map);
  const t = tableOf(map);
  const at = element + t.valueOffset;
  store<u32>(element, hash, 4);
  copyKey(element + ELEMENT_KEY, key, m.keySize);
  for (let i: u32 = 0; i < t.copies; i++) zeroValue(m, at + i * m.cpuStride);
  if (isAll) writeAll(map, at, value);
  else copyValue(m, at + ownCopy(m, map), value);
  link(map, element);
}

/** `isAll`: from user space, a value for each CPU. */
export function percpuHashUpdate(map: u32, key: u32, value: u32, flags: u64, isAll: bool): i32 {
  if (flags > <u64>BPF_EXIST) return -EINVAL;
  const hash = hashOf(map, key);
  const guard = enter(map, hash);
  const error = update(map, key, hash, value, flags, isAll);
  leave(guard);
  return error;
}

function update(map: u32, key: u32, hash: u32, value: u32, flags: u64, isAll: bool): i32 {
  const m = changetype<BpfMap>(map);
  const old = load<u32>(seek(map, key, hash));
  const error = flagsError(old, flags);
  if (error) return error;
  if (old) {
    const at = old + tableOf(map).valueOffset;
    if (isAll) writeAll(map, at, value);
    else writeOwn(map, at, value);
    return 0;
  }
  if (!countUp(m)) return -E2BIG;
  const element = take(map);
  if (!element) {
    countDown(m);
    return -ENOMEM;
  }
  placeCopies(map, element, hash, key, value, isAll);
  return 0;
}

/** Lets go of what the fields of every copy hold. */
export function freeCopies(m: BpfMap, map: u32, element: u32): void {
  if (!m.fields) return;
  const t = tableOf(map);
  for (let i: u32 = 0; i < t.copies; i++) freeFields(m, element + t.valueOffset + i * m.cpuStride);
}
