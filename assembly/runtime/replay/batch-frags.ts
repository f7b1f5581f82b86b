// Batches for programs that know of fragments: what of a packet is longer than `linear` is behind its linear part.
//
//   in place  the fragments are pieces of the capture's bytes, with no room to grow
//   copied    | frame 4096, as in batch.ts | struct Frags, in cache lines | buffer 4096 | ... |   for each packet as much as it needs
import {
  CTX_FRAGS,
  CTX_HARD_END,
  CTX_SIZE,
  CTX_STATUS,
  CTX_STATUS_FRAGS,
  FRAG_ADDR,
  FRAG_BUFFER,
  FRAG_LENGTH,
  FRAG_ROOM,
  FRAG_SIZE,
  FRAGS_COUNT,
  FRAGS_LIST,
  FRAGS_SIZE,
  XDP_FRAME_SIZE,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
  XDP_PACKET_HEADROOM,
} from '../../abi';
import { clearLines, copyLines } from '../copy';
import { enterFrame } from './batch';

function countOf(rest: u32): u32 {
  return (rest + FRAG_BUFFER - 1) / FRAG_BUFFER;
}

/** Writes the list of fragments that hold [addr, addr + rest), one behind the other; the last one has room up to the end of its buffer if they are copies. */
function writeFrags(ctx: u32, frags: u32, addr: u32, rest: u32, copied: bool): void {
  store<u32>(ctx, frags, CTX_FRAGS);
  store<u32>(ctx, CTX_STATUS_FRAGS, CTX_STATUS);
  store<u32>(frags, countOf(rest), FRAGS_COUNT);
  store<u32>(frags, rest, FRAGS_SIZE);
  for (let frag = frags + FRAGS_LIST; rest; frag += FRAG_SIZE) {
    const part = min(rest, <u32>FRAG_BUFFER);
    store<u32>(frag, addr, FRAG_ADDR);
    store<u32>(frag, part, FRAG_LENGTH);
    store<u32>(frag, copied ? <u32>FRAG_BUFFER : part, FRAG_ROOM);
    addr += part;
    rest -= part;
  }
}

/** Splits those of `count` packets in place that are longer than `linear`; `lists` has room for all. */
export function batch_split(ctx: u32, count: u32, linear: u32, lists: u32): void {
  for (let i: u32 = 0; i < count; i++, ctx += CTX_SIZE) {
    const end = load<u32>(ctx, XDP_MD_DATA) + linear;
    const dataEnd = load<u32>(ctx, XDP_MD_DATA_END);
    if (dataEnd <= end) continue;
    store<u32>(ctx, end, XDP_MD_DATA_END);
    store<u32>(ctx, end, CTX_HARD_END);
    writeFrags(ctx, lists, end, dataEnd - end, false);
    lists += FRAGS_LIST + countOf(dataEnd - end) * FRAG_SIZE;
  }
}

/** Copies packets in place into the area [at, end). Returns how many: it stops before the first one for which there is no room. */
export function batch_copy_frags(ctx: u32, count: u32, at: u32, end: u32, linear: u32): u32 {
  for (let i: u32 = 0; i < count; i++, ctx += CTX_SIZE) {
    const from = load<u32>(ctx, XDP_MD_DATA);
    const length = load<u32>(ctx, XDP_MD_DATA_END) - from;
    const first = min(length, linear);
    const rest = length - first;
    const header = rest ? (FRAGS_LIST + countOf(rest) * FRAG_SIZE + 63) & ~63 : 0;
    const size: u32 = XDP_FRAME_SIZE + header + countOf(rest) * FRAG_BUFFER;
    if (size > end - at) return i;
    clearLines(at, XDP_PACKET_HEADROOM);
    copyLines(at + XDP_PACKET_HEADROOM, from, first);
    enterFrame(ctx, at, XDP_FRAME_SIZE, first);
    if (rest) {
      const buffers = at + XDP_FRAME_SIZE + header;
      memory.copy(buffers, from + first, rest);
      writeFrags(ctx, at + XDP_FRAME_SIZE, buffers, rest, true);
    }
    at += size;
  }
  return count;
}
