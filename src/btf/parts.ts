/**
 * Values by their BTF type. What a type becomes in JavaScript:
 *
 *     int up to 32 bits  number            struct, union  object; members of anonymous ones are its own
 *     int above, ptr     bigint            array          array
 *     bool               boolean           char[]         string, if it is text up to its first NUL; else array
 *     enum, enum64       name, or its number when it has none
 *     float, double      number
 */
import { BtfError } from '../errors/index.ts';
import { declare } from './declare.ts';
import { resolve } from './resolve.ts';
import type { Btf, BtfType } from './types.ts';

export type BtfValue = number | bigint | boolean | string | BtfValue[] | { [member: string]: BtfValue };
/** What may be encoded: besides what is decoded, bytes for arrays of bytes. Members that are missing are not written. */
export type BtfInput =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | readonly BtfInput[]
  | { readonly [member: string]: BtfInput };

/** Parts (numbers, members, elements) one value may have. */
export const VALUE_PARTS_MAX = 1 << 20;
/** Nesting of structs and arrays. */
export const VALUE_DEPTH_MAX = 64;

/** Counts what a value is made of, so that no set of types makes its reader run for long. */
export class PartCounter {
  private parts = 0;

  count(type: number, depth: number): void {
    this.parts++;
    if (this.parts > VALUE_PARTS_MAX) throw new BtfError('BTF_VALUE_LIMIT', { limit: VALUE_PARTS_MAX });
    if (depth > VALUE_DEPTH_MAX) throw new BtfError('BTF_DEPTH', { type, limit: VALUE_DEPTH_MAX });
  }
}

/** Where a part of a value lies. */
export interface Place {
  readonly type: number;
  /** In bits, from the first byte. */
  readonly bit: number;
  /** 0 when it is not a bit-field. */
  readonly bitSize: number;
  readonly depth: number;
}

/** Bits of a number of this type; what is no number has none. */
export function bitsOf(type: BtfType, place: Place): { bit: number; width: number } {
  switch (type.kind) {
    case 'int':
      return { bit: place.bit + type.bitOffset, width: place.bitSize || type.bits };
    case 'enum':
    case 'enum64':
      return { bit: place.bit, width: place.bitSize || type.size * 8 };
    default:
      return { bit: place.bit, width: 64 };
  }
}

/** Checks that a part lies inside the bytes: members may claim to be anywhere. */
export function checkInside(btf: Btf, place: Place, width: number, bytes: Uint8Array): void {
  if (place.bit + width <= bytes.length * 8) return;
  const needed = Math.ceil((place.bit + width) / 8);
  throw new BtfError('BTF_VALUE_SIZE', { type: declare(btf, place.type), needed, found: bytes.length });
}

/** Whether an array of this element type is text. Clang gives `char` the encoding of a signed number. */
export function isChar(btf: Btf, elementType: number): boolean {
  const type = resolve(btf, elementType);
  return (
    type.kind === 'int' && type.size === 1 && type.bits === 8 && (type.encoding === 'char' || type.name === 'char')
  );
}
