// What the verifier tells the JIT of calls and of dead code.
import { expect, test } from 'vitest';
import { assemble } from '../src/isa/asm.ts';
import { encodeInsns } from '../src/isa/decode.ts';
import { Verifier } from '../src/verifier/verify.ts';
import { linkedProg, mapSpec } from './engines.cases.ts';

const maps = [
  mapSpec('array', { type: 'array', keySize: 4, valueSize: 8, maxEntries: 4 }),
  mapSpec('other', { type: 'array', keySize: 4, valueSize: 8, maxEntries: 4 }),
  mapSpec('progs', { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 8 }),
];

function proofOf(text: string) {
  const insns = encodeInsns(assemble(text));
  const calls = [...insns.keys()].filter((at) => at % 8 === 0 && insns[at] === 0x85).map((at) => at / 8);
  return { proof: new Verifier().verify(linkedProg({ name: 'p', insns }, maps)).proof, calls };
}

const key = (value: number): string => `*(u32 *)(r10 -8) = ${value}\nr2 = r10\nr2 += -8\n`;
const map = (index: number): string => `r1 = map[idx:${index}]\n`;
const end = 'w0 = 2\nexit';

test('the map and the constant key of a lookup', () => {
  const { proof, calls } = proofOf(`${map(1)}${key(3)}call 1\n${end}`);
  expect([proof.map(calls[0]), proof.key(calls[0])]).toEqual([1, 3]);
});

test('two keys are none, two maps are none', () => {
  const keys = proofOf(
    `r6 = r1\ncall 7\n${map(0)}${key(1)}if r0 == 5 goto l\n*(u32 *)(r10 -8) = 2\nl:\ncall 1\n${end}`,
  );
  expect([keys.proof.map(keys.calls[1]), keys.proof.key(keys.calls[1])]).toEqual([0, undefined]);
  const both = proofOf(`call 7\n${map(0)}if r0 == 5 goto l\n${map(1)}l:\n${key(1)}call 1\n${end}`);
  expect(both.proof.map(both.calls[1])).toBeUndefined();
});

test('the constant index of a tail call', () => {
  const { proof, calls } = proofOf(`r2 = map[idx:2]\nr3 = 5\ncall 12\n${end}`);
  expect([proof.map(calls[0]), proof.key(calls[0])]).toEqual([2, 5]);
  const unknown = proofOf(`r6 = r1\ncall 7\nr1 = r6\nr2 = map[idx:2]\nr3 = r0\ncall 12\n${end}`);
  expect(unknown.proof.key(unknown.calls[1])).toBeUndefined();
});

test('how many bytes a call is given', () => {
  const fill = '*(u64 *)(r10 -8) = 0\n*(u64 *)(r10 -16) = 0\n';
  const exact = proofOf(`${fill}r1 = r10\nr1 += -16\nr2 = 8\nr3 = 0\nr4 = 0\nr5 = 0\ncall 28\n${end}`);
  expect(exact.proof.size(exact.calls[0])).toEqual({ reg: 2, lo: 8, hi: 8 });
  const range = proofOf(
    `${fill}call 7\nw2 = w0\nw2 &= 12\nr1 = r10\nr1 += -16\nr3 = 0\nr4 = 0\nr5 = 0\ncall 28\n${end}`,
  );
  expect(range.proof.size(range.calls[1])).toEqual({ reg: 2, lo: 0, hi: 12 });
});

test('dead code', () => {
  const { proof } = proofOf(`w0 = 2\nif w0 == 2 goto l\nw0 = 1\nl:\nexit`);
  expect([0, 1, 2, 3].map((pc) => proof.reached(pc))).toEqual([true, true, false, true]);
});
