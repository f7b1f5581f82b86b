/**
 * Whether a type of the program and one of the kernel can stand for each other. Fields and named types are taken by kind alone
 * (`fieldsCompatible`, `typesCompatible`); `bpf_core_type_matches` wants every member the program knows (match.ts).
 */
import { RESOLVE_DEPTH_MAX, resolveId } from '../../btf/resolve.ts';
import type { Btf, BtfType } from '../../btf/types.ts';
import { sameEssence } from './names.ts';
import { isComposite, isEnum } from './spec.ts';

/** The same kind; an enum of 32 bits may have become one of 64. */
export function sameKind(a: BtfType, b: BtfType): boolean {
  return a.kind === b.kind || (isEnum(a) && isEnum(b));
}

/** Bit-fields of old BTF are integers with an offset: nothing is compatible with them. */
const isWhole = (type: BtfType): boolean => type.kind === 'int' && type.bitOffset === 0;

/** May a field of the kernel's type be read where the program was compiled with its own? */
export function fieldsCompatible(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  let [ours, theirs] = [localId, targetId];
  for (let depth = 0; depth <= RESOLVE_DEPTH_MAX; depth++) {
    const a = local.types[resolveId(local, ours)];
    const b = target.types[resolveId(target, theirs)];
    if (isComposite(a) && isComposite(b)) return true;
    if (!sameKind(a, b)) return false;
    switch (a.kind) {
      case 'ptr':
      case 'float':
        return true;
      case 'fwd':
      case 'enum':
      case 'enum64':
        // One of them may be unnamed: then nothing speaks against it.
        return a.name === '' || b.name === '' || sameEssence(a.name, b.name);
      case 'int':
        return isWhole(a) && isWhole(b);
      case 'array':
        ours = a.type;
        theirs = (b as typeof a).type;
        break;
      default:
        return false;
    }
  }
  return false;
}

/** Types of the same name that are of the same kind, and so on behind pointers, arrays and in prototypes. */
export function typesCompatible(
  local: Btf,
  localId: number,
  target: Btf,
  targetId: number,
  depth = RESOLVE_DEPTH_MAX,
): boolean {
  if (depth <= 0) return false;
  const a = local.types[resolveId(local, localId)];
  const b = target.types[resolveId(target, targetId)];
  if (!sameKind(a, b)) return false;
  const deeper = (x: number, y: number): boolean => typesCompatible(local, x, target, y, depth - 1);
  switch (a.kind) {
    case 'void':
    case 'struct':
    case 'union':
    case 'enum':
    case 'enum64':
    case 'fwd':
      return true;
    case 'int':
      return isWhole(a) && isWhole(b);
    case 'ptr':
    case 'array':
      return deeper(a.type, (b as typeof a).type);
    case 'func_proto': {
      const { params, type } = b as typeof a;
      return (
        a.params.length === params.length &&
        a.params.every((param, i) => deeper(param.type, params[i].type)) &&
        deeper(a.type, type)
      );
    }
    default:
      return false;
  }
}
