/** Section headers (System V ABI, chapter 4): names, ranges in the file, and that no two share bytes. */
import { ElfError } from '../errors/index.ts';
import { hex, inRange, StringTable, u64, viewOf } from '../util/bytes.ts';
import { NOBITS_MAX, SECTION_HEADER_SIZE, SHF_COMPRESSED, SHT_NOBITS, SHT_NULL, SHT_STRTAB } from './consts.ts';
import type { ElfHeader } from './header.ts';
import type { ElfRelocation, ElfSection } from './types.ts';

/** A section whose relocations are still being collected. */
export type RawSection = ElfSection & { readonly relocations: ElfRelocation[] };

/** File offset of section header `index`, for messages. */
export function headerOffset(header: ElfHeader, index: number): number {
  return header.sectionTable + index * SECTION_HEADER_SIZE;
}

export function parseSections(bytes: Uint8Array, header: ElfHeader): RawSection[] {
  const unnamed = Array.from({ length: header.sectionCount }, (_, index) => parseSection(bytes, header, index));
  const names = new StringTable(unnamed[header.nameSection].data);
  const view = viewOf(bytes);
  const sections = unnamed.map((section) => {
    const offset = headerOffset(header, section.index);
    const nameOffset = view.getUint32(offset, true);
    const name = section.index === 0 ? '' : names.get(nameOffset);
    if (typeof name === 'string') return { ...section, name };
    throw new ElfError('ELF_NAME', { what: `section ${section.index}`, offset, nameOffset, fault: name.fault });
  });
  checkNameSection(sections, header);
  checkOverlap(sections);
  checkContents(sections, header);
  return sections;
}

function parseSection(bytes: Uint8Array, header: ElfHeader, index: number): RawSection {
  const at = headerOffset(header, index);
  const view = viewOf(bytes);
  const type = view.getUint32(at + 4, true);
  const offset = u64(view, at + 24);
  const size = u64(view, at + 32);
  const empty = type === SHT_NOBITS || type === SHT_NULL;
  if (!empty && !inRange(offset, size, bytes.length))
    throw new ElfError('ELF_TRUNCATED', {
      what: `content of section ${index} (its header is at offset ${at})`,
      offset,
      needed: size,
      size: bytes.length,
    });
  return {
    index,
    name: '',
    type,
    flags: u64(view, at + 8),
    offset,
    size: type === SHT_NULL ? 0 : size,
    align: u64(view, at + 48),
    entrySize: u64(view, at + 56),
    link: view.getUint32(at + 40, true),
    info: view.getUint32(at + 44, true),
    data: empty ? bytes.subarray(0, 0) : bytes.subarray(offset, offset + size),
    relocations: [],
  };
}

function checkNameSection(sections: readonly ElfSection[], header: ElfHeader): void {
  const section = sections[header.nameSection];
  if (section.type === SHT_STRTAB) return;
  throw new ElfError('ELF_SECTION', {
    section: section.name,
    index: section.index,
    field: 'sh_type',
    offset: headerOffset(header, section.index) + 4,
    found: `${section.type}`,
    expected: '3 (a string table), because e_shstrndx names it',
  });
}

/** Sections that share bytes are no compiler's work, and would let a small file claim much memory. */
function checkOverlap(sections: readonly ElfSection[]): void {
  const inFile = sections.filter((s) => s.data.length > 0).sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < inFile.length; i++) {
    const [before, section] = [inFile[i - 1], inFile[i]];
    if (section.offset < before.offset + before.size)
      throw new ElfError('ELF_OVERLAP', { section: section.name, other: before.name, offset: section.offset });
  }
}

function checkContents(sections: readonly ElfSection[], header: ElfHeader): void {
  let total = 0;
  for (const section of sections) {
    // Debug information is not read, so it may be compressed.
    if (Math.floor(section.flags / SHF_COMPRESSED) % 2 === 1 && !section.name.startsWith('.debug'))
      throw new ElfError('ELF_COMPRESSED', { section: section.name });
    if (section.type !== SHT_NOBITS) continue;
    total += section.size;
    const offset = headerOffset(header, section.index) + 32;
    if (total > NOBITS_MAX)
      throw new ElfError('ELF_NOBITS', { section: section.name, offset, total, limit: NOBITS_MAX });
  }
}

/** The section a table's sh_link or sh_info names. */
export function namedSection(
  sections: readonly RawSection[],
  header: ElfHeader,
  section: ElfSection,
  field: 'link' | 'info',
): RawSection {
  const index = section[field];
  if (index !== 0 && index < sections.length) return sections[index];
  throw new ElfError('ELF_SECTION', {
    section: section.name,
    index: section.index,
    field: `sh_${field}`,
    offset: headerOffset(header, section.index) + (field === 'link' ? 40 : 44),
    found: `${index}`,
    expected: `a section from 1 to ${sections.length - 1}`,
  });
}

/** Checks that a table consists of entries of `entrySize` bytes. */
export function checkTable(header: ElfHeader, section: ElfSection, entrySize: number): void {
  const at = headerOffset(header, section.index);
  const fail = (field: string, offset: number, found: string, expected: string): never => {
    throw new ElfError('ELF_SECTION', { section: section.name, index: section.index, field, offset, found, expected });
  };
  if (section.entrySize !== entrySize) fail('sh_entsize', at + 56, `${section.entrySize}`, `${entrySize}`);
  if (section.size % entrySize !== 0) fail('sh_size', at + 32, hex(section.size), `a multiple of ${entrySize}`);
}
