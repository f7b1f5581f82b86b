/**
 * Which programs several threads may run at once. Maps, locks, rings and what asks the network are made for it. The rest has an order that threads do not
 * keep (timers fire between two packets of one capture), or is a structure of several objects that nothing but one thread keeps whole.
 */
import { BPF_MAP_TYPE_ARENA, BPF_MAP_TYPE_USER_RINGBUF } from '../../assembly/isa.ts';
import { HELPER_BY_ID } from '../isa/helpers.ts';
import { mapTypeName } from '../util/map-types.ts';
import type { CheckedProg } from './structural.ts';

const HELPERS: Readonly<Record<string, string>> = {
  timer_init: 'timers fire in the order of all packets',
  timer_start: 'timers fire in the order of all packets',
  kptr_xchg: 'objects that programs make belong to one thread',
  user_ringbuf_drain: 'a user ring buffer has one reader',
};

const KFUNCS: readonly (readonly [start: string, reason: string])[] = [
  ['bpf_wq_', 'queued work is done in the order of all packets'],
  ['bpf_obj_', 'objects that programs make belong to one thread'],
  ['bpf_percpu_obj_', 'objects that programs make belong to one thread'],
  ['bpf_refcount_', 'objects that programs make belong to one thread'],
  ['bpf_list_', 'objects that programs make belong to one thread'],
  ['bpf_rbtree_', 'objects that programs make belong to one thread'],
  ['bpf_res_spin_', 'resilient locks are kept by one thread'],
  ['bpf_xdp_ct_', 'tracked connections are kept by one thread'],
  ['bpf_skb_ct_', 'tracked connections are kept by one thread'],
  ['bpf_ct_', 'tracked connections are kept by one thread'],
];

const MAPS: Readonly<Record<number, string>> = {
  [BPF_MAP_TYPE_ARENA]: 'arenas are kept by one thread',
  [BPF_MAP_TYPE_USER_RINGBUF]: 'a user ring buffer has one reader',
};

/** Why only one thread may run the program; undefined when several may. */
export function whyAlone({ ops, prog }: CheckedProg): string | undefined {
  for (const map of prog.maps) {
    const reason = MAPS[map.type];
    if (reason !== undefined) return `map ${map.name} is a ${mapTypeName(map.type)}: ${reason}`;
  }
  for (const op of ops) {
    if (op?.kind === 'call') {
      const name = HELPER_BY_ID.get(op.helper)?.name ?? '';
      const reason = HELPERS[name];
      if (reason !== undefined) return `it calls bpf_${name}: ${reason}`;
    } else if (op?.kind === 'call_kfunc') {
      const name = prog.kfuncs[op.id] ?? '';
      const reason = KFUNCS.find(([start]) => name.startsWith(start))?.[1];
      if (reason !== undefined) return `it calls ${name}: ${reason}`;
    }
  }
  return undefined;
}
