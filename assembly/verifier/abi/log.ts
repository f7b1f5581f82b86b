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
