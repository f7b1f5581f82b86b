// A packet's bytes, wherever they lie: the linear part that a program reaches by itself, and the fragments behind it.
import {
  CTX_FRAGS,
  CTX_STATUS,
  CTX_STATUS_FRAGS,
  FRAG_ADDR,
  FRAG_LENGTH,
  FRAG_SIZE,
  FRAGS_COUNT,
  FRAGS_LIST,
  FRAGS_SIZE,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
} from '../abi';
import { copy } from './copy';

/** The packet's struct Frags; 0 for a packet that began in one buffer. */
export function fragsOf(ctx: u32): u32 {
  return load<u32>(ctx, CTX_STATUS) & CTX_STATUS_FRAGS ? load<u32>(ctx, CTX_FRAGS) : 0;
}

/** Bytes of the packet, without its metadata. */
export function packetLength(ctx: u32): u32 {
  const linear = load<u32>(ctx, XDP_MD_DATA_END) - load<u32>(ctx, XDP_MD_DATA);
  const frags = fragsOf(ctx);
  return frags ? linear + load<u32>(frags, FRAGS_SIZE) : linear;
}

/** The address of [offset, offset + size) of the packet; 0 when it is not in one buffer, or not in the packet. */
export function packetPointer(ctx: u32, offset: u32, size: u32): u32 {
  const data = load<u32>(ctx, XDP_MD_DATA);
  let length = load<u32>(ctx, XDP_MD_DATA_END) - data;
  if (offset < length) return size <= length - offset ? data + offset : 0;
  const frags = fragsOf(ctx);
  if (!frags) return !size && offset == length ? data + offset : 0;
  offset -= length;
  const end = frags + load<u32>(frags, FRAGS_COUNT) * FRAG_SIZE;
  for (let frag = frags; frag != end; frag += FRAG_SIZE) {
    length = load<u32>(frag, FRAGS_LIST + FRAG_LENGTH);
    if (offset < length) return size <= length - offset ? load<u32>(frag, FRAGS_LIST + FRAG_ADDR) + offset : 0;
    offset -= length;
  }
  return 0;
}

/** Copies between `memory` and [offset, offset + size) of the packet, which must be in it. */
function transfer(ctx: u32, offset: u32, memory: u32, size: u32, write: bool): void {
  let addr = load<u32>(ctx, XDP_MD_DATA);
  let length = load<u32>(ctx, XDP_MD_DATA_END) - addr;
  let frag = fragsOf(ctx);
  while (size) {
    if (offset < length) {
      const part = min(size, length - offset);
      if (write) copy(addr + offset, memory, part);
      else copy(memory, addr + offset, part);
      memory += part;
      size -= part;
      offset += part;
      if (!size) return;
    }
    offset -= length;
    addr = load<u32>(frag, FRAGS_LIST + FRAG_ADDR);
    length = load<u32>(frag, FRAGS_LIST + FRAG_LENGTH);
    frag += FRAG_SIZE;
  }
}

function holds(ctx: u32, offset: u32, size: u32): bool {
  return <u64>offset + size <= <u64>packetLength(ctx);
}

/** Copies [offset, offset + size) of the packet to `to`, from as many buffers as it is in; false, and nothing is done, when the packet ends before. */
export function copyPacket(ctx: u32, offset: u32, to: u32, size: u32): bool {
  if (!holds(ctx, offset, size)) return false;
  transfer(ctx, offset, to, size, false);
  return true;
}

/** The other way round. */
export function writePacket(ctx: u32, offset: u32, from: u32, size: u32): bool {
  if (!holds(ctx, offset, size)) return false;
  transfer(ctx, offset, from, size, true);
  return true;
}
