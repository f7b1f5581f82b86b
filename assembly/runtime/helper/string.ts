// Helpers on strings of a known size: numbers out of text, and comparison.
import { EINVAL, ERANGE } from '../../isa';

/** BPF_STRTOX_BASE_MASK: what of the flags is the base; nothing else may be set. */
const BASE_MASK: u64 = 31;

function isSpace(c: u32): bool {
  return c == 32 || (c >= 9 && c <= 13) || c == 160;
}

function digitOf(c: u32): u32 {
  if (c >= 48 && c <= 57) return c - 48;
  const lower = c | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : 99;
}

/** Of the number that was read last. */
let magnitude: u64 = 0;
let negative: bool = false;

/** Reads spaces, a sign, a prefix and digits: the bytes taken, or a negated errno. */
function scan(text: u32, size: u32, flags: u64): i32 {
  let base = <u32>flags;
  if (flags & ~BASE_MASK || (base != 0 && base != 8 && base != 10 && base != 16)) return -EINVAL;
  const end = text + size;
  let p = text;
  while (p < end && isSpace(load<u8>(p))) p++;
  negative = p < end && load<u8>(p) == 45;
  if (negative) p++;
  if (p >= end) return -EINVAL;
  const zero = load<u8>(p) == 48;
  const x = zero && p + 1 < end && (load<u8>(p + 1) | 32) == 120;
  const hex = x && p + 2 < end && digitOf(load<u8>(p + 2)) < 16;
  if (base == 0) base = hex ? 16 : zero ? 8 : 10;
  if (base == 16 && x) p += 2;
  const digits = p;
  let value: u64 = 0;
  for (; p < end; p++) {
    const digit = digitOf(load<u8>(p));
    if (digit >= base) break;
    if (value > (u64.MAX_VALUE - digit) / base) return -ERANGE;
    value = value * base + digit;
  }
  if (p == digits) return -EINVAL;
  magnitude = value;
  return p - text;
}

/** The bytes that were taken for the number, which goes to `out`, or a negated errno and 0 in `out`. */
export function strtol(text: u32, size: u32, flags: u64, out: u32): i64 {
  store<u64>(out, 0);
  const taken = scan(text, size, flags);
  if (taken < 0) return taken;
  const limit: u64 = negative ? 1 << 63 : (1 << 63) - 1;
  if (magnitude > limit) return -ERANGE;
  store<i64>(out, negative ? -(<i64>magnitude) : <i64>magnitude);
  return taken;
}

/** The same for a number without a sign. */
export function strtoul(text: u32, size: u32, flags: u64, out: u32): i64 {
  store<u64>(out, 0);
  const taken = scan(text, size, flags);
  if (taken < 0) return taken;
  if (negative) return -EINVAL;
  store<u64>(out, magnitude);
  return taken;
}

/** -1, 0 or 1. `text` need not end with a NUL within its `size` bytes; `other` does end with one. */
export function strncmp(text: u32, size: u32, other: u32): i64 {
  for (let i: u32 = 0; i < size; i++) {
    const a: u32 = load<u8>(text + i);
    const b: u32 = load<u8>(other + i);
    if (a != b) return a < b ? -1 : 1;
    if (!a) break;
  }
  return 0;
}
