import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseElf } from '../src/elf/elf.ts';
import { type BpfError, ElfError } from '../src/errors/index.ts';
import { fixture, Patch } from './data/patch.ts';

function errorOf(bytes: unknown): BpfError {
  try {
    parseElf(bytes as Uint8Array);
  } catch (error) {
    if (error instanceof ElfError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe('parseElf', () => {
  it('reads sections, symbols and relocations as llvm-readelf prints them', () => {
    const { sections, symbols, machine } = parseElf(fixture('object/subprogs.o'));
    expect(machine).toBe(247);
    expect(sections[0]).toMatchObject({ index: 0, name: '', type: 0, size: 0 });
    const xdp = sections.find((s) => s.name === 'xdp')!;
    expect(xdp).toMatchObject({ type: 1, flags: 6, size: 0x90, align: 8 });
    expect(xdp.data).toHaveLength(0x90);
    const named = xdp.relocations.map(({ offset, type, symbol }) => [
      offset,
      type,
      symbols[symbol].name || sections[symbols[symbol].section].name,
    ]);
    expect(named).toEqual([
      [0x38, 1, '.text'],
      [0x60, 10, 'twice'],
    ]);
    const clamp = symbols.find((s) => s.name === 'clamp')!;
    expect(clamp).toMatchObject({ type: 2, binding: 0, value: 0x18, size: 0x60 });
    expect(symbols.find((s) => s.name === 'twice')).toMatchObject({ type: 2, binding: 1, value: 0, size: 0x18 });
  });

  it('gives NOBITS sections a size and no data', () => {
    const bss = parseElf(fixture('object/subprogs.o')).sections.find((s) => s.name === '.bss')!;
    expect([bss.type, bss.size, bss.data.length]).toEqual([8, 4, 0]);
  });

  it('reads an object that starts inside a larger buffer', () => {
    const bytes = fixture('object/core.o');
    const larger = new Uint8Array(bytes.length + 11);
    larger.set(bytes, 7);
    const { sections } = parseElf(larger.subarray(7, 7 + bytes.length));
    expect(sections.map((s) => s.name)).toEqual(parseElf(bytes).sections.map((s) => s.name));
  });

  it('accepts machine 0, as old LLVM wrote it', () => {
    expect(parseElf(new Patch('object/core.o').at(18, 2, 0).bytes).machine).toBe(0);
  });

  it.each([
    ['object/big-endian.o', 'this object is for big-endian BPF'],
    ['object/mips.o', 'this object is for big-endian MIPS'],
    ['object/x86-64.o', 'this object is for x86-64 (e_machine 62 at offset 18)'],
    ['object/bitcode.o', 'this is LLVM bitcode'],
    ['object/core.c', 'not an ELF file: it begins with 2f 2f 20 43'],
  ])('%s is refused by name', (name, message) => {
    expect(errorOf(fixture(name)).message).toContain(message);
  });

  it.each([
    ['no bytes', new Uint8Array(0), 'ELF_EMPTY'],
    ['a string', 'tail_call.o', 'ELF_INPUT'],
    ['a header cut short', fixture('object/core.o').subarray(0, 63), 'ELF_TRUNCATED'],
  ])('%s', (_, bytes, code) => {
    expect(errorOf(bytes).code).toBe(code);
  });

  const base = 'object/subprogs.o';
  const RULES: [what: string, patch: (p: Patch) => Patch, code: string, message: string][] = [
    ['32 bits', (p) => p.at(4, 1, 1), 'ELF_CLASS', 'a 32-bit object, for BPF'],
    ['no such class', (p) => p.at(4, 1, 9), 'ELF_CLASS', 'class 9'],
    ['byte order', (p) => p.at(5, 1, 3), 'ELF_BYTE_ORDER', 'byte order 3'],
    ['ident version', (p) => p.at(6, 1, 0), 'ELF_VERSION', 'at offset 6 is 0'],
    ['executable', (p) => p.at(16, 2, 2), 'ELF_TYPE', 'this is an executable'],
    ['AArch64', (p) => p.at(18, 2, 183), 'ELF_MACHINE', 'AArch64'],
    ['version', (p) => p.at(20, 4, 2), 'ELF_VERSION', 'at offset 20 is 2'],
    ['no section table', (p) => p.at(40, 8, 0).at(60, 2, 0), 'ELF_HEADER', 'e_shoff at offset 40'],
    ['section table outside', (p) => p.at(40, 8, 1n << 60n), 'ELF_TRUNCATED', 'section header table'],
    ['entry size', (p) => p.at(58, 2, 40), 'ELF_HEADER', 'e_shentsize at offset 58 is 40'],
    ['extended numbering', (p) => p.at(60, 2, 0), 'ELF_EXTENDED', 'e_shnum'],
    ['extended name section', (p) => p.at(62, 2, 0xffff), 'ELF_EXTENDED', 'e_shstrndx'],
    ['name section outside', (p) => p.at(62, 2, 999), 'ELF_HEADER', 'e_shstrndx at offset 62 is 999'],
    ['section outside', (p) => p.header('tc', 'size', 1n << 40n), 'ELF_TRUNCATED', 'content of section'],
    ['section wraps', (p) => p.header('tc', 'offset', (1n << 64n) - 8n), 'ELF_TRUNCATED', 'content of section'],
    ['overlap', (p) => p.header('tc', 'offset', p.section('xdp').offset), 'ELF_OVERLAP', 'sections tc and xdp overlap'],
    ['name outside', (p) => p.header('tc', 'name', 99999), 'ELF_NAME', 'string 99999 is outside the string table'],
    ['huge .bss', (p) => p.header('.bss', 'size', 1n << 50n), 'ELF_NOBITS', 'above the limit of 67108864'],
    ['compressed', (p) => p.header('xdp', 'flags', 0x806), 'ELF_COMPRESSED', 'section xdp is compressed'],
    ['symbol size', (p) => p.header('.symtab', 'entrySize', 16), 'ELF_SECTION', 'sh_entsize'],
    ['symtab size', (p) => p.header('.symtab', 'size', 25), 'ELF_SECTION', 'a multiple of 24'],
    ['symtab strings', (p) => p.header('.symtab', 'link', 3), 'ELF_SECTION', 'a string table'],
    ['symtab link', (p) => p.header('.symtab', 'link', 300), 'ELF_SECTION', 'sh_link'],
    ['two symtabs', (p) => p.header('.relxdp', 'type', 2), 'ELF_SYMTABS', 'two symbol tables'],
    ['symbol section', (p) => p.setSymbol('first', 'section', 500), 'ELF_SYMBOL', "'first'"],
    ['symbol name', (p) => p.setSymbol('first', 'name', 0xfffff), 'ELF_NAME', 'is outside the string table'],
    ['extended symbol', (p) => p.setSymbol('first', 'section', 0xffff), 'ELF_EXTENDED', 'symbol'],
    ['RELA', (p) => p.header('.relxdp', 'type', 4), 'ELF_RELA', 'section 5 .relxdp holds'],
    ['reloc target', (p) => p.header('.relxdp', 'info', 0), 'ELF_SECTION', 'sh_info'],
    ['reloc symtab', (p) => p.header('.relxdp', 'link', 1), 'ELF_SECTION', 'the symbol table'],
    ['reloc offset', (p) => p.content('.relxdp', 0, 8, 0x90), 'ELF_RELOC_OFFSET', 'applies to offset 0x90 of xdp'],
    ['reloc symbol', (p) => p.content('.relxdp', 12, 4, 9999), 'ELF_RELOC_SYMBOL', 'names symbol 9999'],
  ];
  it.each(RULES)('%s', (_, patch, code, message) => {
    const error = errorOf(patch(new Patch(base)).bytes);
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });

  it('refuses a string table without a last NUL', () => {
    const patch = new Patch(base);
    const { offset, size, index } = patch.section('.strtab');
    expect(index).toBeGreaterThan(0);
    patch.bytes.fill(0x41, offset, offset + size);
    expect(errorOf(patch.bytes).message).toContain('has no NUL before the end of the string table');
  });

  it('bounds what overlapping names decode to', () => {
    // 8,000 symbols whose names are the tails of one long string: 32 MB of text in a file of 200 kB.
    const count = 8000;
    const strings = new Uint8Array(count + 12).fill(0x61);
    strings.set(new TextEncoder().encode('\0.symtab\0'));
    strings[strings.length - 1] = 0;
    const bytes = new Uint8Array(64 + strings.length + count * 24 + 3 * 64);
    bytes.set(fixture(base).subarray(0, 64));
    bytes.set(strings, 64);
    const view = new DataView(bytes.buffer);
    const symtab = 64 + strings.length;
    for (let i = 0; i < count; i++) view.setUint32(symtab + 24 * i, 9 + i, true);
    const table = symtab + count * 24;
    const header = (index: number, type: number, offset: number, size: number, entrySize = 0): void => {
      const at = table + 64 * index;
      view.setUint32(at + 4, type, true);
      view.setUint32(at + 24, offset, true);
      view.setUint32(at + 32, size, true);
      view.setUint32(at + 40, 1, true);
      view.setUint32(at + 56, entrySize, true);
    };
    header(1, 3, 64, strings.length);
    header(2, 2, symtab, count * 24, 24);
    view.setUint32(40, table, true);
    view.setUint16(60, 3, true);
    view.setUint16(62, 1, true);
    expect(errorOf(bytes).message).toContain('is one of too many that overlap in the string table');
  });

  it('every ELF fixture that is for BPF parses', () => {
    const refused = ['big-endian.o', 'bitcode.o', 'mips.o', 'x86-64.o'];
    const names = readdirSync('test/data/object').filter((n) => n.endsWith('.o') && !refused.includes(n));
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) expect(parseElf(fixture(`object/${name}`)).sections.length).toBeGreaterThan(3);
  });
});
