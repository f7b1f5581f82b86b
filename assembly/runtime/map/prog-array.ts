// BPF_MAP_TYPE_PROG_ARRAY: the mirror of the function table, one u32 program id per slot, 0 for empty. The host owns the
// table, so it is the host that writes slots; here is what can be asked without it.
import { MAP_DATA } from '../../abi';
import { ENOENT } from '../../isa';
import { BpfMap, MapSpec, newMap } from './map';

const SLOT: u32 = 4;

export function progArrayCreate(spec: MapSpec): u32 {
  return newMap(spec, <u64>MAP_DATA + <u64>SLOT * spec.maxEntries, MAP_DATA, SLOT);
}

/** Address of the program id at the key's index, or 0 for an empty slot or an index out of range. */
export function progArrayLookup(map: u32, key: u32): u32 {
  const m = changetype<BpfMap>(map);
  const index = load<u32>(key);
  if (index >= m.maxEntries) return 0;
  const slot = m.data + index * SLOT;
  return load<u32>(slot) ? slot : 0;
}

/** Empties a slot's mirror; the host clears its table. */
export function progArrayDelete(map: u32, key: u32): i32 {
  const slot = progArrayLookup(map, key);
  if (!slot) return -ENOENT;
  store<u32>(slot, 0);
  return 0;
}
