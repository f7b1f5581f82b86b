/** What is found out about a function's values: how large they can be, how much of them is read, which bytes are one access. */
import { describe, expect, test } from 'vitest';
import { buildBlocks } from '../src/ir/block.ts';
import { findWideAccesses } from '../src/ir/bytes.ts';
import { findDemands, findNarrow } from '../src/ir/demand.ts';
import { findEffects, type Slots } from '../src/ir/effects.ts';
import { makeReducible } from '../src/ir/irreducible.ts';
import { findLeast, isTaken } from '../src/ir/least.ts';
import { findOperands } from '../src/ir/operands.ts';
import { findRanges } from '../src/ir/range.ts';
import { findSlots } from '../src/ir/slots.ts';
import { findValues } from '../src/ir/values.ts';
import { checkStructure } from '../src/verifier/structural.ts';
import { linkedProg } from './engines.cases.ts';
import { bytesOf } from './fuzz/assemble-text.ts';

/** R1 is the context, whose first fields are addresses; accesses through R10 are in the frame. */
function analyse(text: string, insnLimit?: number) {
  const { ops, funcs } = checkStructure(linkedProg({ name: 'values', insns: bytesOf(text) }));
  const [{ start, end }] = funcs;
  const { blocks } = makeReducible(buildBlocks(ops, start, end));
  const base = (pc: number): number => {
    const op = ops[pc];
    return op?.kind === 'load' ? op.src : op?.kind === 'store' ? op.dst : -1;
  };
  const offset = (pc: number): number | undefined => {
    const op = ops[pc];
    return base(pc) === 10 && op !== undefined && 'off' in op ? op.off : undefined;
  };
  const slots: Slots = findSlots(blocks, ops, {
    frameOffset: offset,
    reach: (_pc, { helper }, n) => (helper === 1 && n === 1 ? 4 : undefined),
  });
  const values = findValues(blocks, findEffects(ops, start, end, slots));
  const operands = findOperands(blocks, ops, values, slots.at);
  const max = findRanges(ops, values, operands, {
    loadsAddress: (pc) => base(pc) === 1 && pc < 3,
    isMain: true,
    lowAddresses: true,
    insnLimit,
    rounds: new Map(),
  });
  const wide = findWideAccesses(blocks, ops, values, operands, {
    region: (pc) => (base(pc) === 10 ? { name: 'stack', off: 0 } : { name: 'packet', off: undefined }),
    stores: true,
    slotAt: slots.at,
  });
  const demand = findDemands(
    blocks,
    ops,
    values,
    { operands, max },
    {
      checks: false,
      isAnswered: () => false,
      isPureLoad: () => true,
      slotAt: slots.at,
      madeOf: new Map(),
      alsoReads: new Map(),
    },
  );
  const least = findLeast(ops, values, operands, {
    loadsAddress: (pc) => base(pc) === 1 && pc < 3,
    max,
    slotAt: slots.at,
  });
  const narrow = findNarrow(values, max, demand);
  return {
    slots,
    wide,
    max: (pc: number) => max[values.made[pc]],
    least: (pc: number) => least[values.made[pc]],
    isTaken: (pc: number) => isTaken(ops[pc]!, least[operands.first[pc]], max[operands.first[pc]]),
    demand: (pc: number) => demand[values.made[pc]],
    narrow: (pc: number) => narrow[values.made[pc]],
  };
}

const HEAD = 'r7 = *(u32 *)(r1 +0)\nr8 = *(u32 *)(r1 +4)\n';
const END = 0xff00_0000;

