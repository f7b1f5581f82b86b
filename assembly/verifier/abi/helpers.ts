// Rows of helper prototypes.

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
/** What it returns is a reference that must be released. */
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
