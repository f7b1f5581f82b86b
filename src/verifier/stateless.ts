/**
 * Which programs keep nothing between packets: what one does with a packet depends on that packet and on what no packet changes. Then nobody can tell in which order
 * packets ran, nor on which CPU.
 */

import {
  BPF_F_RDONLY_PROG,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_MAP_TYPE_XSKMAP,
} from '../../assembly/isa.ts';
import * as abi from '../../assembly/verifier/abi/types.ts';
import { HELPER_BY_ID } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { MapSpec } from '../object/types.ts';
import type { Proof } from './proof.ts';
import type { CheckedProg } from './structural.ts';

/** They write to nothing but the packet and the context. Clocks show the packet's time, or one time for many packets. */
const PURE = new Set([
  'ktime_get_ns',
  'ktime_get_boot_ns',
  'ktime_get_coarse_ns',
  'ktime_get_tai_ns',
  'jiffies64',
  // Where its lines are kept a replay does not ask: they say on which CPU it ran.
  'trace_printk',
  'trace_vprintk',
  'tail_call',
  'redirect',
  'redirect_map',
  'csum_diff',
  'map_lookup_elem',
  'loop',
  'strncmp',
  'xdp_adjust_head',
  'xdp_adjust_meta',
  'xdp_adjust_tail',
  'xdp_get_buff_len',
  'xdp_store_bytes',
]);

/** They have no values that programs see. */
const VALUELESS = new Set([
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_XSKMAP,
]);

/** A lookup changes nothing in them, and finds the same on every CPU. */
const LOOKED_UP = new Set([BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LPM_TRIE]);

/** Whether stores to values of the map would matter; undefined: so do lookups. */
function isWritable({ type, flags }: MapSpec): boolean | undefined {
  if (VALUELESS.has(type)) return false;
  if (!LOOKED_UP.has(type)) return undefined;
  return (flags & BPF_F_RDONLY_PROG) === 0;
}

function writesOwn(op: Op, pc: number, proof: Proof | undefined): boolean {
  if (op.kind !== 'store' && op.kind !== 'atomic') return true;
  if (proof === undefined) return false;
  const access = proof.access(pc);
  // No path comes to it.
  if (access === undefined) return !proof.reached(pc);
  const base = access.region & abi.BASE_MASK;
  return base === abi.PTR_TO_STACK || base === abi.PTR_TO_PACKET || base === abi.PTR_TO_PACKET_META;
}

/** @param proof of the verifier; without one, programs that could write to a map count as if they did */
export function isStateless({ ops, prog }: CheckedProg, proof: Proof | undefined): boolean {
  const writable = prog.maps.map(isWritable);
  if (writable.includes(undefined)) return false;
  const checksStores = writable.includes(true);
  return ops.every((op, pc) => {
    if (op === undefined) return true;
    if (op.kind === 'call_kfunc') return false;
    if (op.kind === 'call') return PURE.has(HELPER_BY_ID.get(op.helper)?.name ?? '');
    return !checksStores || writesOwn(op, pc, proof);
  });
}
