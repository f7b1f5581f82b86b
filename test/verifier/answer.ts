// What a verifier says of a program, ours and the kernel's alike, and ours asked for it.

import { readFileSync } from 'node:fs';
import { BpfError } from '../../src/errors/index.ts';
import type { LinkedProg } from '../../src/link/types.ts';
import type { VerifierInstance } from '../../src/verifier/instance.ts';
import { type JudgeOptions, judge } from '../../src/verifier/judge.ts';
import { messageRows } from '../../src/verifier/messages.ts';
import type { CaseFlag } from './case.ts';

export interface Answer {
  readonly verdict: 'accept' | 'refuse';
  /** All lines of the message, '' when there is none. */
  readonly message: string;
  /** Absent where a program is refused before any insn is walked. */
  readonly processed?: number;
  /** Name of the kernel's errno. */
  readonly errno?: string;
  /** Of our message. */
  readonly kind?: 'safety' | 'form' | 'limit' | 'rights';
}

/** CPUs the running kernel may have: its verifier knows how many; 0 where they are not told. */
export function possibleCpus(): number {
  try {
    const ranges = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim().split(',');
    return ranges.reduce((sum, range) => {
      const [first, last = first] = range.split('-').map(Number) as [number, number?];
      return sum + last - first + 1;
    }, 0);
  } catch {
    return 0;
  }
}

export function judgeOptions(flags: readonly CaseFlag[] = [], limit?: number): JudgeOptions {
  return {
    unprivileged: flags.includes('unprivileged'),
    strictAlignment: flags.includes('strict'),
    anyAlignment: flags.includes('any'),
    testStateFreq: flags.includes('test_state_freq'),
    cpus: possibleCpus(),
    ...(limit === undefined ? {} : { limits: { processed: limit } }),
  };
}

/** Our verifier's answer. A program that it cannot take at all is refused too. */
export function ourAnswer(instance: VerifierInstance, prog: LinkedProg, options: JudgeOptions): Answer {
  try {
    const { ok, refusal, messages, stats } = judge(instance, prog, options);
    if (ok) return { verdict: 'accept', message: '', processed: stats.insns };
    const message = messages.map((one) => one.text).join('\n');
    const kind = refusal === undefined ? undefined : messageRows()[refusal.code]?.class;
    return { verdict: 'refuse', message, processed: stats.insns, ...(kind === undefined ? {} : { kind }) };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { verdict: 'refuse', message: `${error.code}: ${error.message}` };
  }
}
