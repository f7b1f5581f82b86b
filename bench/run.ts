/**
 * One run of the bench: load every program into every engine, compare what they do, then measure.
 */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BenchCase } from './cases.ts';
import type { Contender } from './contender.ts';
import { ENGINES, type EngineName, engineContender } from './engine.ts';
import { kernelContender, kernelRefusal } from './kernel.ts';
import { type Entry, type MeasureOptions, measure } from './measure.ts';
import { type Figure, figureOf } from './report.ts';

export interface RunOptions extends MeasureOptions {
  readonly cases: readonly BenchCase[];
  readonly optimized: boolean;
  readonly kernelTrace: boolean;
  /** The `dist` folder of another build of the project, which takes part as BEFORE. */
  readonly against?: string | undefined;
}

export interface RunReport {
  readonly figures: readonly Figure[];
  /** Why the kernel did not take part; undefined when it did. */
  readonly refusal: string | undefined;
}

/** Run counts after which all engines must agree: some programs change the packet that the next run sees. */
const COMPARED_RUNS = [1, 2, 3];

export class DifferenceError extends Error {}

/** @throws DifferenceError when `other` does not do what `reference` does */
export function compare(source: BenchCase, reference: Contender, other: Contender): void {
  for (const times of COMPARED_RUNS) {
    const wanted = reference.outcome(times);
    const found = other.outcome(times);
    const where = `${source.name}, ${times} runs: ${other.engine} and ${reference.engine}`;
    if (found.returnValue !== wanted.returnValue) {
      throw new DifferenceError(`${where} return ${found.returnValue} and ${wanted.returnValue}`);
    }
    const at = found.packet.findIndex((byte, i) => byte !== wanted.packet[i]);
    if (at >= 0 || found.packet.length !== wanted.packet.length) {
      throw new DifferenceError(`${where} leave different packets, from byte ${at < 0 ? found.packet.length : at} on`);
    }
  }
}

function wantedEngines(options: RunOptions): EngineName[] {
  const names = Object.keys(ENGINES) as EngineName[];
  return names.filter((name) => options.optimized || !ENGINES[name].optimize);
}

/** The engine of another build. */
const BEFORE = 'bpf2wasm-before';

async function beforeContender(dist: string, source: BenchCase): Promise<Contender> {
  const build = (await import(pathToFileURL(join(resolve(dist), 'bench', 'engine.js')).href)) as {
    engineContender: typeof engineContender;
  };
  return { ...(await build.engineContender('bpf2wasm', source)), engine: BEFORE };
}

/** Contenders of one case; all of them have been seen to do the same. */
async function entriesOf(source: BenchCase, options: RunOptions, kernel: boolean): Promise<Entry[]> {
  const contenders: Contender[] = [];
  for (const name of wantedEngines(options)) contenders.push(await engineContender(name, source));
  if (options.against !== undefined) contenders.unshift(await beforeContender(options.against, source));
  if (kernel) contenders.unshift(kernelContender(source));
  const [reference, ...others] = contenders as [Contender, ...Contender[]];
  for (const other of others) compare(source, reference, other);
  if (kernel && source.prints && !options.kernelTrace) {
    reference.close();
    contenders.shift();
  }
  return contenders.map((contender) => ({ source, contender, samples: [] }));
}

export async function runBench(options: RunOptions): Promise<RunReport> {
  const refusal = kernelRefusal();
  const entries: Entry[] = [];
  try {
    for (const source of options.cases) entries.push(...(await entriesOf(source, options, refusal === undefined)));
    await measure(entries, options);
    return { figures: entries.map(figureOf), refusal };
  } finally {
    for (const { contender } of entries) contender.close();
  }
}
