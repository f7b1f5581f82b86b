// `struct xdp_md` (linux/bpf.h), and the socket an XSKMAP lookup gives.

import { PTR_TO_PACKET, PTR_TO_PACKET_END, PTR_TO_PACKET_META } from '../../abi.ts';
import type { CtxStruct } from './field.ts';
import { ctxStruct, field, WORD } from './field.ts';

const FIELDS = [
  field('data', 0, 4, WORD, { type: PTR_TO_PACKET }),
  field('data_end', 4, 4, WORD, { type: PTR_TO_PACKET_END }),
  field('data_meta', 8, 4, WORD, { type: PTR_TO_PACKET_META }),
  field('ingress_ifindex', 12, 4, WORD),
  field('rx_queue_index', 16, 4, WORD),
];

const SIZE = 24;
const EGRESS_IFINDEX = field('egress_ifindex', 20, 4, WORD);

/** Only programs for a devmap's entries know the device a packet leaves by. */
export function xdpMd(devmap: boolean): CtxStruct {
  if (devmap) return ctxStruct('xdp_md', SIZE, [...FIELDS, EGRESS_IFINDEX]);
  return { ...ctxStruct('xdp_md', SIZE, FIELDS), hidden: [EGRESS_IFINDEX] };
}

export const XDP_SOCK = ctxStruct('bpf_xdp_sock', 4, [field('queue_id', 0, 4, WORD)]);
