// The allocator behind maps, packets, batches and trace buffers: boundary tags and one free list per power of two.
// asc's own TLSF doubles the memory to grow it and traps when it cannot; this one grows by an eighth and returns 0.
//
//   | header 16 | payload, 64-byte aligned ... | header 16 | payload ... | sentinel 16 |
//     ^ block: address = 48 mod 64               ^ block + size            (used, size 0)
//
// header  0  size      u32  of the block with its header, a multiple of 64; bit 0: in use
//         4  prevSize  u32  size of the block before it, 0 for the first one of a span
//         8  next      u32  free: next block of the same list; in use: MAGIC
//         12 prev      u32  free: previous block of the list, 0 for its head

import { lock, unlock } from './lock';

const HEADER: u32 = 16;
const ALIGN: u32 = 64;
const USED: u32 = 1;
const MAGIC: u32 = 0x6d656d21;
const PAGE: u32 = 65536;
/** The last page stays unused, so that no address or end of an allocation wraps around 2^32, nor looks like an errno. */
const MAX_PAGES: u32 = 65535;
const MIN_GROWTH: u32 = 16;
const MAX_GROWTH: u32 = 1024;
const CLASSES: u32 = 32;

/** Heads of the free lists; list c holds blocks of 2^c to 2^(c+1) - 1 bytes. */
const lists: u32 = <u32>memory.data(128);

@unmanaged
class Heap {
  /** Bit c: list c is not empty. */
  occupied: u32;
  /** Where the sentinel of the newest span ends; 0 before the first allocation. */
  spanEnd: u32;
  /** From here on memory is as memory.grow gave it: zero. */
  fresh: u32;
  used: u32;
  /** Of whoever changes a block that is not its own. */
  mutex: u32;
}

/** In memory, like all that several threads share: each has an own instance of this module. */
const heap = changetype<Heap>(memory.data(offsetof<Heap>(), 4));
const mutex: u32 = changetype<u32>(heap) + offsetof<Heap>('mutex');

function sizeOf(block: u32): u32 {
  return load<u32>(block) & ~USED;
}

function setSize(block: u32, size: u32, flag: u32): void {
  store<u32>(block, size | flag);
  store<u32>(block + size, size, 4);
}

function push(block: u32): void {
  const c = 31 - clz(sizeOf(block));
  const head = load<u32>(lists + (c << 2));
  store<u32>(block, head, 8);
  store<u32>(block, 0, 12);
  if (head) store<u32>(head, block, 12);
  store<u32>(lists + (c << 2), block);
  heap.occupied |= 1 << c;
}

function unlink(block: u32): void {
  const c = 31 - clz(sizeOf(block));
  const next = load<u32>(block, 8);
  const prev = load<u32>(block, 12);
  if (next) store<u32>(next, prev, 12);
  if (prev) store<u32>(prev, next, 8);
  else {
    store<u32>(lists + (c << 2), next);
    if (!next) heap.occupied &= ~(1 << c);
  }
}

/** Frees a block that is in no list, merging it with its free neighbours. Swallowed headers are cleared: see `fresh`. */
function release(block: u32): void {
  let size = sizeOf(block);
  const next = block + size;
  if (!(load<u32>(next) & USED)) {
    unlink(next);
    size += sizeOf(next);
    memory.fill(next, 0, HEADER);
  }
  const prevSize = load<u32>(block, 4);
  if (prevSize && !(load<u32>(block - prevSize) & USED)) {
    const swallowed = block;
    block -= prevSize;
    unlink(block);
    size += prevSize;
    memory.fill(swallowed, 0, HEADER);
  }
  setSize(block, size, 0);
  push(block);
}

/** Makes [start, end) allocatable. Continues the newest span when it ends at `start`. */
function addSpan(start: u32, end: u32): void {
  let block = start + (ALIGN - HEADER);
  let prevSize: u32 = 0;
  if (start == heap.spanEnd) {
    block = start - HEADER;
    prevSize = load<u32>(block, 4);
  } else {
    heap.fresh = start;
  }
  store<u32>(block, prevSize, 4);
  setSize(block, end - HEADER - block, 0);
  store<u32>(end - HEADER, USED);
  heap.spanEnd = end;
  release(block);
}

