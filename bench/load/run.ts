// One run of the load bench: the sides take turns, and medians are what is said of them. Cold processes come when all else is measured: a process that has started
// another shares its memory with it, so that each page that it writes from then on is copied first. Where that is dear, loads behind one took twice their time.

import { readProjectFile } from '../project.ts';
import { quantile } from '../report.ts';
import { KernelSide } from '../verifier/sides.ts';
import type { LoadCase } from './cases.ts';
import {
  type ColdTimes,
  coldTimes,
  kernelTime,
  type RepeatTimes,
  repeatTimes,
  WarmSide,
  type WarmTimes,
} from './sides.ts';

/** One line of the JSON file. Times are medians, in milliseconds. */
export interface LoadFigure extends Partial<ColdTimes>, WarmTimes, RepeatTimes {
  readonly program: string;
  /** Insn slots of all programs of the object. */
  readonly insns: number;
  readonly samples: number;
  /** Import, engine and load of a new process. */
  readonly coldMs?: number;
  /** Fastest first load in a warm process. */
  readonly minMs: number;
  /** Fastest repeated load. */
  readonly repeatMinMs: number;
  /** BPF_PROG_LOAD of all programs, where it is permitted. */
  readonly kernelMs?: number;
}

export interface LoadRun {
  readonly cases: readonly LoadCase[];
  readonly samples: number;
  readonly kernel: boolean;
  /** Processes of their own; they need the published form (npm run build). */
  readonly cold: boolean;
}

interface Contest {
  readonly one: LoadCase;
  readonly bytes: Uint8Array;
  readonly warm: WarmTimes[];
  readonly repeats: RepeatTimes[];
  readonly cold: ColdTimes[];
  readonly kernel: number[];
}

/** Warm is when V8 has optimised what it will. */
const WARM_UP = 12;

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const round = (value: number): number => Math.round(value * 1000) / 1000;
const median = (values: readonly number[]): number => round(quantile(sorted(values), 0.5));

function medians<T extends object>(samples: readonly T[]): T {
  const keys = Object.keys(samples[0] ?? {}) as (keyof T)[];
  return Object.fromEntries(keys.map((key) => [key, median(samples.map((one) => one[key] as number))])) as T;
}

function figureOf({ one, warm, repeats, cold, kernel }: Contest, insns: number): LoadFigure {
  const whole = cold.map(({ importMs, createMs, loadMs }) => importMs + createMs + loadMs);
  return {
    program: one.name,
    insns,
    samples: warm.length,
    ...medians(warm),
    ...medians(repeats),
    minMs: round(Math.min(...warm.map(({ firstMs }) => firstMs))),
    repeatMinMs: round(Math.min(...repeats.map(({ repeatMs }) => repeatMs))),
    ...(cold.length === 0 ? {} : { ...medians(cold), coldMs: median(whole) }),
    ...(kernel.length === 0 ? {} : { kernelMs: median(kernel) }),
  };
}

export async function runLoadBench({ cases, samples, kernel, cold }: LoadRun): Promise<LoadFigure[]> {
  const warm = await WarmSide.create();
  const side = kernel ? new KernelSide() : undefined;
  const contests = cases.map(
    (one): Contest => ({ one, bytes: readProjectFile(one.file), warm: [], repeats: [], cold: [], kernel: [] }),
  );
  try {
    for (let i = 0; i < (samples > 1 ? WARM_UP : 0); i++) {
      for (const { bytes } of contests) {
        await warm.time(bytes);
        await repeatTimes(bytes);
      }
    }
    for (let i = 0; i < samples; i++) {
      for (const contest of contests) {
        contest.warm.push(await warm.time(contest.bytes));
        contest.repeats.push(await repeatTimes(contest.bytes));
        if (side !== undefined) contest.kernel.push(kernelTime(side, contest.bytes));
      }
    }
    for (let i = 0; cold && i < samples; i++) {
      for (const contest of contests) contest.cold.push(coldTimes(contest.one.file));
    }
    return contests.map((contest) => figureOf(contest, warm.insns(contest.bytes)));
  } finally {
    warm.close();
    side?.close();
  }
}
