// `struct bpf_sock` and `struct bpf_tcp_sock` (linux/bpf.h): reached through pointers, and bpf_sock also as cgroup_sock's ctx.

import type { CtxStruct } from './field.ts';
import { ctxStruct, DOUBLE_WORD, field, NARROW, NARROW_AT_START, WORD, words } from './field.ts';
import { row, view } from './matrix.ts';

const SIZE = 80;

/** PTR_TO_SOCKET, PTR_TO_SOCK_COMMON, then the ctx of cgroup_sock: sock_create and sock_release, post_bind4, post_bind6. */
export const SOCK_VIEWS = ['socket', 'sock_common', 'create', 'post_bind4', 'post_bind6'] as const;
export type SockView = (typeof SOCK_VIEWS)[number];

/** Two bytes, and a word for programs from when the port was one: the upper half reads as padding. */
const PORT = { within: 1 | 2, atStart: 4 };

// biome-ignore format: a table
const ROWS = [
  //                                                 socket common create bind4 bind6
  row('bound_dev_if',     [0, 4],   WORD,            'r    r    rw    -    -'),
  row('family',           [4, 4],   NARROW_AT_START, 'r    r    r     r    r'),
  row('type',             [8, 4],   NARROW_AT_START, 'r    -    r     r    r'),
  row('protocol',         [12, 4],  NARROW_AT_START, 'r    -    r     r    r'),
  row('mark',             [16, 4],  WORD,            'r    -    rw    -    -'),
  row('priority',         [20, 4],  WORD,            'r    -    rw    -    -'),
  row('src_ip4',          [24, 4],  NARROW,          'r    r    -     r    -'),
  row('src_ip6',          [28, 16], NARROW,          'r    r    -     -    r', { element: 4 }),
  row('src_port',         [44, 4],  NARROW_AT_START, 'r    r    -     r    r'),
  row('dst_port',         [48, 2],  PORT,            'r    r    r     r    r'),
  row('dst_ip4',          [52, 4],  NARROW,          'r    r    r     r    r'),
  row('dst_ip6',          [56, 16], NARROW,          'r    r    r     r    r', { element: 4 }),
  row('state',            [72, 4],  NARROW_AT_START, 'r    r    r     r    r'),
  row('rx_queue_mapping', [76, 4],  NARROW_AT_START, 'r    r    r     r    r'),
];

/** The struct in one view. */
export function bpfSock(who: SockView): CtxStruct {
  return view({ name: 'bpf_sock', size: SIZE, rows: ROWS }, SOCK_VIEWS.indexOf(who), true);
}

export const TCP_SOCK = ctxStruct('bpf_tcp_sock', 112, [
  ...words(0, WORD, ['snd_cwnd', 'srtt_us', 'rtt_min', 'snd_ssthresh', 'rcv_nxt', 'snd_nxt', 'snd_una', 'mss_cache']),
  ...words(32, WORD, ['ecn_flags', 'rate_delivered', 'rate_interval_us', 'packets_out', 'retrans_out']),
  ...words(52, WORD, ['total_retrans', 'segs_in', 'data_segs_in', 'segs_out', 'data_segs_out', 'lost_out']),
  ...words(76, WORD, ['sacked_out']),
  field('bytes_received', 80, 8, DOUBLE_WORD),
  field('bytes_acked', 88, 8, DOUBLE_WORD),
  ...words(96, WORD, ['dsack_dups', 'delivered', 'delivered_ce', 'icsk_retransmits']),
]);
