/**
 * Data sections in BTF: clang leaves a section's size and the offsets of its global variables 0 for whoever reads the
 * object to fill in from the ELF file (Documentation/bpf/btf.rst, section 2.2.15).
 */
import type { Btf, BtfType, BtfVarSecinfo } from '../btf/types.ts';
import { STB_LOCAL, STT_FUNC, STT_SECTION } from '../elf/consts.ts';
import type { ElfFile, ElfSection } from '../elf/types.ts';
import { ObjectError } from '../errors/index.ts';

type Datasec = Extract<BtfType, { kind: 'datasec' }>;

/** The same types, with sizes and offsets of data sections that the ELF file has. */
export function fillDatasecs(btf: Btf, elf: ElfFile): Btf {
  const types = btf.types.map((type) => {
    if (type.kind !== 'datasec') return type;
    const section = elf.sections.find((s) => s.name === type.name);
    // Sections of externs (.kconfig, .ksyms) exist in BTF only.
    return section === undefined ? type : fillDatasec(btf, elf, type, section);
  });
  return { types, strings: btf.strings };
}

function fillDatasec(btf: Btf, elf: ElfFile, datasec: Datasec, section: ElfSection): Datasec {
  const offsets = new Map<string, number>();
  for (const symbol of elf.symbols) {
    const isData = symbol.type !== STT_SECTION && symbol.type !== STT_FUNC && symbol.binding !== STB_LOCAL;
    if (isData && symbol.section === section.index) offsets.set(symbol.name, symbol.value);
  }
  const vars = datasec.vars.map((info): BtfVarSecinfo => {
    const variable = btf.types[info.type];
    // Offsets of static variables are in place already.
    if (variable.kind !== 'var' || variable.linkage === 'static') return info;
    return { ...info, offset: offsets.get(variable.name) ?? info.offset };
  });
  return { ...datasec, size: section.size, vars: vars.sort((a, b) => a.offset - b.offset) };
}

export interface DatasecVar {
  readonly name: string;
  /** BTF id of the variable's type. */
  readonly type: number;
  readonly btfTypeId: number;
  readonly offset: number;
  readonly size: number;
  readonly linkage: 'static' | 'global' | 'extern';
}

/** The variables BTF lists for a section; undefined when BTF does not know the section. */
export function datasecVars(btf: Btf, sectionName: string): DatasecVar[] | undefined {
  const datasec = btf.types.find((type): type is Datasec => type.kind === 'datasec' && type.name === sectionName);
  return datasec?.vars.flatMap((info) => {
    const variable = btf.types[info.type];
    // Functions stand in the data section of externs.
    if (variable.kind === 'func')
      return [{ ...info, btfTypeId: info.type, name: variable.name, type: variable.type, linkage: variable.linkage }];
    if (variable.kind === 'var')
      return [{ ...info, btfTypeId: info.type, name: variable.name, type: variable.type, linkage: variable.linkage }];
    throw new ObjectError('OBJECT_EXTERN', {
      name: variable.name,
      section: sectionName,
      why: `is a ${variable.kind} (BTF type ${info.type}), where a variable or function is expected`,
    });
  });
}
