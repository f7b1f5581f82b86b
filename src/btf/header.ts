/** The headers of `.BTF` and `.BTF.ext` (Documentation/bpf/btf.rst, sections 2 and 4.2): alike but for the ranges they name. */
import { BtfError } from '../errors/index.ts';
import { hex, inRange, StringTable, viewOf } from '../util/bytes.ts';

export const BTF_MAGIC = 0xeb9f;
const BTF_MAGIC_SWAPPED = 0x9feb;
const FIXED_SIZE = 8;

export interface BtfRange {
  /** From the section's first byte. */
  readonly offset: number;
  readonly size: number;
}

export interface BtfHeader {
  readonly size: number;
  readonly ranges: readonly BtfRange[];
}

/**
 *     | magic u16 | version u8 | flags u8 | hdr_len u32 | off u32, len u32 of each range, off from the header's end |
 *
 * Ranges that a shorter header does not have are empty; a longer one may only add zeros.
 */
export function parseBtfHeader(
  bytes: Uint8Array,
  section: '.BTF' | '.BTF.ext',
  names: readonly string[],
  optional = 0,
): BtfHeader {
  if (bytes.length < FIXED_SIZE)
    throw new BtfError('BTF_TRUNCATED', { section, what: 'header', offset: 0, needed: FIXED_SIZE, size: bytes.length });
  const view = viewOf(bytes);
  const magic = view.getUint16(0, true);
  if (magic === BTF_MAGIC_SWAPPED) throw new BtfError('BTF_BIG_ENDIAN', { section });
  if (magic !== BTF_MAGIC) throw new BtfError('BTF_MAGIC', { section, found: hex(magic) });
  const refuse = (field: string, offset: number, found: string, expected: string): never => {
    throw new BtfError('BTF_HEADER', { section, field, offset, found, expected });
  };
  if (bytes[2] !== 1) refuse('version', 2, `${bytes[2]}`, '1');
  if (bytes[3] !== 0) refuse('flags', 3, hex(bytes[3]), '0');
  const size = view.getUint32(4, true);
  const least = FIXED_SIZE + 8 * (names.length - optional);
  if (size < least) refuse('hdr_len', 4, `${size}`, `at least ${least}`);
  if (size > bytes.length)
    throw new BtfError('BTF_TRUNCATED', { section, what: 'header', offset: 0, needed: size, size: bytes.length });
  const known = FIXED_SIZE + 8 * names.length;
  for (let at = known; at < size; at++) {
    if (bytes[at] !== 0) refuse('unknown part', at, hex(bytes[at]), 'zero (or a newer version of this package)');
  }
  const ranges = names.map((name, i) => {
    const field = FIXED_SIZE + 8 * i;
    if (field + 8 > size) return { offset: size, size: 0 };
    const offset = size + view.getUint32(field, true);
    const length = view.getUint32(field + 4, true);
    if (!inRange(offset, length, bytes.length))
      throw new BtfError('BTF_TRUNCATED', {
        section,
        what: `${name} part`,
        offset,
        needed: length,
        size: bytes.length,
      });
    return { offset, size: length };
  });
  return { size, ranges };
}

/** The string table: it begins and ends with a NUL, so that offset 0 is the empty string and every string ends. */
export function stringSection(bytes: Uint8Array, range: BtfRange): StringTable {
  const strings = bytes.subarray(range.offset, range.offset + range.size);
  const refuse = (what: string): never => {
    throw new BtfError('BTF_STRINGS', { section: '.BTF', offset: range.offset, what });
  };
  if (strings.length === 0) refuse('is empty, where at least one NUL is expected');
  if (strings[0] !== 0) refuse('does not begin with a NUL');
  if (strings[strings.length - 1] !== 0) refuse('does not end with a NUL');
  return new StringTable(strings);
}
