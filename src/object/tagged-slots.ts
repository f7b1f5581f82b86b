/**
 * Prog-array slots that are not in the map's definition: Cilium's declaration tags on functions (`tail:MAP/SLOT`) and iproute2's section
 * names (`M/N`).
 */
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../assembly/isa.ts';
import type { Btf } from '../btf/types.ts';
import { fillSlot, slotSection } from './slots.ts';
import type { MapSpec, ProgSpec } from './types.ts';

/** Fills `initialSlots` of the object's prog arrays, behind what their definitions say. A tag that names no prog array is for somebody else. */
export function fillTaggedSlots(btf: Btf | undefined, progs: readonly ProgSpec[], maps: readonly MapSpec[]): void {
  const arrays = maps.filter((map) => map.type === BPF_MAP_TYPE_PROG_ARRAY);
  const own = new Set(progs.map(({ name }) => name));
  const put = (array: MapSpec | undefined, slot: number, name: string): void => {
    if (array !== undefined) fillSlot(array, slot, name);
  };
  for (const tag of btf?.types ?? []) {
    if (tag.kind !== 'decl_tag') continue;
    const [, map, slot] = /^tail:([^/]+)\/(\d+)$/.exec(tag.name) ?? [];
    const func = btf?.types[tag.type];
    if (map === undefined || func?.kind !== 'func' || !own.has(func.name)) continue;
    const array = arrays.find(({ name }) => name === map);
    put(array, Number(slot), func.name);
  }
  for (const prog of progs) {
    const at = slotSection(prog.section);
    if (at === undefined) continue;
    const array = arrays.find(({ legacyId }) => legacyId === at.map);
    put(array, at.slot, prog.name);
  }
}
