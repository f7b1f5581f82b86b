/** Maps a program refers to -> rows of INPUT_MAPS. Inner maps' templates follow the maps themselves. */
import { BPF_F_RDONLY_PROG, BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_DEVMAP_HASH } from '../../assembly/isa.ts';
import type { LinkedProg } from '../link/types.ts';
import type { MapSpec } from '../object/types.ts';
import * as abi from './abi.ts';
import { writeFields } from './marshal-fields.ts';
import type { RequestWriter } from './request.ts';
import { type SpecialField, specialFields } from './special-fields.ts';
import type { StructTable } from './struct-table.ts';
import { MAP_STRUCTS } from './tables/map-structs.ts';

/** The maps and their inner maps' templates: rows of INPUT_MAPS. A map's index stays what it is. */
export function withInner(maps: readonly MapSpec[]): MapSpec[] {
  const all = [...maps];
  for (const map of maps) if (map.innerMap !== undefined) all.push(map.innerMap);
  return all;
}

/** A read-only map's contents cannot change once it is frozen, which libbpf does for .rodata: loads find what is there now. */
function frozenData(map: MapSpec): Uint8Array | undefined {
  const frozen = (map.flags & BPF_F_RDONLY_PROG) !== 0 && (map.dataKind === 'rodata' || map.dataKind === 'kconfig');
  return frozen ? map.initialValue : undefined;
}

/** Linux lets no program write what a devmap says of a device, whatever the map's flags are. */
function flagsOf(map: MapSpec): number {
  const isDevmap = map.type === BPF_MAP_TYPE_DEVMAP || map.type === BPF_MAP_TYPE_DEVMAP_HASH;
  return isDevmap ? map.flags | BPF_F_RDONLY_PROG : map.flags;
}

function fieldsOf({ btf }: LinkedProg, map: MapSpec): readonly SpecialField[] {
  return btf === undefined || map.btfValueTypeId === 0 ? [] : specialFields(btf, map.btfValueTypeId);
}

export function marshalMaps(input: RequestWriter, prog: LinkedProg, structs: StructTable): void {
  const all = withInner(prog.maps);
  const bytes = new Uint8Array(all.length * abi.MD_SIZE);
  const view = new DataView(bytes.buffer);
  all.forEach((map, i) => {
    const at = i * abi.MD_SIZE;
    const data = frozenData(map);
    const fields = fieldsOf(prog, map);
    view.setUint32(at + abi.MD_TYPE, map.type, true);
    view.setUint32(at + abi.MD_KEY_SIZE, map.keySize, true);
    view.setUint32(at + abi.MD_VALUE_SIZE, map.valueSize, true);
    view.setUint32(at + abi.MD_MAX_ENTRIES, map.maxEntries, true);
    view.setUint32(at + abi.MD_FLAGS, flagsOf(map), true);
    view.setInt32(at + abi.MD_INNER, map.innerMap === undefined ? -1 : all.lastIndexOf(map.innerMap), true);
    view.setUint32(at + abi.MD_DATA, data === undefined ? 0 : input.add(data), true);
    view.setUint32(at + abi.MD_DATA_SIZE, data?.length ?? 0, true);
    view.setUint32(at + abi.MD_FIELDS, writeFields(input, fields, structs.fieldStruct), true);
    view.setUint32(at + abi.MD_FIELD_COUNT, fields.length, true);
    view.setUint32(at + abi.MD_EXTRA, Number(BigInt.asUintN(32, map.mapExtra)), true);
    view.setUint32(at + abi.MD_HAS_BTF, map.btfValueTypeId !== 0 ? 1 : 0, true);
    view.setInt32(at + abi.MD_STRUCT, structs.mapStruct(MAP_STRUCTS[map.type]), true);
  });
  input.table(abi.INPUT_MAPS, bytes, abi.INPUT_MAP_COUNT, all.length);
}
