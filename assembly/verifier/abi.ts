// The verifier's border: numbers and layouts that assembly/verifier and src/verifier share, written once.
// Only un-annotated integer constants: that subset compiles under asc and under tsc. Names follow linux/bpf.h and the kernel's logs.

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

// Memory of the verifier's instance. Below ENV nothing is stored: a null reference stays harmless.
export const ENV = 1024;
export const ARENA = 2048;
/** First byte of the compiler's own data (asc's memoryBase). */
export const VERIFIER_MEMORY_BASE = 8192;

/*
 * What is known of a register (assembly/verifier/reg-state.ts has the drawing).
 */
export const REG_TNUM_VALUE = 0;
export const REG_TNUM_MASK = 8;
export const REG_UMIN = 16;
export const REG_UMAX = 24;
export const REG_SMIN = 32;
export const REG_SMAX = 40;
export const REG_U32_MIN = 48;
export const REG_U32_MAX = 52;
export const REG_S32_MIN = 56;
export const REG_S32_MAX = 60;
export const REG_TYPE = 64;
export const REG_OFF = 68;
export const REG_ID = 72;
export const REG_REF_ID = 76;
export const REG_AUX = 80;
export const REG_AUX2 = 84;
export const REG_FRAMENO = 88;
export const REG_FLAGS = 92;
export const REG_SIZE = 96;

/** A stack slot: a register and the types of its eight bytes. */
export const SLOT_TYPES = 96;
export const SLOT_SIZE = 104;
// Byte types (enum bpf_stack_slot_type).
export const STACK_INVALID = 0;
export const STACK_SPILL = 1;
export const STACK_MISC = 2;
export const STACK_ZERO = 3;
export const STACK_DYNPTR = 4;
export const STACK_ITER = 5;
export const STACK_IRQ_FLAG = 6;

/** A frame: its header, then R0..R10. */
export const FRAME_SLOTS = 32;
export const FRAME_STACK = 40;
export const FRAME_REGS = 48;
export const FRAME_SIZE = 1104;

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

/*
 * What the verifier keeps for each insn: `struct Aux`.
 */
export const AUX_FLAGS = 0;
export const AUX_SCC = 4;
export const AUX_LIVE_REGS = 8;
export const AUX_PTR_TYPE = 12;
export const AUX_MAP = 16;
export const AUX_KEY_STATE = 20;
export const AUX_KEY = 24;
export const AUX_EXPLORED = 28;
export const AUX_FACT_REGION = 32;
export const AUX_FACT_MAP = 36;
export const AUX_FACT_LO = 40;
export const AUX_FACT_HI = 44;
export const AUX_FACT_FLAGS = 48;
export const AUX_FUNC = 52;
export const AUX_SIZE = 56;
// AUX_FLAGS
export const AUXF_SEEN = 1;
export const AUXF_PRUNE_POINT = 2;
export const AUXF_JMP_POINT = 4;
export const AUXF_FORCE_CHECKPOINT = 8;
export const AUXF_CALLS_CALLBACK = 16;
export const AUXF_CALL_IN_RANGE = 32;
export const AUXF_ITER_NEXT = 64;
/** The reserved fields of the insn have been checked. */
export const AUXF_FORM_OK = 128;
/** A barrier stands before the insn, or behind it: mispredicted paths end there. */
export const AUXF_NOSPEC = 256;
export const AUXF_NOSPEC_RESULT = 512;
/** Some path came to this bpf_loop with flags other than 0. */
export const AUXF_LOOP_FLAGS = 1024;
// AUX_KEY_STATE: index of a tail call or constant key.
export const KEY_UNSEEN = 0;
export const KEY_CONST = 1;
export const KEY_UNKNOWN = 2;
// AUX_MAP: row of INPUT_MAPS, or
export const AUX_MAP_UNSEEN = -1;
export const AUX_MAP_SEVERAL = -2;
// Of a call, AUX_FACT_MAP is the register of its first sized argument, AUX_FACT_LO and _HI the bytes it is given.
// AUX_FACT_FLAGS
/** Paths reach this insn with different regions. */
export const FACT_MIXED = 1;
/** The other fact fields hold something. */
export const FACT_SEEN = 2;

