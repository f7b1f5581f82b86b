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

/** The short form. A program calls few kfuncs: what a prototype says is read when somebody asks. */
class Row implements KfuncRow {
  readonly name: string;
  private readonly prototype: string;
  private readonly open: number;
  private readonly words: { readonly flags: string; readonly callers: string };
  private known: readonly KfuncArg[] | undefined;

  constructor(prototype: string, flags: string, callers: string) {
    this.prototype = prototype;
    this.open = prototype.indexOf('(');
    this.name = declaration(prototype.slice(0, this.open)).name;
    this.words = { flags, callers };
  }

  get args(): readonly KfuncArg[] {
    const list = this.prototype.slice(this.open + 1, -1);
    this.known ??= list === '' ? [] : list.split(',').map(declaration);
    return this.known;
  }

  get ret(): string {
    return declaration(this.prototype.slice(0, this.open)).type;
  }

  get flags(): ReadonlySet<KfuncFlag> {
    const names = this.words.flags.split(' ');
    return new Set(KFUNC_FLAGS.filter((flag) => names.includes(flag)));
  }

  get callers(): ReadonlySet<PacketType> {
    return progTypes(this.words.callers);
  }
}

/** A row: a prototype in C, KF_ flags, callers as in helpers-rows.ts. */
export function kfunc(prototype: string, flags: string, callers: string): KfuncRow {
  return new Row(prototype, flags, callers);
}

/** Does the argument's name end with this suffix? */
export function hasSuffix(arg: KfuncArg | undefined, suffix: string): boolean {
  return arg?.name.endsWith(`__${suffix}`) === true;
}

/** The struct that a pointer type points to, without `struct` or `union`; undefined for other types. */
export function pointee(type: string): string | undefined {
  return /^(?:const )?(?:struct|union) (\w+) \*$/.exec(type)?.[1];
}
