/**
 * Runs a program's batch loop over context records. A violation leaves Wasm through a trap: the packet gets XDP_ABORTED and a record,
 * and the loop goes on behind it; what a program throws
 * comes the same way, and is its verdict. Timers and queued work are done between packets.
 */
import { CTX_SIZE, CTX_STATUS, CTX_STATUS_VIOLATION, CTX_VERDICT, VM_BATCH_END, VM_CTX } from '../../assembly/abi.ts';
import { XDP_ABORTED } from '../../assembly/isa.ts';
import { type AsyncHost, hasAsync, runAsync } from './async.ts';
import { settle, type Violation } from './trap.ts';

export interface BatchHost extends AsyncHost {
  /** Called after every batch: trace lines go out. */
  afterBatch(): void;
  /** Refuses what may not happen while a program runs. */
  running: boolean;
}

/** What a batch runs: the entry program. */
export interface BatchProg {
  /** The module's `run:NAME`. */
  readonly loop: (ctx: number, end: number) => void;
  /** The loop may stop before its end: VM_BATCH_END says where. */
  readonly stopsEarly: boolean;
  /** Counts runs that the loop does not count itself. */
  addRuns(count: number): void;
}

/**
 * Runs `prog` over `count` records from address `ctx` on.
 * @param onViolation gets each violation and the index of its packet; a timer's callback has none: it is that of the packet before which it ran
 */
export function runBatch(
  host: BatchHost,
  prog: BatchProg,
  range: { readonly ctx: number; readonly count: number },
  onViolation: (violation: Violation, index: number) => void,
): void {
  const end = range.ctx + range.count * CTX_SIZE;
  const indexOf = (ctx: number) => (ctx - range.ctx) / CTX_SIZE;
  host.running = true;
  try {
    for (let at = range.ctx; at < end; ) {
      const stop = hasAsync(host)
        ? beforePacket(host, at, end, (violation) => onViolation(violation, indexOf(at)))
        : end;
      try {
        prog.loop(at, stop);
        at = prog.stopsEarly ? host.memory.view.getUint32(host.vm + VM_BATCH_END, true) : stop;
      } catch (error) {
        const ctx = host.memory.view.getUint32(host.vm + VM_CTX, true);
        const how = settle(host, error);
        host.runtime.locks_release();
        const { view } = host.memory;
        view.setUint32(ctx + CTX_VERDICT, typeof how === 'number' ? how : XDP_ABORTED, true);
        if (typeof how !== 'number') {
          view.setUint32(ctx + CTX_STATUS, view.getUint32(ctx + CTX_STATUS, true) | CTX_STATUS_VIOLATION, true);
          onViolation(how, indexOf(ctx));
        }
        at = ctx + CTX_SIZE;
      }
    }
    if (hasAsync(host)) {
      const last = end - CTX_SIZE;
      runAsync(
        host,
        () => host.runtime.async_work(last),
        (violation) => onViolation(violation, indexOf(last)),
      );
    }
  } finally {
    host.running = false;
    prog.addRuns(range.count);
    host.afterBatch();
  }
}

/** Does what is due before the packet at `at`. @returns where the batch must stop again, `end` if nowhere */
function beforePacket(host: BatchHost, at: number, end: number, onViolation: (violation: Violation) => void): number {
  runAsync(host, () => host.runtime.async_step(at), onViolation);
  return host.runtime.async_stop(at, end);
}
