// struct Map (abi.ts) as a typed view, the list of an engine's maps, and what every kind of map needs.
import {
  MAP_COUNT,
  MAP_CPU_STRIDE,
  MAP_DATA_PTR,
  MAP_END,
  MAP_EXTRA,
  MAP_FIELDS,
  MAP_FLAGS,
  MAP_ID,
  MAP_IMPL,
  MAP_IMPL2,
  MAP_KEY_SIZE,
  MAP_MAX_ENTRIES,
  MAP_NEXT,
  MAP_PRIVATE,
  MAP_PROG_TYPE,
  MAP_STRIDE,
  MAP_TABLE_BASE,
  MAP_TYPE,
  MAP_VALUE_SIZE,
} from '../../abi';
import {
  BPF_F_RDONLY_PROG,
  BPF_F_WRONLY_PROG,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_BLOOM_FILTER,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_MAP_TYPE_QUEUE,
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_STACK,
  BPF_MAP_TYPE_USER_RINGBUF,
  BPF_MAP_TYPE_XSKMAP,
  ENOMEM,
} from '../../isa';
import { alloc, free } from '../mem';
import { addRegion, REGION_READ, REGION_WRITE, removeRegion, reserveRegion, stageRegion } from '../region';

@unmanaged
export class BpfMap {
  type: u32;
  keySize: u32;
  valueSize: u32;
  maxEntries: u32;
  flags: u32;
  id: u32;
  data: u32;
  stride: u32;
  count: u32;
  cpuStride: u32;
  tableBase: u32;
  progType: u32;
  next: u32;
  end: u32;
  impl: u32;
  impl2: u32;
  fields: u32;
  extra: u32;
}

if (offsetof<BpfMap>() != MAP_PRIVATE) ERROR('BpfMap: its size drifted from abi.ts');
if (offsetof<BpfMap>('type') != MAP_TYPE) ERROR('BpfMap.type drifted from abi.ts');
if (offsetof<BpfMap>('keySize') != MAP_KEY_SIZE) ERROR('BpfMap.keySize drifted from abi.ts');
if (offsetof<BpfMap>('valueSize') != MAP_VALUE_SIZE) ERROR('BpfMap.valueSize drifted from abi.ts');
if (offsetof<BpfMap>('maxEntries') != MAP_MAX_ENTRIES) ERROR('BpfMap.maxEntries drifted from abi.ts');
if (offsetof<BpfMap>('flags') != MAP_FLAGS) ERROR('BpfMap.flags drifted from abi.ts');
if (offsetof<BpfMap>('id') != MAP_ID) ERROR('BpfMap.id drifted from abi.ts');
if (offsetof<BpfMap>('data') != MAP_DATA_PTR) ERROR('BpfMap.data drifted from abi.ts');
if (offsetof<BpfMap>('stride') != MAP_STRIDE) ERROR('BpfMap.stride drifted from abi.ts');
if (offsetof<BpfMap>('count') != MAP_COUNT) ERROR('BpfMap.count drifted from abi.ts');
if (offsetof<BpfMap>('cpuStride') != MAP_CPU_STRIDE) ERROR('BpfMap.cpuStride drifted from abi.ts');
if (offsetof<BpfMap>('tableBase') != MAP_TABLE_BASE) ERROR('BpfMap.tableBase drifted from abi.ts');
if (offsetof<BpfMap>('progType') != MAP_PROG_TYPE) ERROR('BpfMap.progType drifted from abi.ts');
if (offsetof<BpfMap>('next') != MAP_NEXT) ERROR('BpfMap.next drifted from abi.ts');
if (offsetof<BpfMap>('end') != MAP_END) ERROR('BpfMap.end drifted from abi.ts');
if (offsetof<BpfMap>('impl') != MAP_IMPL) ERROR('BpfMap.impl drifted from abi.ts');
if (offsetof<BpfMap>('impl2') != MAP_IMPL2) ERROR('BpfMap.impl2 drifted from abi.ts');
if (offsetof<BpfMap>('fields') != MAP_FIELDS) ERROR('BpfMap.fields drifted from abi.ts');
if (offsetof<BpfMap>('extra') != MAP_EXTRA) ERROR('BpfMap.extra drifted from abi.ts');

