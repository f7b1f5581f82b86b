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
