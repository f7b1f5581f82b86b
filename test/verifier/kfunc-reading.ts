/** What the arguments and returns of kfuncs are, found from their prototypes as the kernel does: by types and suffixes of names. */
import * as abi from '../../src/verifier/abi.ts';
import type { PacketType } from '../../src/verifier/tables/helpers-row.ts';
import { hasSuffix, type KfuncArg, type KfuncRow, pointee } from '../../src/verifier/tables/kfuncs-row.ts';
import { kfuncRows } from '../../src/verifier/tables/kfuncs-rows.ts';
import { KERNEL_STRUCTS, type KernelStruct } from '../../src/verifier/tables/kfuncs-structs.ts';

const BY_NAME: ReadonlyMap<string, KfuncRow> = new Map(kfuncRows().map((row) => [row.name, row]));
const STRUCTS: ReadonlyMap<string, KernelStruct> = new Map(KERNEL_STRUCTS.map((one) => [one.name, one]));

export interface ArgKind {
  /** KA_ */
  readonly kind: number;
  /** KAF_ */
  readonly flags: number;
  /** Kernel struct of a KA_STRUCT_PTR or KA_ITER. */
  readonly struct: string | undefined;
  /** Bytes of the number of a KA_MEM. */
  readonly bytes: number;
}

export interface RetKind {
  /** KRET_ */
  readonly kind: number;
  readonly struct: string | undefined;
  readonly bytes: number;
}

const INT_SIZES: Readonly<Record<string, number>> = { char: 1, u8: 1, u16: 2, __be16: 2, int: 4, u32: 4, u64: 8 };

/** Structs with a kind of their own. */
const STRUCT_KINDS: Readonly<Record<string, number>> = {
  bpf_dynptr: abi.KA_DYNPTR,
  bpf_list_head: abi.KA_LIST_HEAD,
  bpf_list_node: abi.KA_LIST_NODE,
  bpf_rb_root: abi.KA_RB_ROOT,
  bpf_rb_node: abi.KA_RB_NODE,
  bpf_wq: abi.KA_WORKQUEUE,
  bpf_res_spin_lock: abi.KA_RES_LOCK,
  bpf_task_work: abi.KA_OTHER,
};

const SUFFIX_KINDS: readonly (readonly [suffix: string, kind: number])[] = [
  ['ign', abi.KA_IGNORED],
  ['prog', abi.KA_IGNORED],
  ['str', abi.KA_CONST_STR],
  ['map', abi.KA_MAP],
  ['irq_flag', abi.KA_IRQ_FLAG],
];

const SUFFIX_FLAGS: readonly (readonly [suffix: string, flag: number])[] = [
  ['nullable', abi.KAF_NULLABLE],
  ['opt', abi.KAF_OPTIONAL],
  ['uninit', abi.KAF_UNINIT],
  ['alloc', abi.KAF_ALLOC],
  ['refcounted_kptr', abi.KAF_REFCOUNTED],
  ['k', abi.KAF_CONST],
  ['sz', abi.KAF_SIZE],
  ['szk', abi.KAF_CONST_SIZE],
  ['rdonly_buf_size', abi.KAF_RDONLY_SIZE],
  ['rdwr_buf_size', abi.KAF_RDWR_SIZE],
];

/** The struct that a prototype calls the context of a program type. */
function contextStruct(progType: PacketType): string {
  if (progType === 'xdp') return 'xdp_md';
  const others: readonly PacketType[] = [
    'cgroup_sock',
    'sock_ops',
    'sk_msg',
    'cgroup_sock_addr',
    'sk_reuseport',
    'sk_lookup',
    'netfilter',
  ];
  return others.includes(progType) ? '' : '__sk_buff';
}

export function kfuncRow(name: string): KfuncRow | undefined {
  return BY_NAME.get(name);
}

export function kernelStruct(name: string): KernelStruct | undefined {
  return STRUCTS.get(name);
}

/** Is this "calling kernel function %s is not allowed"? */
export function kfuncAllowed(row: KfuncRow, progType: PacketType): boolean {
  return row.callers.has(progType);
}

function structKind(name: string, progType: PacketType): number {
  if (name === contextStruct(progType)) return abi.KA_CTX;
  return STRUCT_KINDS[name] ?? (name.startsWith('bpf_iter_') ? abi.KA_ITER : abi.KA_STRUCT_PTR);
}

function pointerKind(row: KfuncRow, arg: KfuncArg, progType: PacketType): number {
  const suffix = SUFFIX_KINDS.find(([text]) => hasSuffix(arg, text));
  if (suffix !== undefined) return suffix[1];
  if (row.name === 'bpf_cast_to_kern_ctx') return abi.KA_CTX;
  if (arg.type === 'func *') return abi.KA_CALLBACK;
  const struct = pointee(arg.type);
  if (struct !== undefined) return structKind(struct, progType);
  return /^(?:const )?void \*$/.test(arg.type) ? abi.KA_VOID : abi.KA_MEM;
}

function flagsOf(arg: KfuncArg): number {
  let flags = arg.type === 'const struct bpf_dynptr *' ? abi.KAF_CONST_DYNPTR : 0;
  for (const [suffix, flag] of SUFFIX_FLAGS) if (hasSuffix(arg, suffix)) flags |= flag;
  return flags;
}

/** Bytes of the number that a pointer type points to; an enum's are those of an int. */
function numberBytes(type: string): number {
  return INT_SIZES[type.replace(/^const | \*$/g, '')] ?? 4;
}

/** What argument `i` of the kfunc is in programs of `progType`. */
export function argKind(row: KfuncRow, i: number, progType: PacketType): ArgKind {
  const arg = row.args[i] as KfuncArg;
  const flags = flagsOf(arg);
  if (!arg.type.endsWith('*')) return { kind: abi.KA_SCALAR, flags, struct: undefined, bytes: 0 };
  const kind = pointerKind(row, arg, progType);
  const named = kind === abi.KA_STRUCT_PTR || kind === abi.KA_ITER;
  const bytes = kind === abi.KA_MEM ? numberBytes(arg.type) : 0;
  return { kind, flags, struct: named ? pointee(arg.type) : undefined, bytes };
}

export function retKind(row: KfuncRow): RetKind {
  if (row.ret === 'void') return { kind: abi.KRET_VOID, struct: undefined, bytes: 0 };
  if (!row.ret.endsWith('*')) return { kind: abi.KRET_SCALAR, struct: undefined, bytes: 0 };
  const struct = pointee(row.ret);
  if (struct !== undefined) return { kind: abi.KRET_STRUCT, struct, bytes: 0 };
  return { kind: abi.KRET_MEM, struct: undefined, bytes: row.ret === 'void *' ? 0 : numberBytes(row.ret) };
}

/** Structs of the iterators on the stack; the place in the list, from 1, is the iterator's id. */
export const ITERATORS: readonly string[] = [
  'bpf_iter_num',
  'bpf_iter_bits',
  'bpf_iter_task',
  'bpf_iter_task_vma',
  'bpf_iter_css',
  'bpf_iter_css_task',
  'bpf_iter_kmem_cache',
  'bpf_iter_dmabuf',
];

/** The iterator that a kfunc makes, advances or ends: its struct. */
export function iteratorOf(row: KfuncRow): string | undefined {
  return row.args.map((arg) => pointee(arg.type)).find((name) => name !== undefined && ITERATORS.includes(name));
}
