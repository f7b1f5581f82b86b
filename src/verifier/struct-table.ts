/**
 * The structs a program has pointers to -> rows of INPUT_STRUCTS. Kernel structs are known by name: their layout is the vmlinux BTF's where one
 * is given, else what the program was compiled with, else their size in Linux 6.18 alone. The program's own are known by type id.
 */

import { sizeOf } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';
import * as abi from './abi.ts';
import { KPTR_STRUCTS, RCU_STRUCTS } from './kernel-rules.ts';
import { writeFields } from './marshal-fields.ts';
import type { RequestWriter } from './request.ts';
import { type SpecialField, specialFields } from './special-fields.ts';
import { isPlain, memberRows } from './struct-members.ts';
import { KERNEL_STRUCTS } from './tables/kfuncs-structs.ts';

interface StructRow {
  readonly name: string;
  readonly local: boolean;
  readonly bytes: number;
  readonly plain: boolean;
  /** Undefined: no layout is known. */
  readonly btf: Btf | undefined;
  readonly id: number;
}

const SIZES = new Map(KERNEL_STRUCTS.map((row) => [row.name, row]));

const SOCKET_FLAGS: Readonly<Record<string, number>> = {
  sock: abi.STF_SOCK,
  sock_common: abi.STF_SOCK_COMMON,
  tcp_sock: abi.STF_TCP_SOCK,
  bpf_map: abi.STF_MAP,
};

/** Type ids of structs by name; made once for each BTF. */
const NAMES = new WeakMap<Btf, ReadonlyMap<string, number>>();

function structNames(btf: Btf): ReadonlyMap<string, number> {
  const known = NAMES.get(btf);
  if (known !== undefined) return known;
  const names = new Map<string, number>();
  btf.types.forEach((type, id) => {
    if ((type.kind === 'struct' || type.kind === 'union') && type.name !== '' && !names.has(type.name))
      names.set(type.name, id);
  });
  NAMES.set(btf, names);
  return names;
}

/** Structs, unions and forward declarations of them; made once for each BTF. */
const NAMED = new WeakMap<Btf, ReadonlySet<string>>();

function isNamed(btf: Btf, name: string): boolean {
  let names = NAMED.get(btf);
  if (names === undefined) {
    names = new Set(
      btf.types.flatMap((t) => (t.kind === 'fwd' || t.kind === 'struct' || t.kind === 'union' ? t.name : [])),
    );
    NAMED.set(btf, names);
  }
  return names.has(name);
}

/** `nf_conn___local` is libbpf's name for a `nf_conn` with a layout of its own. */
const plainName = (name: string): string =>
  SIZES.has(name) || !name.includes('___') ? name : name.replace(/___.*$/, '');

/** Rows of structs of which nothing is known but their size in Linux: every program has some dozens. */
const SIZE_ROWS = new Map<string, StructRow>();

function sizeRow(name: string): StructRow {
  const known = SIZE_ROWS.get(name);
  if (known !== undefined) return known;
  const size = SIZES.get(name);
  const row = { name, local: false, bytes: size?.size ?? 0, plain: size?.scalars ?? false, btf: undefined, id: 0 };
  // Names beyond these are the program's own.
  if (size !== undefined) SIZE_ROWS.set(name, row);
  return row;
}

export class StructTable {
  private readonly rows: StructRow[] = [];
  private readonly byKey = new Map<string, number>();
  private readonly own: Btf | undefined;
  private readonly kernel: Btf | undefined;

  /** `own`: the program's BTF. `kernel`: that of the kernel it is judged for. */
  constructor(own: Btf | undefined, kernel: Btf | undefined) {
    this.own = own;
    this.kernel = kernel;
  }

  /** Row of the kernel's struct `name`. */
  readonly kernelStruct = (name: string): number => {
    const plain = plainName(name);
    const btf = this.kernel ?? this.own;
    const id = btf === undefined ? undefined : structNames(btf).get(plain);
    if (btf !== undefined && id !== undefined) return this.add(btf, id, false);
    return this.put(`name:${plain}`, sizeRow(plain));
  };

  /** Row of the struct behind a map, -1 where the kernel's types are not given or the program does not know the struct. */
  mapStruct(name: string | undefined): number {
    const isKnown =
      name !== undefined && this.kernel !== undefined && this.own !== undefined && isNamed(this.own, name);
    return isKnown && structNames(this.kernel as Btf).has(name) ? this.kernelStruct(name) : -1;
  }

  /** False where the kernel's types are given and this struct is not among them. */
  mayBeKernels(name: string): boolean {
    return this.kernel === undefined || structNames(this.kernel).has(plainName(name));
  }

