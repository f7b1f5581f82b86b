// Gathering packets for an output: of a batch that has run, those with verdict TX, PASS or REDIRECT as records of a classic pcap file, one behind the other.
import {
  CTX_CUT,
  CTX_FRAGS,
  CTX_SIZE,
  CTX_STATUS,
  CTX_STATUS_FRAGS,
  CTX_TIME,
  CTX_VERDICT,
  FRAG_ADDR,
  FRAG_LENGTH,
  FRAG_SIZE,
  FRAGS_COUNT,
  FRAGS_LIST,
  FRAGS_SIZE,
  GATHER_PACKETS,
  GATHER_USED,
  PCAP_MAX_SNAPLEN,
  PCAP_NANO,
  PCAP_RECORD_HEADER,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
} from '../../abi';
import { copyLines } from '../copy';

const XDP_PASS: u32 = 2;
const XDP_REDIRECT: u32 = 4;
const NS: u64 = 1000000000;
/** What copyLines writes behind a packet's end. */
const SLACK: u32 = 64;

function hasFrags(ctx: u32): bool {
  return (load<u32>(ctx, CTX_STATUS) & CTX_STATUS_FRAGS) != 0;
}

function copyFrags(to: u32, frags: u32): void {
  let frag = frags + FRAGS_LIST;
  for (let left = load<u32>(frags, FRAGS_COUNT); left; left--, frag += FRAG_SIZE) {
    const part = load<u32>(frag, FRAG_LENGTH);
    memory.copy(to, load<u32>(frag, FRAG_ADDR), part);
    to += part;
  }
}

/**
 * Appends to the `room` bytes at `area`, from `gather`'s (struct Gather) first unused one on. Times are those of the records, or `times`. Returns how many of
 * the `count` records were looked at: it stops in front of a packet that has no room, or that the format has no words for (longer than
 * PCAP_MAX_SNAPLEN, later than 2106).
 */
export function pcap_gather(ctx: u32, count: u32, times: u32, flags: u32, area: u32, room: u32, gather: u32): u32 {
  let to = area + load<u32>(gather, GATHER_USED);
  const end = area + room;
  let packets = load<u32>(gather, GATHER_PACKETS);
  let i: u32 = 0;
  for (; i < count; i++, ctx += CTX_SIZE) {
    if (load<u32>(ctx, CTX_VERDICT) - XDP_PASS > XDP_REDIRECT - XDP_PASS) continue;
    const data = load<u32>(ctx, XDP_MD_DATA);
    const linear = load<u32>(ctx, XDP_MD_DATA_END) - data;
    const frags = hasFrags(ctx) ? load<u32>(ctx, CTX_FRAGS) : 0;
    const length = frags ? linear + load<u32>(frags, FRAGS_SIZE) : linear;
    if (length > <u32>PCAP_MAX_SNAPLEN || <u32>PCAP_RECORD_HEADER + length + SLACK > end - to) break;
    const time = load<u64>(times ? times + (i << 3) : ctx + CTX_TIME);
    const seconds = time / NS;
    if (seconds > <u64>u32.MAX_VALUE) break;
    const rest = <u32>(time - seconds * NS);
    store<u32>(to, <u32>seconds);
    store<u32>(to, flags & PCAP_NANO ? rest : rest / 1000, 4);
    store<u32>(to, length, 8);
    // What the program added or took away, the packet on the wire has more or less of.
    store<u32>(to, length + load<u32>(ctx, CTX_CUT), 12);
    to += PCAP_RECORD_HEADER;
    copyLines(to, data, linear);
    if (frags) copyFrags(to + linear, frags);
    to += length;
    packets++;
  }
  store<u32>(gather, to - area, GATHER_USED);
  store<u32>(gather, packets, GATHER_PACKETS);
  return i;
}
