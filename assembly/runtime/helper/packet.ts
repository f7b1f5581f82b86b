// Helpers on XDP packets: moving the start, copying bytes in and out, the length. Rules as Linux 6.18 answers them.
import { CTX_HARD_START, XDP_MD_DATA, XDP_MD_DATA_END, XDP_MD_DATA_META, XDP_META_MAX } from '../../abi';
import { EACCES, EFAULT, EINVAL } from '../../isa';
import { copyPacket, packetLength, packetPointer, writePacket } from '../packet';
import { ETH_HLEN } from './packet-tail';

/** bpf_xdp_load_bytes and bpf_xdp_store_bytes go no further. */
const MAX_BYTES: u32 = 0xffff;

export function xdp_get_buff_len(ctx: u32): i64 {
  return packetLength(ctx);
}

/** Moves the packet's start by the low 32 bits of `delta`, signed; metadata moves along. */
export function xdp_adjust_head(ctx: u32, delta: u64): i64 {
  const offset = <i32>delta;
  const data = load<u32>(ctx, XDP_MD_DATA);
  const meta = load<u32>(ctx, XDP_MD_DATA_META);
  const metaLength = <i64>data - meta;
  const moved = <i64>data + offset;
  if (moved < <i64>load<u32>(ctx, CTX_HARD_START) + metaLength) return -EINVAL;
  if (moved > <i64>load<u32>(ctx, XDP_MD_DATA_END) - ETH_HLEN) return -EINVAL;
  if (metaLength) memory.copy(meta + offset, meta, <u32>metaLength);
  store<u32>(ctx, meta + offset, XDP_MD_DATA_META);
  store<u32>(ctx, <u32>moved, XDP_MD_DATA);
  return 0;
}

/** Moves the metadata's start. Its length stays a multiple of 4 and fits the byte Linux keeps it in. */
export function xdp_adjust_meta(ctx: u32, delta: u64): i64 {
  const data = <i64>load<u32>(ctx, XDP_MD_DATA);
  const moved = <i64>load<u32>(ctx, XDP_MD_DATA_META) + <i32>delta;
  if (moved < <i64>load<u32>(ctx, CTX_HARD_START) || moved > data) return -EINVAL;
  const length = data - moved;
  if (length & 3 || length > XDP_META_MAX) return -EACCES;
  store<u32>(ctx, <u32>moved, XDP_MD_DATA_META);
  return 0;
}

/** Why [offset, offset + size) of the packet cannot be copied. Offset and size are 32 bits, as Linux takes them. */
function refusal(offset: u32, size: u32): i64 {
  return offset > MAX_BYTES || size > MAX_BYTES ? -EFAULT : -EINVAL;
}

/** The address of [offset, offset + size) of the packet; 0 when it is not in one buffer, or further away than these helpers go. */
export function xdpPointer(ctx: u32, offset: u32, size: u32): u32 {
  return offset > MAX_BYTES || size > MAX_BYTES ? 0 : packetPointer(ctx, offset, size);
}

export function xdp_load_bytes(ctx: u32, offset: u64, buffer: u32, size: u32): i64 {
  const start = <u32>offset;
  if (start <= MAX_BYTES && size <= MAX_BYTES && copyPacket(ctx, start, buffer, size)) return 0;
  return refusal(start, size);
}

export function xdp_store_bytes(ctx: u32, offset: u64, buffer: u32, size: u32): i64 {
  const start = <u32>offset;
  if (start <= MAX_BYTES && size <= MAX_BYTES && writePacket(ctx, start, buffer, size)) return 0;
  return refusal(start, size);
}
