/**
 * Parts of a map value or of an allocated object that programs may not touch directly: locks, timers, list and tree heads and nodes, kptrs.
 * They are known by the names of their structs, by type tags (`kptr` ...) and by declaration tags (`contains:TYPE:MEMBER`).
 */

import { resolve, resolveId, sizeOf } from '../btf/resolve.ts';
import type { Btf, BtfMember, BtfType } from '../btf/types.ts';
import { BtfError } from '../errors/index.ts';
import * as abi from './abi.ts';

export interface SpecialField {
  /** FIELD_ */
  readonly kind: number;
  readonly offset: number;
  readonly bytes: number;
  /** Kptr: name of the struct behind it. */
  readonly pointee?: string;
  /** List head or tree root: struct of its elements (type id), and where the node is in it. */
  readonly element?: number;
  readonly nodeOffset?: number;
}

const FIELDS_MAX = 11;
const NESTING_MAX = 8;
/** Component of a declaration tag that is on the variable itself. */
const ON_TYPE = -1;

const STRUCT_FIELDS: ReadonlyMap<string, number> = new Map([
  ['bpf_spin_lock', abi.FIELD_SPIN_LOCK],
  ['bpf_res_spin_lock', abi.FIELD_RES_SPIN_LOCK],
  ['bpf_timer', abi.FIELD_TIMER],
  ['bpf_wq', abi.FIELD_WORKQUEUE],
  ['bpf_task_work', abi.FIELD_TASK_WORK],
  ['bpf_list_head', abi.FIELD_LIST_HEAD],
  ['bpf_list_node', abi.FIELD_LIST_NODE],
  ['bpf_rb_root', abi.FIELD_RB_ROOT],
  ['bpf_rb_node', abi.FIELD_RB_NODE],
  ['bpf_refcount', abi.FIELD_REFCOUNT],
]);

const KPTR_FIELDS: ReadonlyMap<string, number> = new Map([
  ['kptr_untrusted', abi.FIELD_KPTR_UNREF],
  ['kptr', abi.FIELD_KPTR_REF],
  ['percpu_kptr', abi.FIELD_KPTR_PERCPU],
  ['uptr', abi.FIELD_UPTR],
]);

/** `contains:TYPE:MEMBER` of a list head or tree root. */
function contained(btf: Btf, owner: number, member: number): { element: number; nodeOffset: number } | undefined {
  const tag = btf.types.find(
    (t) => t.kind === 'decl_tag' && t.type === owner && t.componentIndex === member && t.name.startsWith('contains:'),
  );
  const [, name, node] = tag?.name.split(':') ?? [];
  const element = btf.types.findIndex((t) => t.kind === 'struct' && t.name === name);
  const type = btf.types[element];
  if (type?.kind !== 'struct') return undefined;
  const at = type.members.find((m) => m.name === node);
  return at === undefined ? undefined : { element, nodeOffset: at.bitOffset / 8 };
}

/** `struct X __kptr *`: the tag is on what the pointer points to. */
function kptr(btf: Btf, type: BtfType, offset: number): SpecialField | undefined {
  if (type.kind !== 'ptr') return undefined;
  let at: BtfType | undefined = btf.types[type.type];
  let kind: number | undefined;
  for (let i = 0; i < NESTING_MAX && at?.kind === 'type_tag'; i++) {
    kind ??= KPTR_FIELDS.get(at.name);
    at = btf.types[at.type];
  }
  if (kind === undefined) return undefined;
  const pointee = resolve(btf, type.type);
  return { kind, offset, bytes: 8, pointee: pointee.name };
}

interface Walk {
  readonly btf: Btf;
  readonly found: SpecialField[];
}

function addMember(walk: Walk, owner: number, index: number, member: BtfMember, base: number, depth: number): void {
  const { btf, found } = walk;
  const offset = base + member.bitOffset / 8;
  let id = resolveId(btf, member.type);
  let count = 1;
  for (let type = btf.types[id]; type.kind === 'array' && count > 0 && count <= FIELDS_MAX; type = btf.types[id]) {
    count *= type.length;
    id = resolveId(btf, type.type);
  }
  const type = btf.types[id];
  const kind = type.kind === 'struct' ? STRUCT_FIELDS.get(type.name) : undefined;
  const isComposite = type.kind === 'struct' || type.kind === 'union';
  if (kind === undefined && type.kind !== 'ptr' && !isComposite) return;
  const bytes = sizeOf(btf, id);
  for (let i = 0; i < count && found.length < FIELDS_MAX; i++) {
    const at = offset + i * bytes;
    const pointer = kptr(btf, type, at);
    if (pointer !== undefined) found.push(pointer);
    else if (kind !== undefined) found.push({ kind, offset: at, bytes, ...headOf(btf, kind, owner, index) });
    else if (isComposite) addMembers(walk, id, at, depth + 1);
    else return;
  }
}

function headOf(btf: Btf, kind: number, owner: number, index: number): object | undefined {
  return kind === abi.FIELD_LIST_HEAD || kind === abi.FIELD_RB_ROOT ? contained(btf, owner, index) : undefined;
}

function addMembers(walk: Walk, id: number, base: number, depth: number): void {
  const type = walk.btf.types[id];
  if (type?.kind === 'datasec') addVariables(walk, type);
  if (type?.kind !== 'struct' && !(type?.kind === 'union' && depth > 0)) return;
  if (depth > NESTING_MAX) return;
  type.members.forEach((member, i) => {
    if (member.bitSize === 0) addMember(walk, id, i, member, base, depth);
  });
}

/** The value of a map of global data is a section: its variables are the members, each with tags of its own. */
function addVariables(walk: Walk, section: BtfType & { readonly kind: 'datasec' }): void {
  for (const { type: id, offset } of section.vars) {
    const variable = walk.btf.types[id];
    if (variable?.kind !== 'var') continue;
    const member = { name: variable.name, type: variable.type, bitOffset: offset * 8, bitSize: 0 };
    addMember(walk, id, ON_TYPE, member, 0, 0);
  }
}

/** The special fields of a type by offset; none for a type that is no struct. The kernel takes 11 at most. */
export function specialFields(btf: Btf, id: number): readonly SpecialField[] {
  const walk: Walk = { btf, found: [] };
  try {
    addMembers(walk, resolveId(btf, id), 0, 0);
  } catch (error) {
    // A type that no compiler writes: its fields have no rules.
    if (!(error instanceof BtfError)) throw error;
  }
  return walk.found.sort((a, b) => a.offset - b.offset);
}