/** Newest map; the others follow by their `next`. */
let head: u32 = 0;
let lastId: u32 = 0;

/** What the caller of BPF_MAP_CREATE asked for. */
@unmanaged
export class MapSpec {
  type: u32;
  keySize: u32;
  valueSize: u32;
  maxEntries: u32;
  flags: u32;
  cpus: u32;
  extra: u32;
}

/** Bytes of a value's slot. */
export function round8(size: u32): u32 {
  return (size + 7) & ~7;
}

/** No program has a pointer into these: what they hold is copied, or is the engine's own, or lies in a region of its own. */
function isOpaque(type: u32): bool {
  switch (type) {
    case BPF_MAP_TYPE_PROG_ARRAY:
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
    case BPF_MAP_TYPE_HASH_OF_MAPS:
    case BPF_MAP_TYPE_CPUMAP:
    case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
    case BPF_MAP_TYPE_QUEUE:
    case BPF_MAP_TYPE_STACK:
    case BPF_MAP_TYPE_BLOOM_FILTER:
    case BPF_MAP_TYPE_RINGBUF:
    case BPF_MAP_TYPE_USER_RINGBUF:
      return true;
    default:
      return false;
  }
}

/** What programs may do with the values. */
function access(type: u32, flags: u32): u32 {
  if (isOpaque(type)) return 0;
  if (type == BPF_MAP_TYPE_DEVMAP || type == BPF_MAP_TYPE_DEVMAP_HASH || type == BPF_MAP_TYPE_XSKMAP)
    return REGION_READ;
  if (flags & BPF_F_RDONLY_PROG) return REGION_READ;
  return flags & BPF_F_WRONLY_PROG ? REGION_WRITE : REGION_READ | REGION_WRITE;
}

/**
 * Allocates a map of `size` bytes (header included) whose elements start at `dataOffset`, are `stride` apart and have `copies` values each from
 * `valueOffset` on, and enters it into the lists. Returns its address or a negated errno.
 */
export function newMap(
  spec: MapSpec,
  size: u64,
  dataOffset: u32,
  stride: u32,
  valueOffset: u32 = 0,
  copies: u32 = 1,
): u32 {
  if (size >> 32 || !reserveRegion()) return -ENOMEM;
  const address = alloc(<u32>size);
  if (!address) return -ENOMEM;
  const map = changetype<BpfMap>(address);
  map.type = spec.type;
  map.keySize = spec.keySize;
  map.valueSize = spec.valueSize;
  map.maxEntries = spec.maxEntries;
  map.flags = spec.flags;
  map.extra = spec.extra;
  map.id = ++lastId;
  map.data = address + dataOffset;
  map.stride = stride;
  map.end = address + <u32>size;
  map.next = head;
  head = address;
  mapRegion(map, address, address + <u32>size, map.data, valueOffset, copies);
  return address;
}

/** Tells checked accesses about [start, end), elements of `map` from `data` on; `reserveRegion` must have said yes. */
export function mapRegion(map: BpfMap, start: u32, end: u32, data: u32, valueOffset: u32, copies: u32): void {
  const region = stageRegion(start);
  region.end = end;
  region.map = changetype<u32>(map);
  region.data = data;
  region.stride = map.stride;
  region.valueOffset = valueOffset;
  region.valueSize = map.valueSize;
  region.access = access(map.type, map.flags);
  if (copies != 1) {
    region.copyStride = round8(map.valueSize);
    region.copies = copies;
  }
  addRegion();
}

/** Takes the map out of the lists and frees its memory. */
export function dropMap(address: u32): void {
  const next = changetype<BpfMap>(address).next;
  if (head == address) head = next;
  else {
    let map = changetype<BpfMap>(head);
    while (map.next != address) map = changetype<BpfMap>(map.next);
    map.next = next;
  }
  removeRegion(address);
  free(address);
}

/** First map of the engine's list, or 0. */
export function map_first(): u32 {
  return head;
}
