// The format language of bpf_trace_printk (bpf-helpers(7), include/linux/bpf.h): one conversion at a time.
//
//   %[0 +-]*[width](d|i|u|x|X|ld|lu|...|lld|...)   %[0 +-]*[width](s|c|p|px|pK|ps|pS)   %pB %pks %pus %pi4 %pI4 %pi6 %pI6   %%
import { EINVAL } from '../../isa';

export const FLAG_ZERO: u32 = 1;
export const FLAG_PLUS: u32 = 2;
export const FLAG_SPACE: u32 = 4;
export const FLAG_LEFT: u32 = 8;

export const KIND_SIGNED: u32 = 1;
export const KIND_UNSIGNED: u32 = 2;
export const KIND_HEX: u32 = 3;
export const KIND_HEX_UPPER: u32 = 4;
export const KIND_CHAR: u32 = 5;
export const KIND_STRING: u32 = 6;
/** %pks and %pus: a string that takes no width. */
export const KIND_POINTER_STRING: u32 = 7;
export const KIND_POINTER: u32 = 8;
/** %ps and %pS: there are no symbols here, so the address as Linux prints one it does not know. */
export const KIND_SYMBOL: u32 = 9;
/** %pB: the same, and it takes no width. */
export const KIND_BACKTRACE: u32 = 10;
export const KIND_IP: u32 = 11;

/** Widths beyond this are cut to it (FIELD_WIDTH_MAX). */
const MAX_WIDTH: u32 = 8388607;

@unmanaged
export class Spec {
  kind: u32;
  flags: u32;
  width: u32;
  /** 8 for l and ll, 4 without; for KIND_IP the address's bytes, 4 or 16. */
  bytes: u32;
  /** KIND_IP: 'I' or 'i'. */
  letter: u32;
  /** Address behind the conversion. */
  end: u32;
}

export function isSpace(c: u32): bool {
  return c == 32 || (c >= 9 && c <= 13);
}

/** What a format may hold besides white space: everything but ASCII's control characters. */
export function isPrint(c: u32): bool {
  return c >= 32 && c != 127;
}

function isDigit(c: u32): bool {
  return c - 48 < 10;
}

export function isAlnum(c: u32): bool {
  return isDigit(c) || (c | 32) - 97 < 26;
}

/** Whether a plain conversion may be followed by this character. */
function ends(c: u32): bool {
  return c == 0 || isSpace(c) || (c > 32 && c < 127 && !isAlnum(c));
}

function flagOf(c: u32): u32 {
  if (c == 48) return FLAG_ZERO; // '0'
  if (c == 43) return FLAG_PLUS; // '+'
  if (c == 32) return FLAG_SPACE;
  return c == 45 ? FLAG_LEFT : 0; // '-'
}

function flagsAndWidth(p: u32, spec: Spec): u32 {
  spec.flags = 0;
  spec.width = 0;
  for (let flag = flagOf(load<u8>(p)); flag; flag = flagOf(load<u8>(++p))) spec.flags |= flag;
  while (isDigit(load<u8>(p))) spec.width = min(spec.width * 10 + load<u8>(p++) - 48, MAX_WIDTH);
  return p;
}

function done(spec: Spec, kind: u32, end: u32): i32 {
  spec.kind = kind;
  spec.end = end;
  return 0;
}

function parseString(p: u32, spec: Spec, kind: u32): i32 {
  return ends(load<u8>(p, 1)) ? done(spec, kind, p + 1) : -EINVAL;
}

/** `p` is at the 'p'. */
function parsePointer(p: u32, spec: Spec): i32 {
  const c: u32 = load<u8>(p, 1);
  if (ends(c)) return done(spec, KIND_POINTER, p + 1);
  const d: u32 = load<u8>(p, 2);
  switch (c) {
    case 107: // 'k'
    case 117: // 'u'
      return d == 115 ? parseString(p + 2, spec, KIND_POINTER_STRING) : -EINVAL;
    case 75: // 'K'
    case 120: // 'x'
      return done(spec, KIND_POINTER, p + 2);
    case 83: // 'S'
    case 115: // 's'
      return done(spec, KIND_SYMBOL, p + 2);
    case 66: // 'B'
      return done(spec, KIND_BACKTRACE, p + 2);
    case 73: // 'I'
    case 105: // 'i'
      if (d != 52 && d != 54) return -EINVAL;
      spec.letter = c;
      spec.bytes = d == 52 ? 4 : 16;
      return done(spec, KIND_IP, p + 3);
    default:
      return -EINVAL;
  }
}

function parseInteger(p: u32, spec: Spec): i32 {
  spec.bytes = 4;
  if (load<u8>(p) == 108) {
    spec.bytes = 8;
    p += load<u8>(p, 1) == 108 ? 2 : 1;
  }
  switch (load<u8>(p)) {
    case 100: // 'd'
    case 105: // 'i'
      return done(spec, KIND_SIGNED, p + 1);
    case 117: // 'u'
      return done(spec, KIND_UNSIGNED, p + 1);
    case 120: // 'x'
      return done(spec, KIND_HEX, p + 1);
    case 88: // 'X'
      return done(spec, KIND_HEX_UPPER, p + 1);
    default:
      return -EINVAL;
  }
}

/** Reads the conversion at `p`, behind its '%', of a NUL-terminated format: 0, or -EINVAL. */
export function parseSpec(p: u32, spec: Spec): i32 {
  p = flagsAndWidth(p, spec);
  switch (load<u8>(p)) {
    case 99: // 'c'
      return done(spec, KIND_CHAR, p + 1);
    case 112: // 'p'
      return parsePointer(p, spec);
    case 115: // 's'
      return parseString(p, spec, KIND_STRING);
    default:
      return parseInteger(p, spec);
  }
}
