/** Choices between two values: branches around a move. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { buildBlocks } from '../../src/ir/block.ts';
import { findChoices } from '../../src/ir/choices.ts';
import { makeReducible } from '../../src/ir/irreducible.ts';
import { checkStructure } from '../../src/verifier/structural.ts';
import { linkedProg } from '../engines.cases.ts';
import { bytesOf } from '../fuzz/assemble-text.ts';
import { describeKernel } from '../kernel/available.ts';
import { closeFd, loadProg, testRun } from '../kernel/bpf.ts';

interface Case {
  readonly name: string;
  /** R2 and R5 are the packet's first two words of 64 bits; what is in R6 counts. */
  readonly body: string;
  /** Branches that are written as choices. */
  readonly choices: number;
  readonly wanted: (a: bigint, b: bigint) => bigint;
}

const HEAD = `r3 = *(u32 *)(r1 +4)
  r2 = *(u32 *)(r1 +0)
  r4 = r2
  r4 += 16
  r0 = 99
  if r4 > r3 goto out
  r5 = *(u64 *)(r2 +8)
  r2 = *(u64 *)(r2 +0)
  r6 = 0`;
/** All 64 bits of R6, folded into what a test run returns. */
const TAIL = `r0 = r6
  r0 >>= 32
  r0 ^= r6
  out: exit`;
const text = ({ body }: Case): string => `${HEAD}\n${body}\n${TAIL}`;

const low = (value: bigint): bigint => BigInt.asUintN(32, value);
const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
const signedLow = (value: bigint): bigint => BigInt.asIntN(32, value);

const CASES: readonly Case[] = [
  {
    name: 'the smaller one',
    body: `r6 = r2
      if r2 < r5 goto end
      r6 = r5
      end:`,
    choices: 1,
    wanted: (a, b) => (a < b ? a : b),
  },
  {
    name: 'the larger one, signed, in 32 bits',
    body: `w6 = w2
      if w2 s> w5 goto end
      w6 = w5
      end:`,
    choices: 1,
    wanted: (a, b) => low(signedLow(a) > signedLow(b) ? a : b),
  },
  {
    name: 'all of one or the low half of the other',
    body: `r6 = r2
      if r2 s<= r5 goto end
      w6 = w5
      end:`,
    choices: 1,
    wanted: (a, b) => (signed(a) <= signed(b) ? a : low(b)),
  },
  {
    name: 'a negative constant, of 64 and of 32 bits',
    body: `r6 = r2
      if r2 & 1 goto next
      r6 = -2
      next: r4 = r5
      if w5 != 7 goto end
      w4 = -3
      end: r6 ^= r4`,
    choices: 2,
    wanted: (a, b) => ((a & 1n) !== 0n ? a : 2n ** 64n - 2n) ^ (low(b) === 7n ? 2n ** 32n - 3n : b),
  },
  {
    name: 'a constant of two slots',
    body: `r6 = r2
      if r2 == r5 goto end
      r6 = 0x123456789abcdef0 ll
      end:`,
    choices: 1,
    wanted: (a, b) => (a === b ? a : 0x123456789abcdef0n),
  },
  {
    name: 'of which the low half is read alone',
    body: `r4 = r2
      if r2 > r5 goto end
      r4 = r5
      end: w6 = w4`,
    choices: 1,
    wanted: (a, b) => low(a > b ? a : b),
  },
  {
    name: 'constants of which the low half is read alone',
    body: `r4 = r2
      if r2 > r5 goto next
      r4 = -2
      next: r3 = r5
      if r2 & 1 goto end
      r3 = 0x123456789abcdef0 ll
      end: r4 ^= r3
      w6 = w4`,
    choices: 2,
    wanted: (a, b) => low((a > b ? a : 2n ** 64n - 2n) ^ ((a & 1n) !== 0n ? b : 0x123456789abcdef0n)),
  },
  {
    name: 'the register that is compared',
    body: `if r2 < r5 goto end
      r2 = r5
      end: r6 = r2`,
    choices: 1,
    wanted: (a, b) => (a < b ? a : b),
  },
  {
    name: 'one behind the other: between bounds',
    body: `r6 = r2
      if r6 > 100 goto above
      r6 = 100
      above: if r6 <= 2000 goto end
      r6 = 2000
      end:`,
    choices: 2,
    wanted: (a) => (a < 100n ? 100n : a > 2000n ? 2000n : a),
  },
  {
    name: 'where the jump leads to the move',
    body: `r6 = r2
      if r2 < r5 goto other
      end: r6 += 1
      goto tail
      other: r6 = r5
      goto end
      tail:`,
    choices: 1,
    wanted: (a, b) => BigInt.asUintN(64, (a < b ? b : a) + 1n),
  },
  {
    name: 'in a loop',
    body: `r4 = 8
      again: r2 += r5
      if r6 >= r2 goto next
      r6 = r2
      next: r4 += -1
      if r4 != 0 goto again`,
    choices: 1,
    wanted: (a, b) =>
      Array.from({ length: 8 }, (_, i) => BigInt.asUintN(64, a + BigInt(i + 1) * b)).reduce((x, y) => (x > y ? x : y)),
  },
  {
    name: 'a move that nobody reads',
    body: `r4 = 1
      if r2 < r5 goto end
      r4 = 2
      end: r6 = r5`,
    choices: 1,
    wanted: (_, b) => b,
  },
  {
    name: 'not: two moves, a sum, what two branches go around',
    body: `r6 = 1
      if r2 < r5 goto next
      r6 = 2
      r2 = r5
      next: r4 = r2
      if r2 & 2 goto sum
      r4 += 5
      sum: r6 += r4
      r4 = 8
      if r2 & 4 goto both
      if r2 & 8 goto end
      both: r4 = 9
      end: r6 += r4`,
    choices: 0,
    wanted: (a, b) => {
      const r2 = a < b ? a : b;
      const sum = (a < b ? 1n : 2n) + ((r2 & 2n) !== 0n ? r2 : r2 + 5n);
      return BigInt.asUintN(64, sum + ((r2 & 4n) === 0n && (r2 & 8n) !== 0n ? 8n : 9n));
    },
  },
  {
    name: 'not: the frame pointer',
    body: `r4 = r2
      if r2 < r5 goto end
      r4 = r10
      end: r6 = r5`,
    choices: 0,
    wanted: (_, b) => b,
  },
];

