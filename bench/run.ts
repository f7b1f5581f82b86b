/**
 * One run of the bench: load every program into every engine, compare what they do, then measure.
 */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadObject } from '../src/object/load.ts';
import type { ContenderName } from './args.ts';
import type { BenchCase } from './case.ts';
import { CLANG, clangContender } from './clang.ts';
import type { Contender, Outcome } from './contender.ts';
import { ENGINES, type EngineName, engineContender } from './engine.ts';
import { KERNEL, kernelContender, kernelRefusal } from './kernel.ts';
import { mapDifference } from './maps.ts';
import { type Entry, type MeasureOptions, measure } from './measure.ts';
import { readProjectFile } from './project.ts';
import { type Figure, figureOf } from './report.ts';

export interface EntryOptions {
  readonly cases: readonly BenchCase[];
  readonly engines: readonly ContenderName[];
  readonly kernelTrace: boolean;
  /** The `dist` folder of another build of the project, which takes part as BEFORE. */
  readonly against?: string | undefined;
}

export interface RunOptions extends EntryOptions, MeasureOptions {}

export interface RunReport {
  readonly figures: readonly Figure[];
  /** Why the kernel did not take part; undefined when it did. */
  readonly refusal: string | undefined;
  /** Seconds that loading and comparing took, and measuring. */
  readonly seconds: { readonly load: number; readonly measure: number };
}

/** Run counts after which all engines must agree: some programs change the packet that the next run sees. */
const COMPARED_RUNS = [1, 2, 3];

export class DifferenceError extends Error {}

function compareOutcomes(where: string, names: string, wanted: Outcome, found: Outcome): void {
  if (found.returnValue !== wanted.returnValue)
    throw new DifferenceError(`${where}: ${names} return ${found.returnValue} and ${wanted.returnValue}`);
  if (Buffer.compare(found.packet, wanted.packet) !== 0) {
    const at = found.packet.findIndex((byte, i) => byte !== wanted.packet[i]);
    const from = at < 0 ? found.packet.length : at;
    throw new DifferenceError(`${where}: ${names} leave different packets, from byte ${from} on`);
  }
}

/**
 * Runs every contender as often as the others and holds the others to what the first did: return value, packet, maps.
 * @throws DifferenceError
 */
export function compare(source: BenchCase, contenders: readonly Contender[]): void {
  const [reference, ...others] = contenders as [Contender, ...Contender[]];
  for (const times of COMPARED_RUNS) {
    const wanted = reference.outcome(times);
    for (const other of others) {
      const names = `${other.engine} and ${reference.engine}`;
      compareOutcomes(`${source.name}, ${times} runs`, names, wanted, other.outcome(times));
    }
  }
  for (const other of others) {
    const difference = mapDifference(other, reference);
    if (difference !== undefined)
      throw new DifferenceError(
        `${source.name}: maps of ${other.engine} and ${reference.engine} differ: ${difference}`,
      );
  }
  for (const { engine, batch } of contenders) {
    const [first, ...others] = batch?.() ?? [];
    for (const [i, outcome] of others.entries())
      compareOutcomes(`${source.name}, equal packets`, `packets ${i + 1} and 0 in ${engine}`, first!, outcome);
  }
}

/** The engine of another build. */
const BEFORE = 'bpf2wasm-before';

async function beforeContender(dist: string, source: BenchCase): Promise<Contender> {
  const build = (await import(pathToFileURL(join(resolve(dist), 'bench', 'engine.js')).href)) as {
    engineContender: typeof engineContender;
  };
  return { ...(await build.engineContender('bpf2wasm', source)), engine: BEFORE };
}

function valueSizes(source: BenchCase): ReadonlyMap<string, number> {
  const { maps } = loadObject(readProjectFile(source.object));
  return new Map(maps.map(({ name, valueSize }) => [name, valueSize]));
}

/** Contenders of one case; all of them have been seen to do the same. */
async function entriesOf(source: BenchCase, options: EntryOptions, kernel: boolean): Promise<Entry[]> {
  const contenders: Contender[] = [];
  const wanted = (name: ContenderName) => options.engines.includes(name);
  if (kernel && wanted(KERNEL)) contenders.push(kernelContender(source));
  if (options.against !== undefined) contenders.push(await beforeContender(options.against, source));
  for (const name of Object.keys(ENGINES) as EngineName[]) {
    if (wanted(name)) contenders.push(await engineContender(name, source));
  }
  if (source.clang !== undefined && wanted(CLANG)) contenders.push(await clangContender(source, valueSizes(source)));
  if (contenders.length > 0) compare(source, contenders);
  if (source.prints && !options.kernelTrace && contenders[0]?.engine === KERNEL) contenders.shift()!.close();
  return contenders.map((contender) => ({ source, contender, samples: [] }));
}

export interface Opened {
  readonly entries: readonly Entry[];
  /** Why the kernel does not take part; undefined when it does. */
  readonly refusal: string | undefined;
  close(): void;
}

/**
 * Loads every program into every engine and compares what they do.
 * @throws DifferenceError
 */
export async function openBench(options: EntryOptions): Promise<Opened> {
  const refusal = kernelRefusal();
  const entries: Entry[] = [];
  const close = () => {
    for (const { contender } of entries) contender.close();
  };
  try {
    for (const source of options.cases) entries.push(...(await entriesOf(source, options, refusal === undefined)));
    return { entries, refusal, close };
  } catch (error) {
    close();
    throw error;
  }
}

export async function runBench(options: RunOptions): Promise<RunReport> {
  const started = performance.now();
  const { entries, refusal, close } = await openBench(options);
  try {
    const opened = performance.now();
    await measure(entries, options);
    const seconds = { load: (opened - started) / 1000, measure: (performance.now() - opened) / 1000 };
    return { figures: entries.map(figureOf), refusal, seconds };
  } finally {
    close();
  }
}