describe('the largest number of what pc 2 and the following make', () => {
  test.each([
    ['an address and a constant', 'r2 = r7\nr2 += 42', 3, END + 42],
    ['bytes', 'r2 = *(u8 *)(r7 +0)\nr2 <<= 8', 3, 0xff00],
    ['a mask', 'r2 = *(u64 *)(r7 +0)\nr2 &= 1023', 3, 1023],
    ['a shift to the right', 'r2 = *(u64 *)(r7 +0)\nr2 >>= 40', 3, 2 ** 24 - 1],
    ['a difference', 'r2 = r7\nr2 -= 1', 3, Number.POSITIVE_INFINITY],
    ['a 32-bit sum that may wrap', 'w2 = w7\nw2 += -1', 3, 2 ** 32 - 1],
    ['an or', 'r2 = *(u8 *)(r7 +0)\nr2 |= 256', 3, 511],
    ['an or of large numbers', 'r2 = *(u8 *)(r7 +0)\nr2 &= 1\nr2 <<= 49\nr2 |= r7', 5, 2 ** 50 - 1],
    ['a product', 'r2 = *(u16 *)(r7 +0)\nr2 *= 65537', 3, 65535 * 65537],
    ['a negative number', 'r2 = -1\nr2 >>= 1', 3, 2 ** 63 - 1],
  ])('%s', (_name, body, pc, wanted) => {
    const found = analyse(`${HEAD}${body}\nr0 = r2\nexit`);
    // Beyond 2^53 only that it is large counts.
    expect(found.max(pc)).toBe(wanted > 2 ** 53 ? Number.POSITIVE_INFINITY : wanted);
  });
});

describe('the least number of R2', () => {
  test.each([
    ['an address', 'r2 = r7', 2, 0x10000],
    ['an address and a constant', 'r2 = r7\nr2 += 42', 3, 0x1002a],
    ['a constant less', 'r2 = r7\nr2 += -0x10000', 3, 0],
    ['one constant less than that', 'r2 = r7\nr2 += -0xffff', 3, 1],
    ['a length more', 'r2 = *(u8 *)(r7 +0)\nr2 += r7', 3, 0x10000],
    ['what may wrap', 'r2 = *(u32 *)(r7 +0)\nr2 += r7', 3, 0],
    ['what the packet says', 'r2 = *(u32 *)(r7 +0)', 2, 0],
    ['a difference', 'r2 = r8\nr2 -= r7', 3, 0],
    ['a spilled address', '*(u64 *)(r10 -8) = r7\nr2 = *(u64 *)(r10 -8)', 3, 0x10000],
    ['of two addresses', 'r2 = r7\nif r7 == r8 goto l\nr2 += 4\nl: r2 += 2', 5, 0x10002],
    ['of an address and a number', 'r2 = r7\nif r7 == r8 goto l\nr2 = 1\nl: r2 += 2', 5, 2],
    ['of a loop', 'r2 = r7\nl: r2 += 4\nif r2 != r8 goto l', 3, 0],
  ])('%s', (_name, body, pc, wanted) => {
    expect(analyse(`${HEAD}${body}\nr0 = r2\nexit`).least(pc)).toBe(wanted);
  });

  test.each([
    ['r2 == 0', false],
    ['r2 != 0', true],
    ['w2 == 0', false],
    ['r2 == 0xffff', false],
    ['r2 == 0x10000', undefined],
    ['r2 == -1', undefined],
    ['r2 > 0', undefined],
    ['r8 == r2', undefined],
  ])('decides %s', (condition, wanted) => {
    expect(analyse(`${HEAD}r2 = r7\nif ${condition} goto l\nr2 = 1\nl: r0 = r2\nexit`).isTaken(3)).toBe(wanted);
  });
});

describe('a loop', () => {
  const LOOP = `${HEAD}r2 = 0\nl: r3 = r7\nr3 += r2\nr3 = *(u8 *)(r3 +0)\nr2 += 2\nif r2 != 100 goto l\nr0 = r2\nexit`;

  test('adds at most what all of its rounds add', () => {
    const found = analyse(LOOP, 1000);
    expect(found.max(6)).toBe(2002);
    expect(found.max(4)).toBe(END + 2000);
    expect([found.narrow(2), found.narrow(4), found.narrow(6)]).toEqual([1, 1, 1]);
  });

  test('may add anything when nobody knows how often it runs', () => {
    const found = analyse(LOOP);
    expect(found.max(6)).toBe(Number.POSITIVE_INFINITY);
    // All of it is compared and returned; of the address only the low half is read.
    expect([found.narrow(6), found.narrow(4)]).toEqual([0, 1]);
  });
});

