// The operations on a map whose kind is known at run time only: from programs (helpers) and from user space (bpf(2)).
import {
  BPF_F_LOCK,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_BLOOM_FILTER,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_MAP_TYPE_QUEUE,
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_STACK,
  BPF_MAP_TYPE_USER_RINGBUF,
  BPF_MAP_TYPE_XSKMAP,
  EINVAL,
  ENOTSUPP,
  EOPNOTSUPP,
} from '../../isa';
import { FIELD_SPIN_LOCK } from '../../verifier/abi/input';
import { array_lookup, arrayDelete, arrayNextKey, arrayUpdate } from './array';
import { hasField } from './fields';
import { hash_lookup, hashDelete, hashUpdate } from './hash';
import { tableOf } from './hash-table';
import { hashNextKey } from './hash-walk';
import { pushElem } from './keyless';
import { lpm_lookup, lpmDelete, lpmNextKey, lpmUpdate } from './lpm';
import { lru_lookup, lru_percpu_lookup, lruHashDelete, lruHashUpdate, lruPercpuHashUpdate } from './lru-hash';
import { BpfMap } from './map';
import { percpu_array_lookup, percpuArrayUpdate, percpuArrayUpdateAll } from './percpu-array';
import { percpu_hash_lookup, percpuHashUpdate } from './percpu-hash';
import { progArrayDelete, progArrayLookup } from './prog-array';
import { queueStackAt } from './queue-stack';
import { redirectMapDelete, redirectMapLookup, redirectMapNextKey, redirectMapUpdate } from './redirect-map';
import { isHash } from './type';

// From programs. The verifier keeps prog arrays away from these; here they find nothing and change nothing.

export function map_lookup_elem(map: u32, key: u32): u32 {
  switch (changetype<BpfMap>(map).type) {
    case BPF_MAP_TYPE_ARRAY:
      return array_lookup(map, key);
    case BPF_MAP_TYPE_HASH:
      return hash_lookup(map, key);
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return percpu_array_lookup(map, key);
    case BPF_MAP_TYPE_PERCPU_HASH:
      return percpu_hash_lookup(map, key);
    case BPF_MAP_TYPE_LRU_HASH:
      return lru_lookup(map, key);
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
      return lru_percpu_lookup(map, key);
    case BPF_MAP_TYPE_LPM_TRIE:
      return lpm_lookup(map, key);
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
      return innerMap(array_lookup(map, key));
    case BPF_MAP_TYPE_HASH_OF_MAPS:
      return innerMap(hash_lookup(map, key));
    case BPF_MAP_TYPE_DEVMAP:
    case BPF_MAP_TYPE_DEVMAP_HASH:
    case BPF_MAP_TYPE_XSKMAP:
      return redirectMapLookup(map, key);
    default:
      return 0;
  }
}

/** That CPU's copy of a per-CPU value, or 0. */
export function map_lookup_percpu_elem(map: u32, key: u32, cpu: u64): u32 {
  const m = changetype<BpfMap>(map);
  const number = <u32>cpu;
  let first: u32 = 0;
  switch (m.type) {
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      if (number >= m.impl) return 0;
      first = array_lookup(map, key);
      break;
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
      if (number >= tableOf(map).copies) return 0;
      first = m.type == BPF_MAP_TYPE_PERCPU_HASH ? hash_lookup(map, key) : lru_lookup(map, key);
      break;
    default:
      return 0;
  }
  return first ? first + number * m.cpuStride : 0;
}

/** A map of maps holds their addresses: what programs are given is the map itself. */
function innerMap(value: u32): u32 {
  return value ? load<u32>(value) : 0;
}

export function array_update(map: u32, key: u32, value: u32, flags: u64): i64 {
  return arrayUpdate(map, key, value, flags);
}

export function percpu_array_update(map: u32, key: u32, value: u32, flags: u64): i64 {
  return percpuArrayUpdate(map, key, value, flags);
}

export function hash_update(map: u32, key: u32, value: u32, flags: u64): i64 {
  return hashUpdate(map, key, value, flags);
}

export function hash_delete(map: u32, key: u32): i64 {
  return hashDelete(map, key);
}

export function percpu_hash_update(map: u32, key: u32, value: u32, flags: u64): i64 {
  return percpuHashUpdate(map, key, value, flags, false);
}

export function lru_update(map: u32, key: u32, value: u32, flags: u64): i64 {
  return lruHashUpdate(map, key, value, flags);
}

export function lru_percpu_update(map: u32, key: u32, value: u32, flags: u64): i64 {
  return lruPercpuHashUpdate(map, key, value, flags, false);
}

export function lru_delete(map: u32, key: u32): i64 {
  return lruHashDelete(map, key);
}

export function lpm_update(map: u32, key: u32, value: u32, flags: u64): i64 {
  return lpmUpdate(map, key, value, flags);
}

export function lpm_delete(map: u32, key: u32): i64 {
  return lpmDelete(map, key);
}

export function map_update_elem(map: u32, key: u32, value: u32, flags: u64): i64 {
  switch (changetype<BpfMap>(map).type) {
    case BPF_MAP_TYPE_ARRAY:
      return arrayUpdate(map, key, value, flags);
    case BPF_MAP_TYPE_HASH:
      return hashUpdate(map, key, value, flags);
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return percpuArrayUpdate(map, key, value, flags);
    case BPF_MAP_TYPE_PERCPU_HASH:
      return percpuHashUpdate(map, key, value, flags, false);
    case BPF_MAP_TYPE_LRU_HASH:
      return lruHashUpdate(map, key, value, flags);
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
      return lruPercpuHashUpdate(map, key, value, flags, false);
    case BPF_MAP_TYPE_LPM_TRIE:
      return lpmUpdate(map, key, value, flags);
    default:
      return -EINVAL;
  }
}

