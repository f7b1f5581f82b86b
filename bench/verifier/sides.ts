// The two that judge: the running kernel by BPF_PROG_LOAD, and this verifier, warm in this process and cold in one of its own.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { VerifierInstance } from '../../src/verifier/instance.ts';
import { judge } from '../../src/verifier/judge.ts';
import { closeFd, loadProg } from '../../test/kernel/bpf.ts';
import { Kernel } from '../../test/verifier/kernel.ts';
import type { BuiltProg } from './cases.ts';

/** BPF_LOG_STATS: the log is the statistics alone. */
const LOG_STATS = 4;

export interface Verdict {
  readonly processed: number;
  readonly states: number;
}

/** Microseconds of a load, and those of it that the kernel says its verifier took; the latter of a load of its own, which writes a log. */
export interface KernelTime {
  readonly loadUs: number;
  readonly verifierUs: number;
}

export interface OurTime {
  readonly us: number;
  readonly peakMemory: number;
}

/** What a process of its own says of its first verification. */
export interface ColdTime extends OurTime {
  /** Part of `us` that making the instance took. */
  readonly instanceUs: number;
}

const micros = (since: number): number => (performance.now() - since) * 1000;

export class KernelSide {
  private readonly kernel = new Kernel();

  private log(built: BuiltProg): string {
    const load = this.kernel.request(built);
    const { fd, log } = loadProg({ ...load, logLevel: LOG_STATS });
    closeFd(fd);
    return log;
  }

  verdict(built: BuiltProg): Verdict {
    const log = this.log(built);
    const found = /processed (\d+) insns.*total_states (\d+)/.exec(log);
    return { processed: Number(found?.[1]), states: Number(found?.[2]) };
  }

  time(built: BuiltProg): KernelTime {
    const load = { ...this.kernel.request(built), logLevel: 0 };
    const start = performance.now();
    const { fd } = loadProg(load);
    const loadUs = micros(start);
    closeFd(fd);
    return { loadUs, verifierUs: Number(/verification time (\d+)/.exec(this.log(built))?.[1]) };
  }

  close(): void {
    this.kernel.close();
  }
}

export class OurSide {
  private readonly instance = new VerifierInstance();

  verdict({ prog }: BuiltProg): Verdict {
    const { ok, refusal, stats } = judge(this.instance, prog);
    if (!ok) throw new Error(`${prog.name} is refused: ${refusal?.message}`);
    return { processed: stats.insns, states: stats.totalStates };
  }

  time({ prog }: BuiltProg): OurTime {
    const start = performance.now();
    const { stats } = judge(this.instance, prog);
    return { us: micros(start), peakMemory: stats.peakMemory };
  }
}

/** Once in this process: the instance and its first verification. */
export function coldTime({ prog }: BuiltProg): ColdTime {
  const start = performance.now();
  const instance = new VerifierInstance();
  const instanceUs = micros(start);
  const { stats } = judge(instance, prog);
  return { us: micros(start), instanceUs, peakMemory: stats.peakMemory };
}

const COLD = fileURLToPath(new URL('./cold.js', import.meta.url));

/** The same in a process made for it. */
export function coldProcess(name: string): ColdTime {
  return JSON.parse(execFileSync(process.execPath, [COLD, name], { encoding: 'utf8' })) as ColdTime;
}
