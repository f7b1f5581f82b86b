// BPF_MAP_TYPE_PERF_EVENT_ARRAY: a slot for each CPU, empty until JavaScript opens its buffer as perf_buffer__new does. A buffer is a ring of records:
//
//     | type | bytes of it all | raw size | data, padded |        PERF_RECORD_SAMPLE
//     | type | 24              | id: u64  | count: u64   |        PERF_RECORD_LOST, before the first sample that has room again
//
// They take the room they take in Linux. The memory behind the end is a spare for the record that wraps, as in a ring buffer.
import { MAP_DATA, VM_CPU } from '../../abi';
import { E2BIG, ENOENT, ENOMEM } from '../../isa';
import { vm } from '../env';
import { ktime_get_ns } from '../helper/state';
import { alloc, free } from '../mem';
import { BpfMap, dropMap, MapSpec, newMap } from './map';

/** src/runtime/perf-event-array.ts reads `lost` and `wakeups`. */
@unmanaged
export class PerfRing {
  head: u64;
  tail: u64;
  /** Samples that had no room: all of them, and those that no record has told of. */
  lost: u64;
  untold: u64;
  /** A head above it wakes the reader: the next multiple of half a ring. */
  wakeupAt: u64;
  /** bpf_ktime_get_ns when it was opened. */
  opened: u64;
  /** Bytes of data - 1. */
  mask: u32;
  /** Samples between wake-ups, and since the last one. */
  every: u32;
  since: u32;
  wakeups: u32;
}

const SLOT: u32 = 4;
const RING_DATA: u32 = 128;
const HEADER: u32 = 8;
const RAW_SIZE: u32 = 4;
const LOST_BYTES: u32 = 24;
const PERF_RECORD_LOST: u32 = 2;
const PERF_RECORD_SAMPLE: u32 = 9;
/** A record's size is 16 bits in Linux. */
const MAX_RECORD: u64 = 0xffff;
/** The index that stands for the CPU that the program runs on (BPF_F_CURRENT_CPU, BPF_F_INDEX_MASK). */
const CURRENT_CPU: u32 = u32.MAX_VALUE;

if (offsetof<PerfRing>() > RING_DATA) ERROR('PerfRing outgrew its room');

export function perfEventArrayCreate(spec: MapSpec): u32 {
  return newMap(spec, <u64>MAP_DATA + <u64>SLOT * spec.maxEntries, MAP_DATA, SLOT);
}

function slotOf(map: u32, index: u32): u32 {
  return changetype<BpfMap>(map).data + index * SLOT;
}

export function perfEventArrayDestroy(map: u32): void {
  const maxEntries = changetype<BpfMap>(map).maxEntries;
  for (let i: u32 = 0; i < maxEntries; i++) free(load<u32>(slotOf(map, i)));
  dropMap(map);
}

/** The ring that `index`, or the running CPU, has; or a negated errno. Only the CPU that an event is for may use it; `elsewhere` is what others get. */
export function ringAt(map: u32, index: u32, elsewhere: i32): u32 {
  const cpu = load<u32>(vm, VM_CPU);
  if (index == CURRENT_CPU) index = cpu;
  if (index >= changetype<BpfMap>(map).maxEntries) return -E2BIG;
  const ring = load<u32>(slotOf(map, index));
  if (!ring) return -ENOENT;
  return index == cpu ? ring : elsewhere;
}

function put(r: PerfRing, type: u32, bytes: u32): u32 {
  const at = changetype<u32>(r) + RING_DATA + (<u32>r.head & r.mask);
  store<u32>(at, type);
  store<u32>(at, bytes, 4);
  r.head += bytes;
  return at + HEADER;
}

/** Room for a sample's raw data of `size` bytes, or 0 when there is none. */
export function perfReserve(ring: u32, size: u64): u32 {
  const r = changetype<PerfRing>(ring);
  const bytes = HEADER + ((size + RAW_SIZE + 7) & ~7);
  const needed = bytes + (r.untold ? LOST_BYTES : 0);
  // One byte stays free, so that full is not empty.
  if (bytes > MAX_RECORD || needed > r.mask - (r.head - r.tail)) {
    r.lost++;
    r.untold++;
    return 0;
  }
  if (r.untold) {
    const lost = put(r, PERF_RECORD_LOST, LOST_BYTES);
    store<u64>(lost, 0);
    store<u64>(lost, r.untold, 8);
    r.untold = 0;
  }
  const raw = put(r, PERF_RECORD_SAMPLE, <u32>bytes);
  // The padding belongs to the data, as user space sees it.
  store<u64>(raw + <u32>bytes - HEADER - 8, 0);
  store<u32>(raw, <u32>bytes - HEADER - RAW_SIZE);
  return raw + RAW_SIZE;
}

/** A sample is complete: every so many wake the reader, and so does a ring that is half full. */
export function perfCommit(ring: u32): void {
  const r = changetype<PerfRing>(ring);
  let wake = false;
  if (r.head > r.wakeupAt) {
    r.wakeupAt += (r.mask + 1) >> 1;
    wake = true;
  }
  if (++r.since >= r.every) {
    r.since = 0;
    wake = true;
  }
  if (wake) r.wakeups++;
}

// From JavaScript.

/** Opens the buffer of a CPU: `size` is a power of two. 0 or a negated errno. */
export function perf_open(map: u32, cpu: u32, size: u32, every: u32): i32 {
  const ring = alloc(RING_DATA + 2 * size);
  if (!ring) return -ENOMEM;
  const r = changetype<PerfRing>(ring);
  r.mask = size - 1;
  r.every = every;
  r.wakeupAt = size >> 1;
  r.opened = ktime_get_ns();
  const slot = slotOf(map, cpu);
  free(load<u32>(slot));
  store<u32>(slot, ring);
  return 0;
}

/** Closes the buffer of a CPU: its slot is empty. */
export function perf_close(map: u32, cpu: u32): void {
  const slot = slotOf(map, cpu);
  free(load<u32>(slot));
  store<u32>(slot, 0);
}

/** Address of a CPU's struct PerfRing, or 0. */
export function perf_ring(map: u32, cpu: u32): u32 {
  return load<u32>(slotOf(map, cpu));
}

/** Address of the next record to read, or 0. */
export function perf_next(ring: u32): u32 {
  const r = changetype<PerfRing>(ring);
  return r.tail == r.head ? 0 : ring + RING_DATA + (<u32>r.tail & r.mask);
}

/** The record that `perf_next` gave is read. */
export function perf_consume(ring: u32): void {
  changetype<PerfRing>(ring).tail += load<u32>(perf_next(ring), 4);
}
