// bpf_for_each_map_elem: calls a function for every element of a map, until it returns other than 0.
import {
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
  EINVAL,
} from '../../isa';
import { callback, isSpent } from '../callback';
import { array_lookup } from '../map/array';
import { hash_buckets, hashChain, hashIsIn, hashKeyOf, hashNext, hashValueOf } from '../map/hash-walk';
import { BpfMap } from '../map/map';
import { percpu_array_lookup } from '../map/percpu-array';

/** Above a callback's frame: the key of an array's element, which is nowhere else. */
const KEY_ROOM: u32 = 16;

/** The element's own values change under it, its keys do not. */
function eachIndex(map: u32, fn: u32, ctx: u64, fp: u32): i64 {
  const m = changetype<BpfMap>(map);
  const key = fp - KEY_ROOM;
  const perCpu = m.type == BPF_MAP_TYPE_PERCPU_ARRAY;
  for (let i: u32 = 0; i < m.maxEntries; i++) {
    store<u32>(key, i);
    const value = perCpu ? percpu_array_lookup(map, key) : array_lookup(map, key);
    if (callback(fn, fp - KEY_ROOM, map, key, value, ctx) || isSpent()) return i + 1;
  }
  return m.maxEntries;
}

/** Bucket by bucket. The callback may delete what it is at, or anything else: a deleted element leads nowhere, so the way on is looked at again. */
function eachElement(map: u32, fn: u32, ctx: u64, fp: u32): i64 {
  let visited: u32 = 0;
  const buckets = hash_buckets(map);
  for (let bucket: u32 = 0; bucket < buckets; bucket++) {
    for (let element = hashChain(map, bucket); element; ) {
      let next = hashNext(element);
      visited++;
      const stop = callback(fn, fp, map, hashKeyOf(element), hashValueOf(map, element), ctx) != 0;
      if (stop || isSpent()) return visited;
      if (hashIsIn(map, bucket, element)) next = hashNext(element);
      else if (next && !hashIsIn(map, bucket, next)) next = 0;
      element = next;
    }
  }
  return visited;
}

/** The number of elements that were visited, or -EINVAL. */
export function for_each_map_elem(map: u32, fn: u32, ctx: u64, flags: u64, fp: u32): i64 {
  if (flags) return -EINVAL;
  switch (changetype<BpfMap>(map).type) {
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return eachIndex(map, fn, ctx, fp);
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
      return eachElement(map, fn, ctx, fp);
    default:
      return -EINVAL;
  }
}
