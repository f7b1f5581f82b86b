// Rows of structs and their members.

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
// ST_FLAGS: the kernel's structs that sockets and maps are.
export const STF_SOCK = 8;
export const STF_SOCK_COMMON = 16;
export const STF_TCP_SOCK = 32;
export const STF_MAP = 64;
/** A pointer to one is no pointer to the struct it begins with. */
export const STF_STRICT = 128;
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
