// What the verifier is given: `struct Input`, each table an address and a count (assembly/verifier/input.ts).
export const INPUT_INSNS = 0;
export const INPUT_INSN_COUNT = 4;
export const INPUT_PROG_TYPE = 8;
export const INPUT_ATTACH_TYPE = 12;
export const INPUT_FLAGS = 16;
export const INPUT_INSN_LIMIT = 20;
export const INPUT_MAPS = 24;
export const INPUT_MAP_COUNT = 28;
export const INPUT_SUBPROGS = 32;
export const INPUT_SUBPROG_COUNT = 36;
export const INPUT_HELPERS = 40;
export const INPUT_CTX_TABLE = 44;
export const INPUT_KFUNCS = 48;
export const INPUT_KFUNC_COUNT = 52;
export const INPUT_STRUCTS = 56;
export const INPUT_STRUCT_COUNT = 60;
export const INPUT_LOG_LEVEL = 64;
export const INPUT_RET_LO = 68;
export const INPUT_RET_HI = 72;
export const INPUT_PACKET_ACCESS = 76;
export const INPUT_MEMORY_LIMIT = 80;
export const INPUT_RUN_SUBPROG = 84;
/** CPUs that bpf_get_smp_processor_id may name; 0 when that is not known. */
export const INPUT_CPUS = 88;
/** Insns that the program may have. */
export const INPUT_SIZE_LIMIT = 92;
export const INPUT_SIZE = 96;

// INPUT_FLAGS
export const IN_GPL = 1;
/** Has CAP_BPF (and CAP_NET_ADMIN); without it the rules for unprivileged programs hold. */
export const IN_BPF_CAPABLE = 2;
/** Has CAP_PERFMON: pointers may leak, no Spectre rules. */
export const IN_PERFMON = 4;
export const IN_STRICT_ALIGNMENT = 8;
export const IN_ANY_ALIGNMENT = 16;
export const IN_TEST_STATE_FREQ = 32;
export const IN_SLEEPABLE = 64;
/** Functions have BTF (func_info): global ones are verified on their own. */
export const IN_HAS_FUNC_INFO = 128;
export const IN_FRAGS = 256;
/** The program type returns something (INPUT_RET_LO and _HI hold its range); otherwise R0 at exit is not judged. */
export const IN_RET_RANGE = 512;
/** The range of every tail call's index is a fact, as its constant is: more states are told apart than Linux does. */
export const IN_TAIL_RANGES = 1024;
/** The program is bound to a device: it may ask what that says of a packet. */
export const IN_DEVICE_BOUND = 2048;

// INPUT_PACKET_ACCESS
export const PACKET_ACCESS_NONE = 0;
export const PACKET_ACCESS_READ = 1;
export const PACKET_ACCESS_WRITE = 2;

/*
 * A map: one row of INPUT_MAPS.
 */
export const MD_TYPE = 0;
export const MD_KEY_SIZE = 4;
export const MD_VALUE_SIZE = 8;
export const MD_MAX_ENTRIES = 12;
export const MD_FLAGS = 16;
/** Row of the inner map's template, or -1. */
export const MD_INNER = 20;
/** Bytes of value 0 of a frozen, read-only array: what a load finds is known. */
export const MD_DATA = 24;
export const MD_DATA_SIZE = 28;
/** Fields of the value that have rules of their own (timers, locks, kptrs ...): rows of MF_SIZE. */
export const MD_FIELDS = 32;
export const MD_FIELD_COUNT = 36;
export const MD_EXTRA = 40;
/** BTF ids of key and value were given (0 or 1): bpf_spin_lock and its like need them. */
export const MD_HAS_BTF = 44;
/** The kernel's own struct of maps of this type, such as bpf_htab; -1 where it is not known. */
export const MD_STRUCT = 48;
export const MD_SIZE = 52;

// A special field of a map value or of an allocated object: kind, offset, bytes, struct it points to or heads (index of INPUT_STRUCTS, -1 none).
export const MF_KIND = 0;
export const MF_OFFSET = 4;
export const MF_BYTES = 8;
export const MF_STRUCT = 12;
/** List or tree head: offset of the node in the object. Kptr: 1 when its release needs a destructor. */
export const MF_NODE_OFFSET = 16;
export const MF_SIZE = 20;
export const FIELD_SPIN_LOCK = 1;
export const FIELD_TIMER = 2;
export const FIELD_KPTR_UNREF = 4;
export const FIELD_KPTR_REF = 8;
export const FIELD_LIST_HEAD = 16;
export const FIELD_LIST_NODE = 32;
export const FIELD_RB_ROOT = 64;
export const FIELD_RB_NODE = 128;
export const FIELD_REFCOUNT = 256;
export const FIELD_WORKQUEUE = 512;
export const FIELD_UPTR = 1024;
export const FIELD_KPTR_PERCPU = 2048;
export const FIELD_RES_SPIN_LOCK = 4096;
export const FIELD_TASK_WORK = 8192;

/*
 * A function: one row of INPUT_SUBPROGS, the entry first, ordered by start.
 */
export const SP_START = 0;
export const SP_FLAGS = 4;
export const SP_ARG_COUNT = 8;
/** Five arguments of SA_SIZE bytes. */
export const SP_ARGS = 12;
/** Written by the verifier: bytes of stack used, flags found. */
export const SP_STACK_DEPTH = 92;
export const SP_FOUND = 96;
export const SP_END = 100;
export const SP_SIZE = 104;
// SP_FLAGS
export const SPF_GLOBAL = 1;
/** Returns void (BTF). */
export const SPF_VOID = 2;
export const SPF_EXCEPTION_CB = 4;
/** Its BTF prototype cannot be judged from outside: calling it as a global function is refused. */
export const SPF_UNRELIABLE = 8;
/** It has BTF func_info. */
export const SPF_HAS_BTF = 16;
/** Returns something that is not a scalar. */
export const SPF_RETURNS_OTHER = 32;
/** Of the entry: several functions are tagged to handle its exceptions. */
export const SPF_MANY_HANDLERS = 64;
/** Entry only: no function has the name of the one that is to handle exceptions. */
export const SPF_NO_HANDLER = 128;
// SP_FOUND
export const SPX_HAS_TAIL_CALL = 1;
export const SPX_TAIL_CALL_REACHABLE = 2;
export const SPX_HAS_LD_ABS = 4;
export const SPX_IS_CALLBACK = 8;
export const SPX_IS_ASYNC_CALLBACK = 16;
export const SPX_IS_EXCEPTION_CB = 32;
export const SPX_CHANGES_PACKET = 64;
export const SPX_MIGHT_SLEEP = 128;
export const SPX_CALLED = 256;
export const SPX_VERIFIED = 512;
export const SPX_MIGHT_THROW = 1024;

// One argument of a global function, as its BTF and declaration tags say: kind, flags, bytes or struct index.
export const SA_KIND = 0;
export const SA_FLAGS = 4;
export const SA_SIZE_OR_STRUCT = 8;
export const SA_RESERVED = 12;
export const SA_SIZE = 16;
export const SA_SCALAR = 1;
export const SA_CTX = 2;
export const SA_MEM = 3;
export const SA_DYNPTR = 4;
export const SA_BTF_ID = 5;
export const SA_ARENA = 6;
export const SA_UNSUPPORTED = 7;
// SA_FLAGS
export const SAF_NONNULL = 1;
export const SAF_NULLABLE = 2;
export const SAF_TRUSTED = 4;
export const SAF_UNTRUSTED = 8;
export const SAF_RDONLY = 16;
