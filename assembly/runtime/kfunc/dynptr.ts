// Kfuncs on dynptrs. An int is returned as x86-64 returns it: zero-extended.
import { DYNPTR_TYPE_XDP } from '../../abi';
import { E2BIG, EINVAL, ERANGE } from '../../isa';
import { copy } from '../copy';
import { Dynptr, dynptr_read, dynptr_write, dynptrClear, dynptrInit } from '../helper/dynptr';
import { xdp_load_bytes, xdpPointer } from '../helper/packet';
import { packetLength } from '../packet';
import { THREADS, threadRoom } from '../thread';

/** Bytes that a copy between memory in pieces moves at once, as in Linux. */
const CHUNK: u32 = 256;
const chunk: u32 = THREADS ? threadRoom(256) : <u32>memory.data(256);

function int(value: i64): u64 {
  return <u32>value;
}

export function bpf_dynptr_from_xdp(ctx: u64, flags: u64, ptr: u64, _4: u64, _5: u64, _fp: u32): u64 {
  if (flags) {
    dynptrClear(<u32>ptr);
    return int(-EINVAL);
  }
  const record = <u32>ctx;
  dynptrInit(<u32>ptr, record, DYNPTR_TYPE_XDP, packetLength(record));
  return 0;
}

/** The address of `length` bytes of it: of the bytes themselves, or of a copy in `buffer`; 0 when neither can be. */
function slice(dynptr: Dynptr, offset: u32, buffer: u32, length: u32): u32 {
  if (dynptr.isNull || !dynptr.holds(offset, length)) return 0;
  if (dynptr.isFlat) return dynptr.start + offset;
  if (dynptr.type != DYNPTR_TYPE_XDP) return 0;
  const at = xdpPointer(<u32>dynptr.data, dynptr.offset + offset, length);
  if (at) return at;
  if (buffer) xdp_load_bytes(<u32>dynptr.data, dynptr.offset + offset, buffer, length);
  return buffer;
}

function sliceToWrite(dynptr: Dynptr, offset: u32, buffer: u32, length: u32): u32 {
  return dynptr.isNull || dynptr.isReadOnly ? 0 : slice(dynptr, offset, buffer, length);
}

export function bpf_dynptr_slice(ptr: u64, offset: u64, buffer: u64, length: u64, _5: u64, _fp: u32): u64 {
  return slice(changetype<Dynptr>(<u32>ptr), <u32>offset, <u32>buffer, <u32>length);
}

export function bpf_dynptr_slice_rdwr(ptr: u64, offset: u64, buffer: u64, length: u64, _5: u64, _fp: u32): u64 {
  return sliceToWrite(changetype<Dynptr>(<u32>ptr), <u32>offset, <u32>buffer, <u32>length);
}

/** Narrows it to [start, end) of what it was. */
export function bpf_dynptr_adjust(ptr: u64, start: u64, end: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const dynptr = changetype<Dynptr>(<u32>ptr);
  if (dynptr.isNull || <u32>start > <u32>end) return int(-EINVAL);
  if (<u32>end > dynptr.size) return int(-ERANGE);
  dynptr.offset += <u32>start;
  dynptr.size = <u32>end - <u32>start;
  return 0;
}

export function bpf_dynptr_is_null(ptr: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return changetype<Dynptr>(<u32>ptr).isNull ? 1 : 0;
}

export function bpf_dynptr_is_rdonly(ptr: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const dynptr = changetype<Dynptr>(<u32>ptr);
  return !dynptr.isNull && dynptr.isReadOnly ? 1 : 0;
}

export function bpf_dynptr_size(ptr: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const dynptr = changetype<Dynptr>(<u32>ptr);
  return dynptr.isNull ? int(-EINVAL) : dynptr.size;
}

export function bpf_dynptr_clone(ptr: u64, clone: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  if (changetype<Dynptr>(<u32>ptr).isNull) {
    dynptrClear(<u32>clone);
    return int(-EINVAL);
  }
  copy(<u32>clone, <u32>ptr, 16);
  return 0;
}

/** Bytes of one, which is in pieces, to another: piece by piece through `chunk`. */
function copyPieces(dst: u32, dstOffset: u32, src: u32, srcOffset: u32, size: u32): i64 {
  for (let done: u32 = 0; done < size; done += CHUNK) {
    const length = min(CHUNK, size - done);
    let error = dynptr_read(chunk, length, src, srcOffset + done, 0);
    if (!error) error = dynptr_write(dst, dstOffset + done, chunk, length, 0);
    if (error) return error;
  }
  return 0;
}

export function bpf_dynptr_copy(dst: u64, dstOffset: u64, src: u64, srcOffset: u64, size: u64, _fp: u32): u64 {
  const to = changetype<Dynptr>(<u32>dst);
  const from = changetype<Dynptr>(<u32>src);
  const length = <u32>size;
  const source = slice(from, <u32>srcOffset, 0, length);
  const target = sliceToWrite(to, <u32>dstOffset, 0, length);
  if (source && target) {
    memory.copy(target, source, length);
    return 0;
  }
  if (source) return int(dynptr_write(<u32>dst, dstOffset, source, length, 0));
  if (target) return int(dynptr_read(target, length, <u32>src, srcOffset, 0));
  if (!to.holds(<u32>dstOffset, length) || !from.holds(<u32>srcOffset, length)) return int(-E2BIG);
  return int(copyPieces(<u32>dst, <u32>dstOffset, <u32>src, <u32>srcOffset, length));
}

export function bpf_dynptr_memset(ptr: u64, offset: u64, size: u64, value: u64, _5: u64, _fp: u32): u64 {
  const dynptr = changetype<Dynptr>(<u32>ptr);
  const length = <u32>size;
  const target = sliceToWrite(dynptr, <u32>offset, 0, length);
  if (target) {
    memory.fill(target, <u8>value, length);
    return 0;
  }
  if (dynptr.isReadOnly) return int(-EINVAL);
  if (!dynptr.holds(<u32>offset, length)) return int(-E2BIG);
  memory.fill(chunk, <u8>value, min(CHUNK, length));
  for (let done: u32 = 0; done < length; done += CHUNK) {
    const error = dynptr_write(<u32>ptr, <u32>offset + done, chunk, min(CHUNK, length - done), 0);
    if (error) return int(error);
  }
  return 0;
}
