// Context tables as the bytes that assembly/verifier/table/ctx.ts reads; assembly/verifier/abi/ctx.ts draws them.

import {
  CTX_CELL_ROW_SHIFT,
  CTX_CELL_SIZE,
  CTX_CELL_WRITE_SHIFT,
  CTX_ROW_BYTES,
  CTX_ROW_ELEMENT,
  CTX_ROW_INDEX,
  CTX_ROW_OFFSET,
  CTX_ROW_SIZE,
  CTX_ROW_STRUCT,
  CTX_ROW_TYPE,
  CTX_TABLE_CELLS,
  CTX_TABLE_ROWS,
  CTX_TABLE_SIZE,
  CTX_TABLES,
} from '../../abi.ts';
import type { PacketProgType } from '../prog-types.ts';
import type { CtxField, CtxStruct, Shape } from './field.ts';
import type { CtxConditions } from './views.ts';
import { structsOf } from './views.ts';

const WIDEST = 8;

export interface CtxEncoding extends CtxConditions {
  /** The index a struct of the kernel's BTF has among INPUT_STRUCTS; -1 when it is not there. */
  readonly structIndex: (name: string) => number;
}

/** The widths in which `at` may be accessed, by the shape of the field it lies in. */
function widthsAt(field: CtxField, shape: Shape, at: number): number {
  const end = field.offset + field.size;
  let fits = 0;
  for (let width = 1; width <= WIDEST && at + width <= end && at % width === 0; width *= 2) fits |= width;
  const within = fits & shape.within;
  return at === field.offset ? within | shape.atStart : within;
}

/** The widths in which any byte of a struct that is plain memory may be accessed. */
function widthsAnywhere(struct: CtxStruct, at: number): number {
  let fits = 0;
  for (let width = 1; width <= WIDEST && at + width <= struct.size; width *= 2) fits |= width;
  return fits;
}

/** Bytes of a struct's table. */
function tableSize(struct: CtxStruct): number {
  return CTX_TABLE_CELLS + struct.size * CTX_CELL_SIZE + struct.fields.length * CTX_ROW_SIZE;
}

function writeCells(view: DataView, cells: number, struct: CtxStruct): void {
  for (const [index, field] of struct.fields.entries()) {
    for (let at = field.offset; at < field.offset + field.size; at++) {
      const read = struct.anywhere ? widthsAnywhere(struct, at) : widthsAt(field, field.read, at);
      const write = struct.anywhere ? read : widthsAt(field, field.write, at);
      const cell = read | (write << CTX_CELL_WRITE_SHIFT) | (index << CTX_CELL_ROW_SHIFT);
      view.setUint32(cells + at * CTX_CELL_SIZE, cell, true);
    }
  }
}

function writeRow(view: DataView, at: number, field: CtxField, index: number, struct: number): void {
  view.setUint32(at + CTX_ROW_TYPE, field.type, true);
  view.setInt32(at + CTX_ROW_STRUCT, struct, true);
  view.setUint16(at + CTX_ROW_OFFSET, field.offset, true);
  view.setUint16(at + CTX_ROW_BYTES, field.size, true);
  view.setUint16(at + CTX_ROW_ELEMENT, field.element, true);
  view.setUint16(at + CTX_ROW_INDEX, index, true);
}

function writeTable(view: DataView, at: number, struct: CtxStruct, encoding: CtxEncoding): void {
  const rows = CTX_TABLE_CELLS + struct.size * CTX_CELL_SIZE;
  view.setUint32(at + CTX_TABLE_SIZE, struct.size, true);
  view.setUint32(at + CTX_TABLE_ROWS, rows, true);
  writeCells(view, at + CTX_TABLE_CELLS, struct);
  for (const [index, field] of struct.fields.entries()) {
    const type = field.struct === undefined ? -1 : encoding.structIndex(field.struct);
    writeRow(view, at + rows + index * CTX_ROW_SIZE, field, index, type);
  }
}

/** The structs as one blob: the directory, then a table for each. All offsets count from the blob's start or the table's. */
export function encodeStructs(structs: readonly CtxStruct[], encoding: CtxEncoding): Uint8Array {
  const starts: number[] = [];
  let size = CTX_TABLES * 4;
  for (const struct of structs) {
    starts.push(size);
    size += tableSize(struct);
  }
  const view = new DataView(new ArrayBuffer(size));
  for (const [i, struct] of structs.entries()) {
    view.setUint32(i * 4, starts[i] as number, true);
    writeTable(view, starts[i] as number, struct, encoding);
  }
  return new Uint8Array(view.buffer);
}

/** INPUT_CTX_TABLE of a program type. The kernel's BTF structs it names are those of `ctxStructNames`. */
export function encodeCtxTable(type: PacketProgType, encoding: CtxEncoding): Uint8Array {
  return encodeStructs(structsOf(type, encoding), encoding);
}

/** The BTF structs a type's tables point to: INPUT_STRUCTS must have them for loads through such pointers. */
export function ctxStructNames(type: PacketProgType, conditions: CtxConditions): string[] {
  const fields = structsOf(type, conditions).flatMap((struct) => struct.fields);
  return [...new Set(fields.flatMap((field) => field.struct ?? []))];
}
