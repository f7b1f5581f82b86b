/** `bpf_core_type_matches`: the kernel's type has all that the program's says, by names, kinds and sizes. */
import { RESOLVE_DEPTH_MAX, resolveId } from '../../btf/resolve.ts';
import type { Btf, BtfType } from '../../btf/types.ts';
import { essentialName, sameEssence } from './names.ts';
import { isComposite, isEnum } from './spec.ts';

type Composite = Extract<BtfType, { kind: 'struct' | 'union' }>;
type Enum = Extract<BtfType, { kind: 'enum' | 'enum64' }>;

interface Sides {
  readonly local: Btf;
  readonly target: Btf;
}

export function typesMatch(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  return matches({ local, target }, localId, targetId, false, RESOLVE_DEPTH_MAX);
}

/** Behind a pointer only names and kinds count: the struct it points to may be declared without its members. */
function matches(sides: Sides, localId: number, targetId: number, behindPointer: boolean, depth: number): boolean {
  if (depth <= 0) return false;
  const a = sides.local.types[resolveId(sides.local, localId)];
  const b = sides.target.types[resolveId(sides.target, targetId)];
  if (!sameEssence(a.name, b.name)) return false;
  const deeper = (x: number, y: number, pointer = behindPointer): boolean => matches(sides, x, y, pointer, depth - 1);
  switch (a.kind) {
    case 'void':
      return b.kind === 'void';
    case 'fwd':
      if (b.kind === 'fwd') return a.union === b.union;
      return behindPointer && b.kind === (a.union ? 'union' : 'struct');
    case 'enum':
    case 'enum64':
      return isEnum(b) && a.size === b.size && enumsMatch(a, b);
    case 'struct':
    case 'union':
      if (!behindPointer) return b.kind === a.kind && compositesMatch(sides, a, b as Composite, depth);
      return b.kind === a.kind || (b.kind === 'fwd' && b.union === (a.kind === 'union'));
    case 'int':
      return b.kind === 'int' && a.size === b.size && (a.encoding === 'signed') === (b.encoding === 'signed');
    case 'ptr':
      return b.kind === 'ptr' && deeper(a.type, b.type, true);
    case 'array':
      return b.kind === 'array' && a.length === b.length && deeper(a.type, b.type);
    case 'func_proto':
      return (
        b.kind === 'func_proto' &&
        a.params.length === b.params.length &&
        a.params.every((param, i) => deeper(param.type, b.params[i].type)) &&
        deeper(a.type, b.type)
      );
    default:
      return false;
  }
}

function enumsMatch(a: Enum, b: Enum): boolean {
  const names = new Set(b.values.map((value) => essentialName(value.name)));
  return a.values.length <= b.values.length && a.values.every((value) => names.has(essentialName(value.name)));
}

function compositesMatch(sides: Sides, a: Composite, b: Composite, depth: number): boolean {
  if (!isComposite(b) || a.members.length > b.members.length) return false;
  return a.members.every((ours) =>
    b.members.some(
      (theirs) => sameEssence(ours.name, theirs.name) && matches(sides, ours.type, theirs.type, false, depth - 1),
    ),
  );
}
