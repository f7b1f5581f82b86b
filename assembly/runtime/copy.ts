// Copying and clearing few bytes. Engines call out for memory.copy and memory.fill whatever their size, which costs more
// than the work itself below some tens of bytes.

const SMALL: u32 = 64;
const LONG: u32 = 2048;

/** Copies between places that are the same or do not overlap. */
export function copy(to: u32, from: u32, size: u32): void {
  if (size > SMALL) {
    memory.copy(to, from, size);
    return;
  }
  for (; size >= 8; size -= 8, to += 8, from += 8) store<u64>(to, load<u64>(from));
  if (size & 4) {
    store<u32>(to, load<u32>(from));
    to += 4;
    from += 4;
  }
  if (size & 2) {
    store<u16>(to, load<u16>(from));
    to += 2;
    from += 2;
  }
  if (size & 1) store<u8>(to, load<u8>(from));
}

/** Clears `size` bytes, a multiple of 64. */
export function clearLines(at: u32, size: u32): void {
  const zero = i64x2.splat(0);
  for (const end = at + size; at != end; at += 64) {
    v128.store(at, zero);
    v128.store(at, zero, 16);
    v128.store(at, zero, 32);
    v128.store(at, zero, 48);
  }
}

/**
 * Copies `size` bytes in lines of 64, the last one whole: up to 63 bytes behind both ends are read and written, for buffers that
 * have room there. Long pieces go the engine's way.
 */
export function copyLines(to: u32, from: u32, size: u32): void {
  if (size > LONG) {
    memory.copy(to, from, size);
    return;
  }
  for (const end = from + size; from < end; from += 64, to += 64) {
    const a = v128.load(from);
    const b = v128.load(from, 16);
    const c = v128.load(from, 32);
    const d = v128.load(from, 48);
    v128.store(to, a);
    v128.store(to, b, 16);
    v128.store(to, c, 32);
    v128.store(to, d, 48);
  }
}
