/** Questions about one BTF type: what it is behind its modifiers, and how large. */
import { BtfError } from '../errors/index.ts';
import type { Btf, BtfType } from './types.ts';

/** Steps from a type to its meaning: more is a loop, which no compiler writes (Linux has 32). */
export const RESOLVE_DEPTH_MAX = 32;
/** Bytes a type may have; also keeps sizes exact. */
export const TYPE_SIZE_MAX = 0x7fff_ffff;

export function typeOf(btf: Btf, id: number): BtfType {
  const type = btf.types[id];
  if (type === undefined) throw new BtfError('BTF_NO_TYPE', { type: id, types: btf.types.length });
  return type;
}

/** The id behind typedef, const, volatile, restrict and type_tag. */
export function resolveId(btf: Btf, id: number): number {
  let at = id;
  for (let depth = 0; depth <= RESOLVE_DEPTH_MAX; depth++) {
    const type = typeOf(btf, at);
    switch (type.kind) {
      case 'typedef':
      case 'type_tag':
      case 'const':
      case 'volatile':
      case 'restrict':
        at = type.type;
        break;
      default:
        return at;
    }
  }
  throw new BtfError('BTF_DEPTH', { type: id, limit: RESOLVE_DEPTH_MAX });
}

/** The type behind typedef, const, volatile, restrict and type_tag. */
export function resolve(btf: Btf, id: number): BtfType {
  return typeOf(btf, resolveId(btf, id));
}

/** Bytes of a value of this type; a BtfError for what has no size (void, functions, forward declarations). */
export function sizeOf(btf: Btf, id: number): number {
  let count = 1;
  let at = id;
  for (let depth = 0; depth <= RESOLVE_DEPTH_MAX; depth++) {
    const type = resolve(btf, at);
    switch (type.kind) {
      case 'array':
        count *= type.length;
        at = type.type;
        break;
      case 'var':
        at = type.type;
        break;
      case 'ptr':
        return checkedSize(btf, id, count * 8);
      case 'int':
      case 'enum':
      case 'enum64':
      case 'float':
      case 'struct':
      case 'union':
      case 'datasec':
        return checkedSize(btf, id, count * type.size);
      default:
        throw new BtfError('BTF_UNSIZED', { type: id, name: typeOf(btf, id).name, kind: type.kind });
    }
  }
  throw new BtfError('BTF_DEPTH', { type: id, limit: RESOLVE_DEPTH_MAX });
}

function checkedSize(btf: Btf, id: number, size: number): number {
  if (size <= TYPE_SIZE_MAX) return size;
  throw new BtfError('BTF_SIZE', { type: id, name: typeOf(btf, id).name, size, limit: TYPE_SIZE_MAX });
}
