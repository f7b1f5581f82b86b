/** Parses `.BTF.ext` (Documentation/bpf/btf.rst, section 4.2): function info, line info and CO-RE records for each ELF section. */
import { BtfError } from '../errors/index.ts';
import { hex, StringTable, viewOf } from '../util/bytes.ts';
import { type BtfRange, parseBtfHeader } from './header.ts';
import type { Btf, BtfCoreRelo, BtfExt, BtfFuncInfo, BtfLineInfo } from './types.ts';

/** `btf` is the `.BTF` of the same file: strings and types are shared. */
export function parseBtfExt(bytes: Uint8Array, btf: Btf): BtfExt {
  const { ranges } = parseBtfHeader(bytes, '.BTF.ext', ['func_info', 'line_info', 'core_relo'], 1);
  const reader = new ExtReader(bytes, btf);
  const [funcs, lines, coreRelos] = ranges;
  return {
    funcs: reader.table<BtfFuncInfo>('func_info', funcs, 8, (at) => ({
      insnOffset: reader.u32(at),
      type: reader.typeId(at + 4, 'func_info'),
    })),
    lines: reader.table<BtfLineInfo>('line_info', lines, 16, (at) => ({
      insnOffset: reader.u32(at),
      file: reader.text(at + 4, 'line_info'),
      text: reader.text(at + 8, 'line_info'),
      line: reader.u32(at + 12) >>> 10,
      column: reader.u32(at + 12) & 0x3ff,
    })),
    coreRelos: reader.table<BtfCoreRelo>('core_relo', coreRelos, 16, (at) => ({
      insnOffset: reader.u32(at),
      type: reader.typeId(at + 4, 'core_relo'),
      access: reader.text(at + 8, 'core_relo'),
      kind: reader.u32(at + 12),
    })),
  };
}

class ExtReader {
  private readonly view: DataView;
  private readonly btf: Btf;
  private readonly strings: StringTable;

  constructor(bytes: Uint8Array, btf: Btf) {
    this.view = viewOf(bytes);
    this.btf = btf;
    this.strings = new StringTable(btf.strings);
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  text(at: number, table: string): string {
    const nameOffset = this.u32(at);
    const text = this.strings.get(nameOffset);
    if (typeof text === 'string') return text;
    const what = `a ${table} record`;
    throw new BtfError('BTF_NAME', { section: '.BTF.ext', what, offset: at, nameOffset, fault: text.fault });
  }

  typeId(at: number, table: string): number {
    const id = this.u32(at);
    if (id < this.btf.types.length) return id;
    return refuse(table, at, 'type', `${id}`, `a type below ${this.btf.types.length}`);
  }

  /**
   *     | record size u32 | then for each section: | section name u32 | count u32 | count records |
   *
   * Records may be longer than what is known of them: newer fields come last and are skipped.
   */
  table<T extends { readonly insnOffset: number }>(
    table: string,
    range: BtfRange,
    knownSize: number,
    read: (at: number) => T,
  ): Map<string, T[]> {
    const sections = new Map<string, T[]>();
    if (range.size === 0) return sections;
    const end = range.offset + range.size;
    const need = (at: number, needed: number, what: string): void => {
      if (needed > end - at)
        throw new BtfError('BTF_TRUNCATED', { section: '.BTF.ext', what, offset: at, needed, size: end });
    };
    need(range.offset, 4, `${table} part`);
    const recordSize = this.u32(range.offset);
    if (recordSize < knownSize || recordSize % 4 !== 0)
      refuse(table, range.offset, 'record size', `${recordSize}`, `a multiple of 4 from ${knownSize}`);
    let at = range.offset + 4;
    while (at < end) {
      need(at, 8, `${table} section header`);
      const name = this.text(at, table);
      const count = this.u32(at + 4);
      at += 8;
      need(at, count * recordSize, `${table} of section '${name}'`);
      const records = sections.get(name) ?? [];
      sections.set(name, records);
      for (let i = 0; i < count; i++, at += recordSize) {
        const insnOffset = this.u32(at);
        if (insnOffset % 8 !== 0) refuse(table, at, 'insn_off', hex(insnOffset), 'a multiple of 8');
        records.push(read(at));
      }
    }
    // In a section's order, whatever order the file has them in; the first of two at one instruction stays first.
    for (const records of sections.values()) records.sort((a, b) => a.insnOffset - b.insnOffset);
    return sections;
  }
}

function refuse(table: string, offset: number, field: string, found: string, expected: string): never {
  throw new BtfError('BTF_EXT_RECORD', { table: `the ${table} table`, offset, field, found, expected });
}