/*
 * Records of the log: kind and length in the first word, then the body (assembly/verifier/log.ts).
 *   word 0   kind | bytes << 8
 */
/** A message: code, then its arguments as 64-bit values. */
export const LOG_MESSAGE = 1;
/** What is known in one frame: see assembly/verifier/log-state.ts. */
export const LOG_STATE = 2;
/** An insn is about to be walked: its pc, and the one logged before it, of which the record may be gone (-1: the first of a root). */
export const LOG_INSN = 3;
/** Something happened on the walk: LN_, then three words. */
export const LOG_NOTE = 4;

/** A step of tracing back what must be precise: LP_, frame, mask of registers, mask of slots (64 bits), three words. */
export const LOG_PRECISE = 5;
// LP_: a state's part of the path begins (last pc, first pc, next pc); before an insn (pc); the state it began from follows (LS_PRECISE).
export const LP_STATE = 1;
export const LP_INSN = 2;
export const LP_PARENT = 3;
/** What was precise in the state the path was found equal to is wanted of the path. */
export const LP_PROPAGATE = 4;
/** Every scalar of the path becomes precise. */
export const LP_ALL = 5;

/** A loop: LC_, its number, then the insns of the calls that lead to it. */
export const LOG_LOOP = 6;
export const LC_ENTER = 1;
export const LC_BACKEDGE = 2;
export const LC_EXIT = 3;

/*
 * Body of LOG_STATE:
 *
 *    0      4    8         12       16           20          24           28          32
 *   +------+----+---------+--------+------------+-----------+------------+-----------+------------
 *   | why  | pc | prev pc | frame  | FRAME_     | mask of   | slots that | refs that | registers (REG_SIZE each), slots
 *   | LS_  |    |         | number | flags      | registers | follow     | follow    | (index, 0, SLOT_SIZE), ids of refs
 *   +------+----+---------+--------+------------+-----------+------------+-----------+------------
 */
export const LS_WHY = 0;
export const LS_PC = 4;
export const LS_PREV_PC = 8;
export const LS_FRAMENO = 12;
export const LS_FRAME_FLAGS = 16;
export const LS_REGS = 20;
export const LS_SLOTS = 24;
export const LS_REFS = 28;
export const LS_BODY = 32;
export const LS_SLOT_SIZE = 112;
// LS_WHY: what an insn changed; a path taken up again; frames around calls.
export const LS_INSN = 0;
export const LS_FROM = 1;
export const LS_FROM_SPECULATIVE = 2;
export const LS_CALLER = 3;
export const LS_CALLEE = 4;
export const LS_RETURNING = 5;
export const LS_RETURNED = 6;
export const LS_PRECISE = 7;
/** An endless loop: the state the path has come round with, and the one it was in before. */
export const LS_ROUND = 8;
export const LS_ROUND_BEFORE = 9;
// LOG_NOTE
/** The path ends, as its state is known to be safe: pc, previous pc, 0 when it was not taken up again here, 1, or 2 (speculative). */
export const LN_SAFE = 1;
/** A function is verified on its own: its number. */
export const LN_VALIDATING = 2;
export const LN_VALIDATED = 3;
/** A global function is called: its number. */
export const LN_ASSUMED = 4;
/** The insns' live registers are known: address of the Aux rows. */
export const LN_LIVE_REGS = 5;
/** A function was found: number, start. */
export const LN_FUNC = 6;
/** A path was taken up again: pc, previous pc. */
export const LN_RESUMED = 7;