test('a product that a loop makes has no bound', () => {
  const found = analyse(`${HEAD}r2 = 1\nr4 = 0\nl: r2 *= 3\nr4 += 1\nif r4 < 9 goto l\nr0 = r2\nexit`, 1000);
  expect(found.max(4)).toBe(Number.POSITIVE_INFINITY);
  expect(found.max(5)).toBe(1001);
});

describe('how much is read', () => {
  test.each([
    ['of what is stored in four bytes', 'r2 = *(u64 *)(r7 +0)\n*(u32 *)(r7 +8) = r2', 1],
    ['of what is stored in eight bytes', 'r2 = *(u64 *)(r7 +0)\n*(u64 *)(r7 +8) = r2', 2],
    ['of what is shifted to the right', 'r2 = *(u64 *)(r7 +0)\nr2 >>= 32\n*(u32 *)(r7 +8) = r2', 2],
    ['of what is masked', 'r2 = *(u64 *)(r7 +0)\nr2 &= 255\n*(u64 *)(r7 +8) = r2', 1],
    ['of what is overwritten', 'r2 = *(u64 *)(r7 +0)\nr2 = 5\n*(u64 *)(r7 +8) = r2', 0],
    ['of what goes to the upper half', 'r2 = *(u64 *)(r7 +0)\nr2 <<= 32\n*(u64 *)(r7 +8) = r2', 1],
    ['of what is compared', 'r2 = *(u64 *)(r7 +0)\nif r2 == 7 goto l\nl: *(u8 *)(r7 +0) = 1', 2],
  ])('%s', (_name, body, wanted) => {
    expect(analyse(`${HEAD}${body}\nr0 = 2\nexit`).demand(2)).toBe(wanted);
  });
});

const TWO = 'r2 = *(u8 *)(r7 +4)\nr3 = *(u8 *)(r7 +5)\n';

