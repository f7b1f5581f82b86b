// BPF_MAP_TYPE_PERCPU_ARRAY: one array per CPU, cpuStride apart. A program sees its own CPU's copy, user space all of them.
import { MAP_DATA, VM_CPU } from '../../abi';
import { vm } from '../env';
import { arrayUpdateError } from './array';
import { copyValue, freeFields } from './fields';
import { BpfMap, MapSpec, newMap, round8 } from './map';

/** `impl` holds the number of CPUs. */
export function percpuArrayCreate(spec: MapSpec): u32 {
  const stride = round8(spec.valueSize);
  const cpuStride = <u64>stride * spec.maxEntries;
  if (cpuStride >> 32) return newMap(spec, cpuStride, MAP_DATA, stride);
  const map = newMap(spec, <u64>MAP_DATA + cpuStride * spec.cpus, MAP_DATA, stride);
  if (map >= <u32>-4095) return map;
  const m = changetype<BpfMap>(map);
  m.cpuStride = <u32>cpuStride;
  m.impl = spec.cpus;
  return map;
}

/** The running CPU's copy of the value, or 0. */
export function percpu_array_lookup(map: u32, key: u32): u32 {
  const m = changetype<BpfMap>(map);
  const index = load<u32>(key);
  if (index >= m.maxEntries) return 0;
  const cpu = load<u32>(vm, VM_CPU);
  return m.data + (cpu < m.impl ? cpu : 0) * m.cpuStride + index * m.stride;
}

function replace(m: BpfMap, to: u32, value: u32): void {
  copyValue(m, to, value);
  freeFields(m, to);
}

/** From a program: the running CPU's copy. */
export function percpuArrayUpdate(map: u32, key: u32, value: u32, flags: u64): i32 {
  const m = changetype<BpfMap>(map);
  const error = arrayUpdateError(m, load<u32>(key), flags);
  if (error) return error;
  replace(m, percpu_array_lookup(map, key), value);
  return 0;
}

/** From user space: `values` has one value per CPU, each in a slot of 8-rounded size. */
export function percpuArrayUpdateAll(map: u32, key: u32, values: u32, flags: u64): i32 {
  const m = changetype<BpfMap>(map);
  const index = load<u32>(key);
  const error = arrayUpdateError(m, index, flags);
  if (error) return error;
  for (let cpu: u32 = 0; cpu < m.impl; cpu++) {
    replace(m, m.data + cpu * m.cpuStride + index * m.stride, values + cpu * m.stride);
  }
  return 0;
}
