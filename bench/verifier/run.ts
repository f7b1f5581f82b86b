/** One run of the verifier's bench: both sides must have walked the same insns, then they take turns. */
import { quantile } from '../report.ts';
import type { BuiltProg, VerifierBenchCase } from './cases.ts';
import { type ColdTime, coldProcess, KernelSide, type KernelTime, OurSide, type OurTime } from './sides.ts';

/** One line of the JSON file. Times are microseconds. */
export interface VerifierFigure {
  readonly program: string;
  /** Insn slots. */
  readonly insns: number;
  readonly processed: number;
  readonly states: number;
  /** BPF_PROG_LOAD; undefined where it is not permitted. */
  readonly kernelUs?: number;
  /** What the kernel's log says of its verifier alone. */
  readonly kernelVerifierUs?: number;
  readonly warmUs: number;
  /** First verification of a process, its instance included. */
  readonly coldUs: number;
  /** Making that instance. */
  readonly instanceUs: number;
  readonly peakMemory: number;
  readonly samples: number;
}

export interface VerifierRun {
  readonly cases: readonly VerifierBenchCase[];
  readonly samples: number;
  readonly kernel: boolean;
  /** Takes a cold sample: a process of its own unless given. */
  readonly cold?: (name: string, built: BuiltProg) => ColdTime;
  readonly onRound?: (done: number, of: number) => void;
}

export class UnequalWorkError extends Error {}

interface Samples {
  readonly kernel: KernelTime[];
  readonly warm: OurTime[];
  readonly cold: ColdTime[];
}

interface Contest extends Samples {
  readonly name: string;
  readonly built: BuiltProg;
  readonly processed: number;
  readonly states: number;
}

function prepare({ name, build }: VerifierBenchCase, ours: OurSide, kernel: KernelSide | undefined): Contest {
  const built = build();
  const found = ours.verdict(built);
  const wanted = kernel?.verdict(built) ?? found;
  if (found.processed !== wanted.processed || found.states !== wanted.states) {
    const text = (verdict: typeof found): string => `${verdict.processed} insns and ${verdict.states} states`;
    throw new UnequalWorkError(`${name}: here ${text(found)}, in the kernel ${text(wanted)}`);
  }
  return { name, built, ...found, kernel: [], warm: [], cold: [] };
}

const median = (values: readonly number[]): number =>
  Math.round(
    quantile(
      values.toSorted((a, b) => a - b),
      0.5,
    ) * 10,
  ) / 10;

function figureOf({ name, built, processed, states, kernel, warm, cold }: Contest): VerifierFigure {
  const loads = {
    kernelUs: median(kernel.map(({ loadUs }) => loadUs)),
    kernelVerifierUs: median(kernel.map(({ verifierUs }) => verifierUs)),
  };
  return {
    program: name,
    insns: built.prog.insns.length / 8,
    processed,
    states,
    ...(kernel.length === 0 ? {} : loads),
    warmUs: median(warm.map(({ us }) => us)),
    coldUs: median(cold.map(({ us }) => us)),
    instanceUs: median(cold.map(({ instanceUs }) => instanceUs)),
    peakMemory: Math.max(...warm.map(({ peakMemory }) => peakMemory)),
    samples: warm.length,
  };
}

/** @throws UnequalWorkError when the two walked different insns or stored different states */
export function runVerifierBench(options: VerifierRun): VerifierFigure[] {
  const kernel = options.kernel ? new KernelSide() : undefined;
  const ours = new OurSide();
  const cold = options.cold ?? coldProcess;
  const contests = options.cases.map((one) => prepare(one, ours, kernel));
  for (let round = 0; round < options.samples; round++) {
    for (const contest of contests) {
      if (kernel !== undefined) contest.kernel.push(kernel.time(contest.built));
      contest.warm.push(ours.time(contest.built));
    }
    options.onRound?.(round + 1, 2 * options.samples);
  }
  // Behind the others: who has started a process shares its memory with it, and copies each page that it writes next.
  for (let round = 0; round < options.samples; round++) {
    for (const contest of contests) contest.cold.push(cold(contest.name, contest.built));
    options.onRound?.(options.samples + round + 1, 2 * options.samples);
  }
  kernel?.close();
  return contests.map(figureOf);
}
