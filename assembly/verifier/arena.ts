// Memory of one verification: a bump pointer with free lists by size class, all given back at once by `arenaReset`. States come and go by the
// hundred thousand, so freeing puts a block on the list of its class. No GC; the only state is at ARENA (abi/state.ts).
import { ARENA, ARENA_START } from './abi';

/** Blocks are multiples of 16 bytes up to SMALL_MAX; above that, powers of two. */
const SMALL_MAX: usize = 2048;
const SMALL_CLASSES: usize = SMALL_MAX / 16 + 1;
const LARGE: usize = 256;
const LINE: usize = 64;
const CLASSES: usize = SMALL_CLASSES + 32;

/*
 *   ARENA ─► start │ next free byte │ end of memory │ limit │ in use │ peak │ free[0..CLASSES)
 */
@unmanaged
export class Arena {
  start: usize;
  next: usize;
  end: usize;
  /** Bytes that may be in use; beyond it `alloc` answers 0. */
  limit: usize;
  used: usize;
  peak: usize;
  /** Of the piece that `allocDense` hands out: the next free byte, and its end. */
  dense: usize;
  denseEnd: usize;
}

export function arena(): Arena {
  return changetype<Arena>(<usize>ARENA);
}

function sizeClass(size: usize): usize {
  return size <= SMALL_MAX ? (size + 15) >> 4 : SMALL_CLASSES + (32 - <usize>clz<u32>(<u32>size - 1));
}

function classSize(cls: usize): usize {
  return cls < SMALL_CLASSES ? cls << 4 : (<usize>1) << (cls - SMALL_CLASSES);
}

function freeHead(cls: usize): usize {
  return <usize>ARENA + offsetof<Arena>() + (cls << 2);
}

/** Forgets everything that was allocated. `limit` in bytes. */
export function arenaReset(limit: usize): void {
  const a = arena();
  a.start = ARENA_START;
  a.next = a.start;
  a.end = (<usize>memory.size()) << 16;
  a.limit = limit;
  a.used = 0;
  a.peak = 0;
  a.dense = 0;
  a.denseEnd = 0;
  memory.fill(freeHead(0), 0, CLASSES << 2);
}

function bump(size: usize): usize {
  const a = arena();
  // Large blocks begin with a line of the processor's cache.
  if (size >= LARGE) a.next = (a.next + (LINE - 1)) & ~(LINE - 1);
  if (a.next - a.start + size > a.limit) return 0;
  const end = a.next + size;
  if (end > a.end) {
    // By an eighth at least, so that growing stays rare.
    const want = max(end - a.end, a.end >> 3);
    if (memory.grow(<i32>((want + 0xffff) >> 16)) < 0) {
      if (memory.grow(<i32>((end - a.end + 0xffff) >> 16)) < 0) return 0;
    }
    a.end = (<usize>memory.size()) << 16;
  }
  const ptr = a.next;
  a.next = end;
  return ptr;
}

/** `size` bytes, 16-byte aligned, contents undefined; 0 when the limit is reached. */
export function alloc(size: usize): usize {
  const cls = sizeClass(size);
  const bytes = classSize(cls);
  const head = freeHead(cls);
  const a = arena();
  let ptr = <usize>load<u32>(head);
  if (ptr != 0) store<u32>(head, load<u32>(ptr));
  else {
    ptr = bump(bytes);
    if (ptr == 0) return 0;
  }
  a.used += bytes;
  if (a.used > a.peak) a.peak = a.used;
  return ptr;
}

/** Blocks that `allocDense` takes at once. */
const DENSE: usize = 12;

/** Like `alloc` for blocks of one size that are looked at in turns: they lie side by side, with nothing else between them. `free` takes them back. */
export function allocDense(size: usize): usize {
  const cls = sizeClass(size);
  const a = arena();
  if (load<u32>(freeHead(cls)) != 0) return alloc(size);
  const bytes = classSize(cls);
  if (a.dense == a.denseEnd) {
    const piece = bump(bytes * DENSE);
    if (piece == 0) return alloc(size);
    a.dense = piece;
    a.denseEnd = piece + bytes * DENSE;
  }
  const ptr = a.dense;
  a.dense += bytes;
  a.used += bytes;
  if (a.used > a.peak) a.peak = a.used;
  return ptr;
}

/** `size` bytes that are never freed, in no block of a class; 0 when the limit is reached. */
export function allocOnce(size: usize): usize {
  const bytes = (size + 15) & ~15;
  const ptr = bump(bytes);
  const a = arena();
  if (ptr != 0) a.used += bytes;
  if (a.used > a.peak) a.peak = a.used;
  return ptr;
}

/** Like `alloc`, filled with zeros. */
export function allocZeroed(size: usize): usize {
  const ptr = alloc(size);
  if (ptr != 0) memory.fill(ptr, 0, size);
  return ptr;
}

/** Gives back what `alloc(size)` gave; `ptr` may be 0. */
export function free(ptr: usize, size: usize): void {
  if (ptr == 0) return;
  const cls = sizeClass(size);
  const head = freeHead(cls);
  store<u32>(ptr, load<u32>(head));
  store<u32>(head, <u32>ptr);
  arena().used -= classSize(cls);
}
