// Context records of packets in place, as a replay's walk makes them.
import * as abi from '../../assembly/abi.ts';
import type { Harness } from './harness.ts';

export interface Placed {
  readonly bytes: Uint8Array;
  readonly time?: bigint;
  /** Length on the wire; that of `bytes` unless given. */
  readonly wire?: number;
}

/** Writes a record for each packet, by batch_in_place. @returns the address of the first one, and of the walk */
export function placeRecords(h: Harness, packets: readonly Placed[], ifindex = 0, shift = 0n) {
  const count = packets.length;
  const base = h.bytes(new Uint8Array(packets.reduce((sum, { bytes }) => sum + bytes.length, 64)));
  const [offsets, lengths, wires, times] = [4, 4, 4, 8].map((size) => h.alloc(size * count));
  const ctx = h.alloc(count * abi.CTX_SIZE);
  h.mem.fill(ctx, count * abi.CTX_SIZE, 0xff);
  const walk = h.alloc(abi.WALK_SIZE);
  h.mem.setU64(walk + abi.WALK_SHIFT, shift);
  let at = 0;
  for (const [i, { bytes, time = 0n, wire = bytes.length }] of packets.entries()) {
    h.mem.write(base + at, bytes);
    h.mem.setU32(offsets + 4 * i, at);
    h.mem.setU32(lengths + 4 * i, bytes.length);
    h.mem.setU32(wires + 4 * i, wire);
    h.mem.setU64(times + 8 * i, time);
    at += bytes.length;
  }
  h.rt.batch_in_place(ctx, count, base, offsets, lengths, times, wires, ifindex, walk);
  return { ctx, walk };
}

/** The fields of a record that a packet in place sets. */
export function readRecord(h: Harness, at: number) {
  const word = (offset: number) => h.mem.u32(at + offset);
  const [data, end] = [word(abi.XDP_MD_DATA), word(abi.XDP_MD_DATA_END)];
  return {
    bytes: h.mem.read(data, end - data),
    meta: word(abi.XDP_MD_DATA_META) - data,
    ifindex: word(abi.XDP_MD_INGRESS_IFINDEX),
    hard: [word(abi.CTX_HARD_START) - data, word(abi.CTX_HARD_END) - end],
    time: h.mem.u64(at + abi.CTX_TIME),
    cut: word(abi.CTX_CUT),
    zero: [
      abi.XDP_MD_RX_QUEUE_INDEX,
      abi.XDP_MD_EGRESS_IFINDEX,
      abi.CTX_VERDICT,
      abi.CTX_REDIRECT_IFINDEX,
      abi.CTX_REDIRECT_FLAGS,
      abi.CTX_STATUS,
      abi.CTX_SKB,
    ].every((offset) => word(offset) === 0),
  };
}
