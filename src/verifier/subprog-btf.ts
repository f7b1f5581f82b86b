/** What a global function's BTF and declaration tags say of its arguments and result: all that its callers and it agree on. */

import { resolve, sizeOf } from '../btf/resolve.ts';
import { exceptionCallbackNames } from '../btf/tags.ts';
import type { Btf, BtfType } from '../btf/types.ts';
import { BtfError } from '../errors/index.ts';
import type { LinkedProg } from '../link/types.ts';
import * as abi from './abi.ts';

export interface SubprogArgRow {
  /** SA_ */
  readonly kind: number;
  /** SAF_ */
  readonly flags: number;
  /** Bytes of memory. */
  readonly size: number;
  /** SA_BTF_ID: name of the kernel struct. */
  readonly struct?: string;
}

export interface SubprogRow {
  /** SPF_ flags but SPF_GLOBAL. */
  readonly flags: number;
  readonly args: readonly SubprogArgRow[];
}

/** More would not fit into registers. */
const MAX_ARGS = 5;

/** Tags of each argument of a function: `arg:nonnull` and the like, by index. */
function argTags(btf: Btf, func: number): ReadonlyMap<number, ReadonlySet<string>> {
  const tags = new Map<number, Set<string>>();
  for (const type of btf.types) {
    if (type.kind !== 'decl_tag' || type.type !== func || !type.name.startsWith('arg:')) continue;
    const known = tags.get(type.componentIndex) ?? new Set<string>();
    tags.set(type.componentIndex, known.add(type.name.slice(4)));
  }
  return tags;
}

const isScalar = (type: BtfType): boolean => type.kind === 'int' || type.kind === 'enum' || type.kind === 'enum64';

const unsupported: SubprogArgRow = { kind: abi.SA_UNSUPPORTED, flags: 0, size: 0 };

function memoryRow(btf: Btf, pointee: number, flags: number): SubprogArgRow {
  try {
    return { kind: abi.SA_MEM, flags, size: sizeOf(btf, pointee) };
  } catch (error) {
    if (error instanceof BtfError) return unsupported;
    throw error;
  }
}

function ctxRow(pointee: BtfType, tags: ReadonlySet<string>, ctxName: string): SubprogArgRow {
  const fits = pointee.kind === 'void' || ('name' in pointee && pointee.name === ctxName);
  return fits && [...tags].every((tag) => tag === 'ctx') ? { kind: abi.SA_CTX, flags: 0, size: 0 } : unsupported;
}

function argRow(btf: Btf, id: number, tags: ReadonlySet<string>, ctxName: string): SubprogArgRow {
  const type = resolve(btf, id);
  if (type.kind !== 'ptr')
    return isScalar(type) && tags.size === 0 ? { kind: abi.SA_SCALAR, flags: 0, size: 0 } : unsupported;
  const pointee = resolve(btf, type.type);
  const isStruct = pointee.kind === 'struct' || pointee.kind === 'fwd';
  if (tags.has('ctx') || (isStruct && pointee.name === ctxName)) return ctxRow(pointee, tags, ctxName);
  if (pointee.kind === 'struct' && pointee.name === 'bpf_dynptr')
    return tags.size === 0 ? { kind: abi.SA_DYNPTR, flags: 0, size: 0 } : unsupported;
  if (tags.has('trusted')) {
    if (tags.has('nonnull') || pointee.kind === 'void') return unsupported;
    const flags = abi.SAF_TRUSTED | (tags.has('nullable') ? abi.SAF_NULLABLE : 0);
    return { kind: abi.SA_BTF_ID, flags, size: 0, struct: pointee.name };
  }
  // These two stand alone, and memory may always be NULL unless it says otherwise.
  const stands = tags.has('untrusted') || tags.has('arena') ? tags.size === 1 : !tags.has('nullable');
  if (!stands) return unsupported;
  if (tags.has('arena')) return { kind: abi.SA_ARENA, flags: 0, size: 0 };
  if (tags.has('untrusted')) {
    // Of a kernel struct, members are known; of anything else, any byte may be read, with care.
    const flags = abi.SAF_UNTRUSTED;
    if (isStruct) return { kind: abi.SA_BTF_ID, flags, size: 0, struct: pointee.name };
    return { kind: abi.SA_MEM, flags, size: 0 };
  }
  return memoryRow(btf, type.type, tags.has('nonnull') ? abi.SAF_NONNULL : abi.SAF_NULLABLE);
}

function resultFlags(btf: Btf, id: number): number {
  if (id === 0) return abi.SPF_VOID;
  const type = resolve(btf, id);
  if (type.kind === 'void') return abi.SPF_VOID;
  return isScalar(type) ? 0 : abi.SPF_RETURNS_OTHER;
}

/** The row of a function whose FUNC has this id; undefined when the id is none. `ctxName`: the struct its program's ctx is. */
export function subprogRow(btf: Btf, func: number, ctxName: string): SubprogRow | undefined {
  const type = btf.types[func];
  const proto = type?.kind === 'func' ? btf.types[type.type] : undefined;
  if (proto?.kind !== 'func_proto') return undefined;
  const tags = argTags(btf, func);
  const none: ReadonlySet<string> = new Set();
  const args = proto.params.slice(0, MAX_ARGS).map((p, i) => argRow(btf, p.type, tags.get(i) ?? none, ctxName));
  let flags = abi.SPF_HAS_BTF | resultFlags(btf, proto.type);
  if (proto.params.length > MAX_ARGS) flags |= abi.SPF_UNRELIABLE;
  return { flags, args };
}

/** Names of the functions that handle the program's exceptions. */
export function exceptionCallbacks({ btf, funcs }: LinkedProg): string[] {
  const entry = funcs[0]?.btfId;
  return btf === undefined || entry === undefined ? [] : exceptionCallbackNames(btf, entry);
}
