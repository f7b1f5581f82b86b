/** BTF types as C definitions, for people to read. */
import { declare } from './declare.ts';
import { typeOf } from './resolve.ts';
import type { Btf, BtfMember, BtfType } from './types.ts';

/** Nesting of anonymous structs that is written out; deeper ones are `{ ... }`. */
const NESTING_MAX = 8;
/** Lines of one definition. */
const LINES_MAX = 4096;

/** The definition of one type: `struct flow { ... };`, `typedef __u32 ip_t;`, `int main_prog(struct xdp_md *ctx);`. */
export function dumpType(btf: Btf, id: number): string {
  const type = typeOf(btf, id);
  switch (type.kind) {
    case 'struct':
    case 'union':
    case 'enum':
    case 'enum64': {
      const lines = bodyOf(btf, type, '', 0);
      if (lines.length > LINES_MAX) lines.splice(LINES_MAX, lines.length, '/* and more */', '}');
      return `${lines.join('\n')};`;
    }
    case 'typedef': {
      const target = typeOf(btf, type.type);
      // `typedef struct { ... } name;` has its body nowhere else.
      if (isBody(target) && target.name === '') return `typedef ${dumpType(btf, type.type).slice(0, -1)} ${type.name};`;
      return `typedef ${declare(btf, type.type, type.name)};`;
    }
    case 'func':
      return `${type.linkage === 'static' ? 'static ' : ''}${declare(btf, type.type, type.name)};`;
    case 'var': {
      const storage = type.linkage === 'global' ? '' : `${type.linkage} `;
      return `${storage}${declare(btf, type.type, type.name)};`;
    }
    case 'fwd':
      return `${declare(btf, id)};`;
    case 'datasec':
      return [`/* section ${type.name}, ${type.size} bytes */`, ...type.vars.map((v) => dumpType(btf, v.type))].join(
        '\n',
      );
    case 'decl_tag':
      return `/* tag "${type.name}" on type ${type.type} */`;
    default:
      return `${declare(btf, id)};`;
  }
}

/** Every definition that has a name of its own, in the order of the types. */
export function dumpBtf(btf: Btf): string {
  const definitions = btf.types.flatMap((type, id) => {
    const hasDefinition = isBody(type) || type.kind === 'typedef' || type.kind === 'func' || type.kind === 'var';
    return hasDefinition && type.name !== '' ? [dumpType(btf, id)] : [];
  });
  return definitions.join('\n\n');
}

type Body = Extract<BtfType, { kind: 'struct' | 'union' | 'enum' | 'enum64' }>;

function isBody(type: BtfType): type is Body {
  return type.kind === 'struct' || type.kind === 'union' || type.kind === 'enum' || type.kind === 'enum64';
}

function bodyOf(btf: Btf, type: Body, indent: string, nesting: number): string[] {
  const keyword = type.kind === 'enum64' ? 'enum' : type.kind;
  const head = `${indent}${keyword} ${type.name === '' ? '' : `${type.name} `}{`;
  const inner = `${indent}    `;
  const content: string[] = [];
  if (type.kind === 'enum' || type.kind === 'enum64') {
    content.push(...type.values.map((v) => `${inner}${v.name} = ${v.value},`));
  } else {
    for (const member of type.members) {
      if (content.length > LINES_MAX) break;
      content.push(...memberLines(btf, member, inner, nesting));
    }
  }
  return [head, ...content, `${indent}}`];
}

function memberLines(btf: Btf, member: BtfMember, indent: string, nesting: number): string[] {
  const bits = member.bitSize > 0 ? ` : ${member.bitSize}` : '';
  const type = typeOf(btf, member.type);
  if (!isBody(type) || type.name !== '') return [`${indent}${declare(btf, member.type, member.name)}${bits};`];
  const suffix = `${member.name === '' ? '' : ` ${member.name}`}${bits};`;
  if (nesting >= NESTING_MAX) return [`${indent}${type.kind} { ... }${suffix}`];
  const body = bodyOf(btf, type, indent, nesting + 1);
  return [...body.slice(0, -1), `${body[body.length - 1]}${suffix}`];
}
