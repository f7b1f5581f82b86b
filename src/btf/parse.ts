/** Parses `.BTF` (Documentation/bpf/btf.rst, section 2): header, string table, and the 19 kinds of types. */
import { BtfError } from '../errors/index.ts';
import { hex, type StringTable, viewOf } from '../util/bytes.ts';
import { parseBtfHeader, stringSection } from './header.ts';
import { BTF_KIND_NAMES, type BtfReader, COMMON_SIZE, KIND_READERS } from './kinds.ts';
import type { Btf, BtfType } from './types.ts';

/** Every type of the section, or a BtfError. All type ids that occur are in range; that they form no loops is not checked. */
export function parseBtf(bytes: Uint8Array): Btf {
  const header = parseBtfHeader(bytes, '.BTF', ['type', 'str']);
  const [typeRange, stringRange] = header.ranges;
  const strings = stringSection(bytes, stringRange);
  if (typeRange.offset % 4 !== 0)
    throw new BtfError('BTF_HEADER', {
      section: '.BTF',
      field: 'type_off',
      offset: 8,
      found: hex(typeRange.offset - header.size),
      expected: 'a multiple of 4',
    });
  const reader = new TypeReader(bytes, typeRange.offset, typeRange.offset + typeRange.size, strings);
  return { types: reader.readAll(), strings: strings.bytes };
}

interface Reference {
  readonly type: number;
  readonly offset: number;
  readonly field: string;
  readonly found: number;
}

class TypeReader implements BtfReader {
  private readonly view: DataView;
  private readonly end: number;
  private readonly strings: StringTable;
  private readonly references: Reference[] = [];
  private readonly types: BtfType[] = [{ kind: 'void', name: '' }];
  private at: number;
  private start = 0;
  private kindName = '';

  constructor(bytes: Uint8Array, offset: number, end: number, strings: StringTable) {
    this.view = viewOf(bytes);
    this.at = offset;
    this.end = end;
    this.strings = strings;
  }

  readAll(): BtfType[] {
    while (this.at < this.end) this.types.push(this.readType());
    for (const { type, offset, field, found } of this.references) {
      if (found >= this.types.length) {
        const kind = this.types[type].kind;
        throw new BtfError('BTF_TYPE_ID', { type, kind, offset, field, found, types: this.types.length });
      }
    }
    return this.types;
  }

  /**
   *     struct btf_type: | name_off u32 | kind_flag:1 . kind:5 . vlen:16 | size or type u32 | then what the kind adds |
   */
  private readType(): BtfType {
    this.start = this.at;
    this.kindName = 'its first 12 bytes';
    this.need(COMMON_SIZE);
    const nameOffset = this.u32();
    const info = this.u32();
    const kind = (info >>> 24) & 0x1f;
    const read = KIND_READERS[kind];
    if (read === undefined)
      throw new BtfError('BTF_KIND', { type: this.types.length, offset: this.start, found: kind });
    this.kindName = BTF_KIND_NAMES[kind];
    const name = this.name(nameOffset);
    return read(this, { name, vlen: info & 0xffff, kindFlag: info >>> 31 === 1, sizeOrType: this.u32() });
  }

  need(size: number): void {
    if (size <= this.end - this.at) return;
    const what = `type ${this.types.length} (${this.kindName})`;
    const needed = this.at - this.start + size;
    throw new BtfError('BTF_TRUNCATED', { section: '.BTF', what, offset: this.start, needed, size: this.end });
  }

  u32(): number {
    const value = this.view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  i32(): number {
    return this.u32() | 0;
  }

  name(nameOffset: number): string {
    const text = this.strings.get(nameOffset);
    if (typeof text === 'string') return text;
    const what = `type ${this.types.length} (${this.kindName})`;
    throw new BtfError('BTF_NAME', { section: '.BTF', what, offset: this.start, nameOffset, fault: text.fault });
  }

  typeId(id: number, field: string): number {
    // Kept for a second look when all types are known: forward references are normal.
    if (id >= this.types.length)
      this.references.push({ type: this.types.length, offset: this.start, field, found: id });
    return id;
  }

  refuse(field: string, found: string, expected: string): never {
    const where = { type: this.types.length, kind: this.kindName, offset: this.start };
    throw new BtfError('BTF_FIELD', { ...where, field, found, expected });
  }
}
