/**
 * One CO-RE record against a target: what the program was compiled with, what the kernel has, and how the insn changes
 * (docs.kernel.org/bpf/libbpf/libbpf_overview.html, `struct bpf_core_relo` of linux/bpf.h).
 */
import type { Btf, BtfCoreRelo, BtfType } from '../../btf/types.ts';
import { CORE_KIND_NAMES, type CoreGroup, coreGroup, TYPE_ID_LOCAL } from './kinds.ts';
import type { CorePatch } from './patch.ts';
import { type CoreSpec, localSpec, specText } from './spec.ts';
import { candidates, matchSpec } from './target.ts';
import { type CoreValue, coreValue, POISON } from './value.ts';

export type Resolution =
  | { readonly kind: 'patch'; readonly patch: CorePatch; readonly text: string }
  /** Nothing in the target answers it. */
  | { readonly kind: 'poison'; readonly text: string }
  | { readonly kind: 'wrong'; readonly why: string };

const wrong = (why: string): Resolution => ({ kind: 'wrong', why });

/**
 * `local` keeps what was compiled, but for type ids, which change when objects are linked together.
 * @throws BtfError for types that have no size, or refer to themselves
 */
export function resolveCore(local: Btf, relo: BtfCoreRelo, target: Btf | 'local'): Resolution {
  const group = coreGroup(relo.kind);
  if (group === undefined) return wrong(`no CO-RE relocation has kind ${relo.kind}`);
  const spec = localSpec(local, relo.type, relo.access, group);
  if (typeof spec === 'string') return wrong(spec);
  const text = `<${CORE_KIND_NAMES[relo.kind]}> ${specText(spec, group)}`;
  const own = coreValue(relo.kind, spec);
  if (own === POISON || 'wrong' in own) return wrong(own === POISON ? text : own.wrong);
  if (target === 'local' || relo.kind === TYPE_ID_LOCAL) return patchOf(own, own, text);
  if (local.types[relo.type].name === '') return wrong(`${text} names no type that could be looked for`);
  return against(relo.kind, group, { spec, own, text }, target);
}

interface Local {
  readonly spec: CoreSpec;
  readonly own: CoreValue;
  readonly text: string;
}

/** Several types of the target may fit: then they must agree. */
function against(kind: number, group: CoreGroup, { spec, own, text }: Local, target: Btf): Resolution {
  let chosen: { readonly found: CoreSpec; readonly value: CoreValue } | undefined;
  for (const root of candidates(spec.btf, spec.root, target)) {
    const found = matchSpec(spec, target, root, kind, group);
    if (found === undefined) continue;
    const value = coreValue(kind, found);
    if (value === POISON) continue;
    if ('wrong' in value) return wrong(value.wrong);
    if (chosen !== undefined && (chosen.value.value !== value.value || chosen.found.bitOffset !== found.bitOffset)) {
      const both = [chosen.found, found].map((one) => specText(one, group)).join(' and ');
      return wrong(`${text} is ambiguous: ${both}`);
    }
    chosen ??= { found, value };
  }
  const value = chosen?.value ?? coreValue(kind, undefined);
  if (value === POISON) return { kind: 'poison', text };
  return 'wrong' in value ? wrong(value.wrong) : patchOf(own, value, text);
}

function patchOf(own: CoreValue, found: CoreValue, text: string): Resolution {
  const originalSize = own.size ?? 0;
  const size = found.size ?? 0;
  const cannotResize = originalSize !== size && !canResize(own.type, found.type);
  const patch = { original: own.value, value: found.value, exact: own.exact, originalSize, size, cannotResize };
  return { kind: 'patch', patch, text };
}

/** A load of another width gives the same number for pointers and for integers without a sign. */
function canResize(a: BtfType | undefined, b: BtfType | undefined): boolean {
  if (a?.kind === 'ptr' && b?.kind === 'ptr') return true;
  return a?.kind === 'int' && b?.kind === 'int' && a.encoding !== 'signed' && b.encoding !== 'signed';
}
