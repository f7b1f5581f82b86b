/**
 * What timers and queued work do between packets. The runtime knows what is due (assembly/runtime/timer.ts); a callback that breaks a rule leaves Wasm by a
 * trap, which is caught here, and the rest goes on.
 */
import { VM_ASYNC, VM_TIME } from '../../assembly/abi.ts';
import type { RuntimeExports } from './exports.ts';
import { settle, type TrapHost, type Violation } from './trap.ts';

export interface AsyncHost extends TrapHost {
  readonly runtime: RuntimeExports;
}

/** Whether anything is armed or queued at all. */
export function hasAsync(host: AsyncHost): boolean {
  return host.memory.view.getUint32(host.vm + VM_ASYNC, true) !== 0;
}

/**
 * Calls `step` until it has nothing more to do. Callbacks see the time they were due at as the engine's clock, which is put back.
 * @returns how many callbacks ran
 */
export function runAsync(host: AsyncHost, step: () => number, onViolation: (violation: Violation) => void): number {
  const time = host.memory.view.getBigUint64(host.vm + VM_TIME, true);
  let count = 0;
  for (let more = true; more; ) {
    try {
      more = step() !== 0;
    } catch (error) {
      const end = settle(host, error);
      if (typeof end !== 'number') onViolation(end);
    }
    if (more) count++;
  }
  host.memory.view.setBigUint64(host.vm + VM_TIME, time, true);
  return count;
}
