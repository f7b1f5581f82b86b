// What BPF_MAP_CREATE refuses of the maps that programs push to and pop from: they have no keys.
import {
  BPF_F_NUMA_NODE,
  BPF_F_RDONLY,
  BPF_F_RDONLY_PROG,
  BPF_F_WRONLY,
  BPF_F_WRONLY_PROG,
  BPF_F_ZERO_SEED,
  BPF_MAP_TYPE_BLOOM_FILTER,
  E2BIG,
  EINVAL,
} from '../../isa';
import { MapSpec } from './map';

const ACCESS_FLAGS: u32 = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
const PROG_FLAGS: u32 = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
/** KMALLOC_MAX_SIZE: the largest value of a queue or stack. */
const MAX_VALUE: u32 = 4 << 20;
const MAX_HASHES: u32 = 15;
const PAGE: u32 = 4096;

/** Queue, stack and bloom filter. */
export function checkKeyless(spec: MapSpec): i32 {
  const isBloom = spec.type == BPF_MAP_TYPE_BLOOM_FILTER;
  const known: u32 = BPF_F_NUMA_NODE | ACCESS_FLAGS | (isBloom ? BPF_F_ZERO_SEED : 0);
  if (spec.keySize || !spec.valueSize || !spec.maxEntries) return -EINVAL;
  if (spec.flags & ~known || (spec.flags & PROG_FLAGS) == PROG_FLAGS) return -EINVAL;
  if (spec.extra > MAX_HASHES) return -EINVAL;
  return spec.valueSize > MAX_VALUE ? -E2BIG : 0;
}

/** Both ring buffers: `max_entries` is their size in bytes, which user space maps. */
export function checkRingbuf(spec: MapSpec): i32 {
  const size = spec.maxEntries;
  if (spec.keySize || spec.valueSize || spec.flags & ~BPF_F_NUMA_NODE) return -EINVAL;
  return size < PAGE || size & (size - 1) ? -EINVAL : 0;
}
