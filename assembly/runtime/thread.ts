// Threads: build/runtime-shared.wasm is this runtime on a shared memory, with an instance for each thread. What differs is decided when it is
// compiled, so that the runtime of one thread pays nothing.
import { VM_SCRATCH, VM_SIZE } from '../abi';
import { vm } from './env';

/** Several threads may be inside. Everything under `if (THREADS)` is only in the shared build. */
export const THREADS: bool = ASC_FEATURE_THREADS;

/** How many threads besides the main one run programs now. */
const runningWord: u32 = <u32>memory.data(4);

/** The main thread says so: with 0 nobody runs any more. */
export function threads_running(count: u32): void {
  store<u32>(runningWord, count);
}

export function anyThreadRuns(): bool {
  return THREADS && load<u32>(runningWord) != 0;
}

/** What of a thread's scratch memory is handed out. The order of the modules is the same in all instances, and so are the places. */
let taken: u32 = 0;

/** Memory of this thread's own, at a multiple of 16, until it ends: a part of its struct Vm. For module level only: it is never given back. */
export function threadRoom(size: u32): u32 {
  const at = taken;
  taken += (size + 15) & ~15;
  if (taken > <u32>(VM_SIZE - VM_SCRATCH)) unreachable();
  return vm + VM_SCRATCH + at;
}
