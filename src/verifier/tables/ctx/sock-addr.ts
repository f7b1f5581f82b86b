// `struct bpf_sock_addr` (linux/bpf.h): cgroup_sock_addr's ctx, by attach type.

import { PTR_TO_SOCKET } from '../../abi.ts';
import type { CtxStruct } from './field.ts';
import { DOUBLE_WORD, NARROW, NARROW_OR_WIDE, WORD, WORD_OR_WIDE } from './field.ts';
import { row, view } from './matrix.ts';

const SIZE = 72;

export const SOCK_ADDR_VIEWS = ['inet4', 'inet6', 'sendmsg4', 'sendmsg6', 'unix'] as const;
export type SockAddrView = (typeof SOCK_ADDR_VIEWS)[number];

const WIDE = { write: WORD_OR_WIDE, element: 4 };

// biome-ignore format: a table
const ROWS = [
  //                                          inet4 inet6 send4 send6 unix
  row('user_family', [0, 4],   WORD,           'r    r    r    r    r'),
  row('user_ip4',    [4, 4],   NARROW,         'rw   -    rw   -    -'),
  row('user_ip6',    [8, 16],  NARROW_OR_WIDE, '-    rw   -    rw   -', WIDE),
  row('user_port',   [24, 4],  NARROW,         'rw   rw   rw   rw   rw'),
  row('family',      [28, 4],  WORD,           'r    r    r    r    r'),
  row('type',        [32, 4],  WORD,           'r    r    r    r    r'),
  row('protocol',    [36, 4],  WORD,           'r    r    r    r    r'),
  row('msg_src_ip4', [40, 4],  NARROW,         '-    -    rw   -    -'),
  row('msg_src_ip6', [44, 16], NARROW_OR_WIDE, '-    -    -    rw   -', WIDE),
  row('sk',          [64, 8],  DOUBLE_WORD,    'r    r    r    r    r', { type: PTR_TO_SOCKET }),
];

/** The struct in one view. */
export function sockAddr(who: SockAddrView): CtxStruct {
  return view({ name: 'bpf_sock_addr', size: SIZE, rows: ROWS }, SOCK_ADDR_VIEWS.indexOf(who), true);
}
