// Maps whose entries packets are redirected to (devmap, devmap_hash, cpumap, xskmap): entries of 8 bytes, drawn in abi.ts. The host knows devices,
// programs and sockets: it judges what is put in and hands over finished entries; here they are kept and looked up.
import { CPUMAP_MAX_ENTRIES, MAP_DATA, REDIRECT_ENTRY_SIZE, REDIRECT_SOCKET } from '../../abi';
import {
  BPF_EXIST,
  BPF_F_NUMA_NODE,
  BPF_F_RDONLY,
  BPF_F_WRONLY,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_XSKMAP,
  BPF_NOEXIST,
  E2BIG,
  EEXIST,
  EINVAL,
  ENOENT,
} from '../../isa';
import { arrayNextKey } from './array';
import { hash_lookup4, hashCreate, hashDelete, hashUpdate } from './hash';
import { hashNextKey } from './hash-walk';
import { BpfMap, MapSpec, newMap } from './map';

/** Linux cannot round more up to a power of two. */
const MAX_HASH_ENTRIES: u32 = 0x80000000;

/** What Linux refuses of a BPF_MAP_CREATE. */
export function checkRedirectMap(spec: MapSpec): i32 {
  const type = spec.type;
  const flags: u32 = type == BPF_MAP_TYPE_CPUMAP ? BPF_F_NUMA_NODE : BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY;
  if (spec.maxEntries == 0 || spec.keySize != 4 || spec.flags & ~flags) return -EINVAL;
  if (spec.valueSize != 4 && (spec.valueSize != 8 || type == BPF_MAP_TYPE_XSKMAP)) return -EINVAL;
  if (type == BPF_MAP_TYPE_CPUMAP && spec.maxEntries > <u32>CPUMAP_MAX_ENTRIES) return -E2BIG;
  return type == BPF_MAP_TYPE_DEVMAP_HASH && spec.maxEntries > MAX_HASH_ENTRIES ? -EINVAL : 0;
}

export function redirectMapCreate(spec: MapSpec): u32 {
  if (spec.type == BPF_MAP_TYPE_DEVMAP_HASH) return hashCreate(spec);
  return newMap(spec, <u64>MAP_DATA + <u64>REDIRECT_ENTRY_SIZE * spec.maxEntries, MAP_DATA, REDIRECT_ENTRY_SIZE);
}

/** Address of the entry at an index of an array kind, or 0 behind the end. */
function entryAt(map: u32, index: u32): u32 {
  const m = changetype<BpfMap>(map);
  return index < m.maxEntries ? m.data + index * <u32>REDIRECT_ENTRY_SIZE : 0;
}

function isFilled(map: u32, entry: u32): bool {
  if (changetype<BpfMap>(map).type == BPF_MAP_TYPE_XSKMAP) return load<u32>(entry, REDIRECT_SOCKET) != 0;
  return load<u32>(entry) != 0;
}

/** Address of the entry, or 0 for none. */
export function redirectMapLookup(map: u32, key: u32): u32 {
  if (changetype<BpfMap>(map).type == BPF_MAP_TYPE_DEVMAP_HASH) return hash_lookup4(map, key);
  const entry = entryAt(map, load<u32>(key));
  return entry && isFilled(map, entry) ? entry : 0;
}

/** `entry` is one whole entry, even where the map's values have 4 bytes; zeros empty an array kind's. */
export function redirectMapUpdate(map: u32, key: u32, entry: u32, flags: u64): i32 {
  const type = changetype<BpfMap>(map).type;
  if (flags > <u64>BPF_EXIST) return -EINVAL;
  // Linux asks nobody whether there is one to replace.
  if (type == BPF_MAP_TYPE_DEVMAP_HASH) return hashUpdate(map, key, entry, flags & BPF_NOEXIST);
  const at = entryAt(map, load<u32>(key));
  if (!at) return -E2BIG;
  if (type == BPF_MAP_TYPE_XSKMAP) {
    if (isFilled(map, at)) {
      if (flags == BPF_NOEXIST) return -EEXIST;
    } else if (flags == BPF_EXIST) return -ENOENT;
  } else if (flags == BPF_NOEXIST) return -EEXIST;
  store<u64>(at, load<u64>(entry));
  return 0;
}

/** An empty entry of an array kind is as good as a deleted one. */
export function redirectMapDelete(map: u32, key: u32): i32 {
  if (changetype<BpfMap>(map).type == BPF_MAP_TYPE_DEVMAP_HASH) return hashDelete(map, key);
  const at = entryAt(map, load<u32>(key));
  if (!at) return -EINVAL;
  store<u64>(at, 0);
  return 0;
}

export function redirectMapNextKey(map: u32, key: u32, out: u32): i32 {
  if (changetype<BpfMap>(map).type == BPF_MAP_TYPE_DEVMAP_HASH) return hashNextKey(map, key, out);
  return arrayNextKey(map, key, out);
}
