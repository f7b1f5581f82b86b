// Batches of packets: filling context records from flat arrays, and counting verdicts afterwards.
//
//   in place  the packet stays where the capture's bytes lie; nothing can be moved or grown
//   copied    each packet gets a frame of `stride` bytes:  | header 40 | head room 216 | packet | tail room | 320 |
//                                                                      ^ hardStart              hardEnd ^
import {
  CTX_HARD_END,
  CTX_HARD_START,
  CTX_SIZE,
  CTX_TIME,
  CTX_VERDICT,
  CTX_WIRE_LENGTH,
  VERDICT_OTHER,
  XDP_FRAME_HEADER,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
  XDP_MD_DATA_META,
  XDP_MD_INGRESS_IFINDEX,
  XDP_PACKET_HEADROOM,
  XDP_TAILROOM,
} from '../../abi';
import { clearLines } from '../copy';

/** A fresh record of the packet at [data, data + length). */
export function writeRecord(ctx: u32, data: u32, length: u32, ifindex: u32): void {
  clearLines(ctx, CTX_SIZE);
  store<u32>(ctx, data, XDP_MD_DATA);
  store<u32>(ctx, data + length, XDP_MD_DATA_END);
  store<u32>(ctx, data, XDP_MD_DATA_META);
  store<u32>(ctx, ifindex, XDP_MD_INGRESS_IFINDEX);
}

/** Time (u64, 0 for none) and wire length of packet i; either array may be absent (0). */
export function writeOrigin(ctx: u32, i: u32, times: u32, wireLengths: u32, length: u32): void {
  if (times) store<u64>(ctx, load<u64>(times + (i << 3)), CTX_TIME);
  store<u32>(ctx, wireLengths ? load<u32>(wireLengths + (i << 2)) : length, CTX_WIRE_LENGTH);
}

/** Records for `count` packets at `base + offsets[i]`, run where they lie. */
export function batch_in_place(
  ctx: u32,
  count: u32,
  base: u32,
  offsets: u32,
  lengths: u32,
  times: u32,
  wireLengths: u32,
  ifindex: u32,
): void {
  for (let i: u32 = 0; i < count; i++, ctx += CTX_SIZE) {
    const data = base + load<u32>(offsets + (i << 2));
    const length = load<u32>(lengths + (i << 2));
    writeRecord(ctx, data, length, ifindex);
    store<u32>(ctx, data, CTX_HARD_START);
    store<u32>(ctx, data + length, CTX_HARD_END);
    writeOrigin(ctx, i, times, wireLengths, length);
  }
}

/**
 * Copies packets into frames `stride` apart and writes their records. Returns how many: it stops before a packet that
 * does not fit in a frame. Head room is zero and tail room becomes so as it is taken: no packet sees bytes of an earlier one.
 */
export function batch_copy(
  ctx: u32,
  count: u32,
  base: u32,
  offsets: u32,
  lengths: u32,
  times: u32,
  wireLengths: u32,
  ifindex: u32,
  frames: u32,
  stride: u32,
): u32 {
  const reserved = XDP_PACKET_HEADROOM + XDP_TAILROOM;
  const most: u32 = stride > <u32>reserved ? stride - reserved : 0;
  for (let i: u32 = 0; i < count; i++, ctx += CTX_SIZE, frames += stride) {
    const length = load<u32>(lengths + (i << 2));
    if (length > most) return i;
    const data = frames + XDP_PACKET_HEADROOM;
    clearLines(frames, XDP_PACKET_HEADROOM);
    memory.copy(data, base + load<u32>(offsets + (i << 2)), length);
    writeRecord(ctx, data, length, ifindex);
    store<u32>(ctx, frames + XDP_FRAME_HEADER, CTX_HARD_START);
    store<u32>(ctx, frames + stride - XDP_TAILROOM, CTX_HARD_END);
    writeOrigin(ctx, i, times, wireLengths, length);
  }
  return count;
}

/** Adds the verdicts of `count` records to `out`: u64 for each of XDP_ABORTED to XDP_REDIRECT, then for all others. */
export function verdict_count(ctx: u32, count: u32, out: u32): void {
  for (let i: u32 = 0; i < count; i++, ctx += CTX_SIZE) {
    const slot = out + (min(load<u32>(ctx, CTX_VERDICT), <u32>VERDICT_OTHER) << 3);
    store<u64>(slot, load<u64>(slot) + 1);
  }
}
