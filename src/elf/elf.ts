/** Reads ELF64 little-endian BPF objects (System V ABI, chapters 4 and 5). Nothing here knows what a section means to BPF. */
import { ElfError } from '../errors/index.ts';
import { hex, plainBytes, StringTable, u64, viewOf } from '../util/bytes.ts';
import {
  REL_SIZE,
  SHN_LORESERVE,
  SHN_XINDEX,
  SHT_REL,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  SYMBOL_SIZE,
} from './consts.ts';
import { type ElfHeader, parseHeader } from './header.ts';
import { checkTable, headerOffset, namedSection, parseSections, type RawSection } from './sections.ts';
import type { ElfFile, ElfSection, ElfSymbol } from './types.ts';

/** The file's sections, symbols and relocations, or an ElfError. The bytes are not copied: do not change them afterwards. */
export function parseElf(file: Uint8Array): ElfFile {
  if (!(file instanceof Uint8Array)) throw new ElfError('ELF_INPUT', { found: typeof file });
  const bytes = plainBytes(file);
  const header = parseHeader(bytes);
  const sections = parseSections(bytes, header);
  const symtab = findSymtab(sections);
  const symbols = symtab === undefined ? [] : parseSymbols(sections, header, symtab);
  for (const section of sections) {
    if (section.type === SHT_RELA) throw new ElfError('ELF_RELA', { section: section.name, index: section.index });
    if (section.type === SHT_REL) collectRelocations(sections, header, section, symbols);
  }
  for (const section of sections) section.relocations.sort((a, b) => a.offset - b.offset);
  return { bytes, machine: header.machine, sections, symbols };
}

function findSymtab(sections: readonly RawSection[]): RawSection | undefined {
  const [symtab, second] = sections.filter((s) => s.type === SHT_SYMTAB);
  if (second !== undefined) throw new ElfError('ELF_SYMTABS', { section: second.name, other: symtab.name });
  return symtab;
}

function parseSymbols(sections: readonly RawSection[], header: ElfHeader, symtab: ElfSection): ElfSymbol[] {
  checkTable(header, symtab, SYMBOL_SIZE);
  const strtab = namedSection(sections, header, symtab, 'link');
  if (strtab.type !== SHT_STRTAB)
    throw new ElfError('ELF_SECTION', {
      section: symtab.name,
      index: symtab.index,
      field: 'sh_link',
      offset: headerOffset(header, symtab.index) + 40,
      found: `${strtab.index} ${strtab.name}`,
      expected: 'a string table',
    });
  const names = new StringTable(strtab.data);
  const view = viewOf(symtab.data);
  const symbols: ElfSymbol[] = [];
  for (let at = 0; at < symtab.size; at += SYMBOL_SIZE) {
    const index = symbols.length;
    const offset = symtab.offset + at;
    const nameOffset = view.getUint32(at, true);
    const name = nameOffset === 0 ? '' : names.get(nameOffset);
    if (typeof name !== 'string')
      throw new ElfError('ELF_NAME', { what: `symbol ${index}`, offset, nameOffset, fault: name.fault });
    const section = view.getUint16(at + 6, true);
    if (section === SHN_XINDEX) throw new ElfError('ELF_EXTENDED', { field: `symbol ${index}`, offset });
    if (section >= sections.length && section < SHN_LORESERVE)
      throw new ElfError('ELF_SYMBOL', { symbol: index, name, offset, found: section, sections: sections.length });
    const info = view.getUint8(at + 4);
    symbols.push({
      index,
      name,
      type: info & 0xf,
      binding: info >> 4,
      visibility: view.getUint8(at + 5) & 3,
      section,
      value: u64(view, at + 8),
      size: u64(view, at + 16),
    });
  }
  return symbols;
}

/**
 *     struct Elf64_Rel: | r_offset u64 | type u32 | symbol u32 |
 */
function collectRelocations(
  sections: readonly RawSection[],
  header: ElfHeader,
  rel: ElfSection,
  symbols: readonly ElfSymbol[],
): void {
  checkTable(header, rel, REL_SIZE);
  const target = namedSection(sections, header, rel, 'info');
  const symtab = namedSection(sections, header, rel, 'link');
  if (symtab.type !== SHT_SYMTAB)
    throw new ElfError('ELF_SECTION', {
      section: rel.name,
      index: rel.index,
      field: 'sh_link',
      offset: headerOffset(header, rel.index) + 40,
      found: `${symtab.index} ${symtab.name}`,
      expected: 'the symbol table',
    });
  const view = viewOf(rel.data);
  for (let at = 0; at < rel.size; at += REL_SIZE) {
    const offset = u64(view, at);
    const symbol = view.getUint32(at + 12, true);
    const where = { section: rel.name, offset: rel.offset + at };
    if (offset >= target.size)
      throw new ElfError('ELF_RELOC_OFFSET', { ...where, found: hex(offset), target: target.name, size: target.size });
    if (symbol >= symbols.length)
      throw new ElfError('ELF_RELOC_SYMBOL', { ...where, found: symbol, symbols: symbols.length });
    target.relocations.push({ offset, type: view.getUint32(at + 8, true), symbol });
  }
}
