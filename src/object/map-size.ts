/** Sizes of maps that libbpf puts right before it creates them. */
import { BPF_MAP_TYPE_PERF_EVENT_ARRAY, BPF_MAP_TYPE_RINGBUF, BPF_MAP_TYPE_USER_RINGBUF } from '../../assembly/isa.ts';
import type { MapSpec } from './types.ts';

/** Pages are 4 KiB here, whatever the machine has: the same object makes the same maps everywhere. */
const PAGE = 4096;
const LARGEST = 0x80000000;

/** The next power of two that is at least a page. What has no size is left as it is, for creation to refuse. */
function ringSize(bytes: number): number {
  if (bytes === 0 || bytes > LARGEST) return bytes;
  let size = PAGE;
  while (size < bytes) size *= 2;
  return size;
}

function entries({ type, maxEntries }: MapSpec, cpus: number): number {
  switch (type) {
    case BPF_MAP_TYPE_RINGBUF:
    case BPF_MAP_TYPE_USER_RINGBUF:
      return ringSize(maxEntries);
    case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
      return maxEntries === 0 ? cpus : maxEntries;
    default:
      return maxEntries;
  }
}

/** The spec as libbpf creates it: ring buffers in powers of two of pages, perf event arrays with a slot for each CPU; the same object when nothing differs. */
export function sized(spec: MapSpec, cpus: number): MapSpec {
  const maxEntries = entries(spec, cpus);
  const innerMap = spec.innerMap === undefined ? undefined : sized(spec.innerMap, cpus);
  if (maxEntries === spec.maxEntries && innerMap === spec.innerMap) return spec;
  return { ...spec, maxEntries, ...(innerMap !== undefined && { innerMap }) };
}
