/** Runs the verifier's Wasm on a program and reads what it left: verdict, messages, statistics. */
import * as abi from '../../assembly/verifier/abi.ts';
import { VerifierError } from '../errors/index.ts';
import type { LinkedProg } from '../link/types.ts';
import { DEFAULT_MEMORY_LIMIT, type VerifierInstance } from './instance.ts';
import { marshal, type VerifyRules } from './marshal.ts';
import { type LogMessage, messageText, readMessages } from './messages.ts';

/** In veristat's vocabulary. */
export interface VerifierStats {
  /** Insns processed on all paths. */
  readonly insns: number;
  readonly totalStates: number;
  readonly peakStates: number;
  readonly maxStatesPerInsn: number;
  readonly markRead: number;
  /** Microseconds in the verifier itself. */
  readonly durationUs: number;
  /** Bytes of memory in use at most. */
  readonly peakMemory: number;
}

export interface Refusal {
  readonly errno: number;
  /** Number of the message, as in src/verifier/messages. */
  readonly code: number;
  readonly pc: number;
  readonly args: readonly bigint[];
  /** The kernel's words. */
  readonly message: string;
}

export interface Judgement {
  readonly ok: boolean;
  readonly refusal?: Refusal;
  readonly messages: readonly LogMessage[];
  readonly stats: VerifierStats;
}

export interface JudgeOptions extends VerifyRules {
  /** Bytes of memory the verification may use; 1 GiB unless given. */
  readonly memoryLimit?: number;
}

/** Judges a program; a refusal is a value, not an error. @throws VerifierError when it cannot be judged at all */
export function judge(instance: VerifierInstance, prog: LinkedProg, options: JudgeOptions = {}): Judgement {
  const input = instance.input(options.memoryLimit ?? DEFAULT_MEMORY_LIMIT);
  marshal(input, prog, options);
  if (input.full)
    throw new VerifierError('VERIFIER_MEMORY', { prog: prog.name, limit: options.memoryLimit ?? DEFAULT_MEMORY_LIMIT });
  const start = performance.now();
  const result = instance.exports.verify();
  const durationUs = Math.round((performance.now() - start) * 1000);
  const at = instance.exports.result() >>> 0;
  const view = instance.view;
  const word = (offset: number): number => view.getUint32(at + offset, true);
  const messages = readMessages(instance.bytes, word(abi.RESULT_LOG), word(abi.RESULT_LOG_SIZE));
  const stats = {
    insns: word(abi.RESULT_INSN_PROCESSED),
    totalStates: word(abi.RESULT_TOTAL_STATES),
    peakStates: word(abi.RESULT_PEAK_STATES),
    maxStatesPerInsn: word(abi.RESULT_MAX_STATES_PER_INSN),
    markRead: word(abi.RESULT_MARK_READ),
    durationUs,
    peakMemory: word(abi.RESULT_PEAK_MEMORY),
  };
  if (result === 0) return { ok: true, messages, stats };
  const pc = word(abi.RESULT_PC);
  const last = messages.findLast((m) => m.code === word(abi.RESULT_CODE));
  const refusal = {
    errno: word(abi.RESULT_ERRNO),
    code: word(abi.RESULT_CODE),
    pc,
    args: last?.args ?? [],
    message: last === undefined ? '' : messageText(last, prog),
  };
  return { ok: false, refusal, messages, stats };
}
