// Which memory belongs to which map: a table sorted by address, so that a checked access finds its map in O(log n).
// Every allocation of a map (its header with what follows it, and each later chunk of a hash) is one region.
import { alloc, free } from './mem';

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
const FIRST_CAPACITY: u32 = 64;

let table: u32 = 0;
let count: u32 = 0;
let capacity: u32 = 0;
/** Entry that the last search found: programs stay with one map for a while. */
let last: u32 = 0;

/** Index of the first region that starts above `addr`. */
function upper(addr: u32): u32 {
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(table + middle * SIZE) <= addr) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The region that holds `addr`, or 0. */
export function findRegion(addr: u32): u32 {
  if (last && addr - load<u32>(last) < load<u32>(last, 4) - load<u32>(last)) return last;
  const index = upper(addr);
  if (!index) return 0;
  const entry = table + (index - 1) * SIZE;
  if (addr >= load<u32>(entry, 4)) return 0;
  last = entry;
  return entry;
}

/** Makes room for one more region; false when there is no memory. */
export function reserveRegion(): bool {
  if (count < capacity) return true;
  const wanted = capacity ? capacity * 2 : FIRST_CAPACITY;
  const larger = alloc(wanted * SIZE);
  if (!larger) return false;
  memory.copy(larger, table, count * SIZE);
  free(table);
  table = larger;
  capacity = wanted;
  last = 0;
  return true;
}

/** A new, empty entry for the region at `start`, for the caller to fill; `reserveRegion` must have said yes. */
export function addRegion(start: u32): Region {
  const index = upper(start);
  const entry = table + index * SIZE;
  memory.copy(entry + SIZE, entry, (count - index) * SIZE);
  count++;
  last = 0;
  store<u32>(entry, start);
  const region = changetype<Region>(entry);
  region.copyStride = 0;
  region.copies = 1;
  return region;
}

/** Tells checked accesses about memory of no map, one piece, at [start, end); `reserveRegion` must have said yes. */
export function addMemory(start: u32, end: u32, access: u32): Region {
  const region = addRegion(start);
  region.end = end;
  region.map = 0;
  region.data = start;
  region.stride = end - start;
  region.valueOffset = 0;
  region.valueSize = end - start;
  region.access = access;
  return region;
}

/** Takes out the region that begins at `start`. */
export function removeRegion(start: u32): void {
  const index = upper(start);
  if (!index) return;
  const entry = table + (index - 1) * SIZE;
  if (load<u32>(entry) != start) return;
  memory.copy(entry, entry + SIZE, (count - index) * SIZE);
  count--;
  last = 0;
}
