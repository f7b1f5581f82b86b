// Context tables: may these bytes of a ctx, a socket or flow keys be accessed, and what does a load give? abi.ts draws the tables.
import {
  BASE_MASK,
  CTX_CELL_ROW_SHIFT,
  CTX_CELL_SIZE,
  CTX_CELL_WRITE_SHIFT,
  CTX_ROW_BYTES,
  CTX_ROW_ELEMENT,
  CTX_ROW_INDEX,
  CTX_ROW_OFFSET,
  CTX_ROW_SIZE,
  CTX_ROW_STRUCT,
  CTX_ROW_TYPE,
  CTX_TABLE_CELLS,
  CTX_TABLE_CTX,
  CTX_TABLE_FLOW_KEYS,
  CTX_TABLE_ROWS,
  CTX_TABLE_SIZE,
  CTX_TABLE_SOCK_COMMON,
  CTX_TABLE_SOCKET,
  CTX_TABLE_TCP_SOCK,
  CTX_TABLE_XDP_SOCK,
  PTR_TO_FLOW_KEYS,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  SCALAR,
} from '../abi';

if (PTR_TO_SOCKET - PTR_TO_FLOW_KEYS != CTX_TABLE_SOCKET - CTX_TABLE_FLOW_KEYS)
  ERROR('tables are not in the order of types');
if (PTR_TO_SOCK_COMMON - PTR_TO_FLOW_KEYS != CTX_TABLE_SOCK_COMMON - CTX_TABLE_FLOW_KEYS)
  ERROR('tables are not in the order of types');
if (PTR_TO_TCP_SOCK - PTR_TO_FLOW_KEYS != CTX_TABLE_TCP_SOCK - CTX_TABLE_FLOW_KEYS)
  ERROR('tables are not in the order of types');
if (PTR_TO_XDP_SOCK - PTR_TO_FLOW_KEYS != CTX_TABLE_XDP_SOCK - CTX_TABLE_FLOW_KEYS)
  ERROR('tables are not in the order of types');

/** A field of a context table. */
@unmanaged
export class CtxRow {
  /** Type word of what a load gives. */
  type: u32;
  /** Struct behind a PTR_TO_BTF_ID: index of INPUT_STRUCTS, -1 for none. */
  struct: i32;
  offset: u16;
  bytes: u16;
  element: u16;
  index: u16;

  /** Does a load of `size` bytes see a part of the field (of an array: of an element)? */
  @inline isNarrow(size: u32): bool {
    return size < this.element;
  }
  /** A number that is below 2^(8 * size) when loaded: everything but pointers. */
  @inline isScalar(): bool {
    return (this.type & BASE_MASK) == SCALAR;
  }
}

if (offsetof<CtxRow>() != CTX_ROW_SIZE) ERROR('CtxRow drifted from abi.ts');
if (offsetof<CtxRow>('type') != CTX_ROW_TYPE) ERROR('CtxRow.type drifted from abi.ts');
if (offsetof<CtxRow>('struct') != CTX_ROW_STRUCT) ERROR('CtxRow.struct drifted from abi.ts');
if (offsetof<CtxRow>('offset') != CTX_ROW_OFFSET) ERROR('CtxRow.offset drifted from abi.ts');
if (offsetof<CtxRow>('bytes') != CTX_ROW_BYTES) ERROR('CtxRow.bytes drifted from abi.ts');
if (offsetof<CtxRow>('element') != CTX_ROW_ELEMENT) ERROR('CtxRow.element drifted from abi.ts');
if (offsetof<CtxRow>('index') != CTX_ROW_INDEX) ERROR('CtxRow.index drifted from abi.ts');

/** The table of what a pointer of base type PTR_TO_CTX, FLOW_KEYS, SOCKET, SOCK_COMMON, TCP_SOCK or XDP_SOCK points to. */
export function ctxTable(blob: usize, base: u32): usize {
  const which = base < <u32>PTR_TO_FLOW_KEYS ? CTX_TABLE_CTX : base - PTR_TO_FLOW_KEYS + CTX_TABLE_FLOW_KEYS;
  return blob + load<u32>(blob + ((<usize>which) << 2));
}

/** Bytes of the struct. */
export function ctxSize(table: usize): u32 {
  return load<u32>(table, CTX_TABLE_SIZE);
}

/** The row of the field that `size` (1, 2, 4 or 8) bytes at `off` are loaded from or stored to; 0 when that is refused. */
export function ctxAccess(table: usize, off: i32, size: u32, write: bool): usize {
  if (<u32>off >= ctxSize(table)) return 0;
  const cell = load<u32>(table + <usize>off * CTX_CELL_SIZE, CTX_TABLE_CELLS);
  const widths = write ? cell >> CTX_CELL_WRITE_SHIFT : cell;
  if ((widths & size) == 0) return 0;
  return table + load<u32>(table, CTX_TABLE_ROWS) + <usize>(cell >> CTX_CELL_ROW_SHIFT) * CTX_ROW_SIZE;
}

/** As ctxAccess for a load; one that extends the sign is no way to get a pointer. */
export function ctxLoad(table: usize, off: i32, size: u32, signExtend: bool): usize {
  const row = ctxAccess(table, off, size, false);
  return row != 0 && signExtend && !changetype<CtxRow>(row).isScalar() ? 0 : row;
}
