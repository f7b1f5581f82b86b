/**
 * Runs a program's batch loop over context records. A violation leaves Wasm through a trap: the packet gets XDP_ABORTED and a record,
 * and the loop goes on behind it.
 */
import { CTX_SIZE, CTX_STATUS, CTX_STATUS_VIOLATION, CTX_VERDICT, VM_CTX } from '../../assembly/abi.ts';
import { XDP_ABORTED } from '../../assembly/isa.ts';
import type { Memory } from './memory.ts';
import { takeViolation, type Violation } from './trap.ts';

export interface BatchHost {
  readonly memory: Memory;
  readonly vm: number;
  progName(id: number): string;
  /** Called after every batch: trace lines go out. */
  afterBatch(): void;
  /** Refuses what may not happen while a program runs. */
  running: boolean;
}

/**
 * @param loop the module's `run:NAME`
 * @param onViolation gets each violation and the index of its packet
 */
export function runBatch(
  host: BatchHost,
  loop: (ctx: number, end: number) => void,
  range: { readonly ctx: number; readonly count: number },
  onViolation: (violation: Violation, index: number) => void,
): void {
  const end = range.ctx + range.count * CTX_SIZE;
  host.running = true;
  try {
    for (let at = range.ctx; at < end; ) {
      try {
        loop(at, end);
        at = end;
      } catch (error) {
        const violation =
          error instanceof WebAssembly.RuntimeError
            ? takeViolation(host.memory, host.vm, (id) => host.progName(id))
            : undefined;
        if (violation === undefined) throw error;
        const { view } = host.memory;
        const ctx = view.getUint32(host.vm + VM_CTX, true);
        view.setUint32(ctx + CTX_VERDICT, XDP_ABORTED, true);
        view.setUint32(ctx + CTX_STATUS, CTX_STATUS_VIOLATION, true);
        onViolation(violation, (ctx - range.ctx) / CTX_SIZE);
        at = ctx + CTX_SIZE;
      }
    }
  } finally {
    host.running = false;
    host.afterBatch();
  }
}
