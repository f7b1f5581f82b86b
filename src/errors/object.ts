/** Error rows of the object stage: code -> text. Fields say what, where and what to do. */
export const OBJECT_ERRORS = {
  OBJECT_NO_PROGS: (f: { sections: string }) =>
    `the object has no programs: no section with code but .text; its sections are ${f.sections}. Put SEC("xdp") or the like before a function`,
  OBJECT_NO_SYMTAB: (_: object) =>
    'the object has no symbol table, so its programs have no names; do not strip it further than llvm-strip -g does',
  OBJECT_DUPLICATE: (f: { what: string; name: string; first: string; second: string }) =>
    `two ${f.what} are named '${f.name}': ${f.first} and ${f.second}`,
  OBJECT_DUPLICATE_SECTION: (f: { section: string; first: number; second: number }) =>
    `sections ${f.first} and ${f.second} are both named ${f.section}, where one is expected`,
  OBJECT_FUNC: (f: { section: string; func: string; offset: string; field: string; found: string; expected: string }) =>
    `section ${f.section}: function '${f.func}' at offset ${f.offset}: its ${f.field} is ${f.found}, where ${f.expected} is expected`,
  OBJECT_SECTION_SIZE: (f: { section: string; size: number; expected: string }) =>
    `section ${f.section} has ${f.size} bytes, where ${f.expected} is expected`,
  OBJECT_MAPS_NO_BTF: (f: { section: string }) =>
    `section ${f.section} holds BTF-defined maps, and the object has no ${f.section} data section in its .BTF; compile with -g`,
  OBJECT_MAP: (f: { map: string; section: string; offset: string; field: string; found: string; expected: string }) =>
    `section ${f.section}: map '${f.map}' at offset ${f.offset}: ${f.field} is ${f.found}, where ${f.expected} is expected`,
  OBJECT_MAP_RELOC: (f: { section: string; offset: string; symbol: string; why: string }) =>
    `section ${f.section}: the relocation at offset ${f.offset} against '${f.symbol}' ${f.why}`,
  OBJECT_MAP_SLOTS: (f: { limit: number }) =>
    `the maps' initial values ask for more than ${f.limit} slots; is the object damaged?`,
  OBJECT_LEGACY_MAPS: (f: { section: string; size: number; count: number; why: string }) =>
    `section ${f.section} of ${f.size} bytes holds ${f.count} legacy maps: ${f.why}`,
  OBJECT_EXTERN: (f: { name: string; section: string; why: string }) => `extern '${f.name}' in ${f.section} ${f.why}`,
  OBJECT_UNKNOWN: (f: { what: string; name: string; known: string }) =>
    `the object has no ${f.what} '${f.name}'; it has ${f.known}`,
  OBJECT_RAW_VALUE: (f: { what: string; found: string }) =>
    `${f.what}: ${f.found} was given, and there is no BTF type to encode it by; give a Uint8Array, or compile the object with -g`,
  OBJECT_INDEX: (f: { what: string; found: string }) =>
    `${f.what}: ${f.found} was given, where an integer from 0 to 4294967295 is expected`,
  OBJECT_EDIT: (f: { what: string; name: string; field: string; found: string; expected: string }) =>
    `${f.what} '${f.name}': ${f.field} cannot be ${f.found}; ${f.expected}`,
};
