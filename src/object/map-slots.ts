/** Static initialisation of map-in-maps and prog arrays: each relocation in `.maps` puts a map or program in one slot. */
import { R_BPF_64_64, R_BPF_64_ABS64, RELOC_NAMES, STT_SECTION } from '../elf/consts.ts';
import type { ElfFile, ElfRelocation, ElfSection } from '../elf/types.ts';
import { ObjectError } from '../errors/index.ts';
import { hex, viewOf } from '../util/bytes.ts';
import { lowerBound } from '../util/group.ts';
import { SLOTS_MAX } from './slots.ts';
import type { MapSpec } from './types.ts';

const POINTER_SIZE = 8;

/** Where a map's definition lies in the section. */
export interface MapExtent {
  readonly spec: MapSpec;
  readonly valuesOffset: number;
  readonly size: number;
}

/** Names by slot, for each map. */
export function collectSlots(elf: ElfFile, section: ElfSection, maps: readonly MapExtent[]): (string | undefined)[][] {
  const slots: (string | undefined)[][] = maps.map(() => []);
  const byOffset = maps.map((map, index) => ({ map, index })).sort((a, b) => a.map.spec.offset - b.map.spec.offset);
  let total = 0;
  for (const reloc of section.relocations) {
    // The last map that begins at or before the relocation.
    const found = byOffset[lowerBound(byOffset, ({ map }) => map.spec.offset, reloc.offset + 1) - 1];
    if (found === undefined || reloc.offset >= found.map.spec.offset + found.map.size)
      refuse(elf, section, reloc, 'is inside no map');
    const slot = slotOf(elf, section, reloc, found.map);
    const list = slots[found.index];
    total += Math.max(0, slot + 1 - list.length);
    // Of all maps together: holes are not stored in the file in proportion to what they would take here.
    if (total > SLOTS_MAX) throw new ObjectError('OBJECT_MAP_SLOTS', { limit: SLOTS_MAX });
    while (list.length <= slot) list.push(undefined);
    list[slot] = targetName(elf, section, reloc);
  }
  return slots;
}

function slotOf(elf: ElfFile, section: ElfSection, reloc: ElfRelocation, map: MapExtent): number {
  const { type } = reloc;
  if (type !== R_BPF_64_ABS64 && type !== R_BPF_64_64)
    refuse(elf, section, reloc, `is of type ${RELOC_NAMES[type] ?? type}, where R_BPF_64_ABS64 is expected`);
  if (map.valuesOffset < 0)
    refuse(elf, section, reloc, `is in map '${map.spec.name}', which has no __array(values, ...)`);
  const at = reloc.offset - map.spec.offset - map.valuesOffset;
  if (at < 0 || at % POINTER_SIZE !== 0)
    refuse(elf, section, reloc, `is not at one of the values of map '${map.spec.name}'`);
  return at / POINTER_SIZE;
}

/** The symbol's name; a static map or program is referred to by its section and found by its offset there. */
function targetName(elf: ElfFile, section: ElfSection, reloc: ElfRelocation): string {
  const symbol = elf.symbols[reloc.symbol];
  if (symbol.name !== '' && symbol.section !== 0) return symbol.name;
  if (symbol.type === STT_SECTION) {
    const at = symbol.value + viewOf(section.data).getUint32(reloc.offset, true);
    const found = elf.symbols.find((s) => s.section === symbol.section && s.value === at && s.name !== '');
    if (found !== undefined) return found.name;
  }
  return refuse(elf, section, reloc, 'names no map and no program of this object');
}

function refuse(elf: ElfFile, section: ElfSection, reloc: ElfRelocation, why: string): never {
  const symbol = elf.symbols[reloc.symbol].name;
  throw new ObjectError('OBJECT_MAP_RELOC', { section: section.name, offset: hex(reloc.offset), symbol, why });
}