/** The first insn is behind a branch as well, which is never taken: a verifier accepts it. */
const AROUND_ENTRY = `start: r0 = 7
  goto join
  branch: if r3 < 3 goto start
  join: r3 = *(u32 *)(r1 +12)
  r3 &= 1
  if r0 == 9 goto branch
  exit`;

const NUMBERS = [
  0n,
  1n,
  2n,
  6n,
  7n,
  8n,
  100n,
  2001n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n + 7n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const PAIRS = NUMBERS.flatMap((a) => NUMBERS.map((b): readonly [bigint, bigint] => [a, b]));

function packetOf(a: bigint, b: bigint): Uint8Array {
  const packet = new Uint8Array(64);
  const view = new DataView(packet.buffer);
  view.setBigUint64(0, a, true);
  view.setBigUint64(8, b, true);
  return packet;
}

const folded = (value: bigint): number => Number(low(value ^ (value >> 32n)));

test.each(CASES)('choices: $name', (one) => {
  const { ops, funcs } = checkStructure(linkedProg({ name: 'choices', insns: bytesOf(text(one)) }));
  const cfg = makeReducible(buildBlocks(ops, funcs[0].start, funcs[0].end));
  const { moves, blocks } = findChoices(cfg, ops);
  expect([moves.size, blocks.size]).toEqual([one.choices, one.choices]);
});

test('choices: not what the function begins with', () => {
  const { ops, funcs } = checkStructure(linkedProg({ name: 'choices', insns: bytesOf(AROUND_ENTRY) }));
  const cfg = makeReducible(buildBlocks(ops, funcs[0].start, funcs[0].end));
  expect(findChoices(cfg, ops).moves.size).toBe(0);
});

describe.each([{}, { checked: true }, { optimize: true }, { unverified: true, checked: true }])('%o', (how) => {
  test.each(CASES)('$name', async (one) => {
    using engine = await Engine.create();
    const prog = await engine.loadInsns(bytesOf(text(one)), { type: 'xdp', ...how });
    for (const [a, b] of PAIRS) {
      const { returnValue, violation } = prog.run(packetOf(a, b), { repeat: 2 });
      expect([a, b, returnValue, violation]).toEqual([a, b, folded(one.wanted(a, b)), undefined]);
    }
  });
});

test.each([{}, { checked: true }, { unverified: true, checked: true }])('around the first insn: %o', async (how) => {
  using engine = await Engine.create();
  const prog = await engine.loadInsns(bytesOf(AROUND_ENTRY), { type: 'xdp', ...how });
  expect(prog.run(new Uint8Array(64)).returnValue).toBe(7);
});

describeKernel('choices in the kernel', () => {
  test.each(CASES)('$name', (one) => {
    const { fd } = loadProg({ type: 'xdp', insns: bytesOf(text(one)), license: 'GPL' });
    try {
      for (const [a, b] of PAIRS) expect(testRun(fd, { data: packetOf(a, b) }).retval).toBe(folded(one.wanted(a, b)));
    } finally {
      closeFd(fd);
    }
  });
});
