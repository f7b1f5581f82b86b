/** Constants that a function returns, from all ways to its ends. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { buildBlocks } from '../../src/ir/block.ts';
import { checkStructure } from '../../src/verifier/structural.ts';
import { linkedProg } from '../engines.cases.ts';
import { bytesOf } from '../fuzz/assemble-text.ts';
import { describeKernel } from '../kernel/available.ts';
import { closeFd, loadProg, testRun } from '../kernel/bpf.ts';

interface Case {
  readonly name: string;
  /** R2 is the packet's first byte. */
  readonly body: string;
  /** Constants that blocks of their own return. */
  readonly constants: readonly (readonly [number, number])[];
  readonly wanted: (first: number) => number;
}

const HEAD = `r3 = *(u32 *)(r1 +4)
  r2 = *(u32 *)(r1 +0)
  r4 = r2
  r4 += 1
  r0 = 9
  if r4 > r3 goto out
  r2 = *(u8 *)(r2 +0)`;

const CASES: readonly Case[] = [
  {
    name: 'a register set in front of each jump',
    body: `r0 = 1
      if r2 == 1 goto out
      r0 = 2
      if r2 == 2 goto out
      r0 = 1
      if r2 == 3 goto out
      r0 = 7
      out: exit`,
    constants: [
      [9, 0],
      [1, 0],
      [2, 0],
      [7, 0],
    ],
    wanted: (first) => [7, 1, 2, 1][first] ?? 7,
  },
  {
    name: 'set once for several jumps, and once by none',
    body: `r0 = 5
      if r2 == 1 goto out
      if r2 == 2 goto out
      r0 = r2
      if r2 == 3 goto out
      r0 = 5
      out: exit`,
    constants: [
      [9, 0],
      [5, 0],
    ],
    wanted: (first) => (first === 3 ? 3 : 5),
  },
  {
    name: 'another register, of which the low half is returned',
    body: `r6 = -1
      if r2 == 1 goto end
      w6 = -1
      if r2 == 2 goto end
      r6 = 3
      end: w0 = w6
      exit
      out: exit`,
    constants: [
      [-1, 0],
      [3, 0],
    ],
    wanted: (first) => (first === 1 || first === 2 ? 0xffff_ffff : 3),
  },
  {
    name: 'all of a negative number, and what is not like it in the upper half',
    body: `r0 = -2
      if r2 == 1 goto out
      w0 = -2
      if r2 == 2 goto out
      r0 = -2
      out: exit`,
    constants: [
      [9, 0],
      [-2, -1],
      [-2, 0],
    ],
    wanted: () => 0xffff_fffe,
  },
  {
    name: 'changed on the way',
    body: `r0 = 1
      if r2 == 1 goto out
      r0 += r2
      if r2 == 2 goto out
      r0 = 4
      r0 <<= 1
      out: exit`,
    constants: [
      [9, 0],
      [1, 0],
    ],
    wanted: (first) => (first === 1 ? 1 : first === 2 ? 3 : 8),
  },
  {
    name: 'a constant that meets another one, and a loop',
    body: `r6 = 1
      if r2 == 1 goto both
      r6 = 2
      both: r5 = 10
      again: r5 += -1
      if r5 == r2 goto end
      if r5 != 0 goto again
      r6 = 3
      end: r0 = r6
      exit
      out: exit`,
    constants: [[3, 0]],
    wanted: (first) => (first === 1 ? 1 : first <= 9 ? 2 : 3),
  },
  {
    name: 'what a helper gives',
    body: `r0 = 1
      r6 = r2
      call 7
      r0 &= 0
      if r6 == 1 goto out
      r0 = 2
      if r6 == 2 goto out
      r0 = 3
      out: exit`,
    constants: [
      [9, 0],
      [2, 0],
      [3, 0],
    ],
    wanted: (first) => (first === 1 ? 0 : first === 2 ? 2 : 3),
  },
];

const text = ({ body }: Case): string => `${HEAD}\n${body}`;
const FIRSTS = [0, 1, 2, 3, 4, 9, 10, 255];
const packetOf = (first: number): Uint8Array => new Uint8Array(64).fill(first);

test.each(CASES)('blocks that return constants: $name', (one) => {
  const { ops, funcs } = checkStructure(linkedProg({ name: 'returns', insns: bytesOf(text(one)) }));
  const blocks = buildBlocks(ops, funcs[0].start, funcs[0].end);
  const found = blocks.flatMap(({ returns }) => (returns === undefined ? [] : [[returns.lo, returns.hi]]));
  expect(found).toEqual(expect.arrayContaining(one.constants.map((pair) => [...pair])));
  expect(found).toHaveLength(one.constants.length);
});

describe.each([{ checked: false }, { checked: true }])('%o', (how) => {
  test.each(CASES)('$name', async (one) => {
    using engine = await Engine.create();
    const prog = await engine.loadInsns(bytesOf(text(one)), { type: 'xdp', ...how });
    for (const first of FIRSTS) {
      const { returnValue, violation } = prog.run(packetOf(first), { repeat: 2 });
      expect([first, returnValue, violation]).toEqual([first, one.wanted(first), undefined]);
    }
  });
});

test('a function of the program returns all 64 bits', async () => {
  using engine = await Engine.create();
  const insns = bytesOf(`${HEAD}
    r1 = r2
    call f
    r0 >>= 32
    out: exit
    f: r0 = -1
    if r1 == 1 goto end
    w0 = -1
    if r1 == 2 goto end
    r0 = -1
    end: exit`);
  for (const checked of [true, false]) {
    const prog = await engine.loadInsns(insns, { type: 'xdp', checked });
    expect([1, 2, 3].map((first) => prog.run(packetOf(first)).returnValue)).toEqual([0xffff_ffff, 0, 0xffff_ffff]);
  }
});

describeKernel('returned constants in the kernel', () => {
  test.each(CASES)('$name', (one) => {
    const { fd } = loadProg({ type: 'xdp', insns: bytesOf(text(one)), license: 'GPL' });
    try {
      for (const first of FIRSTS) expect(testRun(fd, { data: packetOf(first) }).retval).toBe(one.wanted(first));
    } finally {
      closeFd(fd);
    }
  });
});
