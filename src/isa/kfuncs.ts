/**
 * Kfuncs that the runtime has: it exports a function of the same name, (r1..r5: i64, fp: i32) -> i64, where `fp` is the frame for a callback. Their
 * prototypes are in src/verifier/tables/kfuncs-rows.ts.
 */
export const KFUNCS: readonly string[] = [
  'bpf_dynptr_adjust',
  'bpf_dynptr_clone',
  'bpf_dynptr_copy',
  'bpf_dynptr_from_xdp',
  'bpf_dynptr_is_null',
  'bpf_dynptr_is_rdonly',
  'bpf_dynptr_memset',
  'bpf_dynptr_size',
  'bpf_dynptr_slice',
  'bpf_dynptr_slice_rdwr',
  'bpf_preempt_disable',
  'bpf_preempt_enable',
  'bpf_rcu_read_lock',
  'bpf_rcu_read_unlock',
  'bpf_xdp_pull_data',
];

const KNOWN: ReadonlySet<string> = new Set(KFUNCS);

export function hasKfunc(name: string | undefined): boolean {
  return name !== undefined && KNOWN.has(name);
}

/** Kfuncs that move the packet's ends. */
const MOVERS: ReadonlySet<string> = new Set(['bpf_xdp_pull_data']);

export function kfuncMovesPacket(name: string | undefined): boolean {
  return name !== undefined && MOVERS.has(name);
}
