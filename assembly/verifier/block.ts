/**
 * Copies and fills of a few dozen bytes, in place: engines call a C function for `memory.copy` and `memory.fill`, which costs more than the
 * bytes do. `size` is a constant, a multiple of 16 and 96 at most: steps beyond it are gone once it is known.
 */
export class Block {
  @inline static copy(dst: usize, src: usize, size: usize): void {
    if (size > 0) v128.store(dst, v128.load(src));
    if (size > 16) v128.store(dst + 16, v128.load(src + 16));
    if (size > 32) v128.store(dst + 32, v128.load(src + 32));
    if (size > 48) v128.store(dst + 48, v128.load(src + 48));
    if (size > 64) v128.store(dst + 64, v128.load(src + 64));
    if (size > 80) v128.store(dst + 80, v128.load(src + 80));
  }
  /** Any number of bytes, rounded up to the 16 that blocks of the arena are multiples of. The two do not overlap. */
  static copyLong(dst: usize, src: usize, size: usize): void {
    const end = src + size;
    while (src + 64 <= end) {
      v128.store(dst, v128.load(src));
      v128.store(dst, v128.load(src, 16), 16);
      v128.store(dst, v128.load(src, 32), 32);
      v128.store(dst, v128.load(src, 48), 48);
      dst += 64;
      src += 64;
    }
    while (src < end) {
      v128.store(dst, v128.load(src));
      dst += 16;
      src += 16;
    }
  }
  /** The same of zeros. */
  static clearLong(dst: usize, size: usize): void {
    const zero = i64x2.splat(0);
    for (const end = dst + size; dst < end; dst += 16) v128.store(dst, zero);
  }
  @inline static clear(dst: usize, size: usize): void {
    const zero = i64x2.splat(0);
    if (size > 0) v128.store(dst, zero);
    if (size > 16) v128.store(dst + 16, zero);
    if (size > 32) v128.store(dst + 32, zero);
    if (size > 48) v128.store(dst + 48, zero);
    if (size > 64) v128.store(dst + 64, zero);
    if (size > 80) v128.store(dst + 80, zero);
  }
}
