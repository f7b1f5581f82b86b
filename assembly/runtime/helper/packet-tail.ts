// bpf_xdp_adjust_tail: the packet's end is the linear part's, or the last fragment's. Rules as Linux 6.18 answers them.
import {
  CTX_HARD_END,
  FRAG_ADDR,
  FRAG_LENGTH,
  FRAG_ROOM,
  FRAG_SIZE,
  FRAGS_COUNT,
  FRAGS_LIST,
  FRAGS_SIZE,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
} from '../../abi';
import { EINVAL } from '../../isa';
import { fragsOf, packetLength } from '../packet';

/** An Ethernet header must remain. */
export const ETH_HLEN: i64 = 14;

function adjustLinear(ctx: u32, offset: i32): i64 {
  const end = load<u32>(ctx, XDP_MD_DATA_END);
  const moved = <i64>end + offset;
  if (moved > <i64>load<u32>(ctx, CTX_HARD_END)) return -EINVAL;
  if (moved < <i64>load<u32>(ctx, XDP_MD_DATA) + ETH_HLEN) return -EINVAL;
  if (offset > 0) memory.fill(end, 0, offset);
  store<u32>(ctx, <u32>moved, XDP_MD_DATA_END);
  return 0;
}

/** The last fragment grows into what is left of its buffer. */
function growFrag(frags: u32, offset: i32): i64 {
  const last = frags + FRAGS_LIST + (load<u32>(frags, FRAGS_COUNT) - 1) * FRAG_SIZE;
  const length = load<u32>(last, FRAG_LENGTH);
  if (offset > <i32>load<u32>(last, FRAG_ROOM) - <i32>length) return -EINVAL;
  memory.fill(load<u32>(last, FRAG_ADDR) + length, 0, offset);
  store<u32>(last, length + offset, FRAG_LENGTH);
  store<u32>(frags, load<u32>(frags, FRAGS_SIZE) + offset, FRAGS_SIZE);
  return 0;
}

/** Takes `less` bytes off the end: fragments that become empty are dropped, and the linear part is what comes last. */
function shrinkFrags(ctx: u32, frags: u32, less: u32): i64 {
  if (<i64>less > <i64>packetLength(ctx) - ETH_HLEN) return -EINVAL;
  let count = load<u32>(frags, FRAGS_COUNT);
  let size = load<u32>(frags, FRAGS_SIZE);
  while (less && count) {
    const last = frags + FRAGS_LIST + (count - 1) * FRAG_SIZE;
    const length = load<u32>(last, FRAG_LENGTH);
    const part = min(less, length);
    store<u32>(last, length - part, FRAG_LENGTH);
    if (part == length) count--;
    less -= part;
    size -= part;
  }
  store<u32>(frags, count, FRAGS_COUNT);
  store<u32>(frags, size, FRAGS_SIZE);
  if (!count) store<u32>(ctx, load<u32>(ctx, XDP_MD_DATA_END) - less, XDP_MD_DATA_END);
  return 0;
}

/** Moves the packet's end by the low 32 bits of `delta`, signed; bytes it gains are zero. */
export function xdp_adjust_tail(ctx: u32, delta: u64): i64 {
  const offset = <i32>delta;
  const frags = fragsOf(ctx);
  if (!frags || !load<u32>(frags, FRAGS_COUNT)) return adjustLinear(ctx, offset);
  return offset < 0 ? shrinkFrags(ctx, frags, <u32>-offset) : growFrag(frags, offset);
}
