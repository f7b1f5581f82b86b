/** What a packet's link type says of it: how long its link header is, and which protocol is behind that. */
import type { SkbMeta } from '../runtime/skb.ts';
import { LINKTYPE_ETHERNET } from './capture-format.ts';

const LINKTYPE_NULL = 0;
const LINKTYPE_RAW = 101;
const LINKTYPE_LOOP = 108;
const LINKTYPE_LINUX_SLL = 113;
const LINKTYPE_IPV4 = 228;
const LINKTYPE_IPV6 = 229;
const LINKTYPE_LINUX_SLL2 = 276;

const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
/** Cooked headers begin with, or hold, the packet type: of Linux's PACKET_ numbers. */
const SLL_PROTOCOL = 14;
const SLL2_PKT_TYPE = 10;

const be16 = (packet: Uint8Array, at: number): number => ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);

/** By the version in the first byte of an IP header. */
function ipProtocol(packet: Uint8Array, at: number): number {
  const version = (packet[at] ?? 0) >> 4;
  return version === 4 ? ETH_P_IP : version === 6 ? ETH_P_IPV6 : 0;
}

/** As much of `struct __sk_buff` as a packet of this link type answers by itself. */
export function linkLayer(linkType: number, packet: Uint8Array): SkbMeta {
  switch (linkType) {
    case LINKTYPE_ETHERNET:
      return {};
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP:
      return { linkHeader: 4, protocol: ipProtocol(packet, 4), pktType: 0 };
    case LINKTYPE_RAW:
    case LINKTYPE_IPV4:
    case LINKTYPE_IPV6:
      return { linkHeader: 0, protocol: ipProtocol(packet, 0), pktType: 0 };
    case LINKTYPE_LINUX_SLL:
      return { linkHeader: 16, protocol: be16(packet, SLL_PROTOCOL), pktType: be16(packet, 0) };
    case LINKTYPE_LINUX_SLL2:
      return { linkHeader: 20, protocol: be16(packet, 0), pktType: packet[SLL2_PKT_TYPE] ?? 0 };
    default:
      return { linkHeader: 0, protocol: 0, pktType: 0 };
  }
}
