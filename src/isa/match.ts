/**
 * From an insn to its row of the table, with every rule about its fields: RFC 9669 section 3, "unused fields SHALL be cleared to zero".
 * Linux 6.18 refuses the same encodings, but ignores `off` of `exit` and the second slot's imm of a function reference.
 */
import { BPF_REG_FP } from '../../assembly/isa.ts';
import { InsnError } from '../errors/index.ts';
import { lazy } from '../util/lazy.ts';
import type { Insn } from './insn.ts';
import { CASTS } from './syntax.ts';
import { type IsaRow, isaTable } from './table.ts';

/** A row as it is checked. */
interface Rule {
  readonly row: IsaRow;
  readonly value: number | undefined;
  /** Fields of the first slot. */
  readonly zero: readonly ('dst' | 'src' | 'off' | 'imm')[];
  readonly registers: readonly ('dst' | 'src')[];
}

/** What one opcode can mean. */
interface Candidates {
  /** The field that tells the rows apart; undefined when there is one row. */
  readonly field: 'src' | 'off' | 'imm' | undefined;
  readonly rules: readonly Rule[];
}

const byOpcode = lazy((): readonly (readonly IsaRow[] | undefined)[] => {
  const rows: IsaRow[][] = [];
  for (const row of isaTable()) {
    rows[row.opcode] ??= [];
    rows[row.opcode].push(row);
  }
  return rows;
});

const ruleOf = (row: IsaRow): Rule => ({
  row,
  value: row.select?.value,
  zero: row.zero.filter((field) => field !== 'next'),
  registers: row.registers,
});

/** Of the opcodes that were met. */
const CANDIDATES: (Candidates | undefined)[] = [];

function candidatesOf(opcode: number): Candidates | undefined {
  const rows = byOpcode()[opcode];
  if (rows === undefined) return undefined;
  const candidates = { field: rows[0].select?.field, rules: rows.map(ruleOf) };
  CANDIDATES[opcode] = candidates;
  return candidates;
}

function select(insn: Insn, pc: number): Rule {
  const candidates = CANDIDATES[insn.opcode] ?? candidatesOf(insn.opcode);
  if (candidates === undefined) throw new InsnError('INSN_UNKNOWN', { pc, opcode: insn.opcode });
  const { field, rules } = candidates;
  if (field === undefined) return rules[0];
  const found = insn[field];
  for (const rule of rules) if (rule.value === found) return rule;
  const expected = rules.map((rule) => rule.value as number);
  throw new InsnError('INSN_FORM', { pc, opcode: insn.opcode, field, found, expected });
}

function checkNext(row: IsaRow, insn: Insn, next: Insn | undefined, pc: number): void {
  const { opcode } = insn;
  if (next === undefined) throw new InsnError('INSN_WIDE_MISSING', { pc, opcode });
  for (const field of ['opcode', 'dst', 'src', 'off'] as const) {
    if (next[field] !== 0) throw new InsnError('INSN_WIDE', { pc, opcode, field, found: next[field] });
  }
  if (next.imm !== 0 && row.zero.includes('next')) {
    throw new InsnError('INSN_WIDE', { pc, opcode, field: 'imm', found: next.imm });
  }
}

function checkSpaces({ opcode, imm }: Insn, pc: number): void {
  if (CASTS.includes(imm)) return;
  throw new InsnError('INSN_FORM', { pc, opcode, field: 'imm', found: imm, expected: CASTS });
}

/**
 * The row of one insn.
 * @param next the following slot, which `ld_imm64` needs
 * @param pc for messages
 * @throws InsnError when the insn is none of the table, or not as its row says
 */
export function findRow(insn: Insn, next: Insn | undefined, pc: number): IsaRow {
  const { row, zero, registers } = select(insn, pc);
  for (const field of zero) {
    if (insn[field] !== 0) {
      throw new InsnError('INSN_RESERVED', { pc, opcode: insn.opcode, field, found: insn[field] });
    }
  }
  for (const field of registers) {
    if (insn[field] > BPF_REG_FP)
      throw new InsnError('INSN_REGISTER', { pc, opcode: insn.opcode, field, found: insn[field] });
  }
  if (row.meaning.kind === 'cast') checkSpaces(insn, pc);
  if (row.meaning.kind === 'lddw') checkNext(row, insn, next, pc);
  return row;
}

/** How many 8-byte slots the row's insns take. */
export const slotsOf = (row: IsaRow): 1 | 2 => (row.meaning.kind === 'lddw' ? 2 : 1);
