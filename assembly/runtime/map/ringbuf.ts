// BPF_MAP_TYPE_RINGBUF: records of all programs in the order in which they were reserved. Positions only grow; a position's place is its low bits.
//
//     | len | map |  record, rounded up to 8 bytes  | len | map | ...
//       u32: BUSY until it is submitted, DISCARD when it is to be skipped
//
// Linux maps the data twice, one copy behind the other, so that a record that wraps is one piece. Here the memory behind the end is a spare that
// only such a record's own bytes lie in: every access to a record starts from its header, so nothing has to be mirrored.
import { MAP_DATA, MAP_PRIVATE, RING_CONSUMER, RING_MASK, RING_PENDING, RING_PRODUCER } from '../../abi';
import {
  BPF_MAP_TYPE_RINGBUF,
  BPF_RB_FORCE_WAKEUP,
  BPF_RB_NO_WAKEUP,
  BPF_RINGBUF_BUSY_BIT,
  BPF_RINGBUF_DISCARD_BIT,
  BPF_RINGBUF_HDR_SZ,
  ENOMEM,
} from '../../isa';
import { lock, unlock } from '../lock';
import { alloc, free } from '../mem';
import {
  addRegion,
  findRegion,
  REGION_READ,
  REGION_WRITE,
  Region,
  removeRegion,
  reserveRegion,
  stageRegion,
} from '../region';
import { anyThreadRuns, THREADS } from '../thread';
import { BpfMap, dropMap, MapSpec, newMap } from './map';

/** What lies at MAP_PRIVATE. src/runtime/ringbuf.ts reads `lost` and `wakeups`. */
@unmanaged
export class Ring {
  /** Where the reader is. */
  consumer: u64;
  /** Where the next record goes. */
  producer: u64;
  /** All before it is committed; up to date when somebody wants to know. */
  pending: u64;
  /** Reservations that found no room. */
  lost: u64;
  /** Bytes of data - 1. */
  mask: u32;
  /** Times a waiting reader is to be woken. */
  wakeups: u32;
  /** Of whoever reserves, and of the reader. A commit needs none: it is one store. */
  mutex: u32;
}

if (MAP_PRIVATE + offsetof<Ring>('consumer') != RING_CONSUMER) ERROR('Ring.consumer drifted from abi.ts');
if (MAP_PRIVATE + offsetof<Ring>('producer') != RING_PRODUCER) ERROR('Ring.producer drifted from abi.ts');
if (MAP_PRIVATE + offsetof<Ring>('pending') != RING_PENDING) ERROR('Ring.pending drifted from abi.ts');
if (MAP_PRIVATE + offsetof<Ring>('mask') != RING_MASK) ERROR('Ring.mask drifted from abi.ts');

const HEADER: u32 = BPF_RINGBUF_HDR_SZ;
export const LENGTH_BITS: u32 = ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
/** RINGBUF_MAX_RECORD_SZ */
const MAX_RECORD: u64 = u32.MAX_VALUE / 4;

export function ringOf(map: u32): Ring {
  return changetype<Ring>(map + MAP_PRIVATE);
}

/** A record with its header. */
export function recordSpan(length: u32): u32 {
  return (length + HEADER + 7) & ~7;
}

/** Both kinds of ring buffers: `front` bytes before the data are private. */
export function ringbufCreate(spec: MapSpec, front: u32 = 0): u32 {
  const size = <u64>front + 2 * <u64>spec.maxEntries;
  const map = newMap(spec, MAP_DATA, MAP_DATA, 0);
  if (map >= <u32>-4095) return map;
  const area = size >> 32 || !reserveRegion() ? 0 : alloc(<u32>size);
  if (!area) {
    dropMap(map);
    return -ENOMEM;
  }
  const m = changetype<BpfMap>(map);
  m.data = area + front;
  m.end = area + <u32>size;
  ringOf(map).mask = spec.maxEntries - 1;
  dataRegion(map, area, m.end);
  return map;
}

/** Programs hold pointers to records: all of the data may be touched, and whose it is can be found. */
function dataRegion(map: u32, start: u32, end: u32): void {
  const region = stageRegion(start);
  region.end = end;
  region.map = map;
  region.data = start;
  region.stride = end - start;
  region.valueOffset = 0;
  region.valueSize = end - start;
  region.access = REGION_READ | REGION_WRITE;
  addRegion();
}

export function ringbufDestroy(map: u32, front: u32 = 0): void {
  const area = changetype<BpfMap>(map).data - front;
  removeRegion(area);
  free(area);
  dropMap(map);
}

export function headerAt(map: u32, position: u64): u32 {
  return changetype<BpfMap>(map).data + (<u32>position & ringOf(map).mask);
}

function mutexOf(map: u32): u32 {
  return map + MAP_PRIVATE + offsetof<Ring>('mutex');
}

/** The length word of a header, and its bits. With several threads it says that what lies behind it is written. */
function lengthAt(header: u32): u32 {
  return THREADS ? atomic.load<u32>(header) : load<u32>(header);
}

function setLength(header: u32, length: u32): void {
  if (THREADS) atomic.store<u32>(header, length);
  else store<u32>(header, length);
}

