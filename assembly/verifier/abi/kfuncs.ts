// Rows of kfunc prototypes.

/*
 * A kfunc that the program calls, by its BTF prototype: one row of INPUT_KFUNCS. `imm` of the call insn is the row.
 *
 *    0      4       8           12    16         20      24          28        32
 *   +------+-------+-----------+-----+----------+-------+-----------+---------+-----------------------------+
 *   | kind | flags | arg count | ret | ret      | ret   | iterator: | its     | 5 arguments of KA_SIZE      |
 *   |      |       |           |     | struct   | bytes | slots     | BTF id  | (kind, flags, struct, bytes)|
 *   +------+-------+-----------+-----+----------+-------+-----------+---------+-----------------------------+
 *
 *   structs    rows of INPUT_STRUCTS, -1 for none
 */
export const KF_KIND = 0;
export const KF_FLAGS = 4;
export const KF_ARG_COUNT = 8;
export const KF_RET = 12;
export const KF_RET_STRUCT = 16;
export const KF_RET_BYTES = 20;
export const KF_ITER_SLOTS = 24;
export const KF_ITER_ID = 28;
export const KF_ARGS = 32;
export const KF_SIZE = 112;
// KF_KIND: kfuncs with rules of their own; 0 for all others.
export const KFUNC_PLAIN = 0;
export const KFUNC_OBJ_NEW = 1;
export const KFUNC_OBJ_DROP = 2;
export const KFUNC_REFCOUNT_ACQUIRE = 3;
export const KFUNC_LIST_PUSH_FRONT = 4;
export const KFUNC_LIST_PUSH_BACK = 5;
export const KFUNC_LIST_POP_FRONT = 6;
export const KFUNC_LIST_POP_BACK = 7;
export const KFUNC_LIST_FRONT = 8;
export const KFUNC_LIST_BACK = 9;
export const KFUNC_CAST_TO_KERN_CTX = 10;
export const KFUNC_RDONLY_CAST = 11;
export const KFUNC_RCU_READ_LOCK = 12;
export const KFUNC_RCU_READ_UNLOCK = 13;
export const KFUNC_RBTREE_REMOVE = 14;
export const KFUNC_RBTREE_ADD = 15;
export const KFUNC_RBTREE_FIRST = 16;
export const KFUNC_RBTREE_ROOT = 17;
export const KFUNC_RBTREE_LEFT = 18;
export const KFUNC_RBTREE_RIGHT = 19;
export const KFUNC_DYNPTR_FROM_SKB = 20;
export const KFUNC_DYNPTR_FROM_XDP = 21;
export const KFUNC_DYNPTR_FROM_SKB_META = 22;
export const KFUNC_DYNPTR_SLICE = 23;
export const KFUNC_DYNPTR_SLICE_RDWR = 24;
export const KFUNC_DYNPTR_CLONE = 25;
export const KFUNC_PERCPU_OBJ_NEW = 26;
export const KFUNC_PERCPU_OBJ_DROP = 27;
export const KFUNC_THROW = 28;
export const KFUNC_WQ_SET_CALLBACK = 29;
export const KFUNC_PREEMPT_DISABLE = 30;
export const KFUNC_PREEMPT_ENABLE = 31;
export const KFUNC_LOCAL_IRQ_SAVE = 32;
export const KFUNC_LOCAL_IRQ_RESTORE = 33;
export const KFUNC_RES_SPIN_LOCK = 34;
export const KFUNC_RES_SPIN_UNLOCK = 35;
export const KFUNC_RES_SPIN_LOCK_IRQSAVE = 36;
export const KFUNC_RES_SPIN_UNLOCK_IRQRESTORE = 37;
/** bpf_xdp_pull_data. */
export const KFUNC_MOVES_PACKET = 38;
/** `__bpf_trap`: what clang puts where control cannot come. */
export const KFUNC_TRAP = 39;
// KF_FLAGS: the kernel's KF_ flags, and whether this program type may call it.
export const KFF_ACQUIRE = 1;
export const KFF_RELEASE = 2;
export const KFF_RET_NULL = 4;
export const KFF_TRUSTED_ARGS = 16;
export const KFF_SLEEPABLE = 32;
export const KFF_DESTRUCTIVE = 64;
export const KFF_RCU = 128;
export const KFF_ITER_NEW = 256;
export const KFF_ITER_NEXT = 512;
export const KFF_ITER_DESTROY = 1024;
export const KFF_RCU_PROTECTED = 2048;
export const KFF_FASTCALL = 4096;
export const KFF_ALLOWED = 0x10000;
/** Its iterator walks under RCU, so that what it gives is protected by it. */
export const KFF_ITER_RCU = 0x20000;
// KF_RET
export const KRET_VOID = 0;
export const KRET_SCALAR = 1;
export const KRET_STRUCT = 2;
/** Pointer to void, or to KF_RET_BYTES of numbers. */
export const KRET_MEM = 3;
// An argument. Flags come from the suffix of its name (`__k`, `__sz` ...).
export const KA_KIND = 0;
export const KA_FLAGS = 4;
export const KA_STRUCT = 8;
export const KA_BYTES = 12;
export const KA_SIZE = 16;
// KA_KIND
export const KA_SCALAR = 1;
export const KA_CTX = 2;
export const KA_DYNPTR = 3;
export const KA_ITER = 4;
export const KA_LIST_HEAD = 5;
export const KA_LIST_NODE = 6;
export const KA_RB_ROOT = 7;
export const KA_RB_NODE = 8;
export const KA_CALLBACK = 9;
export const KA_CONST_STR = 10;
export const KA_MAP = 11;
export const KA_WORKQUEUE = 12;
export const KA_IRQ_FLAG = 13;
export const KA_RES_LOCK = 14;
/** Pointer to a kernel struct; memory of its size as well if it is STF_PLAIN. */
export const KA_STRUCT_PTR = 15;
/** Pointer to a number (KA_BYTES). */
export const KA_MEM = 16;
/** Pointer to void: the next argument is its size. */
export const KA_VOID = 17;
/** Not looked at (`__ign`, `__prog`). */
export const KA_IGNORED = 18;
/** Pointer to something that no register may stand for. */
export const KA_OTHER = 19;
// KA_FLAGS
export const KAF_NULLABLE = 1;
export const KAF_OPTIONAL = 2;
export const KAF_UNINIT = 4;
export const KAF_ALLOC = 8;
export const KAF_REFCOUNTED = 16;
/** A constant (`__k`). */
export const KAF_CONST = 32;
/** Bytes of the argument before it (`__sz`); a constant (`__szk`). */
export const KAF_SIZE = 64;
export const KAF_CONST_SIZE = 128;
/** Bytes of what is returned (`rdonly_buf_size`, `rdwr_buf_size`). */
export const KAF_RDONLY_SIZE = 256;
export const KAF_RDWR_SIZE = 512;
/** A struct of which an embedded first member will do only if it is the struct itself (release). */
export const KAF_CONST_DYNPTR = 1024;
/** KF_FLAGS: it may be called under a bpf_spin_lock, beside those whose kind says so. */
export const KFF_UNDER_LOCK = 0x40000;
/** It gives pointers that are not to be trusted. */
export const KFF_RET_UNTRUSTED = 0x80000;
/** Only for programs that are bound to a device, which none is here. */
export const KFF_DEVICE_BOUND = 0x100000;
