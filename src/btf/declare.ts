/** C declarations of BTF types: `const char *name[4]`, `int (*cb)(struct ctx *)`. */
import { BtfError } from '../errors/index.ts';
import { RESOLVE_DEPTH_MAX, typeOf } from './resolve.ts';
import type { Btf, BtfType } from './types.ts';

type Qualifier = 'const' | 'volatile' | 'restrict';

/**
 * The declaration of `name` with type `id`; with no name, the type as C writes it in a cast. Declarators grow from the
 * name outwards: a pointer stands before it, array bounds and parameters behind it.
 */
export function declare(btf: Btf, id: number, name = ''): string {
  return declareAt(btf, id, name, true);
}

function declareAt(btf: Btf, id: number, name: string, withParams: boolean): string {
  let declarator = name;
  let prefix = '';
  let at = id;
  for (let depth = 0; depth <= RESOLVE_DEPTH_MAX; depth++) {
    const type = typeOf(btf, at);
    switch (type.kind) {
      case 'ptr':
        declarator = `*${declarator}`;
        break;
      case 'array':
        declarator = `${grouped(declarator)}[${type.length}]`;
        break;
      case 'func_proto':
        // Parameters of parameters are left out: types may nest, and what is printed stays linear in the type's size.
        declarator = `${grouped(declarator)}(${withParams ? parameters(btf, type) : '...'})`;
        break;
      case 'const':
      case 'volatile':
      case 'restrict':
        if (qualifiesPointer(btf, type.type)) declarator = qualified(type.kind, declarator);
        else prefix += `${type.kind} `;
        break;
      case 'type_tag':
      case 'var':
      case 'func':
        break;
      default:
        return (
          prefix + baseName(type) + (declarator === '' || declarator.startsWith('[') ? declarator : ` ${declarator}`)
        );
    }
    at = type.type;
  }
  throw new BtfError('BTF_DEPTH', { type: id, limit: RESOLVE_DEPTH_MAX });
}

function grouped(declarator: string): string {
  return declarator.startsWith('*') ? `(${declarator})` : declarator;
}

/** The star that follows (outwards) must not stick to the qualifier: `*const name`. */
function qualified(qualifier: Qualifier, declarator: string): string {
  return declarator === '' ? qualifier : `${qualifier} ${declarator}`;
}

/** Whether a qualifier of type `id` qualifies a pointer, looking through further qualifiers. */
function qualifiesPointer(btf: Btf, id: number): boolean {
  let type = typeOf(btf, id);
  for (let depth = 0; depth < RESOLVE_DEPTH_MAX && isQualifier(type); depth++) type = typeOf(btf, type.type);
  return type.kind === 'ptr';
}

function isQualifier(type: BtfType): type is Extract<BtfType, { kind: Qualifier | 'type_tag' }> {
  return type.kind === 'const' || type.kind === 'volatile' || type.kind === 'restrict' || type.kind === 'type_tag';
}

function parameters(btf: Btf, proto: Extract<BtfType, { kind: 'func_proto' }>): string {
  if (proto.params.length === 0) return 'void';
  // A parameter of type 0 without a name is the ellipsis.
  return proto.params
    .map(({ name, type }) => (type === 0 && name === '' ? '...' : declareAt(btf, type, name, false)))
    .join(', ');
}

function baseName(type: BtfType): string {
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'struct':
    case 'union':
      return `${type.kind} ${type.name || '(anonymous)'}`;
    case 'enum':
    case 'enum64':
      return `enum ${type.name || '(anonymous)'}`;
    case 'fwd':
      return `${type.union ? 'union' : 'struct'} ${type.name}`;
    default:
      return type.name;
  }
}
