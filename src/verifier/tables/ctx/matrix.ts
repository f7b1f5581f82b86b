// One struct that several program types see differently: a row per field, a column per view.

import type { CtxField, CtxStruct, FieldExtra, Shape } from './field.ts';
import { field, NONE } from './field.ts';

/**
 * A cell of the matrix: `-` refused, `r` read, `rw` read and written; a capital letter asks for CAP_BPF.
 */
export interface MatrixRow {
  readonly field: CtxField;
  readonly cells: readonly string[];
}

export interface MatrixStruct {
  readonly name: string;
  readonly size: number;
  readonly rows: readonly MatrixRow[];
}

/** A row and its cells, separated by spaces. What the field is written as counts where a cell has a `w`. */
export function row(
  name: string,
  at: readonly [offset: number, size: number],
  read: Shape,
  cells: string,
  extra: FieldExtra = {},
): MatrixRow {
  const write = extra.write ?? { within: at[1], atStart: 0 };
  return { field: field(name, at[0], at[1], read, { ...extra, write }), cells: cells.split(/\s+/) };
}

/** The struct as seen in one column. */
export function view(struct: MatrixStruct, column: number, bpfCapable: boolean): CtxStruct {
  const fields: CtxField[] = [];
  const hidden: CtxField[] = [];
  for (const { field, cells } of struct.rows) {
    const cell = cells[column] as string;
    const allowed = bpfCapable ? cell.toLowerCase() : cell;
    const read = allowed.includes('r') ? field.read : NONE;
    const write = allowed.includes('w') ? field.write : NONE;
    if (read === NONE && write === NONE) hidden.push(field);
    else fields.push({ ...field, read, write });
  }
  return { name: struct.name, size: struct.size, fields, hidden, anywhere: false };
}
