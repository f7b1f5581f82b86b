// Dynptrs: 16 bytes on a program's stack that stand for memory whose size only the run knows. struct Dynptr of abi.ts is their layout.
import {
  DYNPTR_BYTES,
  DYNPTR_DATA,
  DYNPTR_OFFSET,
  DYNPTR_RDONLY_SHIFT,
  DYNPTR_SIZE_MASK,
  DYNPTR_SIZE_WORD,
  DYNPTR_TYPE_LOCAL,
  DYNPTR_TYPE_MASK,
  DYNPTR_TYPE_RINGBUF,
  DYNPTR_TYPE_SHIFT,
  DYNPTR_TYPE_XDP,
} from '../../abi';
import { E2BIG, EINVAL } from '../../isa';
import { xdp_load_bytes, xdp_store_bytes } from './packet';

@unmanaged
export class Dynptr {
  data: u64;
  /** Size, type and whether it may only be read. */
  word: u32;
  offset: u32;

  get size(): u32 {
    return this.word & DYNPTR_SIZE_MASK;
  }

  set size(size: u32) {
    this.word = (this.word & ~DYNPTR_SIZE_MASK) | size;
  }

  get type(): u32 {
    return (this.word >> DYNPTR_TYPE_SHIFT) & DYNPTR_TYPE_MASK;
  }

  get isReadOnly(): bool {
    return this.word >> DYNPTR_RDONLY_SHIFT != 0;
  }

  get isNull(): bool {
    return this.data == 0;
  }

  /** Its memory is one piece at `start`. */
  get isFlat(): bool {
    return this.type == DYNPTR_TYPE_LOCAL || this.type == DYNPTR_TYPE_RINGBUF;
  }

  /** Address of its first byte, when it is one piece. */
  get start(): u32 {
    return <u32>this.data + this.offset;
  }

  /** Are these bytes all inside of it? */
  holds(offset: u32, length: u32): bool {
    return length <= this.size && offset <= this.size - length;
  }
}

if (offsetof<Dynptr>() != DYNPTR_BYTES) ERROR('Dynptr drifted from abi.ts');
if (offsetof<Dynptr>('data') != DYNPTR_DATA) ERROR('Dynptr.data drifted from abi.ts');
if (offsetof<Dynptr>('word') != DYNPTR_SIZE_WORD) ERROR('Dynptr.word drifted from abi.ts');
if (offsetof<Dynptr>('offset') != DYNPTR_OFFSET) ERROR('Dynptr.offset drifted from abi.ts');

/** Makes `ptr` stand for [data, data + size); `size` is at most DYNPTR_SIZE_MASK. */
export function dynptrInit(ptr: u32, data: u32, type: u32, size: u32): void {
  const dynptr = changetype<Dynptr>(ptr);
  dynptr.data = data;
  dynptr.word = size | (type << DYNPTR_TYPE_SHIFT);
  dynptr.offset = 0;
}

/** Makes `ptr` stand for nothing. */
export function dynptrClear(ptr: u32): void {
  const dynptr = changetype<Dynptr>(ptr);
  dynptr.data = 0;
  dynptr.word = 0;
  dynptr.offset = 0;
}

export function dynptr_from_mem(data: u32, size: u32, flags: u64, ptr: u32): i64 {
  if (size > <u32>DYNPTR_SIZE_MASK || flags) {
    dynptrClear(ptr);
    return size > <u32>DYNPTR_SIZE_MASK ? -E2BIG : -EINVAL;
  }
  dynptrInit(ptr, data, DYNPTR_TYPE_LOCAL, size);
  return 0;
}

/** Copies `length` bytes from `offset` on out of it: 0 or a negated errno. */
export function dynptr_read(to: u32, length: u32, src: u32, offset: u64, flags: u64): i64 {
  const dynptr = changetype<Dynptr>(src);
  if (dynptr.isNull || flags) return -EINVAL;
  if (!dynptr.holds(<u32>offset, length)) return -E2BIG;
  if (dynptr.type == DYNPTR_TYPE_XDP) return xdp_load_bytes(<u32>dynptr.data, dynptr.offset + <u32>offset, to, length);
  if (!dynptr.isFlat) return -EINVAL;
  memory.copy(to, dynptr.start + <u32>offset, length);
  return 0;
}

/** Copies `length` bytes into it. */
export function dynptr_write(dst: u32, offset: u64, from: u32, length: u32, flags: u64): i64 {
  const dynptr = changetype<Dynptr>(dst);
  if (dynptr.isNull || dynptr.isReadOnly) return -EINVAL;
  if (!dynptr.holds(<u32>offset, length)) return -E2BIG;
  if (flags) return -EINVAL;
  if (dynptr.type == DYNPTR_TYPE_XDP)
    return xdp_store_bytes(<u32>dynptr.data, dynptr.offset + <u32>offset, from, length);
  if (!dynptr.isFlat) return -EINVAL;
  memory.copy(dynptr.start + <u32>offset, from, length);
  return 0;
}

/** The address of `length` bytes of it, or 0: packets have slices instead. */
export function dynptr_data(ptr: u32, offset: u64, length: u64): u32 {
  const dynptr = changetype<Dynptr>(ptr);
  if (dynptr.isNull || !dynptr.holds(<u32>offset, <u32>length) || dynptr.isReadOnly) return 0;
  return dynptr.isFlat ? dynptr.start + <u32>offset : 0;
}
