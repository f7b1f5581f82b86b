// Threads: build/runtime-shared.wasm is this runtime on a shared memory, with an instance for each thread. What differs is decided when it is
// compiled, so that the runtime of one thread pays nothing.
import { VM_SCRATCH, VM_SIZE } from '../abi';
import { vm } from './env';

/** Several threads may be inside. Everything under `if (THREADS)` is only in the shared build. */
export const THREADS: bool = ASC_FEATURE_THREADS;

/** What of a thread's scratch memory is handed out. The order of the modules is the same in all instances, and so are the places. */
let taken: u32 = 0;

/** Memory of this thread's own, at a multiple of 16, until it ends: a part of its struct Vm. For module level only: it is never given back. */
export function threadRoom(size: u32): u32 {
  const at = taken;
  taken += (size + 15) & ~15;
  if (taken > <u32>(VM_SIZE - VM_SCRATCH)) unreachable();
  return vm + VM_SCRATCH + at;
}
