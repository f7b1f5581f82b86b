// Every value of a map at once: what its special fields hold is let go.

import { MAP_FIELDS_USER_GONE } from '../../abi';
import { BPF_MAP_TYPE_LPM_TRIE } from '../../isa';
import { ASYNC_FIELDS, freeKinds, hasField } from './fields';
import { hashFreeFields } from './hash-walk';
import { lpmFreeFields } from './lpm';
import { BpfMap } from './map';
import { isHash } from './type';

/** Lets go of the fields of these kinds in every value, of every CPU. */
export function freeValues(map: u32, kinds: u32): void {
  const m = changetype<BpfMap>(map);
  if (!hasField(m, kinds)) return;
  if (isHash(m.type)) {
    hashFreeFields(map, kinds);
    return;
  }
  if (m.type == BPF_MAP_TYPE_LPM_TRIE) {
    lpmFreeFields(map, kinds);
    return;
  }
  // Arrays; a per-CPU array has as many again for each CPU.
  for (let value = m.data; value < m.end; value += m.stride) freeKinds(m, value, kinds);
}

/** The last user of the map lets go of it: its timers and queued work end, and no new ones begin. */
export function map_user_gone(map: u32): void {
  freeValues(map, ASYNC_FIELDS);
  const fields = changetype<BpfMap>(map).fields;
  if (fields) store<u32>(fields, 1, MAP_FIELDS_USER_GONE);
}

/** A map that only programs referred to has a user again. */
export function map_user_came(map: u32): void {
  const fields = changetype<BpfMap>(map).fields;
  if (fields) store<u32>(fields, 0, MAP_FIELDS_USER_GONE);
}
