// `struct bpf_flow_keys` (linux/bpf.h): plain memory, read and written as a program likes; the rows are there for their names.

import { ctxStruct, field, NARROW } from './field.ts';

export const FLOW_KEYS = ctxStruct(
  'bpf_flow_keys',
  56,
  [
    field('nhoff', 0, 2, NARROW),
    field('thoff', 2, 2, NARROW),
    field('addr_proto', 4, 2, NARROW),
    field('is_frag', 6, 1, NARROW),
    field('is_first_frag', 7, 1, NARROW),
    field('is_encap', 8, 1, NARROW),
    field('ip_proto', 9, 1, NARROW),
    field('n_proto', 10, 2, NARROW),
    field('sport', 12, 2, NARROW),
    field('dport', 14, 2, NARROW),
    field('ipv6_src', 16, 16, NARROW, { element: 4 }),
    field('ipv6_dst', 32, 16, NARROW, { element: 4 }),
    field('flags', 48, 4, NARROW),
    field('flow_label', 52, 4, NARROW),
  ],
  true,
);
