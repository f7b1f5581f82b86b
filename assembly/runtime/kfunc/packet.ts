// bpf_xdp_pull_data: makes the first bytes of a packet directly accessible.
import {
  CTX_HARD_END,
  CTX_HARD_START,
  FRAG_ADDR,
  FRAG_LENGTH,
  FRAG_ROOM,
  FRAG_SIZE,
  FRAGS_COUNT,
  FRAGS_LIST,
  FRAGS_SIZE,
  VM_CTX,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
  XDP_MD_DATA_META,
} from '../../abi';
import { EINVAL } from '../../isa';
import { vm } from '../env';
import { fragsOf, packetLength } from '../packet';

/** Moves the linear part, with its metadata, `shift` bytes into the head room. */
function moveDown(ctx: u32, shift: u32): void {
  const meta = load<u32>(ctx, XDP_MD_DATA_META);
  const end = load<u32>(ctx, XDP_MD_DATA_END);
  memory.copy(meta - shift, meta, end - meta);
  store<u32>(ctx, meta - shift, XDP_MD_DATA_META);
  store<u32>(ctx, load<u32>(ctx, XDP_MD_DATA) - shift, XDP_MD_DATA);
  store<u32>(ctx, end - shift, XDP_MD_DATA_END);
}

/** Appends the first `size` bytes of the fragments to the linear part. */
function gather(ctx: u32, frags: u32, size: u32): void {
  const count = load<u32>(frags, FRAGS_COUNT);
  let to = load<u32>(ctx, XDP_MD_DATA_END);
  store<u32>(ctx, to + size, XDP_MD_DATA_END);
  store<u32>(frags, load<u32>(frags, FRAGS_SIZE) - size, FRAGS_SIZE);
  let empty: u32 = 0;
  for (let frag = frags + FRAGS_LIST; size; frag += FRAG_SIZE) {
    const addr = load<u32>(frag, FRAG_ADDR);
    const length = load<u32>(frag, FRAG_LENGTH);
    const part = min(size, length);
    memory.copy(to, addr, part);
    store<u32>(frag, addr + part, FRAG_ADDR);
    store<u32>(frag, length - part, FRAG_LENGTH);
    store<u32>(frag, load<u32>(frag, FRAG_ROOM) - part, FRAG_ROOM);
    if (part == length) empty++;
    to += part;
    size -= part;
  }
  const list = frags + FRAGS_LIST;
  memory.copy(list, list + empty * FRAG_SIZE, (count - empty) * FRAG_SIZE);
  store<u32>(frags, count - empty, FRAGS_COUNT);
}

/** `len` bytes shall be between data and data_end: they come from the fragments, into tail room first and then into head room. */
export function bpf_xdp_pull_data(xdp: u64, len: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const ctx = load<u32>(vm, VM_CTX);
  if (xdp != <u64>ctx) return -EINVAL;
  const wanted = <u32>len;
  const end = load<u32>(ctx, XDP_MD_DATA_END);
  const linear = end - load<u32>(ctx, XDP_MD_DATA);
  if (wanted <= linear) return 0;
  const frags = fragsOf(ctx);
  if (!frags || wanted > packetLength(ctx)) return -EINVAL;
  const more = wanted - linear;
  const tailRoom = load<u32>(ctx, CTX_HARD_END) - end;
  const headRoom = load<u32>(ctx, XDP_MD_DATA_META) - load<u32>(ctx, CTX_HARD_START);
  if (more > tailRoom + headRoom) return -EINVAL;
  if (more > tailRoom) moveDown(ctx, more - tailRoom);
  gather(ctx, frags, more);
  return 0;
}