export function map_delete_elem(map: u32, key: u32): i64 {
  switch (changetype<BpfMap>(map).type) {
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_PERCPU_HASH:
      return hashDelete(map, key);
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
      return lruHashDelete(map, key);
    case BPF_MAP_TYPE_LPM_TRIE:
      return lpmDelete(map, key);
    default:
      return -EINVAL;
  }
}

// From user space: 32-bit signatures only, because an i64 would reach JavaScript as a BigInt.

/** The value's address (per-CPU: that of CPU 0's copy; prog array: its program id; map of maps: the inner map's address), or 0. */
export function map_lookup(map: u32, key: u32): u32 {
  switch (changetype<BpfMap>(map).type) {
    case BPF_MAP_TYPE_PROG_ARRAY:
      return progArrayLookup(map, key);
    case BPF_MAP_TYPE_DEVMAP:
    case BPF_MAP_TYPE_DEVMAP_HASH:
    case BPF_MAP_TYPE_CPUMAP:
    case BPF_MAP_TYPE_XSKMAP:
      return redirectMapLookup(map, key);
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_HASH_OF_MAPS:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
      // Looking from outside does not count as use of an LRU's element.
      return hash_lookup(map, key);
    case BPF_MAP_TYPE_QUEUE:
    case BPF_MAP_TYPE_STACK:
      return queueStackAt(map, 0);
    case BPF_MAP_TYPE_BLOOM_FILTER:
    case BPF_MAP_TYPE_RINGBUF:
    case BPF_MAP_TYPE_USER_RINGBUF:
    case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
      return 0;
    case BPF_MAP_TYPE_LPM_TRIE:
      return lpm_lookup(map, key);
    default:
      return array_lookup(map, key);
  }
}

/** 0 or a negated errno. A per-CPU map's value has every CPU's copy, each in a slot of 8-rounded size. */
export function map_update(map: u32, key: u32, value: u32, flags: u32): i32 {
  if (flags & BPF_F_LOCK && !hasField(changetype<BpfMap>(map), FIELD_SPIN_LOCK)) return -EINVAL;
  switch (changetype<BpfMap>(map).type) {
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
      return arrayUpdate(map, key, value, flags);
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_HASH_OF_MAPS:
      return hashUpdate(map, key, value, flags);
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return percpuArrayUpdateAll(map, key, value, flags);
    case BPF_MAP_TYPE_QUEUE:
    case BPF_MAP_TYPE_STACK:
    case BPF_MAP_TYPE_BLOOM_FILTER:
      return pushElem(map, value, flags);
    case BPF_MAP_TYPE_RINGBUF:
    case BPF_MAP_TYPE_USER_RINGBUF:
      return -ENOTSUPP;
    case BPF_MAP_TYPE_DEVMAP:
    case BPF_MAP_TYPE_DEVMAP_HASH:
    case BPF_MAP_TYPE_CPUMAP:
    case BPF_MAP_TYPE_XSKMAP:
      return redirectMapUpdate(map, key, value, flags);
    case BPF_MAP_TYPE_PERCPU_HASH:
      return percpuHashUpdate(map, key, value, flags, true);
    case BPF_MAP_TYPE_LRU_HASH:
      return lruHashUpdate(map, key, value, flags);
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
      return lruPercpuHashUpdate(map, key, value, flags, true);
    case BPF_MAP_TYPE_LPM_TRIE:
      return lpmUpdate(map, key, value, flags);
    default:
      return -EINVAL;
  }
}

export function map_delete(map: u32, key: u32): i32 {
  switch (changetype<BpfMap>(map).type) {
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_HASH_OF_MAPS:
    case BPF_MAP_TYPE_PERCPU_HASH:
      return hashDelete(map, key);
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
      return lruHashDelete(map, key);
    case BPF_MAP_TYPE_LPM_TRIE:
      return lpmDelete(map, key);
    case BPF_MAP_TYPE_PROG_ARRAY:
      return progArrayDelete(map, key);
    case BPF_MAP_TYPE_BLOOM_FILTER:
      return -EOPNOTSUPP;
    case BPF_MAP_TYPE_RINGBUF:
    case BPF_MAP_TYPE_USER_RINGBUF:
      return -ENOTSUPP;
    case BPF_MAP_TYPE_DEVMAP:
    case BPF_MAP_TYPE_DEVMAP_HASH:
    case BPF_MAP_TYPE_CPUMAP:
    case BPF_MAP_TYPE_XSKMAP:
      return redirectMapDelete(map, key);
    default:
      return arrayDelete();
  }
}

/** Writes the key after `key` (0: the first one) to `out`: 0, or -ENOENT at the end. */
export function map_next_key(map: u32, key: u32, out: u32): i32 {
  const type = changetype<BpfMap>(map).type;
  if (isHash(type)) return hashNextKey(map, key, out);
  switch (type) {
    case BPF_MAP_TYPE_LPM_TRIE:
      return lpmNextKey(map, key, out);
    case BPF_MAP_TYPE_QUEUE:
    case BPF_MAP_TYPE_STACK:
      return -EINVAL;
    case BPF_MAP_TYPE_BLOOM_FILTER:
      return -EOPNOTSUPP;
    case BPF_MAP_TYPE_RINGBUF:
    case BPF_MAP_TYPE_USER_RINGBUF:
      return -ENOTSUPP;
    case BPF_MAP_TYPE_DEVMAP:
    case BPF_MAP_TYPE_DEVMAP_HASH:
    case BPF_MAP_TYPE_CPUMAP:
    case BPF_MAP_TYPE_XSKMAP:
      return redirectMapNextKey(map, key, out);
    default:
      return arrayNextKey(map, key, out);
  }
}
