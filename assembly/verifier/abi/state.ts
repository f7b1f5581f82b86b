// The verifier's memory, and how registers, stack slots and frames lie in it.

// Memory of the verifier's instance. Below ENV nothing is stored: a null reference stays harmless.
export const ENV = 1024;
export const ARENA = 2048;
/** First byte of the compiler's own data (asc's memoryBase). */
export const VERIFIER_MEMORY_BASE = 8192;
/** First byte of what a verification uses: the request lies there, behind the compiler's data. Addresses in it count on that. */
export const ARENA_START = 16384;

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

/** Of a state: the addresses of its eight frames, and which one is the innermost. */
export const STATE_FRAMES = 128;
export const STATE_CURFRAME = 160;

/** A frame: its header, then R0..R10. */
export const FRAME_SLOTS = 32;
export const FRAME_STACK = 40;
export const FRAME_REGS = 64;
export const FRAME_SIZE = 1120;
