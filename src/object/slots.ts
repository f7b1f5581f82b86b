/** Slots that a file fills by number: programs of a prog array, inner maps of an outer one. */
import type { MapSpec } from './types.ts';

/** A number beyond it is no slot: the list would take more memory than the file it comes from. */
export const SLOTS_MAX = 1 << 20;

/** Puts a name in a slot, unless one is there. Whether the map has such a slot shows when it is made: its size may still be changed. */
export function fillSlot({ initialSlots }: MapSpec, slot: number, name: string): void {
  if (slot >= SLOTS_MAX) return;
  while (initialSlots.length <= slot) initialSlots.push(undefined);
  initialSlots[slot] ??= name;
}

/** iproute2's section names: `M/N` is for slot N of the map whose id is M, in C's notations of numbers. */
export function slotSection(section: string): { readonly map: number; readonly slot: number } | undefined {
  const [, map, slot] = /^(0x[0-9a-f]+|\d+)\/(0x[0-9a-f]+|\d+)$/i.exec(section) ?? [];
  return map === undefined ? undefined : { map: Number(map), slot: Number(slot) };
}
