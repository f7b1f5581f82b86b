// Context records of packets that lie somewhere in memory: eight words of 64 bits each, one cache line (struct XdpCtx in abi.ts).
import {
  CTX_CUT,
  CTX_HARD_END,
  CTX_HARD_START,
  CTX_REDIRECT_FLAGS,
  CTX_TIME,
  CTX_VERDICT,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
  XDP_MD_DATA_META,
  XDP_MD_INGRESS_IFINDEX,
  XDP_MD_RX_QUEUE_INDEX,
} from '../../abi';

if (XDP_MD_DATA_END != XDP_MD_DATA + 4) ERROR('record: data and data_end are no pair');
if (XDP_MD_INGRESS_IFINDEX != XDP_MD_DATA_META + 4) ERROR('record: data_meta and ingress_ifindex are no pair');
if (CTX_HARD_END != CTX_HARD_START + 4) ERROR('record: hardStart and hardEnd are no pair');

/** A fresh record of the packet at [data, data + length) that is run where it lies: nothing can be moved or grown. */
export function writeRecord(ctx: u32, data: u32, length: u32, ifindex: u32, time: u64, cut: u32): void {
  const ends = <u64>data | ((<u64>data + <u64>length) << 32);
  store<u64>(ctx, ends, XDP_MD_DATA);
  store<u64>(ctx, <u64>data | ((<u64>ifindex) << 32), XDP_MD_DATA_META);
  store<u64>(ctx, 0, XDP_MD_RX_QUEUE_INDEX);
  store<u64>(ctx, ends, CTX_HARD_START);
  store<u64>(ctx, time, CTX_TIME);
  store<u64>(ctx, 0, CTX_VERDICT);
  store<u64>(ctx, 0, CTX_REDIRECT_FLAGS);
  store<u64>(ctx, <u64>cut, CTX_CUT);
}

/** What the packet had on the wire and the capture does not have: captures may also say that a packet was shorter than it is. */
export function cutOf(wire: u32, captured: u32): u32 {
  return wire > captured ? wire - captured : 0;
}

/** A time stamp moved by `shift`; 0 is none. */
export function shifted(time: u64, shift: u64): u64 {
  return time ? time + shift : 0;
}

export function later(a: u64, b: u64): u64 {
  return a > b ? a : b;
}

/** Byte orders of a capture's headers, as types: each walk is compiled once for either, with nothing to decide for each word. */
export type Native = u8;
export type Swapped = u16;

export function word<T>(ptr: u32): u32 {
  const value = load<u32>(ptr);
  return sizeof<T>() == sizeof<Swapped>() ? bswap<u32>(value) : value;
}
