/** Reading bytes of untrusted files: views, ranges, numbers for messages, and NUL-terminated string tables. */

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether [offset, offset + size) lies in [0, total). Sound for every double, so also for 64-bit fields read inexactly. */
export function inRange(offset: number, size: number, total: number): boolean {
  return offset >= 0 && size >= 0 && offset <= total && size <= total - offset;
}

/** A little-endian u64 as a double: exact below 2^53, and above it still larger than any file. */
export function u64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true);
}

/** `0x1f`, for offsets and field values in messages. */
export function hex(value: number | bigint): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

/**
 * A table of NUL-terminated strings, read by offset.
 *
 * Tables may share tails (`.relxdp` holds `xdp`), so a hostile one could make every offset a string of its own and the
 * decoded text quadratic in the file's size. What all distinct offsets decode to together is therefore bounded.
 */
export class StringTable {
  readonly bytes: Uint8Array;
  private readonly decoder = new TextDecoder();
  private readonly cache = new Map<number, string>();
  private budget: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.budget = SHARED_TAILS_MAX * bytes.length + 65536;
  }

  /** The string at `offset`, or why there is none. */
  get(offset: number): string | StringFault {
    const known = this.cache.get(offset);
    if (known !== undefined) return known;
    if (offset >= this.bytes.length) return STRING_OUTSIDE;
    const end = this.bytes.indexOf(0, offset);
    if (end < 0) return STRING_UNTERMINATED;
    this.budget -= end - offset;
    if (this.budget < 0) return STRING_BUDGET;
    const text = this.decoder.decode(this.bytes.subarray(offset, end));
    this.cache.set(offset, text);
    return text;
  }
}

/** How many times its own size a table may decode to. LLVM's tables share few tails; 8 is far beyond them. */
const SHARED_TAILS_MAX = 8;

export interface StringFault {
  readonly fault: string;
}
const STRING_OUTSIDE: StringFault = { fault: 'is outside the string table' };
const STRING_UNTERMINATED: StringFault = { fault: 'has no NUL before the end of the string table' };
const STRING_BUDGET: StringFault = { fault: 'is one of too many that overlap in the string table' };

/** A copy of `bytes` with `size` bytes: cut, or filled with zeros. */
export function resized(bytes: Uint8Array, size: number): Uint8Array {
  const copy = new Uint8Array(size);
  copy.set(bytes.subarray(0, size));
  return copy;
}

/** The text before the first NUL. */
export function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** A copy of [start, end). `slice` will not do for bytes from outside: Node's Buffer returns a window on the same memory from it. */
export function copyBytes(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.subarray(start, end));
}

/** The same bytes as a plain Uint8Array, whatever subclass of it they came as. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
