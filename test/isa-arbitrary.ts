// fast-check arbitraries from the instruction table: each row with random operands, as 1 or 2 slots.

import fc from 'fast-check';
import type { Insn } from '../src/isa/insn.ts';
import { CASTS, type Field, templateParts } from '../src/isa/syntax.ts';
import type { IsaRow } from '../src/isa/table.ts';

const register = fc.integer({ min: 0, max: 10 });
const int16 = fc.oneof(fc.integer({ min: -0x8000, max: 0x7fff }), fc.constantFrom(0, 1, -1, 8, -8, 0x7fff, -0x8000));
const int32 = fc.oneof(
  fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  fc.constantFrom(0, 1, -1, 5, 211, 0x7fff_ffff, -0x8000_0000),
);
const zero = fc.constant(0);

const OPERANDS: Record<Field, fc.Arbitrary<number>> = {
  dst: register,
  src: register,
  off: int16,
  imm: int32,
  next: int32,
};

/** A row's name in test titles: its syntax, and the field that selects it. */
export const rowName = (row: IsaRow): string =>
  `${row.opcode.toString(16).padStart(2, '0')} ${row.syntax}${row.select === undefined ? '' : ` (${row.select.field} ${row.select.value})`}`;

/** The slots of one insn of the row. */
export function insnOf(row: IsaRow): fc.Arbitrary<Insn[]> {
  const field = (name: Field): fc.Arbitrary<number> => {
    if (row.select?.field === name) return fc.constant(row.select.value);
    if (name === 'imm' && row.meaning.kind === 'cast') return fc.constantFrom(...CASTS);
    return row.zero.includes(name) ? zero : OPERANDS[name];
  };
  const first = fc.record({
    opcode: fc.constant(row.opcode),
    dst: field('dst'),
    src: field('src'),
    off: field('off'),
    imm: field('imm'),
  });
  if (row.meaning.kind !== 'lddw') return first.map((insn) => [insn]);
  return fc.tuple(first, field('next')).map(([insn, imm]) => [insn, { opcode: 0, dst: 0, src: 0, off: 0, imm }]);
}

/** The holes of a row's text. */
export const holesOf = (row: IsaRow): string[] =>
  templateParts(row.syntax).flatMap((part) => ('hole' in part ? [part.hole] : []));
