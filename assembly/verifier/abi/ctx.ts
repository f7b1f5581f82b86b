// Rows of what a program may do with its context.

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
