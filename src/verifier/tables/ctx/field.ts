// What a row of a context table says: a field, the widths in which it may be loaded and stored, and what a load gives.

import { SCALAR } from '../../abi.ts';

/**
 * Widths are sizes ORed together: 1 | 2 | 4 is "as a byte, a half or a word".
 * `within`: at every offset of the field that is a multiple of the width (counted from the struct's start) and leaves the
 * access inside the field. `atStart`: at the field's own offset alone; such an access may reach over padding behind the field.
 */
export interface Shape {
  readonly within: number;
  readonly atStart: number;
}

export interface CtxField {
  /** As in linux/bpf.h. */
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** Bytes of an element: `size`, but for arrays. */
  readonly element: number;
  /** Type word of what a load gives. */
  readonly type: number;
  /** Struct behind a PTR_TO_BTF_ID. */
  readonly struct?: string;
  readonly read: Shape;
  readonly write: Shape;
}

/** A struct that programs see: the fields a program may touch, in order of offset. */
export interface CtxStruct {
  readonly name: string;
  readonly size: number;
  readonly fields: readonly CtxField[];
  /** Fields the struct has as well, but not for this program. */
  readonly hidden: readonly CtxField[];
  /** Every byte may be loaded and stored in every width and at every alignment that stays inside the struct. */
  readonly anywhere: boolean;
}

export const NONE: Shape = { within: 0, atStart: 0 };
/** A word, or any aligned part of it. */
export const NARROW: Shape = { within: 1 | 2 | 4, atStart: 0 };
/** Narrower than a word at the field's own offset alone. */
export const NARROW_AT_START: Shape = { within: 0, atStart: 1 | 2 | 4 };
/** Words, or aligned pairs of them, or parts. */
export const NARROW_OR_WIDE: Shape = { within: 1 | 2 | 4 | 8, atStart: 0 };
export const WORD: Shape = { within: 4, atStart: 0 };
export const WORD_OR_WIDE: Shape = { within: 4 | 8, atStart: 0 };
export const DOUBLE_WORD: Shape = { within: 8, atStart: 0 };
export const BYTE: Shape = { within: 1, atStart: 0 };

/** What a row need not say. */
export interface FieldExtra {
  readonly write?: Shape;
  readonly type?: number;
  readonly struct?: string;
  readonly element?: number;
}

/** A row: name, offset, size and how it is read; not writable and a SCALAR unless said otherwise. */
export function field(name: string, offset: number, size: number, read: Shape, extra: FieldExtra = {}): CtxField {
  const { write = NONE, type = SCALAR, element = size } = extra;
  const row = { name, offset, size, element, type, read, write };
  return extra.struct === undefined ? row : { ...row, struct: extra.struct };
}

/** Rows of words that follow each other from `offset` on, each of the same shape. */
export function words(offset: number, read: Shape, names: readonly string[]): CtxField[] {
  return names.map((name, i) => field(name, offset + i * 4, 4, read));
}

export function ctxStruct(name: string, size: number, fields: readonly CtxField[], anywhere = false): CtxStruct {
  return { name, size, fields, hidden: [], anywhere };
}
