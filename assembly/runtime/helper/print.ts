// bpf_trace_printk and bpf_trace_vprintk: check the whole format, then write the line, then hand it to whoever listens.
import {
  TRACE_CPU,
  TRACE_CTX,
  TRACE_LENGTH,
  TRACE_SIZE,
  TRACE_TEXT,
  TRACE_TIME,
  VM_CPU,
  VM_CTX,
  VM_TRACE_BASE,
  VM_TRACE_ON,
  VM_TRACE_SIZE,
  VM_TRACE_USED,
} from '../../abi';
import { EINVAL, ENOSPC } from '../../isa';
import { check_mem } from '../check';
import { trace_full, vm } from '../env';
import { THREADS, threadRoom } from '../thread';
import {
  isAlnum,
  isPrint,
  isSpace,
  KIND_BACKTRACE,
  KIND_CHAR,
  KIND_HEX_UPPER,
  KIND_IP,
  KIND_POINTER,
  KIND_POINTER_STRING,
  KIND_SIGNED,
  KIND_STRING,
  KIND_SYMBOL,
  KIND_UNSIGNED,
  parseSpec,
  Spec,
} from './print-spec';
import {
  beginLine,
  cutLine,
  line,
  lineLength,
  lineStored,
  put,
  putAddress,
  putIp,
  putPadded,
  putPointer,
  putSigned,
  putUnsigned,
} from './print-text';
import { now } from './state';

const PERCENT: u32 = 37;
const PRINTK_ARGS: u32 = 3;
const MAX_ARGS: u32 = 12;
/** Linux gathers all arguments, strings included, in this many bytes (MAX_BPRINTF_BIN_ARGS). */
const MAX_ARG_BYTES: u32 = 512;

const specRoom: u32 = THREADS ? threadRoom(offsetof<Spec>()) : <u32>memory.data(offsetof<Spec>(), 4);
/** The three arguments of trace_printk, as an array. */
const three: u32 = THREADS ? threadRoom(24) : <u32>memory.data(24, 8);
/** For each %s and %pI: the bytes of its text. */
const textLengths: u32 = THREADS ? threadRoom(48) : <u32>memory.data(48, 4);
const ip: u32 = THREADS ? threadRoom(16) : <u32>memory.data(16, 8);

/** Readable bytes of the string at `ptr` before its NUL, at most `limit` - 1; 0 when it leaves what a program may read. */
function stringLength(ptr: u64, limit: u32): u32 {
  let size: u32 = 0;
  for (; size < limit - 1; size++) {
    if (!check_mem(ptr + size, 1, 0)) return 0;
    if (!load<u8>(<u32>ptr + size)) return size;
  }
  return size;
}

/** Bytes used after one more argument of `spec`, or -ENOSPC; notes the length of a string. */
function gather(spec: Spec, index: u32, value: u64, used: u32): i32 {
  switch (spec.kind) {
    case KIND_STRING:
    case KIND_POINTER_STRING: {
      if (used == MAX_ARG_BYTES) return -ENOSPC;
      const size = stringLength(value, MAX_ARG_BYTES - used);
      store<u32>(textLengths + (index << 2), size);
      return used + size + 1;
    }
    case KIND_CHAR:
      return used < MAX_ARG_BYTES ? used + 1 : -ENOSPC;
    case KIND_BACKTRACE:
      beginLine();
      putAddress(value, spec);
      return used + lineLength() < MAX_ARG_BYTES ? used + lineLength() + 1 : -ENOSPC;
    case KIND_IP: {
      if (MAX_ARG_BYTES - used < spec.bytes) return -ENOSPC;
      beginLine();
      copyIp(value, spec.bytes);
      putIp(ip, spec.bytes, spec.letter == 73);
      const size = min(lineLength(), MAX_ARG_BYTES - used - 1);
      store<u32>(textLengths + (index << 2), size);
      return used + size + 1;
    }
    default: {
      const start = (used + 3) & ~3;
      const bytes: u32 = spec.kind >= KIND_POINTER ? 8 : spec.bytes;
      return start + bytes <= MAX_ARG_BYTES ? start + bytes : -ENOSPC;
    }
  }
}

/** 0, or why Linux refuses this format with these arguments. `end` is the address of its NUL. */
function checkFormat(fmt: u32, end: u32, args: u32, count: u32): i32 {
  const spec = changetype<Spec>(specRoom);
  let index: u32 = 0;
  let used: u32 = 0;
  for (let p = fmt; p < end; ) {
    const c: u32 = load<u8>(p);
    if (!isPrint(c) && !isSpace(c)) return -EINVAL;
    p++;
    if (c != PERCENT) continue;
    if (load<u8>(p) == PERCENT) {
      p++;
      continue;
    }
    if (index >= count) return -EINVAL;
    const error = parseSpec(p, spec);
    if (error) return error;
    const total = gather(spec, index, load<u64>(args + (index << 3)), used);
    if (total < 0) return total;
    used = total;
    index++;
    p = spec.end;
  }
  return 0;
}

/** The address at `ptr`, or zeros when it cannot be read. */
function copyIp(ptr: u64, size: u32): void {
  if (check_mem(ptr, size, 0)) memory.copy(ip, <u32>ptr, size);
  else memory.fill(ip, 0, size);
}

