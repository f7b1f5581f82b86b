// bpf_str*: kfuncs on strings that nobody has checked. They read until a NUL, at most STR_MAX bytes; what they find is an index, what goes wrong a
// negated errno.
import { E2BIG, EFAULT, ENOENT, ERANGE } from '../../isa';
import { faultOf, isReadable } from '../helper/probe';

/** XATTR_SIZE_MAX */
const STR_MAX: u32 = 65536;

/** An address that no string of the kernel can be at: it is not even tried. */
function refused(addr: u64): bool {
  return !isReadable(addr, 1) && faultOf(addr) == -ERANGE;
}

/** The byte at `addr`, or -EFAULT. */
function byteAt(addr: u64): i32 {
  return isReadable(addr, 1) ? <i32>load<u8>(<u32>addr) : -EFAULT;
}

function lower(c: i32): i32 {
  const ascii = c >= 65 && c <= 90;
  const latin = c >= 192 && c <= 222 && c != 215;
  return ascii || latin ? c + 32 : c;
}

/** An int as a register has it. */
function int(value: i32): u64 {
  return <u64>(<u32>value);
}

function compare(a: u64, b: u64, fold: bool): i32 {
  if (refused(a) || refused(b)) return -ERANGE;
  for (let i: u32 = 0; i < STR_MAX; i++) {
    let x = byteAt(a + i);
    let y = byteAt(b + i);
    if (x < 0 || y < 0) return -EFAULT;
    if (fold) {
      x = lower(x);
      y = lower(y);
    }
    if (x != y) return x < y ? -1 : 1;
    if (!x) return 0;
  }
  return -E2BIG;
}

export function bpf_strcmp(a: u64, b: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return int(compare(a, b, false));
}

export function bpf_strcasecmp(a: u64, b: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return int(compare(a, b, true));
}

/** The first `c` in `count` bytes at most. */
function find(s: u64, count: u64, c: i32): i32 {
  if (refused(s)) return -ERANGE;
  let i: u32 = 0;
  for (; i < count && i < STR_MAX; i++) {
    const found = byteAt(s + i);
    if (found < 0) return found;
    if (found == c) return i;
    if (!found) return -ENOENT;
  }
  return i == STR_MAX ? -E2BIG : -ENOENT;
}

export function bpf_strchr(s: u64, c: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return int(find(s, STR_MAX, <u8>c));
}

export function bpf_strnchr(s: u64, count: u64, c: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return int(find(s, count, <u8>c));
}

/** The first `c`, or else the NUL. */
export function bpf_strchrnul(s: u64, c: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  if (refused(s)) return int(-ERANGE);
  for (let i: u32 = 0; i < STR_MAX; i++) {
    const found = byteAt(s + i);
    if (found < 0) return int(found);
    if (!found || found == <i32>(<u8>c)) return i;
  }
  return int(-E2BIG);
}

/** The last `c`. */
export function bpf_strrchr(s: u64, c: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  if (refused(s)) return int(-ERANGE);
  let last: i32 = -ENOENT;
  for (let i: u32 = 0; i < STR_MAX; i++) {
    const found = byteAt(s + i);
    if (found < 0) return int(found);
    if (found == <i32>c) last = i;
    if (!found) return int(last);
  }
  return int(-E2BIG);
}

function lengthOf(s: u64, count: u64): i32 {
  if (refused(s)) return -ERANGE;
  let i: u32 = 0;
  for (; i < count && i < STR_MAX; i++) {
    const found = byteAt(s + i);
    if (found <= 0) return found < 0 ? found : <i32>i;
  }
  return i == STR_MAX ? -E2BIG : i;
}

export function bpf_strlen(s: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return int(lengthOf(s, STR_MAX));
}

export function bpf_strnlen(s: u64, count: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return int(lengthOf(s, count));
}

/** How many bytes at the start are all in `set`, or none of them. */
function span(s: u64, set: u64, wanted: bool): i32 {
  if (refused(s) || refused(set)) return -ERANGE;
  for (let i: u32 = 0; i < STR_MAX; i++) {
    const c = byteAt(s + i);
    if (c <= 0) return c < 0 ? c : <i32>i;
    let one: i32 = 0;
    let j: u32 = 0;
    for (; j < STR_MAX; j++) {
      one = byteAt(set + j);
      if (one < 0) return one;
      if (!one || one == c) break;
    }
    if (j == STR_MAX) return -E2BIG;
    if ((one != 0) != wanted) return i;
  }
  return -E2BIG;
}

export function bpf_strspn(s: u64, accept: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return int(span(s, accept, true));
}

export function bpf_strcspn(s: u64, reject: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return int(span(s, reject, false));
}

/** The first place of `needle` in the first `len` bytes. */
function search(s: u64, needle: u64, len: u64): i32 {
  if (refused(s) || refused(needle)) return -ERANGE;
  for (let i: u32 = 0; i < STR_MAX; i++) {
    let j: u32 = 0;
    for (; <u64>i + j <= len && j < STR_MAX; j++) {
      const wanted = byteAt(needle + j);
      if (wanted <= 0) return wanted < 0 ? wanted : <i32>i;
      if (<u64>i + j == len) return -ENOENT;
      const found = byteAt(s + i + j);
      if (found <= 0) return found < 0 ? found : -ENOENT;
      if (found != wanted) break;
    }
    if (j == STR_MAX) return -E2BIG;
  }
  return -E2BIG;
}

export function bpf_strstr(s: u64, needle: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return int(search(s, needle, STR_MAX));
}

export function bpf_strnstr(s: u64, needle: u64, len: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return int(search(s, needle, len));
}