// Results of `verify`, at RESULT_*: the instance's `result` export is their address.
export const RESULT_ERRNO = 0;
export const RESULT_CODE = 4;
export const RESULT_PC = 8;
export const RESULT_INSN_PROCESSED = 12;
export const RESULT_MAX_STATES_PER_INSN = 16;
export const RESULT_TOTAL_STATES = 20;
export const RESULT_PEAK_STATES = 24;
export const RESULT_MARK_READ = 28;
export const RESULT_AUX = 32;
export const RESULT_LOG = 36;
export const RESULT_LOG_SIZE = 40;
export const RESULT_PEAK_MEMORY = 44;
export const RESULT_FLAGS = 48;
export const RESULT_STATE = 52;
export const RESULT_SUBPROGS = 56;
export const RESULT_SUBPROG_COUNT = 60;
export const RESULT_SIZE = 64;
/** RESULT_FLAGS: a helper or kfunc that moves packet pointers is reachable. */
export const RF_CHANGES_PACKET = 1;
export const RF_WRITES_PACKET = 2;
export const RF_HAS_TAIL_CALL = 4;

// Helper prototypes.

/*
 * The table that INPUT_HELPERS points to: one row for each id, 0 included, made for one program type and one set of rights
 * (src/verifier/tables/helpers-encode.ts). An id of HELPER_COUNT or more has no helper.
 *
 *    0              20              40              60     64       68      72        76        80
 *   +--------------+---------------+---------------+------+--------+-------+---------+---------+
 *   | 5 type words | 5 fixed sizes | 5 structs     | ret  | struct | flags | maps lo | maps hi |
 *   +--------------+---------------+---------------+------+--------+-------+---------+---------+
 *
 *   structs    rows of INPUT_STRUCTS, -1 for none
 *   maps       bit t: a map of type t may be its ARG_CONST_MAP_PTR
 */
export const HELPER_COUNT = 212;
export const HP_ARGS = 0;
export const HP_ARG_SIZES = 20;
export const HP_ARG_STRUCTS = 40;
export const HP_RET = 60;
export const HP_RET_STRUCT = 64;
export const HP_FLAGS = 68;
export const HP_MAPS_LO = 72;
export const HP_MAPS_HI = 76;
export const HP_SIZE = 80;
// HP_FLAGS
/** The program may call it. Without this bit: "program of this type cannot use helper". */
export const HPF_ALLOWED = 1;
export const HPF_GPL_ONLY = 2;
/** Its memory arguments may be packet pointers. */
export const HPF_PKT_ACCESS = 4;
/** Packet pointers taken before are dead behind it. */
export const HPF_CHANGES_PKT = 8;
export const HPF_MIGHT_SLEEP = 16;
/** It clobbers R0 alone: spills around it may be removed. */
export const HPF_FASTCALL = 32;
/** What it returns is a reference that must be released (of map_lookup_elem: when the map holds sockets). */
export const HPF_ACQUIRE = 64;
/** It returns its argument under another type; the reference is the same. */
export const HPF_PTR_CAST = 128;
/** It calls its ARG_PTR_TO_FUNC before it returns. */
export const HPF_CALLBACK = 256;
/** It calls its ARG_PTR_TO_FUNC some time later. */
export const HPF_ASYNC_CALLBACK = 512;
/** Refused to this program only because it lacks CAP_BPF, or CAP_PERFMON. */
export const HPF_LACKS_BPF = 1024;
export const HPF_LACKS_PERFMON = 2048;

/*
 * Context tables (INPUT_CTX_TABLE): what may be accessed of the ctx and of the structs reached from it. One blob:
 *
 *    +--------------------------------+
 *    | CTX_TABLES words               |  where each table starts, from the blob's start
 *    +--------------------------------+
 *    | table of the ctx               |
 *    | table of flow_keys, ...        |
 *    +--------------------------------+
 *
 * A table (offsets from its own start), 4-aligned:
 *
 *    +----------------+----------------+
 *    | bytes of struct| start of rows  |
 *    +----------------+----------------+
 *    | a cell for each byte            |     31        16 15         8 7          0
 *    +---------------------------------+    +------------+------------+------------+
 *    | rows, one for each field        |    | row        | may write  | may read   |
 *    +---------------------------------+    +------------+------------+------------+
 *
 * The last two of a cell are the sizes, ORed together, in which an access may start at the byte.
 */
