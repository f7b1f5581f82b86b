// Which maps may be given to which helpers: the kernel's "cannot pass map_type %d into func %s#%d" (linux/bpf.h has the map types).
import { MAP_TYPES, type MapTypeName } from '../../util/map-types.ts';
import type { PacketType } from './helpers-row.ts';
import { progTypes } from './helpers-row.ts';

export { MAP_TYPES, type MapTypeName };

/** Maps that only these helpers take; a type without a row is taken by every helper that is not bound to others. */
export const MAP_HELPERS: Partial<Readonly<Record<MapTypeName, string>>> = {
  prog_array: 'tail_call',
  perf_event_array: 'perf_event_read perf_event_output perf_event_read_value skb_output xdp_output',
  stack_trace: 'get_stackid',
  cgroup_array: 'skb_under_cgroup current_task_under_cgroup',
  array_of_maps: 'map_lookup_elem',
  hash_of_maps: 'map_lookup_elem',
  devmap: 'redirect_map map_lookup_elem',
  devmap_hash: 'redirect_map map_lookup_elem',
  cpumap: 'redirect_map',
  xskmap: 'redirect_map map_lookup_elem',
  sockmap: 'sk_redirect_map sock_map_update map_delete_elem msg_redirect_map sk_select_reuseport map_lookup_elem',
  sockhash: 'sk_redirect_hash sock_hash_update map_delete_elem msg_redirect_hash sk_select_reuseport map_lookup_elem',
  cgroup_storage: 'get_local_storage',
  percpu_cgroup_storage: 'get_local_storage',
  reuseport_sockarray: 'sk_select_reuseport',
  queue: 'map_peek_elem map_pop_elem map_push_elem',
  stack: 'map_peek_elem map_pop_elem map_push_elem',
  bloom_filter: 'map_peek_elem map_push_elem',
  ringbuf: 'ringbuf_output ringbuf_reserve ringbuf_query ringbuf_reserve_dynptr',
  user_ringbuf: 'user_ringbuf_drain',
  sk_storage: 'sk_storage_get sk_storage_delete kptr_xchg',
  inode_storage: 'inode_storage_get inode_storage_delete kptr_xchg',
  task_storage: 'task_storage_get task_storage_delete kptr_xchg',
  cgrp_storage: 'cgrp_storage_get cgrp_storage_delete kptr_xchg',
};

/** Helpers that take the maps above and every type without a row. */
const OPEN = new Set(['map_lookup_elem', 'map_update_elem', 'map_delete_elem', 'timer_init', 'kptr_xchg']);
/** Maps that can call a function for each elem. The kernel's words for the others: "callback function not allowed for map". */
const WALKED: ReadonlySet<MapTypeName> = new Set([
  'hash',
  'array',
  'percpu_hash',
  'percpu_array',
  'lru_hash',
  'lru_percpu_hash',
]);
const PERCPU: ReadonlySet<MapTypeName> = new Set(['percpu_array', 'percpu_hash', 'lru_percpu_hash']);

/** Types that hold no lock which the update of a sock map could want: only they may change one by the general helpers. */
const SOCKMAP_WRITERS: ReadonlySet<PacketType> = progTypes(
  'socket_filter tc xdp sk_reuseport flow_dissector sk_lookup',
);

function takesSockmap(helper: string, progType: PacketType): boolean | undefined {
  if (helper === 'map_update_elem') return SOCKMAP_WRITERS.has(progType);
  if (helper === 'map_delete_elem') return SOCKMAP_WRITERS.has(progType) || progType === 'sock_ops';
  return undefined;
}

/** May a map of this type be the helper's map in programs of `progType`? */
export function takesMap(helper: string, map: MapTypeName, progType: PacketType): boolean {
  if (map === 'sockmap' || map === 'sockhash') {
    const answer = takesSockmap(helper, progType);
    if (answer !== undefined) return answer;
  }
  if (helper === 'for_each_map_elem') return WALKED.has(map);
  const only = MAP_HELPERS[map];
  if (only !== undefined) return only.split(' ').includes(helper);
  return OPEN.has(helper) || (helper === 'map_lookup_percpu_elem' && PERCPU.has(map));
}

/** Bit t: the helper takes maps of type t. */
export function mapMask(helper: string, progType: PacketType): bigint {
  let mask = 0n;
  for (const [type, name] of MAP_TYPES.entries()) {
    if (type > 0 && takesMap(helper, name, progType)) mask |= 1n << BigInt(type);
  }
  return mask;
}