  /** Row of a struct of the program's. */
  localStruct(id: number): number {
    return this.own === undefined ? -1 : this.add(this.own, id, true);
  }

  /** Row of what a special field points to or heads; -1 for none. */
  readonly fieldStruct = (field: SpecialField): number => {
    if (field.element !== undefined) return this.localStruct(field.element);
    return field.pointee === undefined ? -1 : this.kptrStruct(field.pointee);
  };

  /** The kernel's struct of that name, or the program's where the kernel has none. */
  private kptrStruct(name: string): number {
    const own = this.own === undefined ? undefined : structNames(this.own).get(name);
    const known = this.kernel !== undefined ? structNames(this.kernel).has(name) : KPTR_STRUCTS.has(name);
    return known || own === undefined ? this.kernelStruct(name) : this.localStruct(own);
  }

  /** All structs of the program, which `bpf_obj_new` may make. */
  addAllLocal(): void {
    this.own?.types.forEach((type, id) => {
      if (type.kind === 'struct') this.localStruct(id);
    });
  }

  /** Structs of the kernel that a number in the program may name (`bpf_rdonly_cast`). */
  addNumbered(ids: Iterable<number>): void {
    const btf = this.kernel ?? this.own;
    for (const id of ids) if (btf?.types[id]?.kind === 'struct') this.add(btf, id, false);
  }

  name(row: number): string {
    return this.rows[row]?.name ?? `struct#${row}`;
  }

  private put(key: string, row: StructRow): number {
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    this.byKey.set(key, this.rows.length);
    this.rows.push(row);
    return this.rows.length - 1;
  }

  private add(btf: Btf, id: number, local: boolean): number {
    const key = `${local ? 'own' : 'kernel'}:${id}`;
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const { name } = btf.types[id];
    return this.put(key, { name, local, bytes: sizeOf(btf, id), plain: isPlain(btf, id), btf, id });
  }

  /**
   * A pointer to a kernel struct is followed where the program knows the struct (it reads what it was compiled to read), if only by name,
   * or where calls take it. All that can be reached would be most of the kernel.
   */
  private pointee(btf: Btf, id: number, local: boolean): number {
    if (local) return this.add(btf, id, true);
    const { name } = btf.types[id];
    const isKnown = name !== '' && (SIZES.has(name) || (this.own !== undefined && isNamed(this.own, name)));
    return isKnown ? this.add(btf, id, false) : -1;
  }

  /** Writes the table. Rows that members refer to are added while it is written. */
  write(input: RequestWriter): void {
    const parts: {
      readonly members: number;
      readonly count: number;
      readonly fields: number;
      readonly special: number;
    }[] = [];
    for (let i = 0; i < this.rows.length; i++) {
      const { btf, id, local } = this.rows[i];
      if (btf === undefined) {
        parts.push({ members: 0, count: 0, fields: 0, special: 0 });
        continue;
      }
      const embedded = (at: number): number => this.add(btf, at, local);
      const members = memberRows(btf, id, { embedded, pointee: (at) => this.pointee(btf, at, local) });
      const special = local ? specialFields(btf, id) : [];
      const fields = writeFields(input, special, this.fieldStruct);
      const count = members.length / abi.SM_SIZE;
      parts.push({ members: input.add(members), count, fields, special: special.length });
    }
    const bytes = new Uint8Array(this.rows.length * abi.ST_SIZE_OF);
    const view = new DataView(bytes.buffer);
    this.rows.forEach((row, i) => {
      const at = i * abi.ST_SIZE_OF;
      view.setUint32(at + abi.ST_BYTES, row.bytes, true);
      view.setUint32(at + abi.ST_FLAGS, flagsOf(row), true);
      view.setUint32(at + abi.ST_FIELDS, parts[i].fields, true);
      view.setUint32(at + abi.ST_FIELD_COUNT, parts[i].special, true);
      view.setUint32(at + abi.ST_MEMBERS, parts[i].members, true);
      view.setUint32(at + abi.ST_MEMBER_COUNT, parts[i].count, true);
      view.setUint32(at + abi.ST_ID, row.id, true);
    });
    input.table(abi.INPUT_STRUCTS, bytes, abi.INPUT_STRUCT_COUNT, this.rows.length);
  }
}

function flagsOf(row: StructRow): number {
  const kind = row.local ? abi.STF_LOCAL : (SOCKET_FLAGS[row.name] ?? 0);
  // `nf_conn___init` begins with a nf_conn and is none.
  const strict = row.name.endsWith('___init') ? abi.STF_STRICT : 0;
  const rcu = !row.local && RCU_STRUCTS.has(row.name) ? abi.STF_RCU : 0;
  return kind | rcu | strict | (row.plain ? abi.STF_PLAIN : 0);
}
