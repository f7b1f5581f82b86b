// Which registers have a zero upper half, by the forms of insns.
import { expect, test } from 'vitest';
import { assemble } from '../src/isa/asm.ts';
import { encodeInsns } from '../src/isa/decode.ts';
import { checkStructure } from '../src/verifier/structural.ts';
import { upperHalves } from '../src/verifier/upper-halves.ts';
import { linkedProg } from './engines.cases.ts';

/** Registers whose upper half is zero before the last insn. */
function atEnd(text: string): string {
  const insns = encodeInsns(assemble(text));
  const masks = upperHalves(checkStructure(linkedProg({ name: 'p', insns })));
  const mask = masks[masks.length - 1];
  return Array.from({ length: 10 }, (_, i) => ((mask >> i) & 1 ? `r${i}` : ''))
    .filter((name) => name !== '')
    .join(' ');
}

test.each([
  ['nothing but the context', 'exit', 'r1'],
  ['a 32-bit operation', 'w0 = w1\nexit', 'r0 r1'],
  ['a copy', 'r6 = r1\nexit', 'r1 r6'],
  ['constants', 'r0 = 1\nr2 = -1\nr3 = 0x7fffffff\nr4 = 0x1ffffffff ll\nexit', 'r0 r1 r3'],
  ['sums may carry', 'w0 = 1\nr0 += 1\nexit', 'r1'],
  ['a mask', 'r0 = -1\nr0 &= 255\nexit', 'r0 r1'],
  ['a negative mask', 'r0 = -1\nr0 &= -2\nexit', 'r1'],
  ['both sides of or', 'w0 = 1\nw2 = 2\nr0 |= r2\nr2 |= -1\nexit', 'r0 r1'],
  ['shifts to the right', 'r0 = -1\nr0 >>= 32\nr2 = -1\nr2 >>= 31\nexit', 'r0 r1'],
  ['loads', 'r0 = *(u32 *)(r1 +0)\nr2 = *(u64 *)(r10 -8)\nr3 = *(s8 *)(r10 -8)\nexit', 'r0 r1'],
  ['sign extension', 'w0 = (s8)w1\nr2 = (s8)r1\nexit', 'r0 r1'],
  ['a call forgets', 'w0 = 1\nw6 = 1\ncall 5\nexit', 'r6'],
  ['a join keeps what both have', 'w0 = 1\nw2 = 1\nif r1 == 0 goto l\nr2 = -1\nl:\nexit', 'r0 r1'],
  ['a loop', 'w0 = 1\nw2 = 1\nl:\nr2 += 1\nif r2 < 9 goto l\nexit', 'r0 r1'],
  ['an exchange', 'w0 = 1\nr2 = -1\nlock *(u32 *)(r10 -4) ^= r0\nr2 = xchg_64(r10 -8, r2)\nexit', 'r0 r1'],
])('%s', (_, text, expected) => {
  expect(atEnd(text)).toBe(expected);
});

test('what a function is given is not known', () => {
  const insns = encodeInsns(assemble('w1 = 1\ncall f\nexit\nf:\nw6 = 1\nexit'));
  const masks = upperHalves(checkStructure(linkedProg({ name: 'p', insns })));
  expect((masks[masks.length - 1] >> 1) & 1).toBe(0);
});
