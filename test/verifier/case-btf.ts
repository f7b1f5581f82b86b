// The least BTF a case needs: a prototype for each function, a struct for each map value that has a lock, a timer or a kptr.
// Documentation/bpf/btf.rst.

import type { CaseMap } from './case.ts';

const MAGIC = 0xeb9f;
const HEADER = 24;
const KIND = { int: 1, ptr: 2, array: 3, struct: 4, func: 12, func_proto: 13, decl_tag: 17 } as const;
const INT = (1 << 24) | 32;

class Writer {
  private readonly words: number[] = [];
  private strings = '\0';
  private count = 0;

  string(text: string): number {
    if (text === '') return 0;
    const at = this.strings.length;
    this.strings += `${text}\0`;
    return at;
  }

  /** `struct btf_type` and what follows it; the type's id. */
  type(name: string, kind: keyof typeof KIND, vlen: number, sizeOrType: number, ...rest: number[]): number {
    this.words.push(this.string(name), (KIND[kind] << 24) | vlen, sizeOrType, ...rest);
    this.count++;
    return this.count;
  }

  bytes(): Uint8Array {
    const types = new Uint8Array(Uint32Array.from(this.words).buffer);
    const strings = new TextEncoder().encode(this.strings);
    const bytes = new Uint8Array(HEADER + types.length + strings.length);
    const header = [HEADER, 0, types.length, types.length, strings.length];
    new DataView(bytes.buffer).setUint16(0, MAGIC, true);
    bytes[2] = 1;
    bytes.set(new Uint8Array(Uint32Array.from(header).buffer), 4);
    bytes.set(types, HEADER);
    bytes.set(strings, HEADER + types.length);
    return bytes;
  }
}

export interface CaseBtf {
  readonly bytes: Uint8Array;
  /** FUNC of each function. */
  readonly funcs: readonly number[];
  /** Type of the value of each map that has fields. */
  readonly values: ReadonlyMap<string, number>;
  /** Type of keys. */
  readonly int: number;
  /** Where each of `texts` is. */
  readonly strings: ReadonlyMap<string, number>;
}

interface Basics {
  readonly int: number;
  readonly u8: number;
  readonly u64: number;
  readonly ctx: number;
}

/** `int`, `ctx`, `mem:8`, with `:nonnull` or another tag behind; `void` for no result. */
function argType(w: Writer, basics: Basics, text: string): number {
  const [kind, size] = text.split(':');
  if (kind === 'ctx') return basics.ctx;
  if (kind !== 'mem') return basics.int;
  const bytes = w.type('', 'array', 0, 0, basics.u8, basics.int, Number(size));
  return w.type('', 'ptr', 0, w.type(`mem${size}`, 'struct', 1, Number(size), w.string('bytes'), bytes, 0));
}

function funcType(w: Writer, basics: Basics, name: string, args: readonly string[] | undefined): number {
  const shape = args ?? [];
  const params = shape.flatMap((text, i) => [w.string(`a${i}`), argType(w, basics, text)]);
  const proto = w.type('', 'func_proto', shape.length, basics.int, ...params);
  const func = w.type(name, 'func', args === undefined ? 0 : 1, proto);
  shape.forEach((text, i) => {
    const tag = text.split(':')[2];
    if (tag !== undefined) w.type(`arg:${tag}`, 'decl_tag', 0, func, i);
  });
  return func;
}

function valueType(w: Writer, basics: Basics, map: CaseMap): number {
  const pair = w.type('', 'array', 0, 0, basics.u64, basics.int, 2);
  const kinds = {
    spin_lock: () => w.type('bpf_spin_lock', 'struct', 1, 4, w.string('val'), basics.int, 0),
    res_spin_lock: () => w.type('bpf_res_spin_lock', 'struct', 1, 4, w.string('val'), basics.int, 0),
    timer: () => w.type('bpf_timer', 'struct', 1, 16, w.string('opaque'), pair, 0),
  };
  const members = Object.entries(map.fields ?? {})
    .sort(([, a], [, b]) => a - b)
    .flatMap(([kind, offset]) => [w.string(kind), kinds[kind as keyof typeof kinds](), offset * 8]);
  return w.type('value', 'struct', members.length / 3, map.value ?? 4, ...members);
}

/** `globals`: arguments of the global functions, by index. `texts`: strings that line records need. */
export function caseBtf(
  names: readonly string[],
  globals: Readonly<Record<number, readonly string[]>>,
  maps: Readonly<Record<string, CaseMap>>,
  ctxName: string,
  texts: readonly string[] = [],
): CaseBtf {
  const w = new Writer();
  const int = w.type('int', 'int', 0, 4, INT);
  const u8 = w.type('u8', 'int', 0, 1, 8);
  const u64 = w.type('u64', 'int', 0, 8, 64);
  const ctx = w.type('', 'ptr', 0, w.type(ctxName, 'struct', 1, 4, w.string('first'), int, 0));
  const basics = { int, u8, u64, ctx };
  const funcs = names.map((name, i) => funcType(w, basics, name, globals[i]));
  const fields = Object.entries(maps).filter(([, map]) => map.fields !== undefined);
  const values = new Map(fields.map(([name, map]): [string, number] => [name, valueType(w, basics, map)]));
  const strings = new Map(texts.map((text): [string, number] => [text, w.string(text)]));
  return { bytes: w.bytes(), funcs, values, int, strings };
}
