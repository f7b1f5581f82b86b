/** Which loops may run several rounds at a time, under which guards. */
import { describe, expect, test } from 'vitest';
import { buildBlocks } from '../src/ir/block.ts';
import { countLoops } from '../src/ir/counted.ts';
import { findDemands, findNarrow } from '../src/ir/demand.ts';
import { findEffects, NO_SLOTS } from '../src/ir/effects.ts';
import { makeReducible } from '../src/ir/irreducible.ts';
import { findOperands } from '../src/ir/operands.ts';
import { findRanges } from '../src/ir/range.ts';
import { findUnrolls, type Unroll } from '../src/ir/unroll.ts';
import { findValues } from '../src/ir/values.ts';
import { checkStructure } from '../src/verifier/structural.ts';
import { linkedProg } from './engines.cases.ts';
import { bytesOf } from './fuzz/assemble-text.ts';

/** The first two insns load the packet's ends. */
function unrollsOf(text: string, insnLimit: number | undefined): Unroll[] {
  const { ops, funcs } = checkStructure(linkedProg({ name: 'unroll', insns: bytesOf(text) }));
  const [{ start, end }] = funcs;
  const cfg = makeReducible(buildBlocks(ops, start, end));
  const { loops, rounds } = countLoops(cfg, ops);
  const values = findValues(cfg.blocks, findEffects(ops, start, end, NO_SLOTS), cfg.order);
  const operands = findOperands(cfg.blocks, ops, values, new Map());
  const max = findRanges(ops, values, operands, {
    loadsAddress: (pc) => pc < 2,
    isMain: true,
    lowAddresses: true,
    insnLimit,
    rounds,
  });
  const demand = findDemands(
    cfg.blocks,
    ops,
    values,
    { operands, max },
    {
      checks: false,
      isAnswered: () => false,
      isPureLoad: () => true,
      slotAt: new Map(),
      madeOf: new Map(),
      alsoReads: new Map(),
    },
  );
  const narrow = findNarrow(values, max, demand);
  return [...findUnrolls(cfg, loops, { ops, values, operands, max, narrow, slotAt: new Map(), rounds }).values()];
}

interface Parts {
  /** In front of the loop. */
  readonly before?: string;
  /** A test of the pointer R4 with the packet's end R8, which leaves the loop. */
  readonly leave?: string;
  readonly body?: string;
  readonly step?: string;
  readonly stay?: string;
}

const text = (p: Parts): string => `r7 = *(u32 *)(r1 +0)
  r8 = *(u32 *)(r1 +4)
  r0 = 0
  r6 = 0
  ${p.before ?? 'r9 = 0'}
  again: r4 = r7
  r4 += r6
  r5 = r4
  r5 += 2
  ${p.leave ?? 'if r5 > r8 goto out'}
  ${p.body ?? 'r2 = *(u16 *)(r4 +0)\nr0 += r2'}
  ${p.step ?? 'r6 += 2'}
  ${p.stay ?? 'if r6 != 600 goto again'}
  out: exit`;

const one = (parts: Parts, insnLimit?: number): Unroll | undefined => unrollsOf(text(parts), insnLimit)[0];

test('a sum over a packet', () => {
  const found = one({}) as Unroll;
  expect([found.times, found.blocks.length]).toEqual([8, 2]);
  const [end, count] = found.guards as [Unroll['guards'][number], Unroll['guards'][number]];
  expect([end.relation, end.at.add, end.at.terms.size, end.bound.terms.size, end.short]).toEqual([
    'le',
    16,
    2,
    1,
    true,
  ]);
  expect([count.relation, count.at.add, count.at.terms.size, count.bound.add]).toEqual(['lt', 16, 1, 600]);
  expect([...found.strides.values()]).toEqual([2]);
  expect([found.sums.size, [...found.counters.values()]]).toEqual([1, [2]]);
});

describe('is run several rounds at a time', () => {
  test.each<[string, Parts]>([
    ['with the end first', { leave: 'if r8 < r5 goto out' }],
    ['with numbers of 32 bits', { step: 'w6 += 2', stay: 'if w6 < 600 goto again' }],
    ['with signed comparisons', { stay: 'if r6 s< 600 goto again' }],
    ['with a bound from the packet', { before: 'r9 = *(u8 *)(r7 +0)', stay: 'if r6 < r9 goto again' }],
    ['with stores', { body: 'r2 = *(u8 *)(r4 +0)\n*(u8 *)(r4 +1) = r2' }],
  ])('%s', (_name, parts) => expect(one(parts, 10_000)?.times).toBe(8));
});

describe('is left as it is', () => {
  test.each<[string, Parts]>([
    ['where a call is made', { body: 'call 5' }],
    ['where a way out depends on what is loaded', { body: 'r2 = *(u16 *)(r4 +0)\nif r2 == 0 goto out' }],
    ['where ways part in it', { body: 'r2 = *(u16 *)(r4 +0)\nif r2 == 0 goto skip\nr0 += r2\nskip: r3 = 1' }],
    ['where the bound moves as well', { body: 'r8 += 1' }],
    ['where the step is loaded', { step: 'r2 = *(u8 *)(r4 +0)\nr6 += r2' }],
    ['where it runs into the bound from the wrong side', { stay: 'if r6 > 600 goto again' }],
    ['where it stays for one value', { stay: 'if r6 == 2 goto again' }],
    // What is below zero has no bound here.
    ['where it counts down', { before: 'r6 = 600', step: 'r6 += -2', stay: 'if r6 s> 1 goto again' }],
    ['where bits are tested', { stay: 'if r6 & 256 goto out\ngoto again' }],
    ['where few rounds are run', { stay: 'if r6 != 8 goto again' }],
    ['where nobody knows the bound of a number', { before: 'r9 = *(u64 *)(r7 +0)', stay: 'if r6 < r9 goto again' }],
  ])('%s', (_name, parts) => expect(one(parts, 10_000)).toBeUndefined());
});

describe('a sum is that of its own round where', () => {
  test.each<[string, Parts]>([
    ['it is stored', { body: 'r2 = *(u8 *)(r4 +0)\nr0 += r2\n*(u8 *)(r4 +1) = r0' }],
    ['it is read before', { body: 'r2 = *(u8 *)(r4 +0)\nr2 ^= r0\nr0 += r2' }],
    ['it is changed otherwise', { body: 'r2 = *(u8 *)(r4 +0)\nr0 += r2\nr0 ^= 1' }],
  ])('%s', (_name, parts) => {
    expect(one(parts)?.times).toBe(8);
    expect(one(parts)?.sums.size).toBe(0);
  });
});
