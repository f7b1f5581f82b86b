// BPF_MAP_CREATE: what Linux 6.18 refuses, in the order it looks, and which kind of map is made.
import { MAX_CPUS } from '../../abi';
import {
  BPF_F_INNER_MAP,
  BPF_F_MMAPABLE,
  BPF_F_NO_COMMON_LRU,
  BPF_F_NO_PREALLOC,
  BPF_F_NUMA_NODE,
  BPF_F_PRESERVE_ELEMS,
  BPF_F_RDONLY,
  BPF_F_RDONLY_PROG,
  BPF_F_WRONLY,
  BPF_F_WRONLY_PROG,
  BPF_F_ZERO_SEED,
  BPF_MAP_TYPE_ARENA,
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
  E2BIG,
  EINVAL,
  ENOTSUPP,
} from '../../isa';
import { object_reclaim } from '../object/object';
import { arenaCreate, checkArena } from './arena';
import { arrayCreate } from './array';
import { bloomFilterCreate } from './bloom-filter';
import { checkKeyless, checkRingbuf } from './create-keyless';
import { ALL_FIELDS, dropFields } from './fields';
import { hashCreate } from './hash';
import { tableDestroy } from './hash-table';
import { lpmCreate, lpmDestroy } from './lpm';
import { lruHashCreate } from './lru-hash';
import { BpfMap, dropMap, MapSpec, round8 } from './map';
import { percpuArrayCreate } from './percpu-array';
import { percpuHashCreate } from './percpu-hash';
import { perfEventArrayCreate, perfEventArrayDestroy } from './perf-event-array';
import { progArrayCreate } from './prog-array';
import { queueStackCreate } from './queue-stack';
import { checkRedirectMap, redirectMapCreate } from './redirect-map';
import { ringbufCreate, ringbufDestroy } from './ringbuf';
import { isHash, isLru, isPerCpu } from './type';
import { userRingbufCreate, userRingbufDestroy } from './user-ringbuf';
import { freeValues } from './values';

const ACCESS_FLAGS: u32 = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
const ARRAY_FLAGS: u32 = BPF_F_NUMA_NODE | BPF_F_MMAPABLE | BPF_F_PRESERVE_ELEMS | BPF_F_INNER_MAP | ACCESS_FLAGS;
const HASH_FLAGS: u32 = BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | ACCESS_FLAGS;
const LPM_FLAGS: u32 = BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | ACCESS_FLAGS;
/** struct bpf_lpm_trie_key with 1 to 256 bytes. */
const MIN_LPM_KEY: u32 = 5;
const MAX_LPM_KEY: u32 = 260;
/** The largest allocation of Linux (KMALLOC_MAX_SIZE): a hash element with its header must be smaller. */
const MAX_ELEMENT: u32 = 4 << 20;
const ELEMENT_HEADER: u32 = 48;
/** The same for a value of an LPM trie, beside the longest key and the header of a node. */
const MAX_LPM_VALUE: u32 = MAX_ELEMENT - 256 - 24;
/** PCPU_MIN_UNIT_SIZE: the largest value of a per-CPU map. */
const MAX_PERCPU_VALUE: u32 = 32768;

const specRoom: u32 = <u32>memory.data(offsetof<MapSpec>());

function exclusive(flags: u32, a: u32, b: u32): bool {
  return (flags & (a | b)) != (a | b);
}

function checkArray(spec: MapSpec): i32 {
  const flags = spec.flags;
  if (spec.maxEntries == 0 || spec.keySize != 4 || spec.valueSize == 0) return -EINVAL;
  if (flags & ~ARRAY_FLAGS) return -EINVAL;
  if (flags & BPF_F_PRESERVE_ELEMS && spec.type != BPF_MAP_TYPE_PERF_EVENT_ARRAY) return -EINVAL;
  if (!exclusive(flags, BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG)) return -EINVAL;
  if (spec.type != BPF_MAP_TYPE_ARRAY && flags & (BPF_F_MMAPABLE | BPF_F_INNER_MAP)) return -EINVAL;
  if (spec.valueSize > <u32>i32.MAX_VALUE) return -E2BIG;
  if (spec.type != BPF_MAP_TYPE_PERCPU_ARRAY) return 0;
  if (flags & BPF_F_NUMA_NODE) return -EINVAL;
  return round8(spec.valueSize) > MAX_PERCPU_VALUE ? -E2BIG : 0;
}

function checkProgArray(spec: MapSpec): i32 {
  if (spec.valueSize != 4 || spec.flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) return -EINVAL;
  return checkArray(spec);
}

function checkHash(spec: MapSpec): i32 {
  const flags = spec.flags;
  const lru = isLru(spec.type);
  const perCpu = isPerCpu(spec.type);
  if (flags & ~HASH_FLAGS || !exclusive(flags, BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG)) return -EINVAL;
  if (flags & BPF_F_NO_COMMON_LRU && !lru) return -EINVAL;
  if (lru && flags & BPF_F_NO_PREALLOC) return -ENOTSUPP;
  if (flags & BPF_F_NUMA_NODE && (perCpu || flags & BPF_F_NO_COMMON_LRU)) return -EINVAL;
  if (spec.maxEntries == 0 || spec.keySize == 0 || spec.valueSize == 0) return -EINVAL;
  if (<u64>spec.keySize + spec.valueSize >= MAX_ELEMENT - ELEMENT_HEADER) return -E2BIG;
  return perCpu && round8(spec.valueSize) > MAX_PERCPU_VALUE ? -E2BIG : 0;
}

