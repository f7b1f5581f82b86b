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

/** What a batch runs: the entry program. */
export interface BatchProg {
  /** The module's `run:NAME`. */
  readonly loop: (ctx: number, end: number) => void;
  /** Counts runs that the loop does not count itself. */
  addRuns(count: number): void;
}

/**
 * Runs `prog` over `count` records from address `ctx` on.
 * @param onViolation gets each violation and the index of its packet
 */
export function runBatch(
  host: BatchHost,
  prog: BatchProg,
  range: { readonly ctx: number; readonly count: number },
  onViolation: (violation: Violation, index: number) => void,
): void {
  const end = range.ctx + range.count * CTX_SIZE;
  host.running = true;
  try {
    for (let at = range.ctx; at < end; ) {
      try {
        prog.loop(at, end);
        at = end;
      } catch (error) {
        const violation = asViolation(host, error);
        const { view } = host.memory;
        const ctx = view.getUint32(host.vm + VM_CTX, true);
        view.setUint32(ctx + CTX_VERDICT, XDP_ABORTED, true);
        view.setUint32(ctx + CTX_STATUS, view.getUint32(ctx + CTX_STATUS, true) | CTX_STATUS_VIOLATION, true);
        onViolation(violation, (ctx - range.ctx) / CTX_SIZE);
        at = ctx + CTX_SIZE;
      }
    }
  } finally {
    host.running = false;
    prog.addRuns(range.count);
    host.afterBatch();
  }
}

/** The record of the trap that ended an invocation; anything else that was thrown goes on. */
function asViolation(host: BatchHost, error: unknown): Violation {
  if (!(error instanceof WebAssembly.RuntimeError)) throw error;
  const violation = takeViolation(host.memory, host.vm, (id) => host.progName(id));
  if (violation === undefined) throw error;
  return violation;
}
