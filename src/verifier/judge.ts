/** Runs the verifier's Wasm on a program and reads what it left: verdict, messages, log, statistics. A refusal is a value here. */

import { VerifierError } from '../errors/index.ts';
import type { LinkedProg } from '../link/types.ts';
import * as abi from './abi.ts';
import { DEFAULT_MEMORY_LIMIT, type VerifierInstance } from './instance.ts';
import { LogWriter, RollingText } from './log.ts';
import { type LogRecord, readRecords } from './log-records.ts';
import { marshal, processedLimit, type VerifyRules } from './marshal.ts';
import { withInner } from './marshal-maps.ts';
import { type LogMessage, messageText } from './messages.ts';
import { Proof } from './proof.ts';
import type { RegView } from './reg-view.ts';
import { type RegisterText, readRegisters, registerViews } from './registers.ts';
import { RequestWriter } from './request.ts';
import type { StateNames } from './state-text.ts';
import { readStats, statsText, type VerifierStats } from './stats.ts';

export interface Refusal {
  readonly errno: number;
  /** Number of the message, as in src/verifier/messages. */
  readonly code: number;
  readonly pc: number;
  readonly args: readonly bigint[];
  /** The kernel's words: the last line of them, which its users look for. */
  readonly message: string;
  /** All of them, from the one that decided on. */
  readonly lines: readonly string[];
  /** What was known of the registers and the stack, innermost frame. */
  readonly registers: readonly RegisterText[];
}

export interface Judgement {
  readonly ok: boolean;
  readonly refusal?: Refusal;
  readonly messages: readonly (LogMessage & { readonly text: string })[];
  /** The kernel's log at the level asked for; '' without, and where a sink took it. */
  readonly log: string;
  readonly stats: VerifierStats;
  /** What was found out; only of an accepted program. */
  readonly proof?: Proof;
}

export interface JudgeOptions extends VerifyRules {
  /** Bytes of memory the verification may use; 1 GiB unless given. */
  readonly memoryLimit?: number;
  /** Takes the log as it is written, instead of `Judgement.log`. */
  readonly logSink?: (text: string) => void;
  /** Characters of the log that are kept, its end; 16 Mi unless given. */
  readonly logSize?: number;
}

export interface Trace {
  /** Read as they are asked for, once, until the instance judges again: a long path has millions. */
  readonly records: Iterable<LogRecord>;
  readonly registers: ReadonlyMap<number, RegView>;
  readonly names: StateNames;
}

/** What a run is asked for besides a verdict. */
export interface JudgeHooks {
  /** Takes what is left at the end: at level 1 the records of the path that was refused, and the registers there. */
  readonly trace?: (trace: Trace) => void;
}

const DEFAULT_LOG_SIZE = 1 << 24;
const MESSAGES_KEPT = 256;

/** Messages are few at the end of a log, which may be long. */
class Messages {
  readonly kept: LogMessage[] = [];

  add(message: LogMessage): void {
    this.kept.push(message);
    if (this.kept.length > 2 * MESSAGES_KEPT) this.kept.splice(0, MESSAGES_KEPT);
  }
}

/** A program and the rules that it is judged by, as the verifier takes them. */
export interface Question {
  /** All that the verdict depends on. */
  readonly request: Uint8Array;
  /** What messages call what the request has by number. */
  readonly names: StateNames;
}

/** @throws VerifierError when the program cannot be judged at all */
export function ask(prog: LinkedProg, options: JudgeOptions = {}): Question {
  const input = new RequestWriter();
  input.set(abi.INPUT_MEMORY_LIMIT, options.memoryLimit ?? DEFAULT_MEMORY_LIMIT);
  const structs = marshal(input, prog, options);
  const names = { prog, maps: withInner(prog.maps), structName: (row: number) => structs.name(row) };
  return { request: input.bytes, names };
}

/** Judges a program. @throws VerifierError when it cannot be judged at all */
export function judge(
  instance: VerifierInstance,
  prog: LinkedProg,
  options: JudgeOptions & JudgeHooks = {},
  { request, names }: Question = ask(prog, options),
): Judgement {
  const limit = options.memoryLimit ?? DEFAULT_MEMORY_LIMIT;
  if (!instance.begin(request, limit)) throw new VerifierError('VERIFIER_MEMORY', { prog: prog.name, limit });
  const text = new RollingText(options.logSize ?? DEFAULT_LOG_SIZE);
  const level = options.logLevel ?? 0;
  const put = options.logSink ?? text.add;
  // Who wants a trace reads no text.
  const writer = level === 0 || options.trace !== undefined ? undefined : new LogWriter(instance, names, put);
  const messages = new Messages();
  const take = (at: number, bytes: number): void => {
    for (const record of readRecords(instance.bytes, at, bytes)) {
      if (record.kind === 'message') messages.add(record.message);
      writer?.write(record);
    }
  };
  instance.onLog = take;
  const start = performance.now();
  const result = instance.exports.verify();
  const durationUs = Math.round((performance.now() - start) * 1000);
  const at = instance.exports.result() >>> 0;
  const word = (offset: number): number => instance.view.getUint32(at + offset, true);
  take(word(abi.RESULT_LOG), word(abi.RESULT_LOG_SIZE));
  const state = word(abi.RESULT_STATE);
  const records = readRecords(instance.bytes, word(abi.RESULT_LOG), word(abi.RESULT_LOG_SIZE));
  options.trace?.({ records, registers: registerViews(instance.view, state), names });
  writer?.end();
  const stats = readStats(instance.view, at, durationUs, prog);
  if (level !== 0) put(statsText(stats, processedLimit(options), (level & 4) !== 0));
  const said = messages.kept.map((message) => ({ ...message, text: messageText(message, names) }));
  const common = { messages: said, log: text.text, stats };
  if (result === 0) return { ok: true, ...common, proof: new Proof(instance.view, at, prog) };
  const code = word(abi.RESULT_CODE);
  const decisive = said.findLastIndex((m) => m.code === code);
  const lines = said.slice(Math.max(decisive, 0)).map((m) => m.text);
  // Where even the log found no memory, the code alone is left.
  if (lines.length === 0)
    lines.push(messageText({ code, pc: word(abi.RESULT_PC), args: [0n, 0n, 0n, 0n, 0n, 0n] }, names));
  const refusal = {
    errno: word(abi.RESULT_ERRNO),
    code,
    pc: word(abi.RESULT_PC),
    args: said[decisive]?.args ?? [],
    message: lines[lines.length - 1],
    lines,
    registers: readRegisters(instance.view, state, names),
  };
  return { ok: false, refusal, ...common };
}
