/**
 * Prog-array slots that are not in the map's definition: Cilium's declaration tags on functions (`tail:MAP/SLOT`) and iproute2's section
 * names (`M/N`: the program for slot N of the map whose id is M).
 */
import type { Btf } from '../btf/types.ts';
import type { MapSpec, ProgSpec } from './types.ts';

const BPF_MAP_TYPE_PROG_ARRAY = 3;
/** Slots beyond it are taken for something else. */
const SLOT_MAX = 1 << 20;

function put(map: MapSpec | undefined, slot: number, name: string): void {
  if (map === undefined || map.type !== BPF_MAP_TYPE_PROG_ARRAY || slot >= Math.min(SLOT_MAX, map.maxEntries)) return;
  const slots = map.initialSlots;
  while (slots.length <= slot) slots.push(undefined);
  // What the definition says itself counts.
  slots[slot] ??= name;
}

/** Fills `initialSlots` of the object's prog arrays. */
export function fillTaggedSlots(btf: Btf | undefined, progs: readonly ProgSpec[], maps: readonly MapSpec[]): void {
  const byName = new Map(maps.map((map) => [map.name, map]));
  const own = new Set(progs.map(({ name }) => name));
  for (const tag of btf?.types ?? []) {
    if (tag.kind !== 'decl_tag') continue;
    const [, map, slot] = /^tail:([^/]+)\/(\d+)$/.exec(tag.name) ?? [];
    const func = btf?.types[tag.type];
    if (map !== undefined && func?.kind === 'func' && own.has(func.name)) put(byName.get(map), Number(slot), func.name);
  }
  for (const prog of progs) {
    const [, id, slot] = /^(0x[0-9a-f]+|\d+)\/(0x[0-9a-f]+|\d+)$/i.exec(prog.section) ?? [];
    if (id === undefined) continue;
    put(
      maps.find((map) => map.legacyId === Number(id)),
      Number(slot),
      prog.name,
    );
  }
}