function putArgument(spec: Spec, index: u32, value: u64): void {
  switch (spec.kind) {
    case KIND_SIGNED:
      return putSigned(spec.bytes == 4 ? <i64>(<i32>value) : <i64>value, spec);
    case KIND_CHAR:
      store<u8>(ip, <u8>value);
      return putPadded(ip, 1, spec);
    case KIND_POINTER_STRING:
      spec.width = 0;
    // falls through
    case KIND_STRING:
      return putPadded(<u32>value, load<u32>(textLengths + (index << 2)), spec);
    case KIND_POINTER:
      return putPointer(value, spec);
    case KIND_BACKTRACE:
      spec.width = 0;
    // falls through
    case KIND_SYMBOL:
      return putAddress(value, spec);
    case KIND_IP:
      copyIp(value, spec.bytes);
      cutLine(lineLength() + load<u32>(textLengths + (index << 2)));
      putIp(ip, spec.bytes, spec.letter == 73);
      return cutLine(u32.MAX_VALUE);
    default: {
      const number = spec.bytes == 4 ? <u64>(<u32>value) : value;
      return putUnsigned(number, spec.kind == KIND_UNSIGNED ? 10 : 16, spec.kind == KIND_HEX_UPPER, spec);
    }
  }
}

/** Adds the text of a format that `checkFormat` accepted to the line that was begun. */
function format(fmt: u32, end: u32, args: u32): void {
  const spec = changetype<Spec>(specRoom);
  let index: u32 = 0;
  for (let p = fmt; p < end; ) {
    const c: u32 = load<u8>(p++);
    if (c != PERCENT) {
      put(c);
      continue;
    }
    if (load<u8>(p) == PERCENT) {
      put(PERCENT);
      p++;
      continue;
    }
    parseSpec(p, spec);
    p = spec.end;
    // Linux drops letters and digits glued to a %p conversion: %pI4abc prints the address alone.
    if (spec.kind >= KIND_POINTER_STRING) while (isAlnum(load<u8>(p))) p++;
    putArgument(spec, index, load<u64>(args + (index << 3)));
    index++;
  }
}

/** Appends the line to the trace buffer. A buffer too small for the record even when empty loses it. */
function emit(): void {
  const length = lineStored();
  const size = (TRACE_TEXT + length + 7) & ~7;
  const room = load<u32>(vm, VM_TRACE_SIZE);
  if (load<u32>(vm, VM_TRACE_USED) + size > room) {
    trace_full();
    if (load<u32>(vm, VM_TRACE_USED) + size > load<u32>(vm, VM_TRACE_SIZE)) return;
  }
  const used = load<u32>(vm, VM_TRACE_USED);
  const record = load<u32>(vm, VM_TRACE_BASE) + used;
  store<u32>(record, size, TRACE_SIZE);
  store<u32>(record, length, TRACE_LENGTH);
  store<u64>(record, now(), TRACE_TIME);
  store<u32>(record, load<u32>(vm, VM_CPU), TRACE_CPU);
  store<u32>(record, load<u32>(vm, VM_CTX), TRACE_CTX);
  memory.copy(record + TRACE_TEXT, line, length);
  store<u32>(vm, used + size, VM_TRACE_USED);
}

/** The length of the line (of all of it, even when cut), or a negated errno. */
function print(fmt: u32, size: u32, args: u32, count: u32): i64 {
  let end = fmt;
  while (end < fmt + size && load<u8>(end)) end++;
  if (end == fmt + size) return -EINVAL;
  const error = checkFormat(fmt, end, args, count);
  if (error) return error;
  beginLine();
  format(fmt, end, args);
  if (load<u32>(vm, VM_TRACE_ON)) emit();
  return lineLength();
}

export function trace_printk(fmt: u32, size: u32, a: u64, b: u64, c: u64): i64 {
  store<u64>(three, a);
  store<u64>(three, b, 8);
  store<u64>(three, c, 16);
  return print(fmt, size, three, PRINTK_ARGS);
}

/** For a call whose result is dead: nothing to do when no one listens. */
export function trace_printk_void(fmt: u32, size: u32, a: u64, b: u64, c: u64): void {
  if (load<u32>(vm, VM_TRACE_ON)) trace_printk(fmt, size, a, b, c);
}

/** Is this no size of an array of arguments? */
function badArgs(args: u32, argsSize: u32): bool {
  return (argsSize & 7) != 0 || argsSize > MAX_ARGS << 3 || (argsSize != 0 && !args);
}

export function trace_vprintk(fmt: u32, size: u32, args: u32, argsSize: u32): i64 {
  if (badArgs(args, argsSize)) return -EINVAL;
  return print(fmt, size, args, argsSize >> 3);
}

/** The text with its NUL, as much of it as fits into `size` bytes: the bytes all of it would take, or a negated errno. */
export function snprintf(text: u32, size: u32, fmt: u32, args: u32, argsSize: u32): i64 {
  if (badArgs(args, argsSize)) return -EINVAL;
  let end = fmt;
  while (load<u8>(end)) end++;
  const error = checkFormat(fmt, end, args, argsSize >> 3);
  if (error) return error;
  beginLine(text, size ? size - 1 : 0);
  format(fmt, end, args);
  if (size) store<u8>(text + min(lineLength(), size - 1), 0);
  return lineLength() + 1;
}
