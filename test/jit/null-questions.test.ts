/** Programs that ask numbers whether they are 0: addresses of packets are not, what else the context has may be. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { bytesOf } from '../fuzz/assemble-text.ts';
import { describeKernel } from '../kernel/available.ts';
import { closeFd, loadProg, testRun } from '../kernel/bpf.ts';

interface Case {
  readonly name: string;
  readonly text: string;
  readonly wanted: number;
}

const question = (field: number, compare = 'r2 == 0'): string => `r2 = *(u32 *)(r1 +${field})
  r0 = 1
  if ${compare} goto out
  r0 = 2
  out: exit`;

const XDP: readonly Case[] = [
  { name: 'data', text: question(0), wanted: 2 },
  { name: 'data_end', text: question(4), wanted: 2 },
  { name: 'data_meta', text: question(8), wanted: 2 },
  { name: 'data, its low half', text: question(0, 'w2 == 0'), wanted: 2 },
  { name: 'rx_queue_index, which is 0', text: question(16), wanted: 1 },
  {
    name: 'how long the packet is behind 64 bytes, which is 0',
    text: `r2 = *(u32 *)(r1 +0)
      r3 = *(u32 *)(r1 +4)
      r3 -= r2
      r3 += -64
      r0 = 1
      if r3 == 0 goto out
      r0 = 2
      out: exit`,
    wanted: 1,
  },
];

const packet = new Uint8Array(64);

describe.each([{}, { checked: true }, { optimize: true }])('%o', (how) => {
  test.each(XDP)('xdp: $name', async ({ text, wanted }) => {
    using engine = await Engine.create();
    const prog = await engine.loadInsns(bytesOf(text), { type: 'xdp', ...how });
    expect(prog.run(packet, { repeat: 2 }).returnValue).toBe(wanted);
  });

  test.each([
    ['len, which is not', question(0), 64, 2],
    ['pkt_type, which is', question(4), 64, 1],
    ['mark, which is', question(8), 64, 1],
  ])('a socket filter: %s', async (_, text, length, wanted) => {
    using engine = await Engine.create();
    const prog = await engine.loadInsns(bytesOf(text), { type: 'socket_filter', ...how });
    expect(prog.run(new Uint8Array(length), { repeat: 2 }).returnValue).toBe(wanted);
  });
});

describeKernel('in the kernel', () => {
  test.each(XDP)('xdp: $name', ({ text, wanted }) => {
    const { fd } = loadProg({ type: 'xdp', insns: bytesOf(text), license: 'GPL' });
    try {
      expect(testRun(fd, { data: packet }).retval).toBe(wanted);
    } finally {
      closeFd(fd);
    }
  });
});
