// Batches of packets: context records from flat arrays, copies in frames with head and tail room, and what became of the packets.
//
//   in place  the packet stays where the capture's bytes lie; nothing can be moved or grown
//   copied    each packet gets a frame of `size` bytes:  | header 40 | head room 216 | packet | tail room | 320 |
//                                                                    ^ hardStart              hardEnd ^
import {
  CTX_HARD_END,
  CTX_HARD_START,
  CTX_SIZE,
  CTX_TIME,
  CTX_VERDICT,
  VERDICT_OTHER,
  WALK_LATEST,
  WALK_SHIFT,
  XDP_FRAME_HEADER,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
  XDP_MD_DATA_META,
  XDP_PACKET_HEADROOM,
  XDP_TAILROOM,
} from '../../abi';
import { clearLines, copyLines } from '../copy';
import { cutOf, shifted, writeRecord } from './record';

/** Records for `count` packets at `base + offsets[i]`, run where they lie; `walk` is a struct CaptureWalk. */
export function batch_in_place(
  ctx: u32,
  count: u32,
  base: u32,
  offsets: u32,
  lengths: u32,
  times: u32,
  wireLengths: u32,
  ifindex: u32,
  walk: u32,
): void {
  const shift = load<u64>(walk, WALK_SHIFT);
  for (let i: u32 = 0; i < count; i++, ctx += CTX_SIZE) {
    const length = load<u32>(lengths + (i << 2));
    const time = shifted(load<u64>(times + (i << 3)), shift);
    const cut = cutOf(load<u32>(wireLengths + (i << 2)), length);
    writeRecord(ctx, base + load<u32>(offsets + (i << 2)), length, ifindex, time, cut);
    if (time > load<u64>(walk, WALK_LATEST)) store<u64>(walk, time, WALK_LATEST);
  }
}

/** Moves the packets' times out of their records, to `times`: the records then show the engine's clock. */
export function batch_untimed(ctx: u32, count: u32, times: u32): void {
  for (let i: u32 = 0; i < count; i++, ctx += CTX_SIZE) {
    store<u64>(times + (i << 3), load<u64>(ctx, CTX_TIME));
    store<u64>(ctx, 0, CTX_TIME);
  }
}

/** The packet of a record is at `data` now, in a frame that begins with its head room at `frame` and has `size` bytes. */
export function enterFrame(ctx: u32, frame: u32, size: u32, length: u32): void {
  const data = frame + XDP_PACKET_HEADROOM;
  store<u32>(ctx, data, XDP_MD_DATA);
  store<u32>(ctx, data + length, XDP_MD_DATA_END);
  store<u32>(ctx, data, XDP_MD_DATA_META);
  store<u32>(ctx, frame + XDP_FRAME_HEADER, CTX_HARD_START);
  store<u32>(ctx, frame + size - XDP_TAILROOM, CTX_HARD_END);
}

/**
 * Copies packets in place into frames of `size` bytes, `pitch` apart. Returns how many: it stops before a packet that does not fit in a
 * frame. Head room is zero and tail room becomes so as it is taken: no packet sees bytes of an earlier one.
 */
export function batch_copy(ctx: u32, count: u32, frames: u32, pitch: u32, size: u32): u32 {
  const reserved = XDP_PACKET_HEADROOM + XDP_TAILROOM;
  const most: u32 = size > <u32>reserved ? size - reserved : 0;
  for (let i: u32 = 0; i < count; i++, ctx += CTX_SIZE, frames += pitch) {
    const from = load<u32>(ctx, XDP_MD_DATA);
    const length = load<u32>(ctx, XDP_MD_DATA_END) - from;
    if (length > most) return i;
    clearLines(frames, XDP_PACKET_HEADROOM);
    copyLines(frames + XDP_PACKET_HEADROOM, from, length);
    enterFrame(ctx, frames, size, length);
  }
  return count;
}

/** Records that one word counts: ten bits for each kind of verdict. */
const COUNTED: u32 = 1023;
const BITS: u32 = 10;

/** Adds the verdicts of `count` records to `out`: u64 for each of XDP_ABORTED to XDP_REDIRECT, then for all others. */
export function verdict_count(ctx: u32, count: u32, out: u32): void {
  while (count) {
    const part = min(count, COUNTED);
    // One word for all kinds: counters in memory would have each packet wait for the one before.
    let sums: u64 = 0;
    for (const end = ctx + part * CTX_SIZE; ctx != end; ctx += CTX_SIZE) {
      sums += (<u64>1) << (<u64>(min(load<u32>(ctx, CTX_VERDICT), <u32>VERDICT_OTHER) * BITS));
    }
    for (let slot = out; sums; slot += 8, sums >>= <u64>BITS) {
      store<u64>(slot, load<u64>(slot) + (sums & <u64>COUNTED));
    }
    count -= part;
  }
}
