// What the verifier keeps for each insn: `struct Aux`.
export const AUX_FLAGS = 0;
export const AUX_SCC = 4;
export const AUX_LIVE_REGS = 8;
export const AUX_PTR_TYPE = 12;
export const AUX_MAP = 16;
export const AUX_KEY_STATE = 20;
export const AUX_KEY = 24;
export const AUX_EXPLORED = 28;
export const AUX_UNCLEANED = 32;
export const AUX_FACT_REGION = 36;
export const AUX_FACT_MAP = 40;
export const AUX_FACT_LO = 44;
export const AUX_FACT_HI = 48;
export const AUX_FACT_FLAGS = 52;
export const AUX_FUNC = 56;
export const AUX_FIRST_JUMP = 60;
export const AUX_SIZE = 64;
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
// AUX_KEY_STATE: index of a tail call, constant key, or type id that bpf_obj_new is given.
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
