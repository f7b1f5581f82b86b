/**
 * What a CO-RE record talks about, on one side: a type, the way from it to a field, and where that field is. The record's access
 * string has one number a step: an index into an array or the number of a member, unnamed members included ("0:1:2").
 */
import { resolve, resolveId, sizeOf } from '../../btf/resolve.ts';
import type { Btf, BtfMember, BtfType } from '../../btf/types.ts';
import type { CoreGroup } from './kinds.ts';

/** A step that has a name, or an index into an array. */
export interface Accessor {
  /** Of a named step: the struct or union that has the member. Of an index: the elem's type. */
  readonly type: number;
  readonly index: number;
  /** Undefined for an index into an array. */
  readonly name: string | undefined;
}

export interface CoreSpec {
  readonly btf: Btf;
  /** Type id the record names. */
  readonly root: number;
  readonly accessors: readonly Accessor[];
  /** All numbers of the way, as in the access string. */
  readonly raw: readonly number[];
  readonly bitOffset: number;
}

type Composite = Extract<BtfType, { kind: 'struct' | 'union' }>;
/** Steps a way may have (libbpf's BPF_CORE_SPEC_MAX_LEN). */
export const SPEC_LENGTH_MAX = 64;

export const isComposite = (type: BtfType): type is Composite => type.kind === 'struct' || type.kind === 'union';
export const isEnum = (type: BtfType): type is Extract<BtfType, { kind: 'enum' | 'enum64' }> =>
  type.kind === 'enum' || type.kind === 'enum64';

/** The numbers of an access string; undefined when it is none. */
function parseAccess(access: string): number[] | undefined {
  if (!/^\d+(:\d+)*$/.test(access)) return undefined;
  const numbers = access.split(':').map(Number);
  return numbers.length <= SPEC_LENGTH_MAX && numbers.every(Number.isSafeInteger) ? numbers : undefined;
}

/** The record's side in the program's own BTF; a text that says what is wrong with it otherwise. */
export function localSpec(btf: Btf, root: number, access: string, group: CoreGroup): CoreSpec | string {
  const raw = parseAccess(access);
  if (raw === undefined) return `'${access}' is no access string`;
  if (group === 'type') {
    if (raw.length !== 1 || raw[0] !== 0) return `the access string of a type is "0", not '${access}'`;
    return { btf, root, accessors: [], raw, bitOffset: 0 };
  }
  const id = resolveId(btf, root);
  if (group === 'field') return fieldSpec(btf, root, id, raw);
  const type = btf.types[id];
  const [index] = raw;
  if (raw.length !== 1 || !isEnum(type) || index >= type.values.length)
    return `'${access}' is no enumerator of the type`;
  return { btf, root, accessors: [{ type: id, index, name: type.values[index].name }], raw, bitOffset: 0 };
}

function fieldSpec(btf: Btf, root: number, resolved: number, raw: readonly number[]): CoreSpec | string {
  let id = resolved;
  let bitOffset = raw[0] * sizeOf(btf, id) * 8;
  const accessors: Accessor[] = [{ type: id, index: raw[0], name: undefined }];
  for (const index of raw.slice(1)) {
    const type = btf.types[id];
    if (isComposite(type)) {
      const member = type.members[index];
      if (member === undefined) return `${type.kind} '${type.name}' has no member ${index}`;
      bitOffset += member.bitOffset;
      if (member.name !== '') accessors.push({ type: id, index, name: member.name });
      id = resolveId(btf, member.type);
    } else if (type.kind === 'array') {
      const elem = resolveId(btf, type.type);
      const isFlexible = isFlexArray(btf, accessors[accessors.length - 1], type.length);
      if (!isFlexible && index >= type.length) return `an array of ${type.length} has no elem ${index}`;
      accessors.push({ type: elem, index, name: undefined });
      bitOffset += index * sizeOf(btf, elem) * 8;
      id = elem;
    } else return `step ${index} goes into a ${type.kind}`;
  }
  return { btf, root, accessors, raw, bitOffset };
}

/** `T last[]` or `T last[0]`: the last member of a struct may be indexed at will. */
export function isFlexArray(btf: Btf, owner: Accessor, length: number): boolean {
  if (owner.name === undefined || length > 0) return false;
  const struct = btf.types[owner.type];
  return isComposite(struct) && owner.index === struct.members.length - 1;
}

/** The member that the last step names; undefined when it is an index. */
export function lastMember(spec: CoreSpec): BtfMember | undefined {
  const last = spec.accessors[spec.accessors.length - 1];
  const type = last?.name === undefined ? undefined : spec.btf.types[last.type];
  return type !== undefined && isComposite(type) ? type.members[last.index] : undefined;
}

/** `[9] struct foo.bar[2] (0:1:2 @ offset 8)`, as libbpf prints it. */
export function specText(spec: CoreSpec, group: CoreGroup): string {
  const { btf, root, accessors, raw, bitOffset } = spec;
  const type = btf.types[root];
  const head = `[${root}] ${type.kind} ${type.name || '<anon>'}`;
  if (group === 'type') return head;
  if (group === 'enumval') {
    const [{ index }] = accessors;
    const found = resolve(btf, root);
    const value = isEnum(found) ? found.values[index] : undefined;
    return `${head}::${value?.name} = ${value?.value}`;
  }
  const steps = accessors.map(({ name, index }, i) => {
    if (name !== undefined) return `.${name}`;
    return i > 0 || index > 0 ? `[${index}]` : '';
  });
  const bits = bitOffset % 8 === 0 ? '' : `.${bitOffset % 8}`;
  return `${head}${steps.join('')} (${raw.join(':')} @ offset ${Math.floor(bitOffset / 8)}${bits})`;
}
