// Type words: base types and flags.

/*
 * A type word: what a register or a stack slot holds, what an argument wants, what a call returns.
 *
 *    31                           8 7             0
 *   +------------------------------+---------------+
 *   | flags                        | base type     |
 *   +------------------------------+---------------+
 *
 * Registers, arguments and returns have their own base types and share the flags.
 */
export const BASE_MASK = 0xff;

// Base types of registers.
export const NOT_INIT = 0;
export const SCALAR = 1;
export const PTR_TO_CTX = 2;
export const CONST_PTR_TO_MAP = 3;
export const PTR_TO_MAP_VALUE = 4;
export const PTR_TO_MAP_KEY = 5;
export const PTR_TO_STACK = 6;
export const PTR_TO_PACKET_META = 7;
export const PTR_TO_PACKET = 8;
export const PTR_TO_PACKET_END = 9;
export const PTR_TO_FLOW_KEYS = 10;
export const PTR_TO_SOCKET = 11;
export const PTR_TO_SOCK_COMMON = 12;
export const PTR_TO_TCP_SOCK = 13;
export const PTR_TO_XDP_SOCK = 14;
export const PTR_TO_BTF_ID = 15;
export const PTR_TO_MEM = 16;
export const PTR_TO_ARENA = 17;
export const PTR_TO_FUNC = 18;
export const CONST_PTR_TO_DYNPTR = 19;
export const REG_TYPES = 20;

// Flags of type words.
export const PTR_MAYBE_NULL = 0x100;
export const MEM_RDONLY = 0x200;
export const MEM_RINGBUF = 0x400;
export const MEM_PERCPU = 0x800;
/** The call gives the object back; the register is dead behind it. */
export const OBJ_RELEASE = 0x1000;
export const PTR_UNTRUSTED = 0x2000;
/** The call writes all of the memory; it need not be initialised. */
export const MEM_UNINIT = 0x4000;
export const DYNPTR_TYPE_LOCAL = 0x8000;
export const DYNPTR_TYPE_RINGBUF = 0x10000;
/** The size of the memory is in the prototype, not in the next argument. */
export const MEM_FIXED_SIZE = 0x20000;
/** Made by bpf_obj_new and its like. */
export const MEM_ALLOC = 0x40000;
export const PTR_TRUSTED = 0x80000;
export const MEM_RCU = 0x100000;
export const NON_OWN_REF = 0x200000;
export const DYNPTR_TYPE_SKB = 0x400000;
export const DYNPTR_TYPE_XDP = 0x800000;
export const MEM_ALIGNED = 0x1000000;
/** The call writes the memory. */
export const MEM_WRITE = 0x2000000;
export const DYNPTR_TYPE_SKB_META = 0x4000000;
export const MEM_USER = 0x8000000;
/** All DYNPTR_TYPE_ flags. */
export const DYNPTR_TYPE_MASK = 0x4c18000;

// Base types of helper arguments (enum bpf_arg_type).
export const ARG_DONTCARE = 0;
export const ARG_CONST_MAP_PTR = 1;
export const ARG_PTR_TO_MAP_KEY = 2;
export const ARG_PTR_TO_MAP_VALUE = 3;
export const ARG_PTR_TO_MEM = 4;
export const ARG_CONST_SIZE = 5;
export const ARG_CONST_SIZE_OR_ZERO = 6;
export const ARG_CONST_ALLOC_SIZE_OR_ZERO = 7;
export const ARG_PTR_TO_CTX = 8;
export const ARG_ANYTHING = 9;
export const ARG_PTR_TO_SPIN_LOCK = 10;
export const ARG_PTR_TO_SOCK_COMMON = 11;
export const ARG_PTR_TO_SOCKET = 12;
export const ARG_PTR_TO_BTF_ID = 13;
export const ARG_PTR_TO_RINGBUF_MEM = 14;
export const ARG_PTR_TO_BTF_ID_SOCK_COMMON = 15;
export const ARG_PTR_TO_PERCPU_BTF_ID = 16;
export const ARG_PTR_TO_FUNC = 17;
export const ARG_PTR_TO_STACK = 18;
export const ARG_PTR_TO_CONST_STR = 19;
export const ARG_PTR_TO_TIMER = 20;
export const ARG_KPTR_XCHG_DEST = 21;
export const ARG_PTR_TO_DYNPTR = 22;

// Base types of what helpers return (enum bpf_return_type).
export const RET_INTEGER = 0;
export const RET_VOID = 1;
export const RET_PTR_TO_MAP_VALUE = 2;
export const RET_PTR_TO_SOCKET = 3;
export const RET_PTR_TO_TCP_SOCK = 4;
export const RET_PTR_TO_SOCK_COMMON = 5;
/** Memory whose size is the call's ARG_CONST_ALLOC_SIZE_OR_ZERO. */
export const RET_PTR_TO_MEM = 6;
export const RET_PTR_TO_MEM_OR_BTF_ID = 7;
export const RET_PTR_TO_BTF_ID = 8;

// Dynptrs: RegState.aux of their slots, and of CONST_PTR_TO_DYNPTR (enum bpf_dynptr_type).
export const DYNPTR_LOCAL = 1;
export const DYNPTR_RINGBUF = 2;
export const DYNPTR_SKB = 3;
export const DYNPTR_XDP = 4;
export const DYNPTR_SKB_META = 5;
