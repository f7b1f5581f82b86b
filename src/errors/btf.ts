/** Error rows of the btf stage: code -> text. Fields say what, where and what to do. Offsets count from the section's first byte. */
export const BTF_ERRORS = {
  BTF_TRUNCATED: (f: { section: string; what: string; offset: number; needed: number; size: number }) =>
    `${f.section}: the ${f.what} at offset ${f.offset} needs ${f.needed} bytes and lies outside its ${f.size} bytes`,
  BTF_MAGIC: (f: { section: string; found: string }) =>
    `${f.section}: the header begins with ${f.found}, where the magic 0xeb9f is expected`,
  BTF_BIG_ENDIAN: (f: { section: string }) =>
    `${f.section} is big-endian, and the engine runs little-endian BPF; compile with clang -target bpfel`,
  BTF_HEADER: (f: { section: string; field: string; offset: number; found: string; expected: string }) =>
    `${f.section}: the header's ${f.field} at offset ${f.offset} is ${f.found}, where ${f.expected} is expected`,
  BTF_STRINGS: (f: { section: string; offset: number; what: string }) =>
    `${f.section}: the string table at offset ${f.offset} ${f.what}`,
  BTF_NAME: (f: { section: string; what: string; offset: number; nameOffset: number; fault: string }) =>
    `${f.section}: the name of ${f.what} at offset ${f.offset}: string ${f.nameOffset} ${f.fault}`,
  BTF_KIND: (f: { type: number; offset: number; found: number }) =>
    `.BTF: type ${f.type} at offset ${f.offset} has the unknown kind ${f.found}; this package knows kinds 1 to 19`,
  BTF_FIELD: (f: { type: number; kind: string; offset: number; field: string; found: string; expected: string }) =>
    `.BTF: type ${f.type} (${f.kind}) at offset ${f.offset}: ${f.field} is ${f.found}, where ${f.expected} is expected`,
  BTF_TYPE_ID: (f: { type: number; kind: string; offset: number; field: string; found: number; types: number }) =>
    `.BTF: type ${f.type} (${f.kind}) at offset ${f.offset}: ${f.field} names type ${f.found}, and the last one is ${f.types - 1}`,
  BTF_EXT_RECORD: (f: { table: string; offset: number; field: string; found: string; expected: string }) =>
    `.BTF.ext: ${f.table} at offset ${f.offset}: ${f.field} is ${f.found}, where ${f.expected} is expected`,
  BTF_NO_TYPE: (f: { type: number; types: number }) => `there is no BTF type ${f.type}; the last one is ${f.types - 1}`,
  BTF_DEPTH: (f: { type: number; limit: number }) =>
    `BTF type ${f.type} leads through more than ${f.limit} other types to itself or to its meaning; the types form a loop`,
  BTF_UNSIZED: (f: { type: number; name: string; kind: string }) =>
    `BTF type ${f.type} '${f.name}' (${f.kind}) has no size, so it cannot be read or written as a value`,
  BTF_SIZE: (f: { type: number; name: string; size: number; limit: number }) =>
    `BTF type ${f.type} '${f.name}' has ${f.size} bytes, above the limit of ${f.limit}`,
  BTF_VALUE_SIZE: (f: { type: string; needed: number; found: number }) =>
    `a value of type ${f.type} has ${f.needed} bytes; ${f.found} were given`,
  BTF_VALUE_LIMIT: (f: { limit: number }) => `the value has more than ${f.limit} parts; read its bytes instead`,
  BTF_VALUE_TYPE: (f: { path: string; type: string; found: string; expected: string }) =>
    `${f.path}: ${f.found} was given for type ${f.type}, where ${f.expected} is expected`,
  BTF_VALUE_RANGE: (f: { path: string; type: string; found: string; min: string; max: string }) =>
    `${f.path}: ${f.found} does not fit type ${f.type}, which holds ${f.min} to ${f.max}`,
  BTF_VALUE_LENGTH: (f: { path: string; type: string; found: number; max: number }) =>
    `${f.path}: ${f.found} elements were given for type ${f.type}, which holds ${f.max}`,
  BTF_VALUE_MEMBER: (f: { path: string; type: string; member: string; members: string }) =>
    `${f.path}: type ${f.type} has no member '${f.member}'; it has ${f.members}`,
};
