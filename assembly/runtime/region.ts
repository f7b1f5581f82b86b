// Which memory belongs to which map: a table sorted by address, so that a checked access finds its map in O(log n).
// Every allocation of a map (its header with what follows it, and each later chunk of a hash) is one region.
import { MAX_CPUS } from '../abi';
import { lock, unlock } from './lock';
import { alloc, free } from './mem';
import { THREADS, threadRoom } from './thread';

/** May a program read, may it write the values. */
export const REGION_READ: u32 = 1;
export const REGION_WRITE: u32 = 2;
/** Objects that programs make, one in each stride. */
export const REGION_OBJECTS: u32 = 4;

@unmanaged
export class Region {
  start: u32;
  end: u32;
  /** The map's header; equal to `start` in the map's first region. */
  map: u32;
  /** First element. */
  data: u32;
  stride: u32;
  /** Where in an element its value begins. */
  valueOffset: u32;
  valueSize: u32;
  access: u32;
  /** Per-CPU values in one element: bytes from one to the next, and how many. */
  copyStride: u32;
  copies: u32;
}

const SIZE: u32 = offsetof<Region>();
const FIRST_CAPACITY: u32 = THREADS ? 1024 : 64;

@unmanaged
class Regions {
  table: u32;
  count: u32;
  capacity: u32;
  mutex: u32;
}

const regions = changetype<Regions>(memory.data(offsetof<Regions>(), 4));
const mutex: u32 = changetype<u32>(regions) + offsetof<Regions>('mutex');
/** Entry that the last search found: programs stay with one map for a while. With several threads entries may move at any time. */
let last: u32 = 0;

/** Index of the first region that starts above `addr`. */
function upper(addr: u32): u32 {
  let low: u32 = 0;
  let high = regions.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(regions.table + middle * SIZE) <= addr) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A copy for this thread, where others may move the table. */
const found: u32 = THREADS ? threadRoom(SIZE) : 0;

function search(addr: u32): u32 {
  const index = upper(addr);
  if (!index) return 0;
  const entry = regions.table + (index - 1) * SIZE;
  return addr < load<u32>(entry, 4) ? entry : 0;
}

/** The region that holds `addr`, or 0. Valid until the next call. */
export function findRegion(addr: u32): u32 {
  if (THREADS) return findShared(addr);
  if (last && addr - load<u32>(last) < load<u32>(last, 4) - load<u32>(last)) return last;
  const entry = search(addr);
  if (entry) last = entry;
  return entry;
}

function findShared(addr: u32): u32 {
  lock(mutex);
  const entry = search(addr);
  if (entry) memory.copy(found, entry, SIZE);
  unlock(mutex);
  return entry ? found : 0;
}

/** Makes room for one more region; false when there is no memory. */
export function reserveRegion(): bool {
  lock(mutex);
  const done = reserve();
  unlock(mutex);
  return done;
}

/** With several threads each may have been promised the last entry: room is kept for as many as there can be. */
const PROMISES: u32 = THREADS ? MAX_CPUS + 1 : 1;

function reserve(): bool {
  const count = regions.count;
  const capacity = regions.capacity;
  if (count + PROMISES <= capacity) return true;
  const wanted = capacity ? capacity * 2 : FIRST_CAPACITY;
  const larger = alloc(wanted * SIZE);
  if (!larger) return false;
  memory.copy(larger, regions.table, count * SIZE);
  free(regions.table);
  regions.table = larger;
  regions.capacity = wanted;
  last = 0;
  return true;
}

/** What is to be entered next. */
const staged = changetype<Region>(THREADS ? threadRoom(SIZE) : <u32>memory.data(offsetof<Region>(), 4));

/** A region at `start` of one copy, for the caller to fill and to `addRegion`; `reserveRegion` must have said yes. */
export function stageRegion(start: u32): Region {
  staged.start = start;
  staged.copyStride = 0;
  staged.copies = 1;
  return staged;
}

/** Enters the region that was staged. */
export function addRegion(): void {
  lock(mutex);
  const index = upper(staged.start);
  const entry = regions.table + index * SIZE;
  memory.copy(entry + SIZE, entry, (regions.count - index) * SIZE);
  regions.count++;
  last = 0;
  memory.copy(entry, changetype<u32>(staged), SIZE);
  unlock(mutex);
}

/** Memory of no map, one piece, at [start, end), to be entered. */
export function stageMemory(start: u32, end: u32, access: u32): Region {
  const region = stageRegion(start);
  region.end = end;
  region.map = 0;
  region.data = start;
  region.stride = end - start;
  region.valueOffset = 0;
  region.valueSize = end - start;
  region.access = access;
  return region;
}

/** Tells checked accesses about memory of no map; `reserveRegion` must have said yes. */
export function addMemory(start: u32, end: u32, access: u32): void {
  stageMemory(start, end, access);
  addRegion();
}

/** Takes out the region that begins at `start`. */
export function removeRegion(start: u32): void {
  lock(mutex);
  const index = upper(start);
  const entry = regions.table + (index - 1) * SIZE;
  if (index && load<u32>(entry) == start) {
    memory.copy(entry, entry + SIZE, (regions.count - index) * SIZE);
    regions.count--;
    last = 0;
  }
  unlock(mutex);
}
