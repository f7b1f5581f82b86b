// The ctx of the types that choose or filter by socket: sk_msg, sk_lookup, sk_reuseport (linux/bpf.h).

import { PTR_MAYBE_NULL, PTR_TO_PACKET, PTR_TO_PACKET_END, PTR_TO_SOCK_COMMON, PTR_TO_SOCKET } from '../../abi.ts';
import { ctxStruct, DOUBLE_WORD, field, NARROW, WORD } from './field.ts';

export const SK_MSG_MD = ctxStruct('sk_msg_md', 80, [
  field('data', 0, 8, DOUBLE_WORD, { type: PTR_TO_PACKET }),
  field('data_end', 8, 8, DOUBLE_WORD, { type: PTR_TO_PACKET_END }),
  field('family', 16, 4, WORD),
  field('remote_ip4', 20, 4, WORD),
  field('local_ip4', 24, 4, WORD),
  field('remote_ip6', 28, 16, WORD, { element: 4 }),
  field('local_ip6', 44, 16, WORD, { element: 4 }),
  field('remote_port', 60, 4, WORD),
  field('local_port', 64, 4, WORD),
  field('size', 68, 4, WORD),
  field('sk', 72, 8, DOUBLE_WORD, { type: PTR_TO_SOCKET }),
]);

export const SK_LOOKUP = ctxStruct('bpf_sk_lookup', 72, [
  field('sk', 0, 8, DOUBLE_WORD, { type: PTR_TO_SOCKET | PTR_MAYBE_NULL }),
  field('family', 8, 4, NARROW),
  field('protocol', 12, 4, NARROW),
  field('remote_ip4', 16, 4, NARROW),
  field('remote_ip6', 20, 16, NARROW, { element: 4 }),
  // Two bytes of port and two that read as zero.
  field('remote_port', 36, 4, NARROW),
  field('local_ip4', 40, 4, NARROW),
  field('local_ip6', 44, 16, NARROW, { element: 4 }),
  field('local_port', 60, 4, NARROW),
  field('ingress_ifindex', 64, 4, NARROW),
]);

/** The protocol is no less than the two bytes it is in the packet. */
const HALF_OR_WORD = { within: 2 | 4, atStart: 0 };

export const SK_REUSEPORT_MD = ctxStruct('sk_reuseport_md', 56, [
  field('data', 0, 8, DOUBLE_WORD, { type: PTR_TO_PACKET }),
  field('data_end', 8, 8, DOUBLE_WORD, { type: PTR_TO_PACKET_END }),
  field('len', 16, 4, NARROW),
  field('eth_protocol', 20, 4, HALF_OR_WORD),
  field('ip_protocol', 24, 4, NARROW),
  field('bind_inany', 28, 4, NARROW),
  field('hash', 32, 4, WORD),
  field('sk', 40, 8, DOUBLE_WORD, { type: PTR_TO_SOCKET }),
  field('migrating_sk', 48, 8, DOUBLE_WORD, { type: PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL }),
]);
