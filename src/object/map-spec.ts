/** Making MapSpecs: an empty wish that the readers of each notation fill, and what is true of every map. */
import { BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS } from '../../assembly/isa.ts';
import type { MapSpec } from './types.ts';

/** A spec that may still be written to. */
export type MutableMapSpec = { -readonly [K in keyof MapSpec]: MapSpec[K] };

export function newMap(name: string, sectionIndex: number, offset: number): MutableMapSpec {
  return {
    name,
    type: 0,
    keySize: 0,
    valueSize: 0,
    maxEntries: 0,
    flags: 0,
    pinning: 0,
    numaNode: -1,
    mapExtra: 0n,
    btfKeyTypeId: 0,
    btfValueTypeId: 0,
    initialSlots: [],
    dataKind: '',
    sectionIndex,
    offset,
  };
}

export function isMapInMap(type: number): boolean {
  return type === BPF_MAP_TYPE_ARRAY_OF_MAPS || type === BPF_MAP_TYPE_HASH_OF_MAPS;
}