function checkLpm(spec: MapSpec): i32 {
  const flags = spec.flags;
  if (spec.maxEntries == 0 || !(flags & BPF_F_NO_PREALLOC) || flags & ~LPM_FLAGS) return -EINVAL;
  if (!exclusive(flags, BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG)) return -EINVAL;
  if (spec.keySize < MIN_LPM_KEY || spec.keySize > MAX_LPM_KEY) return -EINVAL;
  return spec.valueSize == 0 || spec.valueSize > MAX_LPM_VALUE ? -EINVAL : 0;
}

function check(spec: MapSpec): i32 {
  if (!exclusive(spec.flags, BPF_F_RDONLY, BPF_F_WRONLY)) return -EINVAL;
  if (spec.cpus == 0 || spec.cpus > <u32>MAX_CPUS) return -EINVAL;
  if (spec.extra && spec.type != BPF_MAP_TYPE_BLOOM_FILTER) return -EINVAL;
  switch (spec.type) {
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return checkArray(spec);
    case BPF_MAP_TYPE_PROG_ARRAY:
    case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
      return checkProgArray(spec);
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
      return checkHash(spec);
    case BPF_MAP_TYPE_LPM_TRIE:
      return checkLpm(spec);
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
      return checkProgArray(spec);
    case BPF_MAP_TYPE_HASH_OF_MAPS:
      return spec.valueSize != 4 ? -EINVAL : checkHash(spec);
    case BPF_MAP_TYPE_QUEUE:
    case BPF_MAP_TYPE_STACK:
    case BPF_MAP_TYPE_BLOOM_FILTER:
      return checkKeyless(spec);
    case BPF_MAP_TYPE_RINGBUF:
    case BPF_MAP_TYPE_USER_RINGBUF:
      return checkRingbuf(spec);
    case BPF_MAP_TYPE_DEVMAP:
    case BPF_MAP_TYPE_DEVMAP_HASH:
    case BPF_MAP_TYPE_CPUMAP:
    case BPF_MAP_TYPE_XSKMAP:
      return checkRedirectMap(spec);
    case BPF_MAP_TYPE_ARENA:
      return checkArena(spec);
    default:
      return -EINVAL;
  }
}

function make(spec: MapSpec): u32 {
  switch (spec.type) {
    case BPF_MAP_TYPE_ARENA:
      return arenaCreate(spec);
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
      return arrayCreate(spec);
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return percpuArrayCreate(spec);
    case BPF_MAP_TYPE_PROG_ARRAY:
      return progArrayCreate(spec);
    case BPF_MAP_TYPE_QUEUE:
    case BPF_MAP_TYPE_STACK:
      return queueStackCreate(spec);
    case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
      return perfEventArrayCreate(spec);
    case BPF_MAP_TYPE_BLOOM_FILTER:
      return bloomFilterCreate(spec);
    case BPF_MAP_TYPE_RINGBUF:
      return ringbufCreate(spec);
    case BPF_MAP_TYPE_USER_RINGBUF:
      return userRingbufCreate(spec);
    case BPF_MAP_TYPE_DEVMAP:
    case BPF_MAP_TYPE_DEVMAP_HASH:
    case BPF_MAP_TYPE_CPUMAP:
    case BPF_MAP_TYPE_XSKMAP:
      return redirectMapCreate(spec);
    case BPF_MAP_TYPE_LPM_TRIE:
      return lpmCreate(spec);
    case BPF_MAP_TYPE_PERCPU_HASH:
      return percpuHashCreate(spec);
    case BPF_MAP_TYPE_LRU_HASH:
      return lruHashCreate(spec, 1);
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
      return lruHashCreate(spec, spec.cpus);
    default:
      return hashCreate(spec);
  }
}

/**
 * A map's address, or a negated errno: the last 4095 values of u32, which are no addresses because the last page of
 * memory is never used.
 */
export function map_create(
  type: u32,
  keySize: u32,
  valueSize: u32,
  maxEntries: u32,
  flags: u32,
  cpus: u32,
  extra: u32,
): u32 {
  const spec = changetype<MapSpec>(specRoom);
  spec.type = type;
  spec.keySize = keySize;
  spec.valueSize = valueSize;
  spec.maxEntries = maxEntries;
  spec.flags = flags;
  spec.cpus = cpus;
  spec.extra = extra;
  const error = check(spec);
  return error ? error : make(spec);
}

/** Frees a map. The caller sees to it that no program uses it any more. */
export function map_destroy(map: u32): void {
  freeValues(map, ALL_FIELDS);
  object_reclaim();
  dropFields(map);
  const type = changetype<BpfMap>(map).type;
  if (isHash(type)) {
    tableDestroy(map);
    return;
  }
  switch (type) {
    case BPF_MAP_TYPE_LPM_TRIE:
      lpmDestroy(map);
      return;
    case BPF_MAP_TYPE_RINGBUF:
      ringbufDestroy(map);
      return;
    case BPF_MAP_TYPE_USER_RINGBUF:
      userRingbufDestroy(map);
      return;
    case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
      perfEventArrayDestroy(map);
      return;
    default:
      dropMap(map);
  }
}