export const CTX_TABLE_CTX = 0;
// The others in the order of their PTR_TO_ base types.
export const CTX_TABLE_FLOW_KEYS = 1;
export const CTX_TABLE_SOCKET = 2;
export const CTX_TABLE_SOCK_COMMON = 3;
export const CTX_TABLE_TCP_SOCK = 4;
export const CTX_TABLE_XDP_SOCK = 5;
export const CTX_TABLES = 6;

export const CTX_TABLE_SIZE = 0;
export const CTX_TABLE_ROWS = 4;
export const CTX_TABLE_CELLS = 8;
export const CTX_CELL_SIZE = 4;
export const CTX_CELL_WRITE_SHIFT = 8;
export const CTX_CELL_ROW_SHIFT = 16;

// A row: type word a load gives, struct behind a PTR_TO_BTF_ID (index of INPUT_STRUCTS, -1 none), then four halves:
// offset, bytes, bytes of an element, the row's number (which names it).
export const CTX_ROW_TYPE = 0;
export const CTX_ROW_STRUCT = 4;
export const CTX_ROW_OFFSET = 8;
export const CTX_ROW_BYTES = 10;
export const CTX_ROW_ELEMENT = 12;
export const CTX_ROW_INDEX = 14;
export const CTX_ROW_SIZE = 16;

// Structs.

/*
 * A struct that the program has pointers to: one row of INPUT_STRUCTS.
 *
 *    0       4       8        12            16        20             24   28        32
 *   +-------+-------+--------+-------------+---------+--------------+----+---------+
 *   | bytes | flags | fields | field count | members | member count | id | reserved|
 *   +-------+-------+--------+-------------+---------+--------------+----+---------+
 *
 *   fields     rows of MF_SIZE: locks, list nodes, kptrs ...     id   BTF id
 *   members    rows of SM_SIZE, ordered by offset
 */
export const ST_BYTES = 0;
export const ST_FLAGS = 4;
export const ST_FIELDS = 8;
export const ST_FIELD_COUNT = 12;
export const ST_MEMBERS = 16;
export const ST_MEMBER_COUNT = 20;
export const ST_ID = 24;
export const ST_SIZE_OF = 32;
// ST_FLAGS
/** In the program's BTF, not in the kernel's. */
export const STF_LOCAL = 1;
/** Holds numbers alone: memory for a kfunc may have this type. */
export const STF_PLAIN = 2;
/** RCU keeps its objects: a kptr to one may be read without a reference. */
export const STF_RCU = 4;
// A member: offset, bytes, kind, struct it is or points to (row, -1 for none), flags.
export const SM_OFFSET = 0;
export const SM_BYTES = 4;
export const SM_KIND = 8;
export const SM_STRUCT = 12;
export const SM_FLAGS = 16;
export const SM_SIZE = 20;
// SM_KIND
export const SMK_NUMBER = 0;
export const SMK_STRUCT = 1;
export const SMK_POINTER = 2;
// SM_FLAGS of pointers
export const SMF_TRUSTED = 1;
export const SMF_RCU = 2;
export const SMF_PERCPU = 4;
export const SMF_USER = 8;
export const SMF_NULLABLE = 16;

// Dynptrs: RegState.aux of their slots, and of CONST_PTR_TO_DYNPTR (enum bpf_dynptr_type).
export const DYNPTR_LOCAL = 1;
export const DYNPTR_RINGBUF = 2;
export const DYNPTR_SKB = 3;
export const DYNPTR_XDP = 4;
export const DYNPTR_SKB_META = 5;

// Kfuncs.

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
// ST_FLAGS: the kernel's structs that sockets and maps are.
export const STF_SOCK = 8;
export const STF_SOCK_COMMON = 16;
export const STF_TCP_SOCK = 32;
export const STF_MAP = 64;
/** A pointer to one is no pointer to the struct it begins with. */
export const STF_STRICT = 128;
