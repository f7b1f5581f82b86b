// Objects with one thing changed: what each rule of the parsers refuses.
import { readFileSync } from 'node:fs';
import { parseElf } from '../../src/elf/elf.ts';
import type { ElfSection, ElfSymbol } from '../../src/elf/types.ts';

export function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, import.meta.url)));
}

/** Fields of a section header and of a symbol: offset and size. */
const HEADER = {
  name: [0, 4],
  type: [4, 4],
  flags: [8, 8],
  offset: [24, 8],
  size: [32, 8],
  link: [40, 4],
  info: [44, 4],
  entrySize: [56, 8],
} as const;
const SYMBOL = { name: [0, 4], info: [4, 1], section: [6, 2], value: [8, 8], size: [16, 8] } as const;

/** An object file that can be changed in place, by the names of its parts. */
export class Patch {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(name: string) {
    this.bytes = fixture(name);
    this.view = new DataView(this.bytes.buffer);
  }

  section(name: string): ElfSection {
    return parseElf(this.bytes).sections.find((s) => s.name === name)!;
  }

  symbol(name: string): ElfSymbol {
    return parseElf(this.bytes).symbols.find((s) => s.name === name)!;
  }

  /** A number at a file offset. */
  at(offset: number, size: number, value: number | bigint): this {
    for (let i = 0; i < size; i++) this.bytes[offset + i] = Number((BigInt(value) >> BigInt(8 * i)) & 0xffn);
    return this;
  }

  header(section: string, field: keyof typeof HEADER, value: number | bigint): this {
    const [offset, size] = HEADER[field];
    return this.at(this.view.getUint32(40, true) + 64 * this.section(section).index + offset, size, value);
  }

  /** A number in a section's content. */
  content(section: string, offset: number, size: number, value: number | bigint): this {
    return this.at(this.section(section).offset + offset, size, value);
  }

  setSymbol(symbol: string, field: keyof typeof SYMBOL, value: number): this {
    const [offset, size] = SYMBOL[field];
    return this.content('.symtab', 24 * this.symbol(symbol).index + offset, size, value);
  }
}
