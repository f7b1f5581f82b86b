/** Makes a live map from a wish, as BPF_MAP_CREATE does. */
import {
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
  EACCES,
} from '../../assembly/isa.ts';
import { RunError } from '../errors/index.ts';
import type { MapSpec } from '../object/types.ts';
import { mapTypeName } from '../util/map-types.ts';
import { Arena, arenaErrno } from './arena.ts';
import { BloomFilter } from './bloom-filter.ts';
import { errnoOf } from './exports.ts';
import { BpfMap, type MapCodecs } from './map.ts';
import { fieldsErrno } from './map-field-types.ts';
import { setMapFields } from './map-fields.ts';
import { innerErrno, MapInMap } from './map-in-map.ts';
import { PerfEventArray } from './perf-event-array.ts';
import { ProgArray } from './prog-array.ts';
import { Queue } from './queue.ts';
import { isRedirectType, type RedirectHost, RedirectMap } from './redirect-map.ts';
import { RingBuf } from './ringbuf.ts';
import type { SharedTable } from './table.ts';
import { UserRingBuf } from './user-ringbuf.ts';

const IMPLEMENTED = [
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_QUEUE,
  BPF_MAP_TYPE_STACK,
  BPF_MAP_TYPE_BLOOM_FILTER,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_XSKMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_USER_RINGBUF,
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_ARENA,
];

type MapClass = new (...args: ConstructorParameters<typeof BpfMap>) => BpfMap;

/** Classes of the types that can do more than a BpfMap, or less. */
const KINDS: Readonly<Record<number, MapClass>> = {
  [BPF_MAP_TYPE_ARENA]: Arena,
  [BPF_MAP_TYPE_QUEUE]: Queue,
  [BPF_MAP_TYPE_STACK]: Queue,
  [BPF_MAP_TYPE_BLOOM_FILTER]: BloomFilter,
  [BPF_MAP_TYPE_PERF_EVENT_ARRAY]: PerfEventArray,
  [BPF_MAP_TYPE_RINGBUF]: RingBuf,
  [BPF_MAP_TYPE_USER_RINGBUF]: UserRingBuf,
};

export function isImplemented(type: number): boolean {
  return IMPLEMENTED.includes(type);
}

/** @throws RunError with the kernel's errno when the wish cannot be met */
export function createMap(
  host: RedirectHost,
  table: SharedTable,
  spec: MapSpec,
  id: number,
  codecs: MapCodecs,
): BpfMap {
  if (!isImplemented(spec.type)) {
    const implemented = IMPLEMENTED.map(mapTypeName);
    throw new RunError('RUN_MAP_TYPE', { map: spec.name, type: mapTypeName(spec.type), implemented });
  }
  const { type, keySize, valueSize, maxEntries, flags } = spec;
  // What has no meaning in 32 bits has none above either.
  const extra = Number(spec.mapExtra > 0xffffffffn ? 0xffffffffn : spec.mapExtra);
  const isOuter = type === BPF_MAP_TYPE_ARRAY_OF_MAPS || type === BPF_MAP_TYPE_HASH_OF_MAPS;
  if (isOuter) checkInner(spec);
  const isArena = type === BPF_MAP_TYPE_ARENA;
  // An arena's map_extra is its place, which the runtime need not know.
  const misplaced = isArena ? arenaErrno(spec) : 0;
  const create = (place: number) =>
    host.runtime.map_create(type, keySize, valueSize, maxEntries, flags, host.cpus, place);
  const result = misplaced !== 0 ? -misplaced : create(isArena ? 0 : extra);
  const errno = errnoOf(result);
  if (errno !== 0) {
    const detail = `type ${type}, key ${keySize} bytes, value ${valueSize} bytes, ${maxEntries} entries, flags 0x${flags.toString(16)}`;
    throw new RunError('RUN_MAP_CREATE', { map: spec.name, errno, detail });
  }
  const address = result >>> 0;
  checkFields(host, spec, address, codecs);
  setMapFields(host, address, codecs.fields ?? []);
  // A copy: the wish may be edited for the next load, the map stays as it was made.
  const own = { ...spec };
  if (type === BPF_MAP_TYPE_PROG_ARRAY) return new ProgArray(host, own, address, id, table);
  if (isOuter) return new MapInMap(host, own, address, id, codecs, { ...(spec.innerMap as MapSpec) });
  if (isRedirectType(type)) return new RedirectMap(host, own, address, id, codecs);
  const Kind = KINDS[type] ?? BpfMap;
  return new Kind(host, own, address, id, codecs);
}

/** Linux looks at the types when all else is right. */
function checkFields(host: RedirectHost, spec: MapSpec, address: number, { fields = [] }: MapCodecs): void {
  const errno = fieldsErrno(spec.type, spec.flags, fields);
  if (errno === 0) return;
  host.runtime.map_destroy(address);
  const detail =
    errno === EACCES
      ? 'values with special fields (locks, timers, kptrs) are for programs to read and to write'
      : `values of a ${mapTypeName(spec.type)} map cannot have these special fields (locks, timers, kptrs)`;
  throw new RunError('RUN_MAP_CREATE', { map: spec.name, errno, detail });
}

/** A map of maps needs a template of what it holds. */
function checkInner(spec: MapSpec): void {
  const errno = innerErrno(spec.innerMap);
  if (errno === 0) return;
  const { innerMap } = spec;
  const detail =
    innerMap === undefined
      ? 'a map of maps needs a template of its inner maps: `__array(values, struct { ... })`, or set innerMap before loading'
      : `maps of type ${innerMap.type} cannot be inside of another map`;
  throw new RunError('RUN_MAP_CREATE', { map: spec.name, errno, detail });
}
