/**
 * From an insn to its row of the table, with every rule about its fields: RFC 9669 section 3, "unused fields SHALL be cleared to zero".
 * Linux 6.18 refuses the same encodings, but ignores `off` of `exit` and the second slot's imm of a function reference.
 */
import { BPF_REG_FP } from '../../assembly/isa.ts';
import { InsnError } from '../errors/index.ts';
import type { Insn } from './insn.ts';
import { CASTS, templateParts } from './syntax.ts';
import { ISA_TABLE, type IsaRow } from './table.ts';

/** What one opcode can mean. */
interface Candidates {
  /** The field that tells the rows apart; undefined when there is one row. */
  readonly field: 'src' | 'off' | 'imm' | undefined;
  readonly rows: readonly IsaRow[];
}

type Register = 'dst' | 'src';

function registersOf(row: IsaRow): Register[] {
  const holes = templateParts(row.syntax).flatMap((part) => ('hole' in part ? [part.hole] : []));
  const has = (...names: string[]): boolean => holes.some((hole) => names.includes(hole));
  return [...(has('rd', 'wd') ? (['dst'] as const) : []), ...(has('rs', 'ws') ? (['src'] as const) : [])];
}

const REGISTERS: ReadonlyMap<IsaRow, readonly Register[]> = new Map(ISA_TABLE.map((row) => [row, registersOf(row)]));

const CANDIDATES: readonly (Candidates | undefined)[] = Array.from({ length: 256 }, (_, opcode) => {
  const rows = ISA_TABLE.filter((row) => row.opcode === opcode);
  return rows.length === 0 ? undefined : { field: rows[0].select?.field, rows };
});

function select(insn: Insn, pc: number): IsaRow {
  const candidates = CANDIDATES[insn.opcode];
  if (candidates === undefined) throw new InsnError('INSN_UNKNOWN', { pc, opcode: insn.opcode });
  const { field, rows } = candidates;
  if (field === undefined) return rows[0];
  const found = insn[field];
  for (const row of rows) if (row.select?.value === found) return row;
  const expected = rows.map((row) => row.select?.value as number);
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
  const row = select(insn, pc);
  for (const field of row.zero) {
    if (field !== 'next' && insn[field] !== 0) {
      throw new InsnError('INSN_RESERVED', { pc, opcode: insn.opcode, field, found: insn[field] });
    }
  }
  for (const field of REGISTERS.get(row) as readonly Register[]) {
    if (insn[field] > BPF_REG_FP)
      throw new InsnError('INSN_REGISTER', { pc, opcode: insn.opcode, field, found: insn[field] });
  }
  if (row.meaning.kind === 'cast') checkSpaces(insn, pc);
  if (row.meaning.kind === 'lddw') checkNext(row, insn, next, pc);
  return row;
}

/** How many 8-byte slots the row's insns take. */
export const slotsOf = (row: IsaRow): 1 | 2 => (row.meaning.kind === 'lddw' ? 2 : 1);
