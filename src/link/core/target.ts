/** Finds in the kernel's BTF what a record of the program means: types by name, and in them the same way to a field. */
import { resolveId, sizeOf } from '../../btf/resolve.ts';
import type { Btf } from '../../btf/types.ts';
import { fieldsCompatible, sameKind, typesCompatible } from './compatible.ts';
import { type CoreGroup, TYPE_MATCHES } from './kinds.ts';
import { typesMatch } from './match.ts';
import { essentialName, sameEssence } from './names.ts';
import { type Accessor, type CoreSpec, isComposite, isEnum, isFlexArray, SPEC_LENGTH_MAX } from './spec.ts';

/** Types by essential name: made once for each target. */
const BY_NAME = new WeakMap<Btf, ReadonlyMap<string, readonly number[]>>();

function byName(btf: Btf): ReadonlyMap<string, readonly number[]> {
  const known = BY_NAME.get(btf);
  if (known !== undefined) return known;
  const names = new Map<string, number[]>();
  btf.types.forEach(({ name }, id) => {
    if (name === '') return;
    const essence = essentialName(name);
    const ids = names.get(essence);
    if (ids === undefined) names.set(essence, [id]);
    else ids.push(id);
  });
  BY_NAME.set(btf, names);
  return names;
}

/** Types of the target with the local one's name and kind. */
export function candidates(local: Btf, root: number, target: Btf): number[] {
  const type = local.types[root];
  const ids = byName(target).get(essentialName(type.name)) ?? [];
  return ids.filter((id) => sameKind(type, target.types[id]));
}

/** The local spec, found again from type `root` of the target; undefined when that type has not what is asked for. */
export function matchSpec(
  local: CoreSpec,
  target: Btf,
  root: number,
  kind: number,
  group: CoreGroup,
): CoreSpec | undefined {
  if (group === 'type') {
    const fits = kind === TYPE_MATCHES ? typesMatch : typesCompatible;
    if (!fits(local.btf, local.root, target, root)) return undefined;
    return { btf: target, root, accessors: [], raw: [0], bitOffset: 0 };
  }
  return group === 'enumval' ? matchEnum(local, target, root) : matchField(local, target, root);
}

function matchEnum(local: CoreSpec, target: Btf, root: number): CoreSpec | undefined {
  const id = resolveId(target, root);
  const type = target.types[id];
  if (!isEnum(type)) return undefined;
  const wanted = local.accessors[0].name ?? '';
  const index = type.values.findIndex((value) => sameEssence(value.name, wanted));
  if (index < 0) return undefined;
  const { name } = type.values[index];
  return { btf: target, root, accessors: [{ type: id, index, name }], raw: [index], bitOffset: 0 };
}

/** A walk through the target's types, as far as it got. */
interface Way {
  readonly type: number;
  readonly bitOffset: number;
  readonly raw: readonly number[];
  readonly accessors: readonly Accessor[];
}

function matchField(local: CoreSpec, target: Btf, root: number): CoreSpec | undefined {
  let way: Way | undefined = { type: root, bitOffset: 0, raw: [], accessors: [] };
  local.accessors.forEach((step, i) => {
    if (way === undefined) return;
    way = { ...way, type: resolveId(target, way.type) };
    way = step.name === undefined ? enterElem(target, way, step, i === 0) : enterMember(local, step, target, way);
  });
  return way && { btf: target, root, accessors: way.accessors, raw: way.raw, bitOffset: way.bitOffset };
}

function enterElem(target: Btf, way: Way, step: Accessor, isFirst: boolean): Way | undefined {
  let elem = way.type;
  if (!isFirst) {
    const array = target.types[way.type];
    if (array.kind !== 'array') return undefined;
    const isFlexible = isFlexArray(target, way.accessors[way.accessors.length - 1], array.length);
    if (!isFlexible && step.index >= array.length) return undefined;
    elem = resolveId(target, array.type);
  }
  return {
    type: elem,
    bitOffset: way.bitOffset + step.index * sizeOf(target, elem) * 8,
    raw: [...way.raw, step.index],
    accessors: [...way.accessors, { type: elem, index: step.index, name: undefined }],
  };
}

/** The member of that name, also where it is in an unnamed struct or union. */
function enterMember(local: CoreSpec, step: Accessor, target: Btf, way: Way): Way | undefined {
  const type = target.types[way.type];
  const owner = local.btf.types[step.type];
  if (!isComposite(type) || !isComposite(owner) || way.raw.length >= SPEC_LENGTH_MAX) return undefined;
  const wanted = owner.members[step.index];
  for (const [index, member] of type.members.entries()) {
    const at = { ...way, bitOffset: way.bitOffset + member.bitOffset, raw: [...way.raw, index] };
    if (member.name === '') {
      const inner = enterMember(local, step, target, { ...at, type: resolveId(target, member.type) });
      if (inner !== undefined) return inner;
    } else if (member.name === wanted.name) {
      // One of the name is all there is: what it is decides.
      if (!fieldsCompatible(local.btf, wanted.type, target, member.type)) return undefined;
      const accessor = { type: way.type, index, name: member.name };
      return { ...at, type: member.type, accessors: [...way.accessors, accessor] };
    }
  }
  return undefined;
}
