/** What a kfunc's row in C says, as the words of assembly/verifier/abi/kfuncs.ts: kinds of kfuncs and of their arguments. */
import * as abi from './abi.ts';
import { hasSuffix, type KfuncArg, type KfuncFlag, type KfuncRow, pointee } from './tables/kfuncs-row.ts';

export const KFUNC_KINDS: ReadonlyMap<string, number> = new Map([
  ['bpf_obj_new_impl', abi.KFUNC_OBJ_NEW],
  ['bpf_obj_drop_impl', abi.KFUNC_OBJ_DROP],
  ['bpf_refcount_acquire_impl', abi.KFUNC_REFCOUNT_ACQUIRE],
  ['bpf_list_push_front_impl', abi.KFUNC_LIST_PUSH_FRONT],
  ['bpf_list_push_back_impl', abi.KFUNC_LIST_PUSH_BACK],
  ['bpf_list_pop_front', abi.KFUNC_LIST_POP_FRONT],
  ['bpf_list_pop_back', abi.KFUNC_LIST_POP_BACK],
  ['bpf_list_front', abi.KFUNC_LIST_FRONT],
  ['bpf_list_back', abi.KFUNC_LIST_BACK],
  ['bpf_cast_to_kern_ctx', abi.KFUNC_CAST_TO_KERN_CTX],
  ['bpf_rdonly_cast', abi.KFUNC_RDONLY_CAST],
  ['bpf_rcu_read_lock', abi.KFUNC_RCU_READ_LOCK],
  ['bpf_rcu_read_unlock', abi.KFUNC_RCU_READ_UNLOCK],
  ['bpf_rbtree_remove', abi.KFUNC_RBTREE_REMOVE],
  ['bpf_rbtree_add_impl', abi.KFUNC_RBTREE_ADD],
  ['bpf_rbtree_first', abi.KFUNC_RBTREE_FIRST],
  ['bpf_rbtree_root', abi.KFUNC_RBTREE_ROOT],
  ['bpf_rbtree_left', abi.KFUNC_RBTREE_LEFT],
  ['bpf_rbtree_right', abi.KFUNC_RBTREE_RIGHT],
  ['bpf_dynptr_from_skb', abi.KFUNC_DYNPTR_FROM_SKB],
  ['bpf_dynptr_from_xdp', abi.KFUNC_DYNPTR_FROM_XDP],
  ['bpf_dynptr_from_skb_meta', abi.KFUNC_DYNPTR_FROM_SKB_META],
  ['bpf_dynptr_slice', abi.KFUNC_DYNPTR_SLICE],
  ['bpf_dynptr_slice_rdwr', abi.KFUNC_DYNPTR_SLICE_RDWR],
  ['bpf_dynptr_clone', abi.KFUNC_DYNPTR_CLONE],
  ['bpf_percpu_obj_new_impl', abi.KFUNC_PERCPU_OBJ_NEW],
  ['bpf_percpu_obj_drop_impl', abi.KFUNC_PERCPU_OBJ_DROP],
  ['bpf_throw', abi.KFUNC_THROW],
  ['bpf_wq_set_callback_impl', abi.KFUNC_WQ_SET_CALLBACK],
  ['bpf_preempt_disable', abi.KFUNC_PREEMPT_DISABLE],
  ['bpf_preempt_enable', abi.KFUNC_PREEMPT_ENABLE],
  ['bpf_local_irq_save', abi.KFUNC_LOCAL_IRQ_SAVE],
  ['bpf_local_irq_restore', abi.KFUNC_LOCAL_IRQ_RESTORE],
  ['bpf_res_spin_lock', abi.KFUNC_RES_SPIN_LOCK],
  ['bpf_res_spin_unlock', abi.KFUNC_RES_SPIN_UNLOCK],
  ['bpf_res_spin_lock_irqsave', abi.KFUNC_RES_SPIN_LOCK_IRQSAVE],
  ['bpf_res_spin_unlock_irqrestore', abi.KFUNC_RES_SPIN_UNLOCK_IRQRESTORE],
  ['bpf_xdp_pull_data', abi.KFUNC_MOVES_PACKET],
  ['__bpf_trap', abi.KFUNC_TRAP],
]);

