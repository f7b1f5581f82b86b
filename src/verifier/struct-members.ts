/** Members of a struct as the verifier walks them when a program reads through a BTF pointer: rows of SM_SIZE. */

import { resolve, resolveId, sizeOf } from '../btf/resolve.ts';
import type { Btf, BtfMember, BtfType } from '../btf/types.ts';
import { BtfError } from '../errors/index.ts';
import * as abi from './abi.ts';
import { MEMBER_FLAGS, TAG_FLAGS } from './kernel-rules.ts';

/** Number for a struct (type id) that a member is; for a struct it points to; -1 for one that is not followed. */
export interface StructNumbers {
  embedded(id: number): number;
  pointee(id: number): number;
}

interface MemberRow {
  readonly offset: number;
  readonly bytes: number;
  readonly kind: number;
  readonly struct: number;
  readonly flags: number;
}

const POINTERS_MAX = 64;

function tagFlags(btf: Btf, pointer: BtfType & { kind: 'ptr' }): number {
  let flags = 0;
  let at = btf.types[pointer.type];
  for (let i = 0; i < 8 && at?.kind === 'type_tag'; i++) {
    flags |= TAG_FLAGS.get(at.name) ?? 0;
    at = btf.types[at.type];
  }
  return flags;
}

function pointerRow(btf: Btf, owner: string, name: string, type: BtfType & { kind: 'ptr' }, numbers: StructNumbers) {
  const target = resolveId(btf, type.type);
  const isStruct = btf.types[target].kind === 'struct' || btf.types[target].kind === 'union';
  return {
    bytes: 8,
    kind: abi.SMK_POINTER,
    struct: isStruct ? numbers.pointee(target) : -1,
    flags: tagFlags(btf, type) | (MEMBER_FLAGS.get(`${owner}.${name}`) ?? 0),
  };
}

function rowsOf(btf: Btf, owner: string, member: BtfMember, numbers: StructNumbers): MemberRow[] {
  let offset = member.bitOffset >> 3;
  let id = resolveId(btf, member.type);
  let count = 1;
  for (let type = btf.types[id]; type.kind === 'array'; type = btf.types[id]) {
    count *= type.length;
    id = resolveId(btf, type.type);
  }
  const type = btf.types[id];
  if (type.kind === 'ptr') {
    const row = pointerRow(btf, owner, member.name, type, numbers);
    return Array.from({ length: Math.min(count, POINTERS_MAX) }, (_, i) => ({ ...row, offset: offset + 8 * i }));
  }
  const size = sizeOf(btf, id);
  if (type.kind === 'struct' || type.kind === 'union') {
    return [{ offset, bytes: size * count, kind: abi.SMK_STRUCT, struct: numbers.embedded(id), flags: 0 }];
  }
  // A bit-field is read with the whole of its type.
  if (member.bitSize !== 0) offset -= offset % size;
  return [{ offset, bytes: size * count, kind: abi.SMK_NUMBER, struct: -1, flags: 0 }];
}

/** The rows of a struct or union, ordered by offset, as bytes. */
export function memberRows(btf: Btf, id: number, numbers: StructNumbers): Uint8Array {
  const type = resolve(btf, id);
  if (type.kind !== 'struct' && type.kind !== 'union') return new Uint8Array(0);
  const rows: MemberRow[] = [];
  for (const member of type.members) {
    try {
      rows.push(...rowsOf(btf, type.name, member, numbers));
    } catch (error) {
      // Without a size (a forward declaration): no access finds it.
      if (!(error instanceof BtfError)) throw error;
    }
  }
  rows.sort((a, b) => a.offset - b.offset);
  const bytes = new Uint8Array(rows.length * abi.SM_SIZE);
  const view = new DataView(bytes.buffer);
  rows.forEach((row, i) => {
    const at = i * abi.SM_SIZE;
    view.setUint32(at + abi.SM_OFFSET, row.offset, true);
    view.setUint32(at + abi.SM_BYTES, row.bytes, true);
    view.setUint32(at + abi.SM_KIND, row.kind, true);
    view.setInt32(at + abi.SM_STRUCT, row.struct, true);
    view.setUint32(at + abi.SM_FLAGS, row.flags, true);
  });
  return bytes;
}

/** Ints, enums, arrays and structs of them: memory of the program may stand for it. */
export function isPlain(btf: Btf, id: number, depth = 0): boolean {
  const type = resolve(btf, id);
  switch (type.kind) {
    case 'int':
    case 'enum':
    case 'enum64':
      return true;
    case 'array':
      return depth < 8 && isPlain(btf, type.type, depth + 1);
    case 'struct':
    case 'union':
      return depth < 8 && type.members.every((m) => isPlain(btf, m.type, depth + 1));
    default:
      return false;
  }
}
