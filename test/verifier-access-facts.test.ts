// What the verifier proves of each load and store: region and offsets, joined over all paths.

import { expect, test } from 'vitest';
import * as abi from '../src/verifier/abi.ts';
import { VerifierInstance } from '../src/verifier/instance.ts';
import { judge } from '../src/verifier/judge.ts';
import { buildCase } from './verifier/asm.ts';
import type { CaseMap } from './verifier/case.ts';

const instance = new VerifierInstance();
const maps: Record<string, CaseMap> = { array: { type: 'array', value: 16 }, other: { type: 'array', value: 32 } };

/** Region, map, smallest and largest offset of the access at `pc`, and whether paths disagree. */
function fact(insns: string, pc: number): readonly [number, number, number, number, boolean] {
  const { prog } = buildCase({ name: 'facts', maps, insns, verdict: 'accept' });
  expect(judge(instance, prog).refusal).toBeUndefined();
  const view = instance.view;
  const at = view.getUint32((instance.exports.result() >>> 0) + abi.RESULT_AUX, true) + pc * abi.AUX_SIZE;
  const word = (offset: number): number => view.getInt32(at + offset, true);
  expect(word(abi.AUX_FACT_FLAGS) & abi.FACT_SEEN).not.toBe(0);
  const mixed = (word(abi.AUX_FACT_FLAGS) & abi.FACT_MIXED) !== 0;
  return [word(abi.AUX_FACT_REGION), word(abi.AUX_FACT_MAP), word(abi.AUX_FACT_LO), word(abi.AUX_FACT_HI), mixed];
}

test('a field of the ctx', () => {
  expect(fact('r0 = *(u32 *)(r1 + 12)\nr0 = 0\nexit', 0)).toEqual([abi.PTR_TO_CTX, -1, 12, 12, false]);
});

test('a slot of the stack', () => {
  expect(fact('r2 = r10\nr2 += -8\n*(u32 *)(r2 + 4) = 1\nr0 = 0\nexit', 2)).toEqual([
    ...[abi.PTR_TO_STACK, -1, -4, -4],
    false,
  ]);
});

test('a slot of a caller is none of this frame', () => {
  const text = `r1 = r10
r1 += -8
*(u64 *)(r1 + 0) = 7
call sub
exit
sub: r0 = *(u64 *)(r1 + 0)
exit`;
  const [region, , lo, hi, mixed] = fact(text, 5);
  expect([region, lo, hi, mixed]).toEqual([abi.PTR_TO_STACK, -8, -8, true]);
});

test('a bounded index into a map value', () => {
  const text = 'r3 = *(u32 *)(r1 + 12)\nr3 &= 7\nr2 = map[array]+4\nr2 += r3\nr0 = *(u8 *)(r2 + 1)\nr0 = 0\nexit';
  expect(fact(text, 5)).toEqual([abi.PTR_TO_MAP_VALUE, 0, 5, 12, false]);
});

test('paths that disagree on the map', () => {
  const text = `r3 = *(u32 *)(r1 + 12)
r2 = map[array]+0
if r3 == 0 goto l
r2 = map[other]+8
l: r0 = *(u32 *)(r2 + 4)
r0 = 0
exit`;
  const [region, , lo, hi, mixed] = fact(text, 6);
  expect([region, lo, hi, mixed]).toEqual([abi.PTR_TO_MAP_VALUE, 4, 12, true]);
});

test('a bounded offset into the packet', () => {
  const text = `r2 = *(u32 *)(r1 + 0)
r3 = *(u32 *)(r1 + 4)
r4 = *(u32 *)(r1 + 12)
r4 &= 15
r2 += r4
r5 = r2
r5 += 8
if r5 > r3 goto out
r0 = *(u16 *)(r2 + 6)
out: r0 = 0
exit`;
  expect(fact(text, 8)).toEqual([abi.PTR_TO_PACKET, -1, 6, 21, false]);
});
