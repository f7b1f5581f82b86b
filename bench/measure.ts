/**
 * Takes samples of all contenders in turns (A B A B ...), so that a machine that slows down slows everybody down. A sample is one
 * run of a Benchmark.js benchmark: its clock, its calibration of how many calls fill MIN_SECONDS.
 */
import Benchmark from 'benchmark';
import type { BenchCase } from './case.ts';
import type { Contender } from './contender.ts';

/** Contender of one case, with what was measured: ns a packet, in order. */
export interface Entry {
  readonly source: BenchCase;
  readonly contender: Contender;
  readonly samples: number[];
}

export interface MeasureOptions {
  /** Samples of each contender. */
  readonly samples: number;
  /** Seconds of warm-up of each contender: V8 replaces baseline code while it runs. */
  readonly warmUpSeconds: number;
  readonly onRound?: (done: number, of: number) => void;
}

/** Shortest sample. */
const MIN_SECONDS = 0.002;
/** Part of a sample's time that this process must have had a processor for; and how often a sample is taken for that. */
const MIN_SHARE = 0.98;
const MAX_TRIES = 4;
/** Calls that a warm-up makes at least. */
const WARM_UP_CALLS = 8;

const seconds = (): number => performance.now() / 1000;
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** Returns once V8 has had time and reason to optimise. */
async function warmUp(contender: Contender, wanted: number): Promise<void> {
  const end = seconds() + wanted;
  for (let calls = 0; calls < WARM_UP_CALLS || seconds() < end; calls++) {
    contender.run();
    // Code that was compiled in the background is taken over between calls.
    if (calls % 16 === 0) await pause();
  }
}

/** `options` is public in Benchmark.js, and missing in its types. */
type BenchmarkWithOptions = Benchmark & { readonly options: Benchmark.Options };

function benchmarkOf(entry: Entry): BenchmarkWithOptions {
  const { source, contender } = entry;
  return new Benchmark(`${source.name} ${contender.engine}`, () => contender.run(), {
    minSamples: 1,
    maxTime: Number.MIN_VALUE,
    minTime: MIN_SECONDS,
    onError: (event: Benchmark.Event) => {
      throw (event.target as unknown as { error: Error }).error;
    },
  }) as BenchmarkWithOptions;
}

function sample(benchmark: Benchmark, contender: Contender): number {
  benchmark.run({ async: false });
  return contender.ownNs?.() ?? (benchmark.stats.mean * 1e9) / contender.packets;
}

/**
 * Takes a sample again when the machine gave the processor to somebody else meanwhile: the kernel's own figure leaves such
 * time out, a clock does not. When every try was disturbed, the least disturbed one counts.
 */
function undisturbed(take: () => number): number {
  let best = { share: -1, value: 0 };
  for (let tries = 0; tries < MAX_TRIES && best.share < MIN_SHARE; tries++) {
    const started = performance.now();
    const before = process.cpuUsage();
    const value = take();
    const { user, system } = process.cpuUsage(before);
    const share = (user + system) / 1000 / (performance.now() - started);
    if (share > best.share) best = { share, value };
  }
  return best.value;
}

export async function measure(entries: readonly Entry[], options: MeasureOptions): Promise<void> {
  for (const { contender } of entries) await warmUp(contender, options.warmUpSeconds);
  const benchmarks = entries.map(benchmarkOf);
  for (let round = 0; round < options.samples; round++) {
    for (let turn = 0; turn < entries.length; turn++) {
      // Every round begins with another one: nobody always follows the same neighbour.
      const i = (turn + round) % entries.length;
      const { contender, samples } = entries[i]!;
      const benchmark = benchmarks[i]!;
      samples.push(undisturbed(() => sample(benchmark, contender)));
      // The next run starts from the count that filled this one.
      benchmark.options.initCount = benchmark.count;
    }
    options.onRound?.(round + 1, options.samples);
    await pause();
  }
}