function grow(need: u32): bool {
  const pages = <u32>memory.size();
  if (!heap.spanEnd) {
    const start = (<u32>__heap_base + ALIGN - 1) & ~(ALIGN - 1);
    const end = min(pages, MAX_PAGES) * PAGE;
    if (start + 2 * ALIGN < end) {
      addSpan(start, end);
      heap.fresh = end; // what the host left in its first pages is unknown
    }
    if (start < end && end - start > need + 2 * ALIGN) return true;
  }
  // A block of `need` bytes, its sentinel, and the start of a span of its own.
  const exact = (need + 2 * ALIGN + PAGE - 1) / PAGE;
  if (pages >= MAX_PAGES || exact > MAX_PAGES - pages) return false;
  let count = max(exact, max(MIN_GROWTH, min(pages >> 3, MAX_GROWTH)));
  count = min(count, MAX_PAGES - pages);
  let before = memory.grow(count);
  if (before < 0) {
    count = exact;
    before = memory.grow(count);
    if (before < 0) return false;
  }
  addSpan(<u32>before * PAGE, (<u32>before + count) * PAGE);
  return true;
}

function find(need: u32): u32 {
  const c = 31 - clz(need);
  for (let block = load<u32>(lists + (c << 2)); block; block = load<u32>(block, 8)) {
    if (sizeOf(block) >= need) return block;
  }
  const larger = heap.occupied & ~((2 << c) - 1);
  return larger ? load<u32>(lists + (ctz(larger) << 2)) : 0;
}

/** A block of `need` bytes that is in use now, or 0. */
function takeBlock(need: u32): u32 {
  let block = find(need);
  if (!block) {
    if (!grow(need)) return 0;
    block = find(need);
    if (!block) return 0;
  }
  unlink(block);
  const rest = sizeOf(block) - need;
  const mine = rest ? need : sizeOf(block);
  setSize(block, mine, USED);
  if (rest) {
    setSize(block + mine, rest, 0);
    push(block + mine);
  }
  store<u32>(block, MAGIC, 8);
  heap.used += mine;
  return block;
}

/** `size` bytes at a 64-byte boundary, or 0 when there is no room: zero, or whatever is there. */
function allocate(size: u32, zero: bool): u32 {
  if (size > MAX_PAGES * PAGE - 4 * PAGE) return 0;
  lock(mutex);
  const block = takeBlock((size + HEADER + ALIGN - 1) & ~(ALIGN - 1));
  if (!block) {
    unlock(mutex);
    return 0;
  }
  const payload = block + HEADER;
  const end = block + sizeOf(block);
  const dirty = min(end, max(heap.fresh, payload));
  heap.fresh = max(heap.fresh, end);
  unlock(mutex);
  if (zero) memory.fill(payload, 0, dirty - payload);
  return payload;
}

/** `size` zero bytes at a 64-byte boundary, or 0 when there is no room. */
export function alloc(size: u32): u32 {
  return allocate(size, true);
}

/** The same, of any content: for large buffers that are written before they are read. */
export function alloc_raw(size: u32): u32 {
  return allocate(size, false);
}

/** Gives back what `alloc` returned. 0 and anything that is not an allocation are left alone. */
export function free(ptr: u32): void {
  if (!ptr || ptr & (ALIGN - 1) || ptr >= heap.spanEnd) return;
  const block = ptr - HEADER;
  if (!(load<u32>(block) & USED) || load<u32>(block, 8) != MAGIC) return;
  lock(mutex);
  heap.used -= sizeOf(block);
  release(block);
  unlock(mutex);
}

/** Bytes in use, headers included. */
export function mem_used(): u32 {
  return heap.used;
}
