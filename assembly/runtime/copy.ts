// Copying and clearing few bytes. Engines call out for memory.copy and memory.fill whatever their size, which costs more
// than the work itself below some tens of bytes.

const SMALL: u32 = 64;

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
