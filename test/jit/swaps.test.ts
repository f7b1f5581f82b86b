/** Fields in network order that are compared with constants. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { buildBlocks } from '../../src/ir/block.ts';
import { findEffects, NO_SLOTS } from '../../src/ir/effects.ts';
import { makeReducible } from '../../src/ir/irreducible.ts';
import { findSwaps } from '../../src/ir/swaps.ts';
import { findValues } from '../../src/ir/values.ts';
import { checkStructure } from '../../src/verifier/structural.ts';
import { linkedProg } from '../engines.cases.ts';
import { bytesOf } from '../fuzz/assemble-text.ts';
import { describeKernel } from '../kernel/available.ts';
import { closeFd, loadProg, testRun } from '../kernel/bpf.ts';

interface Case {
  readonly name: string;
  /** R2 is the packet's first four bytes. */
  readonly body: string;
  /** Swaps that are left out. */
  readonly left: number;
  readonly wanted: (view: DataView) => number;
}

const HEAD = `r3 = *(u32 *)(r1 +4)
  r2 = *(u32 *)(r1 +0)
  r4 = r2
  r4 += 14
  r0 = 99
  if r4 > r3 goto out
  r2 = *(u32 *)(r2 +0)`;
const text = ({ body }: Case): string => `${HEAD}\n${body}\nout: exit`;

const CASES: readonly Case[] = [
  {
    name: '16 bits of a longer number, in a switch',
    body: `r2 = be16 r2
      r0 = 1
      if r2 == 0x1234 goto out
      r0 = 2
      if w2 == 0x3412 goto out
      r0 = 3
      if r2 != 0xff00 goto out
      r0 = 4`,
    left: 1,
    wanted: (view) => ({ 4660: 1, 13330: 2, 65280: 4 })[view.getUint16(0)] ?? 3,
  },
  {
    name: '32 bits',
    body: `r2 = be32 r2
      r0 = 1
      if w2 == 0x12345678 goto out
      r0 = 2
      if w2 == -2 goto out
      r0 = 3`,
    left: 1,
    wanted: (view) => ({ 305419896: 1, 4294967294: 2 })[view.getUint32(0)] ?? 3,
  },
  {
    name: 'with a constant that the field cannot have',
    body: `r2 = be16 r2
      r0 = 1
      if r2 == 0x12340 goto out
      r0 = 2
      if r2 == -2 goto out
      r0 = 3`,
    left: 0,
    wanted: () => 3,
  },
  {
    name: '32 bits with all of a constant',
    body: `r2 = be32 r2
      r0 = 1
      if r2 == -2 goto out
      r0 = 3`,
    left: 0,
    wanted: () => 3,
  },
  {
    name: 'and an order',
    body: `r2 = be16 r2
      r0 = 1
      if r2 == 0x1234 goto out
      r0 = 2
      if r2 > 0x3000 goto out
      r0 = 3`,
    left: 0,
    wanted: (view) => (view.getUint16(0) === 0x1234 ? 1 : view.getUint16(0) > 0x3000 ? 2 : 3),
  },
  {
    name: 'and returned',
    body: `r2 = be16 r2
      r0 = 1
      if r2 == 0x1234 goto out
      r0 = r2`,
    left: 0,
    wanted: (view) => (view.getUint16(0) === 0x1234 ? 1 : view.getUint16(0)),
  },
  {
    name: 'and joined with another value',
    body: `r2 = be16 r2
      if r2 == 0x1234 goto join
      r2 = 7
      join: r0 = r2`,
    left: 0,
    wanted: (view) => (view.getUint16(0) === 0x1234 ? 0x1234 : 7),
  },
  {
    name: 'and an argument of a helper',
    body: `r4 = r2
      r4 &= 0
      r2 = be16 r2
      r0 = 1
      if r2 == 0x1234 goto out
      r5 = r2
      r1 = r10
      r1 += -4
      *(u32 *)(r10 -4) = 1
      r3 = r1
      r2 = 4
      r4 = 4
      call 28
      r0 &= 0xffff`,
    left: 0,
    // A sum of ones' complement that nothing is added to: zero is its other zero.
    wanted: (view) => (view.getUint16(0) === 0x1234 ? 1 : view.getUint16(0) || 0xffff),
  },
];

const PACKETS = [0, 0x12345678, 0x34120000, 0x12340001, 0xff000000, 0xfffffffe, 0xfefffffe, 0x40123].map((first) => {
  const packet = new Uint8Array(64).fill(0x12);
  new DataView(packet.buffer).setUint32(0, first);
  return packet;
});

const swapsOf = (one: Case) => {
  const { ops, funcs } = checkStructure(linkedProg({ name: 'swaps', insns: bytesOf(text(one)) }));
  const [{ start, end }] = funcs;
  const { blocks, order } = makeReducible(buildBlocks(ops, start, end));
  return findSwaps(blocks, ops, findValues(blocks, findEffects(ops, start, end, NO_SLOTS), order));
};

test.each(CASES)('swaps that are left out: $name', (one) => {
  expect(swapsOf(one).left.size).toBe(one.left);
});

describe.each([{ checked: false }, { checked: true }])('%o', (how) => {
  test.each(CASES)('$name', async (one) => {
    using engine = await Engine.create();
    const prog = await engine.loadInsns(bytesOf(text(one)), { type: 'xdp', ...how });
    for (const packet of PACKETS) {
      const { returnValue, violation } = prog.run(packet);
      expect([returnValue, violation]).toEqual([one.wanted(new DataView(packet.buffer)), undefined]);
    }
  });
});

describeKernel('swaps in the kernel', () => {
  test.each(CASES)('$name', (one) => {
    const { fd } = loadProg({ type: 'xdp', insns: bytesOf(text(one)), license: 'GPL' });
    try {
      for (const packet of PACKETS)
        expect(testRun(fd, { data: packet }).retval).toBe(one.wanted(new DataView(packet.buffer)));
    } finally {
      closeFd(fd);
    }
  });
});
