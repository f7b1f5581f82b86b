/** Error rows of the elf stage: code -> text. Fields say what, where and what to do. */
export const ELF_ERRORS = {
  ELF_INPUT: (f: { found: string }) => `an object is read from a Uint8Array; this is ${f.found}`,
  ELF_EMPTY: (_: object) => 'the object file is empty (0 bytes); was the compiler that wrote it successful?',
  ELF_MAGIC: (f: { found: string }) =>
    `not an ELF file: it begins with ${f.found}, where 7f 45 4c 46 is expected; compile with clang -O2 -g -target bpf -c`,
  ELF_LLVM_BITCODE: (_: object) =>
    'this is LLVM bitcode, not an ELF object; finish the compilation with: llc -march=bpf -filetype=obj',
  ELF_TRUNCATED: (f: { what: string; offset: number; needed: number; size: number }) =>
    `the ${f.what} at offset ${f.offset} needs ${f.needed} bytes and lies outside the file of ${f.size} bytes; the file is cut off or damaged`,
  ELF_CLASS: (f: { found: string }) =>
    `the ELF header at offset 4 says ${f.found}, where a 64-bit object is expected; compile with clang -target bpf`,
  ELF_BIG_ENDIAN: (f: { machine: string }) =>
    `this object is for big-endian ${f.machine}, and the engine runs little-endian BPF; compile with clang -target bpfel`,
  ELF_BYTE_ORDER: (f: { found: number }) =>
    `the ELF header at offset 5 has byte order ${f.found}, where 1 (little-endian) is expected`,
  ELF_VERSION: (f: { offset: number; found: number }) => `the ELF version at offset ${f.offset} is ${f.found}, not 1`,
  ELF_MACHINE: (f: { machine: string; found: number }) =>
    `this object is for ${f.machine} (e_machine ${f.found} at offset 18), not for BPF (247); compile with clang -target bpf`,
  ELF_TYPE: (f: { found: string }) =>
    `this is ${f.found} (e_type at offset 16), where a relocatable object is expected; compile with -c and do not link it`,
  ELF_HEADER: (f: { field: string; offset: number; found: number; expected: string }) =>
    `the ELF header's ${f.field} at offset ${f.offset} is ${f.found}, where ${f.expected} is expected`,
  ELF_EXTENDED: (f: { field: string; offset: number }) =>
    `the ELF file uses extended section numbering (${f.field} at offset ${f.offset}), which is for files of more than 65,279 sections and not supported`,
  ELF_SECTION: (f: {
    section: string;
    index: number;
    field: string;
    offset: number;
    found: string;
    expected: string;
  }) =>
    `section ${f.index} ${f.section}: ${f.field} at offset ${f.offset} is ${f.found}, where ${f.expected} is expected`,
  ELF_OVERLAP: (f: { section: string; other: string; offset: number }) =>
    `sections ${f.section} and ${f.other} overlap at offset ${f.offset} of the file`,
  ELF_NOBITS: (f: { section: string; offset: number; total: number; limit: number }) =>
    `section ${f.section} (sh_size at offset ${f.offset}) brings the zero-filled sections to ${f.total} bytes, above the limit of ${f.limit}`,
  ELF_COMPRESSED: (f: { section: string }) =>
    `section ${f.section} is compressed; undo it with: llvm-objcopy --decompress-debug-sections`,
  ELF_NAME: (f: { what: string; offset: number; nameOffset: number; fault: string }) =>
    `the name of ${f.what} at offset ${f.offset}: string ${f.nameOffset} ${f.fault}`,
  ELF_SYMTABS: (f: { section: string; other: string }) =>
    `the file has two symbol tables, sections ${f.other} and ${f.section}, where one is expected`,
  ELF_SYMBOL: (f: { symbol: number; name: string; offset: number; found: number; sections: number }) =>
    `symbol ${f.symbol} '${f.name}' at offset ${f.offset} is in section ${f.found}, and the file has ${f.sections} sections`,
  ELF_RELA: (f: { section: string; index: number }) =>
    `section ${f.index} ${f.section} holds relocations with explicit addends (SHT_RELA), which BPF objects do not use; compile with clang -target bpf`,
  ELF_RELOC_OFFSET: (f: { section: string; offset: number; found: string; target: string; size: number }) =>
    `section ${f.section}: the relocation at offset ${f.offset} applies to offset ${f.found} of ${f.target}, which has ${f.size} bytes`,
  ELF_RELOC_SYMBOL: (f: { section: string; offset: number; found: number; symbols: number }) =>
    `section ${f.section}: the relocation at offset ${f.offset} names symbol ${f.found}, and the file has ${f.symbols} symbols`,
};
