/** Statistics of one verification, in veristat's vocabulary and in the words of the kernel's log. */

import type { LinkedProg } from '../link/types.ts';
import * as abi from './abi.ts';

export interface VerifierStats {
  /** Insns processed on all paths. */
  readonly insns: number;
  readonly totalStates: number;
  readonly peakStates: number;
  readonly maxStatesPerInsn: number;
  readonly markRead: number;
  /** Microseconds in the verifier itself. */
  readonly durationUs: number;
  /** Insn slots of the program. */
  readonly size: number;
  /** Bytes of stack of each function. */
  readonly stackDepth: readonly number[];
  /** Bytes of memory in use at most. */
  readonly peakMemory: number;
}

/** `at`: address of struct Result. */
export function readStats(view: DataView, at: number, durationUs: number, prog: LinkedProg): VerifierStats {
  const word = (offset: number): number => view.getUint32(at + offset, true);
  const rows = word(abi.RESULT_SUBPROGS);
  return {
    insns: word(abi.RESULT_INSN_PROCESSED),
    totalStates: word(abi.RESULT_TOTAL_STATES),
    peakStates: word(abi.RESULT_PEAK_STATES),
    maxStatesPerInsn: word(abi.RESULT_MAX_STATES_PER_INSN),
    markRead: word(abi.RESULT_MARK_READ),
    durationUs,
    size: Math.floor(prog.insns.length / 8),
    stackDepth: Array.from({ length: word(abi.RESULT_SUBPROG_COUNT) }, (_, i) =>
      view.getUint32(rows + i * abi.SP_SIZE + abi.SP_STACK_DEPTH, true),
    ),
    peakMemory: word(abi.RESULT_PEAK_MEMORY),
  };
}

/** The last lines of a log. `full` as BPF_LOG_STATS asks for. */
export function statsText(stats: VerifierStats, limit: number, full = false): string {
  const more = full ? `verification time ${stats.durationUs} usec\nstack depth ${stats.stackDepth.join('+')}\n` : '';
  const { insns, maxStatesPerInsn, totalStates, peakStates, markRead } = stats;
  return (
    `${more}processed ${insns} insns (limit ${limit}) max_states_per_insn ${maxStatesPerInsn} ` +
    `total_states ${totalStates} peak_states ${peakStates} mark_read ${markRead}\n`
  );
}
