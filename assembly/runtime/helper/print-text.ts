// The text side of trace_printk: a line of at most TRACE_LINE_MAX bytes that counts what did not fit, as vsnprintf does,
// and how numbers, strings and addresses are padded.
import { TRACE_LINE_MAX } from '../../abi';
import { THREADS, threadRoom } from '../thread';
import { FLAG_LEFT, FLAG_PLUS, FLAG_SPACE, FLAG_ZERO, Spec } from './print-spec';

/** The line being written. */
export const line: u32 = THREADS ? threadRoom(TRACE_LINE_MAX) : <u32>memory.data(TRACE_LINE_MAX, 8);
/** Where the text goes, and how many bytes of it: the last one of `line` is the NUL's. */
let out: u32 = line;
let room: u32 = TRACE_LINE_MAX - 1;
const digits: u32 = THREADS ? threadRoom(24) : <u32>memory.data(24);
const MAX_DIGITS: u32 = 24;

let length: u32 = 0;
/** Beyond this length nothing is added for now. */
let cut: u32 = u32.MAX_VALUE;

/** Bytes the line would have with room for all. */
export function lineLength(): u32 {
  return length;
}

/** Bytes of it that go out: what is stored, up to a NUL that a %c wrote. */
export function lineStored(): u32 {
  const stored = min(length, room);
  let end: u32 = 0;
  while (end < stored && load<u8>(out + end)) end++;
  return end;
}

/** An empty line in `line`, or in other memory of `size` bytes. */
export function beginLine(at: u32 = line, size: u32 = TRACE_LINE_MAX - 1): void {
  out = at;
  room = size;
  length = 0;
}

/** Drops what would make the line longer than `end`. */
export function cutLine(end: u32): void {
  cut = end;
}

export function put(c: u32): void {
  if (length >= cut) return;
  if (length < room) store<u8>(out + length, c);
  length++;
}

function pad(c: u32, count: u32): void {
  if (length < room) memory.fill(out + length, <u8>c, min(count, room - length));
  length += count;
}

/** Characters between optional padding with spaces. */
export function putPadded(text: u32, size: u32, spec: Spec): void {
  const spaces = spec.width > size ? spec.width - size : 0;
  if (!(spec.flags & FLAG_LEFT)) pad(32, spaces);
  for (let i: u32 = 0; i < size; i++) put(load<u8>(text + i));
  if (spec.flags & FLAG_LEFT) pad(32, spaces);
}

/** Writes the digits of `value` right-aligned into `digits`; returns where they start. */
function toDigits(value: u64, base: u32, upper: bool): u32 {
  let p = digits + MAX_DIGITS;
  do {
    const digit = <u32>(value % base);
    store<u8>(--p, digit < 10 ? 48 + digit : (upper ? 55 : 87) + digit);
    value /= base;
  } while (value);
  return p;
}

/** A number with its sign character (0 for none), padded with zeros behind the sign or with spaces before it. */
function putNumber(sign: u32, value: u64, base: u32, upper: bool, spec: Spec): void {
  const start = toDigits(value, base, upper);
  const size = digits + MAX_DIGITS - start;
  const taken = size + (sign ? 1 : 0);
  const padding = spec.width > taken ? spec.width - taken : 0;
  const left = spec.flags & FLAG_LEFT;
  const zeros = !left && spec.flags & FLAG_ZERO;
  if (!left && !zeros) pad(32, padding);
  if (sign) put(sign);
  if (zeros) pad(48, padding);
  for (let i: u32 = 0; i < size; i++) put(load<u8>(start + i));
  if (left) pad(32, padding);
}

export function putSigned(value: i64, spec: Spec): void {
  let sign: u32 = 0;
  if (value < 0) sign = 45;
  else if (spec.flags & FLAG_PLUS) sign = 43;
  else if (spec.flags & FLAG_SPACE) sign = 32;
  putNumber(sign, value < 0 ? -value : value, 10, false, spec);
}

export function putUnsigned(value: u64, base: u32, upper: bool, spec: Spec): void {
  putNumber(0, value, base, upper, spec);
}

/** A pointer: 16 hexadecimal digits unless a width is given. */
export function putPointer(value: u64, spec: Spec): void {
  if (!spec.width) {
    spec.width = 16;
    spec.flags |= FLAG_ZERO;
  }
  putNumber(0, value, 16, false, spec);
}

/** `0x` and the digits: an address without a symbol. */
export function putAddress(value: u64, spec: Spec): void {
  let p = toDigits(value, 16, false);
  store<u8>(--p, 120);
  store<u8>(--p, 48);
  putPadded(p, digits + MAX_DIGITS - p, spec);
}

/** Bytes [0, size) of the address at `ip`: 1.2.3.4 or 001.002.003.004; 0001:0002:... or without colons. */
export function putIp(ip: u32, size: u32, plain: bool): void {
  for (let i: u32 = 0; i < size; i++) {
    const byte: u32 = load<u8>(ip + i);
    if (size == 4) {
      if (i) put(46);
      if (!plain || byte >= 100) put(48 + byte / 100);
      if (!plain || byte >= 10) put(48 + ((byte / 10) % 10));
      put(48 + (byte % 10));
    } else {
      if (plain && i && !(i & 1)) put(58);
      put(load<u8>(toDigits(256 + byte, 16, false) + 1));
      put(load<u8>(toDigits(256 + byte, 16, false) + 2));
    }
  }
}