export const KFUNC_FLAG_BITS: Partial<Readonly<Record<KfuncFlag, number>>> = {
  ACQUIRE: abi.KFF_ACQUIRE,
  RELEASE: abi.KFF_RELEASE,
  RET_NULL: abi.KFF_RET_NULL,
  TRUSTED_ARGS: abi.KFF_TRUSTED_ARGS,
  SLEEPABLE: abi.KFF_SLEEPABLE,
  DESTRUCTIVE: abi.KFF_DESTRUCTIVE,
  RCU: abi.KFF_RCU,
  RCU_PROTECTED: abi.KFF_RCU_PROTECTED,
  ITER_NEW: abi.KFF_ITER_NEW,
  ITER_NEXT: abi.KFF_ITER_NEXT,
  ITER_DESTROY: abi.KFF_ITER_DESTROY,
  FASTCALL: abi.KFF_FASTCALL,
};

/** Kfuncs that may be called while a bpf_spin_lock is held, beside lists, trees and locks. */
export const UNDER_LOCK = /^bpf_(iter_num_|arena_|stream_)/;

const STRUCT_KINDS: Readonly<Record<string, number>> = {
  bpf_dynptr: abi.KA_DYNPTR,
  bpf_list_head: abi.KA_LIST_HEAD,
  bpf_list_node: abi.KA_LIST_NODE,
  bpf_rb_root: abi.KA_RB_ROOT,
  bpf_rb_node: abi.KA_RB_NODE,
  bpf_wq: abi.KA_WORKQUEUE,
  bpf_res_spin_lock: abi.KA_RES_LOCK,
};

/** Bytes of the number types in prototypes. */
const NUMBER_BYTES: Readonly<Record<string, number>> = {
  char: 1,
  bool: 1,
  u8: 1,
  s8: 1,
  u16: 2,
  __be16: 2,
  int: 4,
  u32: 4,
  s32: 4,
  'unsigned int': 4,
  long: 8,
  'unsigned long': 8,
  u64: 8,
  s64: 8,
  size_t: 8,
};

/** Bytes behind a pointer to a number; 0 for another pointer, undefined for none. */
export function numberBehind(type: string): number | undefined {
  const to = /^(?:const )?(.*?) ?\*$/.exec(type)?.[1];
  if (to === undefined) return undefined;
  return to.startsWith('enum ') ? 4 : (NUMBER_BYTES[to] ?? 0);
}

/** KA_ kind of an argument of a program whose ctx is `struct ctxName`. */
export function argKind(row: KfuncRow, arg: KfuncArg, ctxName: string): number {
  if (hasSuffix(arg, 'ign') || hasSuffix(arg, 'prog')) return abi.KA_IGNORED;
  if (arg.type === 'func *') return abi.KA_CALLBACK;
  const bytes = numberBehind(arg.type);
  if (bytes === undefined) return abi.KA_SCALAR;
  if (row.name === 'bpf_cast_to_kern_ctx') return abi.KA_CTX;
  if (hasSuffix(arg, 'str')) return abi.KA_CONST_STR;
  if (hasSuffix(arg, 'map')) return abi.KA_MAP;
  if (hasSuffix(arg, 'irq_flag')) return abi.KA_IRQ_FLAG;
  const struct = pointee(arg.type);
  if (struct !== undefined) {
    if (struct === ctxName) return abi.KA_CTX;
    if (struct.startsWith('bpf_iter_')) return abi.KA_ITER;
    return STRUCT_KINDS[struct] ?? abi.KA_STRUCT_PTR;
  }
  if (bytes > 0) return abi.KA_MEM;
  return /^(const )?void \*$/.test(arg.type) ? abi.KA_VOID : abi.KA_OTHER;
}

/** KAF_ flags of the suffixes of an argument's name. */
const SUFFIX_FLAGS: readonly (readonly [string, number])[] = [
  ['nullable', abi.KAF_NULLABLE],
  ['opt', abi.KAF_OPTIONAL],
  ['uninit', abi.KAF_UNINIT],
  ['alloc', abi.KAF_ALLOC],
  ['refcounted_kptr', abi.KAF_REFCOUNTED],
  ['k', abi.KAF_CONST],
  ['sz', abi.KAF_SIZE],
  ['szk', abi.KAF_CONST_SIZE],
];

export function argFlags(arg: KfuncArg): number {
  let flags = 0;
  for (const [suffix, flag] of SUFFIX_FLAGS) if (hasSuffix(arg, suffix)) flags |= flag;
  if (arg.name === 'rdonly_buf_size') flags |= abi.KAF_RDONLY_SIZE;
  if (arg.name === 'rdwr_buf_size') flags |= abi.KAF_RDWR_SIZE;
  if (arg.type === 'const struct bpf_dynptr *') flags |= abi.KAF_CONST_DYNPTR;
  return flags;
}
