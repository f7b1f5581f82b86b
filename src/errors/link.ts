/** Error rows of the link stage: code -> text. Fields say what, where and what to do. Offsets are in the ELF section. */
export const LINK_ERRORS = {
  LINK_NOT_OF_OBJECT: (f: { prog: string; object: string }) =>
    `program '${f.prog}' is not one of the object '${f.object}'; take it from its progs`,
  LINK_OPTION: (f: { option: string; found: string; expected: string }) =>
    `option ${f.option} is ${f.found}; it must be ${f.expected}`,
  LINK_PROG_TYPE: (f: { prog: string; section: string }) =>
    `program '${f.prog}': the section name '${f.section}' says no program type; set prog.type before loading (on the command line: --type)`,
  LINK_RELOC_TYPE: (f: { prog: string; section: string; offset: string; type: string; symbol: string }) =>
    `program '${f.prog}': section ${f.section}: the relocation at offset ${f.offset} against '${f.symbol}' is of type ${f.type}, which instructions do not have`,
  LINK_RELOC_INSN: (f: {
    prog: string;
    section: string;
    offset: string;
    symbol: string;
    found: string;
    expected: string;
  }) =>
    `program '${f.prog}': section ${f.section}: the relocation at offset ${f.offset} against '${f.symbol}' is on ${f.found}, where ${f.expected} is expected`,
  LINK_RELOC_TARGET: (f: {
    prog: string;
    section: string;
    offset: string;
    symbol: string;
    target: string;
    why: string;
  }) =>
    `program '${f.prog}': section ${f.section}: the reference at offset ${f.offset} to '${f.symbol}' (${f.target}) ${f.why}`,
  LINK_CALL_TARGET: (f: { prog: string; section: string; offset: string; target: string }) =>
    `program '${f.prog}': section ${f.section}: the call at offset ${f.offset} goes to ${f.target}, where no function begins`,
  LINK_UNRESOLVED: (f: { prog: string; section: string; offset: string; found: string }) =>
    `program '${f.prog}': section ${f.section}: the instruction at offset ${f.offset} is ${f.found}, and no relocation says of what`,
  LINK_DATA_RANGE: (f: { prog: string; section: string; offset: string; map: string; found: string; size: number }) =>
    `program '${f.prog}': section ${f.section}: the instruction at offset ${f.offset} takes the address of byte ${f.found} of ${f.map}, which has ${f.size} bytes`,
  LINK_DATA_RELOC: (f: { prog: string; section: string; data: string; offset: string; symbol: string }) =>
    `program '${f.prog}' (section ${f.section}) uses data section ${f.data}, which holds the address of '${f.symbol}' at offset ${f.offset}; data cannot hold addresses of functions, maps or other data`,
  LINK_EXTERN: (f: { prog: string; section: string; offset: string; name: string }) =>
    `program '${f.prog}': section ${f.section}: the instruction at offset ${f.offset} refers to '${f.name}', which the object does not define; link the objects that belong together with: bpftool gen object`,
  LINK_KSYM: (f: { prog: string; section: string; offset: string; name: string }) =>
    `program '${f.prog}': section ${f.section}: the instruction at offset ${f.offset} takes the address of the kernel's '${f.name}', and there is no kernel here; declare it __weak and check it for NULL`,
  LINK_KCONFIG: (f: { prog: string; section: string; offset: string; name: string }) =>
    `program '${f.prog}': section ${f.section}: the instruction at offset ${f.offset} reads '${f.name}', which has no value; give it one with setKconfig(object, '${f.name}', value) or declare it __weak`,
  LINK_CORE: (f: { prog: string; section: string; offset: string; why: string }) =>
    `program '${f.prog}': section ${f.section}: the CO-RE relocation of the instruction at offset ${f.offset} cannot be applied: ${f.why}`,
  LINK_INSNS_EMPTY: (f: { prog: string }) => `program '${f.prog}' has no insns; it needs an exit at least`,
  LINK_INSNS_MAP_FD: (f: { prog: string; pc: number; fd: number }) =>
    `program '${f.prog}': insn ${f.pc} names a map by file descriptor ${f.fd}, and there are none here; refer to the option maps by index: BPF_PSEUDO_MAP_IDX`,
  LINK_INSNS_MAP: (f: { prog: string; pc: number; index: number; maps: number }) =>
    `program '${f.prog}': insn ${f.pc} refers to map ${f.index}, and the option maps has ${f.maps}`,
  LINK_INSNS_KFUNC: (f: { prog: string; pc: number; id: number }) =>
    `program '${f.prog}': insn ${f.pc} calls the kfunc with BTF type id ${f.id} of some kernel; load the object file, which has its name`,
  LINK_SIZE: (f: { prog: string; insns: number; limit: number }) =>
    `program '${f.prog}' has ${f.insns} instructions with its subprograms, above the limit of ${f.limit}`,
};
