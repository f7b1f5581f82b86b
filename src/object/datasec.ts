/**
 * Data sections in BTF: clang leaves a section's size and the offsets of its global variables 0 for whoever reads the
 * object to fill in from the ELF file (Documentation/bpf/btf.rst, section 2.2.15).
 */
import type { Btf, BtfType, BtfVarSecinfo } from '../btf/types.ts';
import { STB_LOCAL, STT_FUNC, STT_SECTION } from '../elf/consts.ts';
import type { ElfFile, ElfSection, ElfSymbol } from '../elf/types.ts';
import { ObjectError } from '../errors/index.ts';
import { firstBy } from '../util/group.ts';

type Datasec = Extract<BtfType, { kind: 'datasec' }>;

/** The same types, with sizes and offsets of data sections that the ELF file has. */
export function fillDatasecs(btf: Btf, elf: ElfFile): Btf {
  const sections = firstBy(elf.sections, (s) => s.name);
  const isData = (s: ElfSymbol): boolean => s.type !== STT_SECTION && s.type !== STT_FUNC && s.binding !== STB_LOCAL;
  const symbols = firstBy(elf.symbols.filter(isData), (s) => symbolKey(s.section, s.name));
  const fill = (datasec: Datasec, section: ElfSection): Datasec => {
    const vars = datasec.vars.map((info): BtfVarSecinfo => {
      const variable = btf.types[info.type];
      // Offsets of static variables are in place already.
      if (variable.kind !== 'var' || variable.linkage === 'static') return info;
      return { ...info, offset: symbols.get(symbolKey(section.index, variable.name))?.value ?? info.offset };
    });
    return { ...datasec, size: section.size, vars: vars.sort((a, b) => a.offset - b.offset) };
  };
  const types = btf.types.map((type) => {
    const section = type.kind === 'datasec' ? sections.get(type.name) : undefined;
    // Sections of externs (.kconfig, .ksyms) exist in BTF only.
    return type.kind === 'datasec' && section !== undefined ? fill(type, section) : type;
  });
  return { types, strings: btf.strings };
}

function symbolKey(sectionIndex: number, name: string): string {
  return `${sectionIndex} ${name}`;
}

/** Ids of data sections by name. */
export function datasecIds(btf: Btf | undefined): Map<string, number> {
  const ids = new Map<string, number>();
  btf?.types.forEach((type, id) => {
    if (type.kind === 'datasec' && !ids.has(type.name)) ids.set(type.name, id);
  });
  return ids;
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

/** The variables of a data section; functions stand in the data section of externs. */
export function datasecVars(btf: Btf, id: number | undefined): DatasecVar[] | undefined {
  const datasec = id === undefined ? undefined : btf.types[id];
  if (datasec?.kind !== 'datasec') return undefined;
  return datasec.vars.map((info) => {
    const variable = btf.types[info.type];
    if (variable.kind === 'var' || variable.kind === 'func')
      return { ...info, btfTypeId: info.type, name: variable.name, type: variable.type, linkage: variable.linkage };
    throw new ObjectError('OBJECT_EXTERN', {
      name: variable.name,
      section: datasec.name,
      why: `is a ${variable.kind} (BTF type ${info.type}), where a variable or function is expected`,
    });
  });
}
