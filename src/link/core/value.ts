/** What a relocation's value is on one side: an offset, a size, shifts for a bit-field, an enumerator's value. */
import { resolve, resolveId, sizeOf } from '../../btf/resolve.ts';
import type { Btf, BtfType } from '../../btf/types.ts';
import * as k from './kinds.ts';
import { type CoreSpec, isEnum, lastMember } from './spec.ts';

export interface CoreValue {
  readonly value: bigint;
  /** Bytes and type of the field, where it is loaded or stored as a whole. */
  readonly size?: number;
  readonly type?: BtfType;
  /** Must the insn hold the local value before it is patched? The compiler's own choice for bit-fields may differ. */
  readonly exact: boolean;
}

/** A relocation of `kind` cannot have a value for what was found there: the insn must not be reached. */
export const POISON = 'poison';

/** `spec` is undefined when the target has no such thing. A text says why the record is wrong. */
export function coreValue(
  kind: number,
  spec: CoreSpec | undefined,
): CoreValue | typeof POISON | { readonly wrong: string } {
  switch (kind) {
    case k.FIELD_EXISTS:
    case k.TYPE_EXISTS:
    case k.TYPE_MATCHES:
    case k.ENUMVAL_EXISTS:
      return { value: spec === undefined ? 0n : 1n, exact: true };
    case k.TYPE_ID_TARGET:
    case k.TYPE_ID_LOCAL:
      return { value: BigInt(spec?.root ?? 0), exact: false };
    case k.TYPE_SIZE:
      return { value: spec === undefined ? 0n : BigInt(sizeOf(spec.btf, spec.root)), exact: true };
    case k.ENUMVAL_VALUE:
      return spec === undefined ? POISON : { value: enumValue(spec), exact: true };
    default:
      return spec === undefined ? POISON : fieldValue(kind, spec);
  }
}

function enumValue(spec: CoreSpec): bigint {
  const type = resolve(spec.btf, spec.root);
  return isEnum(type) ? BigInt(type.values[spec.accessors[0].index].value) : 0n;
}

function fieldValue(kind: number, spec: CoreSpec): CoreValue | { readonly wrong: string } {
  const member = lastMember(spec);
  if (member === undefined) return elemValue(kind, spec);
  const { btf, bitOffset } = spec;
  const id = resolveId(btf, member.type);
  const type = btf.types[id];
  const isBitfield = member.bitSize > 0;
  const storage = isBitfield
    ? bitfieldStorage(bitOffset, member.bitSize, sizeOf(btf, id))
    : wholeField(btf, id, bitOffset);
  if (storage === undefined) return { wrong: `bit-field '${member.name}' needs more than one 64-bit read` };
  const { byteOffset, bytes } = storage;
  const bits = isBitfield ? member.bitSize : bytes * 8;
  switch (kind) {
    case k.FIELD_BYTE_OFFSET: {
      const value = BigInt(byteOffset);
      return isBitfield ? { value, exact: false } : { value, size: bytes, type, exact: true };
    }
    case k.FIELD_BYTE_SIZE:
      return { value: BigInt(bytes), exact: !isBitfield };
    case k.FIELD_SIGNED:
      return { value: isSigned(type) ? 1n : 0n, exact: true };
    case k.FIELD_LSHIFT_U64:
      return { value: BigInt(64 - (bitOffset + bits - byteOffset * 8)), exact: !isBitfield };
    default:
      return { value: BigInt(64 - bits), exact: true };
  }
}

function elemValue(kind: number, spec: CoreSpec): CoreValue | { readonly wrong: string } {
  const { type: id } = spec.accessors[spec.accessors.length - 1];
  const size = sizeOf(spec.btf, id);
  if (kind === k.FIELD_BYTE_OFFSET)
    return { value: BigInt(spec.bitOffset / 8), size, type: spec.btf.types[id], exact: true };
  if (kind === k.FIELD_BYTE_SIZE) return { value: BigInt(size), exact: true };
  return { wrong: `${k.CORE_KIND_NAMES[kind]} is asked of an elem of an array` };
}

function wholeField(btf: Btf, id: number, bitOffset: number): { byteOffset: number; bytes: number } {
  return { byteOffset: Math.floor(bitOffset / 8), bytes: sizeOf(btf, id) };
}

/** The smallest aligned load that has all bits; undefined when 8 bytes do not. */
function bitfieldStorage(
  bitOffset: number,
  bits: number,
  declared: number,
): { byteOffset: number; bytes: number } | undefined {
  for (let bytes = declared; bytes <= 8; bytes *= 2) {
    const byteOffset = Math.floor(bitOffset / 8 / bytes) * bytes;
    if (bitOffset + bits - byteOffset * 8 <= bytes * 8) return { byteOffset, bytes };
  }
  return undefined;
}

function isSigned(type: BtfType): boolean {
  return (isEnum(type) && type.signed) || (type.kind === 'int' && type.encoding === 'signed');
}
