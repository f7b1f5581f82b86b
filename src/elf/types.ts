/** What an ELF file holds, with no BPF meaning (System V ABI, ELF-64 object file format). */

export interface ElfFile {
  readonly bytes: Uint8Array;
  readonly machine: number;
  /** Index 0 is the null section, so `sections[sym.section]` works. */
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
}

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** SHT_* */
  readonly type: number;
  /** SHF_* */
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
  readonly align: number;
  readonly entrySize: number;
  readonly link: number;
  readonly info: number;
  /** A view on the file; empty for SHT_NOBITS (whose `size` still counts). */
  readonly data: Uint8Array;
  /** Relocations that apply to this section (from every SHT_REL section whose sh_info names it), by offset. */
  readonly relocations: readonly ElfRelocation[];
}

export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  /** STT_* */
  readonly type: number;
  /** STB_* */
  readonly binding: number;
  /** STV_* */
  readonly visibility: number;
  /** Section index, or SHN_UNDEF / SHN_ABS / SHN_COMMON. */
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

export interface ElfRelocation {
  /** Byte offset in the section it applies to. */
  readonly offset: number;
  /** R_BPF_* */
  readonly type: number;
  /** Index into `ElfFile.symbols`. */
  readonly symbol: number;
}
