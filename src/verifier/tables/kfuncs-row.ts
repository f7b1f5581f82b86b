// What a row of the kfunc table is, and how a prototype in C becomes one.
import type { PacketType } from './helpers-row.ts';
import { progTypes } from './helpers-row.ts';

export const KFUNC_FLAGS = [
  'ACQUIRE',
  'RELEASE',
  'RET_NULL',
  'TRUSTED_ARGS',
  'SLEEPABLE',
  'DESTRUCTIVE',
  'RCU',
  'RCU_PROTECTED',
  'ITER_NEW',
  'ITER_NEXT',
  'ITER_DESTROY',
  'FASTCALL',
  'CHANGES_PKT',
] as const;
export type KfuncFlag = (typeof KFUNC_FLAGS)[number];

export interface KfuncArg {
  /** With its suffix: `buffer__szk`. */
  readonly name: string;
  /** In C, without the name: `const struct bpf_dynptr *`. */
  readonly type: string;
}

export interface KfuncRow {
  /** With `bpf_`. */
  readonly name: string;
  readonly args: readonly KfuncArg[];
  readonly ret: string;
  /** KF_ flags, and CHANGES_PKT: packet pointers are dead behind it. */
  readonly flags: ReadonlySet<KfuncFlag>;
  readonly callers: ReadonlySet<PacketType>;
}

/** `const char *s__ign`: type and name. */
function declaration(text: string): KfuncArg {
  const name = /\w+$/.exec(text.trim())?.[0] ?? '';
  return { name, type: text.trim().slice(0, -name.length).trim() };
}

/** A row: a prototype in C, KF_ flags, callers as in helpers-rows.ts. */
export function kfunc(prototype: string, flags: string, callers: string): KfuncRow {
  const open = prototype.indexOf('(');
  const { name, type } = declaration(prototype.slice(0, open));
  const list = prototype.slice(open + 1, -1);
  const names = flags.split(' ');
  return {
    name,
    args: list === '' ? [] : list.split(',').map(declaration),
    ret: type,
    flags: new Set(KFUNC_FLAGS.filter((flag) => names.includes(flag))),
    callers: progTypes(callers),
  };
}

/** Does the argument's name end with this suffix? */
export function hasSuffix(arg: KfuncArg | undefined, suffix: string): boolean {
  return arg?.name.endsWith(`__${suffix}`) === true;
}

/** The struct that a pointer type points to, without `struct` or `union`; undefined for other types. */
export function pointee(type: string): string | undefined {
  return /^(?:const )?(?:struct|union) (\w+) \*$/.exec(type)?.[1];
}
