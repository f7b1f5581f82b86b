/** What the arguments and returns of kfuncs are, found from their prototypes as the kernel does: by types and suffixes of names. */
import * as abi from '../../../assembly/verifier/abi.ts';
import type { PacketType } from './helpers-row.ts';
import { hasSuffix, type KfuncArg, type KfuncRow, pointee } from './kfuncs-row.ts';
import { KFUNC_ROWS } from './kfuncs-rows.ts';
import { KERNEL_STRUCTS, type KernelStruct } from './kfuncs-structs.ts';

const BY_NAME: ReadonlyMap<string, KfuncRow> = new Map(KFUNC_ROWS.map((row) => [row.name, row]));
const STRUCTS: ReadonlyMap<string, KernelStruct> = new Map(KERNEL_STRUCTS.map((one) => [one.name, one]));

export interface ArgKind {
  /** KA_ and KAF_. */
  readonly kind: number;
  /** Bytes of KA_MEM; bytes and kind of KA_ITER. */
  readonly size: number;
  /** Struct of KA_STRUCT. */
  readonly struct: string | undefined;
}

export interface RetKind {
  readonly kind: number;
  readonly size: number;
  readonly struct: string | undefined;
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
  bpf_res_spin_lock: abi.KA_RES_SPIN_LOCK,
  bpf_task_work: abi.KA_TASK_WORK,
};

const SUFFIX_KINDS: readonly (readonly [suffix: string, kind: number])[] = [
  ['ign', abi.KA_IGNORED],
  ['prog', abi.KA_IGNORED],
  ['alloc', abi.KA_ALLOC],
  ['refcounted_kptr', abi.KA_REFCOUNTED_KPTR],
  ['str', abi.KA_CONST_STR],
  ['map', abi.KA_MAP],
  ['irq_flag', abi.KA_IRQ_FLAG],
];

const ITERATORS: Readonly<Record<string, number>> = {
  bpf_iter_num: abi.KI_num,
  bpf_iter_bits: abi.KI_bits,
  bpf_iter_task: abi.KI_task,
  bpf_iter_task_vma: abi.KI_task_vma,
  bpf_iter_css: abi.KI_css,
  bpf_iter_css_task: abi.KI_css_task,
  bpf_iter_kmem_cache: abi.KI_kmem_cache,
  bpf_iter_dmabuf: abi.KI_dmabuf,
};

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

function of(kind: number, size = 0, struct?: string): ArgKind {
  return { kind, size, struct };
}

function scalarKind(arg: KfuncArg): ArgKind {
  if (hasSuffix(arg, 'k')) return of(abi.KA_CONST);
  if (hasSuffix(arg, 'sz')) return of(abi.KA_SIZE);
  return of(hasSuffix(arg, 'szk') ? abi.KA_CONST_SIZE : abi.KA_SCALAR);
}

function flagsOf(arg: KfuncArg): number {
  let flags = 0;
  if (hasSuffix(arg, 'nullable')) flags |= abi.KAF_NULLABLE;
  if (hasSuffix(arg, 'opt')) flags |= abi.KAF_OPT;
  if (hasSuffix(arg, 'uninit')) flags |= abi.KAF_UNINIT;
  if (arg.type.startsWith('const ')) flags |= abi.KAF_RDONLY;
  return flags;
}

function structKind(name: string, sized: boolean, progType: PacketType): ArgKind {
  if (name === contextStruct(progType)) return of(abi.KA_CTX);
  const own = STRUCT_KINDS[name];
  if (own !== undefined) return of(own);
  const size = STRUCTS.get(name)?.size ?? 0;
  const iterator = ITERATORS[name];
  if (iterator !== undefined) return of(abi.KA_ITER, size | (iterator << 8));
  if (sized) return of(abi.KA_MEM_SIZE);
  return STRUCTS.get(name)?.scalars === true ? of(abi.KA_MEM, size) : of(abi.KA_STRUCT, 0, name);
}

function pointerKind(row: KfuncRow, i: number, progType: PacketType): ArgKind {
  const arg = row.args[i] as KfuncArg;
  const suffix = SUFFIX_KINDS.find(([text]) => hasSuffix(arg, text));
  if (suffix !== undefined) return of(suffix[1]);
  if (row.name === 'bpf_cast_to_kern_ctx') return of(abi.KA_CTX);
  if (arg.type === 'func *') return of(abi.KA_CALLBACK);
  const next = row.args[i + 1];
  const sized = hasSuffix(next, 'sz') || hasSuffix(next, 'szk');
  const struct = pointee(arg.type);
  if (struct !== undefined) return structKind(struct, sized, progType);
  if (sized) return of(abi.KA_MEM_SIZE);
  const base = arg.type.replace(/^const |^enum (?=\w+ \*)| \*$/g, '');
  return of(abi.KA_MEM, INT_SIZES[base] ?? 4);
}

/** What argument `i` of the kfunc is in programs of `progType`. */
export function argKind(row: KfuncRow, i: number, progType: PacketType): ArgKind {
  const arg = row.args[i] as KfuncArg;
  if (!arg.type.endsWith('*')) return hasSuffix(arg, 'ign') ? of(abi.KA_IGNORED) : scalarKind(arg);
  const found = pointerKind(row, i, progType);
  return { ...found, kind: found.kind | flagsOf(arg) };
}

export function retKind(row: KfuncRow): RetKind {
  if (row.ret === 'void') return of(abi.KR_VOID);
  if (!row.ret.endsWith('*')) return of(abi.KR_SCALAR);
  const struct = pointee(row.ret);
  if (struct !== undefined) return of(abi.KR_STRUCT, 0, struct);
  if (row.ret === 'void *') return of(abi.KR_POINTER);
  return of(abi.KR_MEM, INT_SIZES[row.ret.replace(' *', '')] ?? 0);
}