/** Moves `pending` to the oldest record that is not committed. */
function skipCommitted(map: u32): void {
  const r = ringOf(map);
  // What is read was committed.
  if (r.pending < r.consumer) r.pending = r.consumer;
  while (r.pending < r.producer) {
    const length = lengthAt(headerAt(map, r.pending));
    if (length & BPF_RINGBUF_BUSY_BIT) return;
    r.pending += recordSpan(length & LENGTH_BITS);
  }
}

/** A new record of `size` bytes, or 0. Neither what is unread nor what is uncommitted may reach around the ring. */
export function ringbufReserve(map: u32, size: u64): u32 {
  lock(mutexOf(map));
  const record = reserve(map, size);
  unlock(mutexOf(map));
  return record;
}

/** Whether what is not committed ends before `next` comes round to it. */
function isRoom(map: u32, next: u64): bool {
  const r = ringOf(map);
  if (next - r.pending <= r.mask) return true;
  skipCommitted(map);
  return next - r.pending <= r.mask;
}

function reserve(map: u32, size: u64): u32 {
  const r = ringOf(map);
  const at = r.producer;
  const span = size > MAX_RECORD ? 0 : recordSpan(<u32>size);
  const next = at + span;
  if (!span || next - r.consumer > r.mask || !isRoom(map, next)) {
    r.lost++;
    return 0;
  }
  const header = headerAt(map, at);
  setLength(header, <u32>size | BPF_RINGBUF_BUSY_BIT);
  store<u32>(header, map, 4);
  r.producer = next;
  return header + HEADER;
}

/** The ring buffer that `record` was reserved in and is still pending in, or 0. */
export function ringbufOfRecord(record: u32): u32 {
  const header = record - HEADER;
  const entry = record & 7 ? 0 : findRegion(header);
  if (!entry) return 0;
  const map = changetype<Region>(entry).map;
  if (!map || changetype<BpfMap>(map).type != BPF_MAP_TYPE_RINGBUF || header < changetype<BpfMap>(map).data) return 0;
  return load<u32>(header) & BPF_RINGBUF_BUSY_BIT && load<u32>(header, 4) == map ? map : 0;
}

/** Submits a record, or discards it with BPF_RINGBUF_DISCARD_BIT in `bit`. A reader that has read all before it is woken. */
export function ringbufCommit(map: u32, record: u32, flags: u64, bit: u32): void {
  const r = ringOf(map);
  const header = record - HEADER;
  setLength(header, (load<u32>(header) & LENGTH_BITS) | bit);
  const isNext = headerAt(map, r.consumer) == header;
  if (flags & BPF_RB_FORCE_WAKEUP || (isNext && !(flags & BPF_RB_NO_WAKEUP))) {
    if (THREADS) atomic.add<u32>(map + MAP_PRIVATE + offsetof<Ring>('wakeups'), 1);
    else r.wakeups++;
  }
}

// From JavaScript, which runs when no program does, or beside those of other threads.

/**
 * Address of the header of the next record to read, or 0. Discarded records are passed over; so are those of a run that ended in a violation, which
 * nobody will ever submit.
 */
export function ringbuf_next(map: u32): u32 {
  lock(mutexOf(map));
  const header = next(map);
  unlock(mutexOf(map));
  return header;
}

function next(map: u32): u32 {
  const r = ringOf(map);
  while (r.consumer < r.producer) {
    const header = headerAt(map, r.consumer);
    const length = lengthAt(header);
    if (length & BPF_RINGBUF_BUSY_BIT && anyThreadRuns()) return 0;
    const span = recordSpan(length & LENGTH_BITS);
    // Only a program that wrote over a header, which none does that the verifier took, makes a record that is longer than what is there.
    if (span > r.producer - r.consumer) {
      r.consumer = r.producer;
      r.pending = r.producer;
      return 0;
    }
    if (!(length & ~LENGTH_BITS)) return header;
    if (length & BPF_RINGBUF_BUSY_BIT) store<u32>(header, (length & LENGTH_BITS) | BPF_RINGBUF_DISCARD_BIT);
    r.consumer += span;
  }
  return 0;
}

/** The record that `ringbuf_next` gave is read. */
export function ringbuf_consume(map: u32): void {
  const r = ringOf(map);
  lock(mutexOf(map));
  r.consumer += recordSpan(load<u32>(headerAt(map, r.consumer)) & LENGTH_BITS);
  unlock(mutexOf(map));
}

/** Address of the header of the submitted record behind the one whose header is given, of the first unread one for 0; 0 at the end. Nothing is read. */
export function ringbuf_walk(map: u32, header: u32): u32 {
  const r = ringOf(map);
  let position = r.consumer;
  if (header) {
    position += (header - changetype<BpfMap>(map).data - <u32>position) & r.mask;
    position += recordSpan(load<u32>(header) & LENGTH_BITS);
  }
  while (position < r.producer) {
    const at = headerAt(map, position);
    const length = lengthAt(at);
    if (!(length & ~LENGTH_BITS)) return at;
    if (length & BPF_RINGBUF_BUSY_BIT && anyThreadRuns()) return 0;
    position += recordSpan(length & LENGTH_BITS);
  }
  return 0;
}
