// Maps that a program refers to, reached or not: how many there may be, and which do not go with it.
import {
  BPF_MAP_TYPE_ARENA,
  BPF_MAP_TYPE_CGROUP_STORAGE,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
  E2BIG,
  EBUSY,
  EINVAL,
  ENOMEM,
  EPERM,
} from '../isa';
import { FIELD_RES_SPIN_LOCK, FIELD_SPIN_LOCK } from './abi';
import { alloc } from './arena';
import { Env } from './env';
import { MapDesc } from './input';
import { mapHasField } from './jmp-null';
import { fail } from './log';
import {
  MSG_ARENA_RIGHTS,
  MSG_ARENAS,
  MSG_CGROUP_STORAGES,
  MSG_MAP_SOCKET_FILTER_LOCK,
  MSG_TOO_MANY_MAPS,
} from './messages/core';

/** MAX_USED_MAPS */
const MAX_USED_MAPS: u32 = 64;
const BPF_PROG_TYPE_SOCKET_FILTER: u32 = 1;

/** Notes that the program refers to map `index`: 0, or what is wrong with that. */
export function useMap(env: Env, index: u32): i32 {
  if (env.usedMaps == 0) {
    env.usedMaps = alloc(max<usize>(env.input.mapCount, 1));
    if (env.usedMaps == 0) return -ENOMEM;
    memory.fill(env.usedMaps, 0, max<usize>(env.input.mapCount, 1));
  }
  if (load<u8>(env.usedMaps + index) != 0) return 0;
  if (env.usedMapCount >= MAX_USED_MAPS) return fail(env, E2BIG, MSG_TOO_MANY_MAPS, MAX_USED_MAPS);
  const err = checkMap(env, env.map(index));
  store<u8>(env.usedMaps + index, 1);
  env.usedMapCount++;
  return err;
}

function checkMap(env: Env, map: MapDesc): i32 {
  const isLocked = mapHasField(map, FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK);
  if (env.input.progType == BPF_PROG_TYPE_SOCKET_FILTER && isLocked)
    return fail(env, EINVAL, MSG_MAP_SOCKET_FILTER_LOCK);
  const type = map.type;
  if (type == BPF_MAP_TYPE_CGROUP_STORAGE || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE)
    return uses(env, type) ? fail(env, EBUSY, MSG_CGROUP_STORAGES) : 0;
  if (type != BPF_MAP_TYPE_ARENA) return 0;
  if (uses(env, type)) return fail(env, EBUSY, MSG_ARENAS);
  return env.capable && env.allowPtrLeaks ? 0 : fail(env, EPERM, MSG_ARENA_RIGHTS);
}

/** Does the program refer to a map of this type already? */
function uses(env: Env, type: u32): bool {
  for (let i: u32 = 0; i < env.input.mapCount; i++) {
    if (load<u8>(env.usedMaps + i) != 0 && env.map(i).type == type) return true;
  }
  return false;
}
