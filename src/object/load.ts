/**
 * The open step: what an object file declares, as an editable value. Nothing is created or resolved, and the same bytes
 * give the same object. `link` reads it next.
 */
import { parseBtfExt } from '../btf/ext.ts';
import { parseBtf } from '../btf/parse.ts';
import type { Btf } from '../btf/types.ts';
import { SHT_PROGBITS, STT_FILE } from '../elf/consts.ts';
import { parseElf } from '../elf/elf.ts';
import type { ElfFile, ElfSection } from '../elf/types.ts';
import { ObjectError } from '../errors/index.ts';
import { cString, hex, viewOf } from '../util/bytes.ts';
import { collectBtfMaps } from './btf-maps.ts';
import { collectDataMaps } from './data-maps.ts';
import { fillDatasecs } from './datasec.ts';
import { collectExterns, kconfigMap } from './externs.ts';
import { collectLegacyMaps } from './legacy-maps.ts';
import { isGplCompatible } from './license.ts';
import { collectFunctions } from './progs.ts';
import { fillTaggedSlots } from './tagged-slots.ts';
import type { BpfObject, MapSpec } from './types.ts';

export interface LoadOptions {
  /** The object's name, part of its data maps' names; the source file's name by default. */
  readonly name?: string;
}

/** Sections of which an object has at most one. */
const UNIQUE_SECTIONS = ['license', 'version', '.maps', 'maps', '.BTF', '.BTF.ext'];

export function loadObject(file: Uint8Array | ElfFile, options: LoadOptions = {}): BpfObject {
  const isParsed = typeof file === 'object' && file !== null && 'sections' in file;
  const elf = isParsed ? file : parseElf(file);
  refuseDuplicateSections(elf);
  const btf = readBtf(elf);
  const btfExtSection = content(elf, '.BTF.ext');
  const btfExt = btf && btfExtSection && parseBtfExt(btfExtSection.data, btf);
  const { progs, subprogs } = collectFunctions(elf);
  if (elf.symbols.length === 0) throw new ObjectError('OBJECT_NO_SYMTAB', {});
  const name = options.name ?? sourceName(elf);
  const externs = collectExterns(elf, btf);
  const kconfig = kconfigMap(externs, name);
  const maps = [
    ...collectLegacyMaps(elf),
    ...collectBtfMaps(elf, btf),
    ...collectDataMaps(elf, btf, name),
    ...(kconfig === undefined ? [] : [kconfig]),
  ];
  refuseDuplicateMaps(elf, maps);
  fillTaggedSlots(btf, progs, maps);
  const license = readLicense(elf);
  const gplCompatible = isGplCompatible(license);
  const kernVersion = readVersion(elf);
  return { name, license, gplCompatible, kernVersion, progs, subprogs, maps, externs, btf, btfExt, elf };
}

function content(elf: ElfFile, name: string): ElfSection | undefined {
  return elf.sections.find((s) => s.name === name && s.type === SHT_PROGBITS && s.size > 0);
}

function readBtf(elf: ElfFile): Btf | undefined {
  const section = content(elf, '.BTF');
  return section && fillDatasecs(parseBtf(section.data), elf);
}

function readLicense(elf: ElfFile): string {
  const section = content(elf, 'license');
  return section === undefined ? '' : cString(section.data);
}

function readVersion(elf: ElfFile): number {
  const section = content(elf, 'version');
  if (section === undefined) return 0;
  if (section.size === 4) return viewOf(section.data).getUint32(0, true);
  throw new ObjectError('OBJECT_SECTION_SIZE', { section: 'version', size: section.size, expected: '4, a u32' });
}

/** `tail_call.c` -> `tail_call`. */
function sourceName(elf: ElfFile): string {
  const file = elf.symbols.find((s) => s.type === STT_FILE)?.name ?? '';
  const base = file.slice(file.lastIndexOf('/') + 1);
  return base.split('.')[0] || 'object';
}

function refuseDuplicateSections(elf: ElfFile): void {
  for (const name of UNIQUE_SECTIONS) {
    const [first, second] = elf.sections.filter((s) => s.name === name);
    if (second === undefined) continue;
    const indices = { first: first.index, second: second.index };
    throw new ObjectError('OBJECT_DUPLICATE_SECTION', { section: name, ...indices });
  }
}

function refuseDuplicateMaps(elf: ElfFile, maps: readonly MapSpec[]): void {
  const byName = new Map<string, MapSpec>();
  const where = (map: MapSpec): string =>
    `section ${elf.sections[map.sectionIndex]?.name ?? '.kconfig'} at offset ${hex(map.offset)}`;
  for (const map of maps) {
    const first = byName.get(map.name);
    if (first !== undefined)
      throw new ObjectError('OBJECT_DUPLICATE', {
        what: 'maps',
        name: map.name,
        first: where(first),
        second: where(map),
      });
    byName.set(map.name, map);
  }
}
