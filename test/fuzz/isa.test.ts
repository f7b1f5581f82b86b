// Any bytes decode to an op or an InsnError, any text assembles or is an InsnError: no other error, no hang.
// BPF2WASM_FUZZ_RUNS sets how many of each, BPF2WASM_FUZZ_SEED where they start.

import { expect, test } from 'vitest';
import { InsnError } from '../../src/errors/index.ts';
import { assemble } from '../../src/isa/asm.ts';
import { decodeInsns, decodeOp, encodeInsns } from '../../src/isa/decode.ts';
import { disassemble } from '../../src/isa/disasm.ts';
import type { Insn } from '../../src/isa/insn.ts';
import { isaTable } from '../../src/isa/table.ts';
import { prng } from './mutate.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 20_000);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 9669);

/** The value, or undefined for an InsnError that has what a message needs; anything else is a failure. */
function attempt<T>(what: string, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof InsnError && error.stage === 'insn' && !/undefined|NaN|\[object/.test(error.message))
      return undefined;
    throw new Error(`seed ${SEED}: ${what}`, { cause: error });
  }
}

/** 16 bytes: pure noise, or a row's opcode and form with noise in one field. */
function randomBytes(random: (below: number) => number): Uint8Array {
  const bytes = Uint8Array.from({ length: 16 }, () => random(256));
  if (random(4) === 0) return bytes;
  const row = isaTable()[random(isaTable().length)];
  const fields = { dst: random(12), src: 0, off: 0, imm: 0 };
  if (row.select !== undefined) fields[row.select.field] = row.select.value;
  const noisy = (['src', 'off', 'imm'] as const)[random(3)];
  if (random(2) === 0) fields[noisy] = random(noisy === 'src' ? 16 : 70) - (noisy === 'src' ? 0 : 8);
  const next: Insn = { opcode: 0, dst: 0, src: 0, off: 0, imm: random(3) };
  return encodeInsns([{ opcode: row.opcode, ...fields }, next]);
}

test(`${RUNS} random insns, seed ${SEED}`, () => {
  const random = prng(SEED);
  let known = 0;
  for (let i = 0; i < RUNS; i++) {
    const bytes = randomBytes(random);
    const [first, next] = decodeInsns(bytes);
    const op = attempt(`decode ${[...bytes]}`, () => decodeOp(first, next, i));
    if (op === undefined) continue;
    known++;
    const slots = op.kind === 'lddw' ? [first, next] : [first];
    expect(assemble(disassemble(slots)), `seed ${SEED}`).toEqual(slots);
  }
  expect(known).toBeGreaterThan(RUNS / 10);
  expect(known).toBeLessThan(RUNS);
});

const SCRAPS = [
  'r0',
  'w3',
  'r10',
  '=',
  '+=',
  's',
  '>',
  '(',
  ')',
  '*',
  'u32',
  '-1',
  '0x',
  '99999999999',
  'pc',
  'l0',
  ':',
  '#',
  ' ll',
  '[',
  '<',
  ';',
  '\n',
  'é',
  '\0',
  '0'.repeat(40),
];

/** Lines of the table's own syntax with pieces taken out, doubled or put in. */
function randomText(random: (below: number) => number): string {
  const lines = Array.from({ length: 1 + random(3) }, () => {
    const { syntax, alt } = isaTable()[random(isaTable().length)];
    const text = [syntax, ...alt][random(1 + alt.length)];
    return text
      .replace(/\{[rw][ds]\}/g, () => `${'rw'[random(2)]}${random(12)}`)
      .replace(/\{\w+\}/g, () => SCRAPS[random(SCRAPS.length)]);
  });
  let text = lines.join('\n');
  for (let changes = random(4); changes > 0; changes--) {
    const at = random(text.length + 1);
    text = text.slice(0, at) + SCRAPS[random(SCRAPS.length)] + text.slice(at + random(3));
  }
  return text;
}

test(`${RUNS} random texts, seed ${SEED}`, () => {
  const random = prng(SEED + 1);
  let assembled = 0;
  for (let i = 0; i < RUNS; i++) {
    const text = randomText(random);
    const insns = attempt(`assemble ${JSON.stringify(text)}`, () => assemble(text));
    if (insns === undefined) continue;
    assembled++;
    expect(assemble(disassemble(insns)), `seed ${SEED}: ${JSON.stringify(text)}`).toEqual(insns);
  }
  expect(assembled).toBeGreaterThan(RUNS / 100);
});

test('long lines and many lines take linear time', () => {
  const start = performance.now();
  for (const piece of [' ', '<', ' <a', '<a> ', 'r0 ', '1', '((', 'a:', '; ', '- ', '\n', ' <a>\u00a0']) {
    attempt(JSON.stringify(piece), () => assemble(piece.repeat(100_000)));
  }
  expect(assemble('r0 = *(u32 *)(r1 +4)\n'.repeat(50_000))).toHaveLength(50_000);
  expect(performance.now() - start).toBeLessThan(10_000);
});
