// Calls of BPF functions that a helper is given: what bpf_loop, bpf_for_each_map_elem and timers do. A callback's address is its slot in the
// shared table; it is a subprogram, (r1..r5: i64, fp: i32) -> i64.
import { VM_BUDGET } from '../abi';
import { vm } from './env';

/**
 * Calls the function in `slot` with its frame at `fp`: R0. A call costs one insn of the invocation's budget: callbacks in callbacks would not
 * end in a lifetime. Who calls again and again stops when `isSpent`; behind the helper the program's own code ends the run.
 */
export function callback(slot: u32, fp: u32, r1: u64, r2: u64, r3: u64, r4: u64 = 0): u64 {
  store<i32>(vm, load<i32>(vm, VM_BUDGET) - 1, VM_BUDGET);
  return call_indirect<u64>(slot, r1, r2, r3, r4, <u64>0, fp);
}

/** Nothing is left of the budget. */
export function isSpent(): bool {
  return load<i32>(vm, VM_BUDGET) < 0;
}