describe('bytes', () => {
  test.each([
    ['two', `${TWO}r3 <<= 8\nr3 |= r2`, [{ size: 2, shift: 0 }]],
    ['two, to the left', `${TWO}r3 <<= 24\nr2 <<= 16\nr3 |= r2`, [{ size: 2, shift: 2 }]],
    ['in the other order', `${TWO}r2 <<= 8\nr3 |= r2`, []],
    ['not neighbours', 'r2 = *(u8 *)(r7 +4)\nr3 = *(u8 *)(r7 +6)\nr3 <<= 8\nr3 |= r2', []],
    ['shifted by no byte', `${TWO}r3 <<= 7\nr3 |= r2`, []],
    [
      'a store to one of them that is loaded behind it',
      `r2 = *(u8 *)(r7 +4)\n*(u8 *)(r7 +5) = 1\nr3 = *(u8 *)(r7 +5)\nr3 <<= 8\nr3 |= r2`,
      [{ size: 2, shift: 0 }],
    ],
    [
      'a store to one of them that was loaded before',
      `r2 = *(u8 *)(r7 +4)\n*(u8 *)(r7 +4) = 1\nr3 = *(u8 *)(r7 +5)\nr3 <<= 8\nr3 |= r2`,
      [{ size: 2, shift: 0 }],
    ],
    [
      'stores to both of them, one before its load',
      `r2 = *(u8 *)(r7 +4)\n*(u8 *)(r7 +4) = 1\n*(u8 *)(r7 +5) = 1\nr3 = *(u8 *)(r7 +5)\nr3 <<= 8\nr3 |= r2`,
      [],
    ],
    [
      'a store beside them',
      `r2 = *(u8 *)(r7 +4)\n*(u8 *)(r7 +6) = 1\nr3 = *(u8 *)(r7 +5)\nr3 <<= 8\nr3 |= r2`,
      [{ size: 2, shift: 0 }],
    ],
    [
      'a store somewhere in between',
      `r2 = *(u8 *)(r7 +4)\n*(u8 *)(r8 +6) = 1\nr3 = *(u8 *)(r7 +5)\nr3 <<= 8\nr3 |= r2`,
      [],
    ],
    ['a call in between', `r6 = *(u8 *)(r7 +4)\ncall 5\nr3 = *(u8 *)(r7 +5)\nr3 <<= 8\nr3 |= r6`, []],
  ])('loaded: %s', (_name, body, wanted) => {
    const { wide } = analyse(`${HEAD}${body}\nr0 = r3\nexit`);
    expect([...wide.joins.values()].map(({ size, shift }) => ({ size, shift }))).toEqual(wanted);
  });

  test.each([
    ['copied', 'r2 = *(u8 *)(r7 +4)\n*(u8 *)(r7 +8) = r2\nr2 = *(u8 *)(r7 +5)\n*(u8 *)(r7 +9) = r2', [2]],
    [
      'copied onto themselves',
      'r2 = *(u8 *)(r7 +4)\n*(u8 *)(r7 +5) = r2\nr2 = *(u8 *)(r7 +5)\n*(u8 *)(r7 +6) = r2',
      [],
    ],
    [
      'copied to where they were, the lowest first',
      'r2 = *(u8 *)(r7 +5)\n*(u8 *)(r7 +4) = r2\nr2 = *(u8 *)(r7 +6)\n*(u8 *)(r7 +5) = r2',
      [2],
    ],
    [
      'copied to where they were, the highest first',
      'r2 = *(u8 *)(r7 +5)\n*(u8 *)(r7 +6) = r2\nr2 = *(u8 *)(r7 +4)\n*(u8 *)(r7 +5) = r2',
      [2],
    ],
    [
      'copied from what another store, put together and so later, writes before',
      '*(u8 *)(r7 +9) = 1\nr2 = *(u8 *)(r7 +8)\n*(u8 *)(r7 +8) = 1\nr3 = *(u8 *)(r7 +9)\n*(u8 *)(r7 +4) = r2\n*(u8 *)(r7 +5) = r3',
      [2],
    ],
    ['exchanged', 'r2 = *(u32 *)(r7 +4)\nr3 = *(u32 *)(r7 +8)\n*(u32 *)(r7 +4) = r3\n*(u32 *)(r7 +8) = r2', [8]],
    [
      'exchanged, of which one is read behind its store',
      'r2 = *(u32 *)(r7 +4)\nr3 = *(u32 *)(r7 +8)\n*(u32 *)(r7 +4) = r3\nr0 = *(u8 *)(r7 +4)\n*(u32 *)(r7 +8) = r2',
      [],
    ],
    [
      'exchanged with another place',
      'r2 = *(u32 *)(r7 +4)\nr3 = *(u32 *)(r8 +8)\n*(u32 *)(r7 +4) = r3\n*(u32 *)(r7 +8) = r2',
      [],
    ],
    [
      'exchanged from another place',
      'r2 = *(u32 *)(r8 +4)\nr3 = *(u32 *)(r8 +8)\n*(u32 *)(r7 +4) = r3\n*(u32 *)(r7 +8) = r2',
      [],
    ],
    [
      'side by side from two roots',
      'r2 = *(u32 *)(r7 +16)\nr3 = *(u32 *)(r8 +20)\n*(u32 *)(r7 +4) = r2\n*(u32 *)(r7 +8) = r3',
      [],
    ],
    [
      'of the half before and the half behind',
      'r2 = *(u32 *)(r7 +8)\nr3 = *(u32 *)(r7 +12)\n*(u32 *)(r7 +4) = r2\n*(u32 *)(r7 +8) = r3',
      [8],
    ],
    [
      'rotated, of which one part lies across the end',
      'r2 = *(u16 *)(r7 +6)\nr3 = *(u32 *)(r7 +8)\nr0 = *(u16 *)(r7 +4)\n*(u16 *)(r7 +4) = r2\n*(u32 *)(r7 +6) = r3\n*(u16 *)(r7 +10) = r0',
      [8],
    ],
    [
      'what would be rotated if the middle one were not across the end',
      'r2 = *(u16 *)(r7 +8)\nr3 = *(u32 *)(r7 +10)\nr0 = *(u16 *)(r7 +6)\n*(u16 *)(r7 +4) = r2\n*(u32 *)(r7 +6) = r3\n*(u16 *)(r7 +10) = r0',
      [],
    ],
    ['from two places', 'r2 = *(u32 *)(r7 +4)\nr3 = *(u32 *)(r7 +12)\n*(u32 *)(r7 +4) = r3\n*(u32 *)(r7 +8) = r2', []],
    ['constant', '*(u16 *)(r7 +2) = 1\n*(u16 *)(r7 +0) = 2', [4]],
    ['read in between', '*(u16 *)(r7 +2) = 1\nr0 = *(u8 *)(r7 +3)\n*(u16 *)(r7 +0) = 2', []],
    ['of different kinds', 'r2 = *(u8 *)(r7 +9)\n*(u8 *)(r7 +2) = r2\n*(u8 *)(r7 +3) = 2', []],
    ['three', '*(u8 *)(r7 +0) = 1\n*(u8 *)(r7 +1) = 1\n*(u8 *)(r7 +2) = 1', [2]],
  ])('stored: %s', (_name, body, wanted) => {
    const { wide } = analyse(`${HEAD}${body}\nr0 = 2\nexit`);
    expect([...wide.stores.values()].flatMap((s) => (s.kind === 'wide' ? [s.size] : []))).toEqual(wanted);
  });
});

