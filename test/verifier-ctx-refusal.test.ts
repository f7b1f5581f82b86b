// Every refused access has a reason, and the reason is right.

import { expect, test } from 'vitest';
import type { CtxAccess } from '../src/verifier/tables/ctx/refusal.ts';
import { ctxRefusal, ctxRefusalText } from '../src/verifier/tables/ctx/refusal.ts';
import { ctxOf } from '../src/verifier/tables/ctx/views.ts';
import type { PacketProgType } from '../src/verifier/tables/prog-types.ts';

const why = (type: PacketProgType, access: CtxAccess, bpfCapable = true): string => {
  const struct = ctxOf(type, { attach: 0, bpfCapable });
  return ctxRefusalText(ctxRefusal(struct, access), access, `${type} programs`);
};

const load = (off: number, size: number): CtxAccess => ({ off, size, write: false });
const store = (off: number, size: number): CtxAccess => ({ off, size, write: true });

// biome-ignore format: a table
const CASES: readonly (readonly [PacketProgType, CtxAccess, string])[] = [
  ['xdp', load(24, 4), 'the access reaches outside struct xdp_md'],
  ['xdp', load(-4, 4), 'the access reaches outside struct xdp_md'],
  ['xdp', load(20, 4), 'xdp programs have no access to xdp_md.egress_ifindex'],
  ['xdp', store(0, 4), 'xdp programs may not write xdp_md.data'],
  ['xdp', load(0, 8), 'xdp_md.data is read in 4 bytes, aligned; this access has 8 at offset 0'],
  ['xdp', { ...load(0, 4), signed: true }, 'xdp_md.data is a pointer: a load that extends the sign cannot give one'],
  ['socket_filter', load(76, 4), 'socket_filter programs have no access to __sk_buff.data'],
  ['sched_cls', load(181, 1), 'struct __sk_buff has padding at offset 181'],
  ['sched_cls', load(2, 4), '__sk_buff.len is read in 1, 2, 4 bytes, aligned; this access has 4 at offset 2'],
  ['sched_cls', store(8, 1), '__sk_buff.mark is written in 4 bytes, aligned; this access has 1 at offset 8'],
  ['sched_cls', load(180, 2), '__sk_buff.tstamp_type is read in 1 byte, aligned; this access has 2 at offset 180'],
  ['cgroup_sock', load(9, 1), 'bpf_sock.type is read in 1, 2, 4 bytes, from its first byte on, aligned; this access has 1 at offset 9'],
];

test.each(CASES)('%s %o', (type, access, text) => {
  expect(why(type, access)).toBe(text);
});

test('what only CAP_BPF gives is hidden without it', () => {
  expect(why('cgroup_skb', load(76, 4), false)).toBe('cgroup_skb programs have no access to __sk_buff.data');
  expect(why('cgroup_skb', store(152, 8), false)).toBe('cgroup_skb programs may not write __sk_buff.tstamp');
});
