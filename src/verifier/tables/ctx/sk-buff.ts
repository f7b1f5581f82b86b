// `struct __sk_buff` (linux/bpf.h) as each program type sees it. Linux 6.18 was asked for every cell.

import {
  PTR_MAYBE_NULL,
  PTR_TO_FLOW_KEYS,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON,
} from '../../abi.ts';
import type { CtxStruct } from './field.ts';
import { BYTE, DOUBLE_WORD, NARROW, NARROW_OR_WIDE, WORD } from './field.ts';
import { row, view } from './matrix.ts';

const SIZE = 192;

/** Who sees the struct in the same way; the order is that of the cells. `tc` is sched_cls and sched_act, `lwt` all four of them. */
export const SK_BUFF_VIEWS = ['socket_filter', 'tc', 'cgroup_skb', 'lwt', 'sk_skb', 'flow_dissector'] as const;
export type SkBuffView = (typeof SK_BUFF_VIEWS)[number];

// biome-ignore format: a table
const ROWS = [
  //                                             filter tc cgroup lwt sk_skb dissector
  row('len',             [0, 4],   NARROW,         'r   r   r    r   r   -'),
  row('pkt_type',        [4, 4],   NARROW,         'r   r   r    r   r   -'),
  row('mark',            [8, 4],   NARROW,         'r   rw  rw   rw  -   -'),
  row('queue_mapping',   [12, 4],  NARROW,         'r   rw  r    r   r   -'),
  row('protocol',        [16, 4],  NARROW,         'r   r   r    r   r   -'),
  row('vlan_present',    [20, 4],  NARROW,         'r   r   r    r   r   -'),
  row('vlan_tci',        [24, 4],  NARROW,         'r   r   r    r   r   -'),
  row('vlan_proto',      [28, 4],  NARROW,         'r   r   r    r   r   -'),
  row('priority',        [32, 4],  NARROW,         'r   rw  rw   rw  rw  -'),
  row('ingress_ifindex', [36, 4],  NARROW,         'r   r   r    r   r   -'),
  row('ifindex',         [40, 4],  NARROW,         'r   r   r    r   r   -'),
  row('tc_index',        [44, 4],  NARROW,         'r   rw  r    r   rw  -'),
  row('cb',              [48, 20], NARROW_OR_WIDE, 'rw  rw  rw   rw  r   -', { write: NARROW_OR_WIDE, element: 4 }),
  row('hash',            [68, 4],  NARROW,         'r   r   r    r   r   -'),
  row('tc_classid',      [72, 4],  NARROW,         '-   rw  -    -   -   -'),
  row('data',            [76, 4],  WORD,           '-   r   R    r   r   r', { type: PTR_TO_PACKET }),
  row('data_end',        [80, 4],  WORD,           '-   r   R    r   r   r', { type: PTR_TO_PACKET_END }),
  row('napi_id',         [84, 4],  NARROW,         'r   r   r    r   r   -'),
  row('family',          [88, 4],  NARROW,         '-   -   r    -   r   -'),
  row('remote_ip4',      [92, 4],  WORD,           '-   -   r    -   r   -'),
  row('local_ip4',       [96, 4],  WORD,           '-   -   r    -   r   -'),
  row('remote_ip6',      [100, 16], WORD,          '-   -   r    -   r   -', { element: 4 }),
  row('local_ip6',       [116, 16], WORD,          '-   -   r    -   r   -', { element: 4 }),
  row('remote_port',     [132, 4], NARROW,         '-   -   r    -   r   -'),
  row('local_port',      [136, 4], NARROW,         '-   -   r    -   r   -'),
  row('data_meta',       [140, 4], WORD,           '-   r   -    -   -   -', { type: PTR_TO_PACKET_META }),
  row('flow_keys',       [144, 8], DOUBLE_WORD,    '-   -   -    -   -   r', { type: PTR_TO_FLOW_KEYS }),
  row('tstamp',          [152, 8], DOUBLE_WORD,    '-   rw  rW   -   -   -'),
  row('wire_len',        [160, 4], NARROW,         '-   r   -    -   -   -'),
  row('gso_segs',        [164, 4], NARROW,         'r   r   r    r   r   -'),
  row('sk',              [168, 8], DOUBLE_WORD,    'r   r   r    r   r   -', { type: PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL }),
  row('gso_size',        [176, 4], NARROW,         'r   r   r    r   r   -'),
  row('tstamp_type',     [180, 1], BYTE,           '-   r   -    -   -   -'),
  row('hwtstamp',        [184, 8], DOUBLE_WORD,    '-   r   r    -   -   -'),
];

/** The struct in one view. */
export function skBuff(who: SkBuffView, bpfCapable: boolean): CtxStruct {
  return view({ name: '__sk_buff', size: SIZE, rows: ROWS }, SK_BUFF_VIEWS.indexOf(who), bpfCapable);
}
