/** Data sections as maps: `.rodata*`, `.data*` and `.bss*` are arrays of one element, the section's bytes (as in libbpf). */
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, BPF_MAP_TYPE_ARRAY } from '../../assembly/isa.ts';
import type { Btf } from '../btf/types.ts';
import { SHT_NOBITS, SHT_PROGBITS } from '../elf/consts.ts';
import type { ElfFile, ElfSection } from '../elf/types.ts';
import { resized } from '../util/bytes.ts';
import { datasecIds } from './datasec.ts';
import { newMap } from './map-spec.ts';
import type { MapSpec } from './types.ts';

/** Longest name of an object in the kernel, with its NUL. */
const BPF_OBJ_NAME_LEN = 16;
/** The suffix is given at least this much of it. */
const SUFFIX_LEN_MIN = 7;

export type DataKind = 'rodata' | 'data' | 'bss';

/** Which kind of data a section holds, undefined for other sections. */
export function dataKind(section: ElfSection): DataKind | undefined {
  const is = (name: string): boolean => section.name === name || section.name.startsWith(`${name}.`);
  if (section.type === SHT_PROGBITS && is('.rodata')) return 'rodata';
  if (section.type === SHT_PROGBITS && is('.data')) return 'data';
  if (section.type === SHT_NOBITS && is('.bss')) return 'bss';
  return undefined;
}

export function collectDataMaps(elf: ElfFile, btf: Btf | undefined, objectName: string): MapSpec[] {
  const ids = datasecIds(btf);
  return elf.sections.flatMap((section) => {
    const kind = dataKind(section);
    if (kind === undefined || section.size === 0) return [];
    const name = dataMapName(objectName, section.name);
    return [newDataMap({ name, kind, section, btfValueTypeId: ids.get(section.name) ?? 0 })];
  });
}

function newDataMap(from: { name: string; kind: DataKind; section: ElfSection; btfValueTypeId: number }): MapSpec {
  const { name, kind, section, btfValueTypeId } = from;
  return {
    ...newMap(name, section.index, 0),
    type: BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize: section.size,
    maxEntries: 1,
    flags: kind === 'rodata' ? BPF_F_RDONLY_PROG | BPF_F_MMAPABLE : BPF_F_MMAPABLE,
    btfValueTypeId,
    initialValue: resized(section.data, section.size),
    dataKind: kind,
  };
}

/** `tail_cal.rodata`: as much of the object's name as fits before the suffix; sections like `.data.config` keep theirs. */
export function dataMapName(objectName: string, sectionName: string): string {
  if (sectionName.includes('.', 1)) return sanitized(sectionName);
  const room = Math.max(0, BPF_OBJ_NAME_LEN - 1 - Math.max(SUFFIX_LEN_MIN, sectionName.length));
  return sanitized(objectName.slice(0, room) + sectionName);
}

function sanitized(name: string): string {
  return name.replace(/[^A-Za-z0-9_.]/g, '_');
}