test.each([
  [100, 1],
  [200, 0],
])('bytes are put together over %i stores: %i', (stores, joins) => {
  // Blocks as long as programs are looked through once.
  const between = Array.from({ length: stores }, (_, i) => `*(u8 *)(r7 +${16 + 2 * (i % 20)}) = ${i}`);
  const { wide } = analyse(`${HEAD}${TWO}${between.join('\n')}\nr3 <<= 8\nr3 |= r2\nr0 = r3\nexit`);
  expect(wide.joins.size).toBe(joins);
});

test('bytes that are exchanged are rotated', () => {
  const body = [0, 2, 4, 6].map((at) => `r${at === 6 ? 0 : at / 2 + 1} = *(u16 *)(r7 +${at})`).join('\n');
  const stores = '*(u16 *)(r7 +2) = r1\n*(u16 *)(r7 +4) = r2\n*(u16 *)(r7 +6) = r3\n*(u16 *)(r7 +0) = r0';
  const { wide } = analyse(`${HEAD}${body}\n${stores}\nr0 = 2\nexit`);
  expect([...wide.stores.values()].filter(({ kind }) => kind === 'wide')).toMatchObject([{ size: 8, rotate: 2 }]);
});

describe('stack slots that are values', () => {
  test.each([
    ['a spill', '*(u64 *)(r10 -8) = r7\nr3 = *(u64 *)(r10 -8)', 1],
    ['two sizes', '*(u64 *)(r10 -8) = r7\nr3 = *(u32 *)(r10 -8)', 0],
    ['a helper reads it', '*(u32 *)(r10 -4) = r7\nr2 = r10\nr2 += -4\ncall 1', 0],
    ['a helper reads what lies beside', '*(u64 *)(r10 -16) = r7\n*(u32 *)(r10 -4) = r7\nr2 = r10\nr2 += -4\ncall 1', 1],
    ['a helper reads as much as it likes', '*(u64 *)(r10 -16) = r7\nr1 = r10\nr1 += -4\ncall 1', 0],
    ['the address is stored', '*(u64 *)(r10 -8) = r7\nr2 = r10\n*(u64 *)(r10 -16) = r2', 0],
    ['the address is kept for another block', '*(u64 *)(r10 -8) = r7\nr6 = r10\nif r7 == 1 goto l\nl: r3 = 1', 0],
    ['an unknown number is added', '*(u64 *)(r10 -8) = r7\nr2 = r10\nr2 += r7\nr3 = *(u8 *)(r2 +0)', 0],
  ])('%s', (_name, body, wanted) => {
    expect(analyse(`${HEAD}${body}\nr0 = 2\nexit`).slots.count).toBe(wanted);
  });
});
