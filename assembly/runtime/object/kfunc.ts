// Kfuncs that make, share and drop objects, and the helper that puts them into a map's value. Of bpf_obj_new the second argument is the
// object's type: the compiler puts it there, as Linux does.
import { VM_CPU } from '../../abi';
import { vm } from '../env';
import { acquireObject, dropObject, isObject, newObject, typeOf } from './object';

export function bpf_obj_new_impl(_id: u64, type: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return newObject(<u32>type);
}

export function bpf_percpu_obj_new_impl(_id: u64, type: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return newObject(<u32>type);
}

export function bpf_obj_drop_impl(object: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  dropObject(<u32>object);
  return 0;
}

export function bpf_percpu_obj_drop_impl(object: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  dropObject(<u32>object);
  return 0;
}

export function bpf_refcount_acquire_impl(object: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return acquireObject(<u32>object);
}

/** Puts `object`, or NULL, into the value: what was there before. */
export function kptr_xchg(kptr: u32, object: u32): u32 {
  const before = load<u32>(kptr);
  store<u64>(kptr, object);
  return before;
}

/** A kptr's memory goes: so does its reference. What is no object of a program is nobody's here. */
export function freeKptr(kptr: u32): void {
  const object = load<u64>(kptr);
  store<u64>(kptr, 0);
  if (isObject(object)) dropObject(<u32>object);
}

/** One CPU's copy of a per-CPU object, or 0 for a CPU that there is not. */
export function per_cpu_ptr(object: u32, cpu: u64): u32 {
  const type = typeOf(object);
  return <u32>cpu < type.cpus ? object + <u32>cpu * type.cpuStride : 0;
}

/** The running CPU's copy. */
export function this_cpu_ptr(object: u32): u32 {
  const type = typeOf(object);
  const cpu = load<u32>(vm, VM_CPU);
  return object + (cpu < type.cpus ? cpu : 0) * type.cpuStride;
}
