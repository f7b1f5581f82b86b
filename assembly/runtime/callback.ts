// Calls of BPF functions that a helper is given: what bpf_loop, bpf_for_each_map_elem and timers do. A callback's address is its slot in the
// shared table; it is a subprogram, (r1..r5: i64, fp: i32) -> i64.

/** Calls the function in `slot` with its frame at `fp`: R0. */
export function callback(slot: u32, fp: u32, r1: u64, r2: u64, r3: u64): u64 {
  return call_indirect<u64>(slot, r1, r2, r3, <u64>0, <u64>0, fp);
}
