/**
 * What more cores are worth: replays of a file by one thread, by several workers of one engine, and by as many processes at once, each for itself. The last ones share
 * nothing but the machine, so what they get through together is the most that workers may hope for. The three take turns within a sample.
 */
import { fork } from 'node:child_process';
import { type Engine, replay } from '../../src/index.ts';
import { openCaptureFile } from '../../src/platform/node-files.ts';
import { REPLAYS, type ReplayCase } from './cases.ts';
import { openCase } from './run.ts';

/** Millions of packets a second in one replay. */
export interface Rate {
  readonly packets: number;
  readonly ns: number;
}

/** Replays the same file whenever asked. */
export interface Replayer {
  once(): Promise<Rate>;
  close(): void;
}

export interface CoresOptions {
  readonly workers: number;
  readonly samples: number;
  /** Replayers that are asked at the same time, for the ceiling; in processes of their own unless in a test. */
  readonly openTwin?: (source: ReplayCase, capture: string) => Promise<Replayer>;
}

/** Million packets a second, of all threads together: medians. */
export interface Cores {
  readonly name: string;
  readonly one: number;
  readonly workers: number;
  readonly processes: number;
  /** Of the fastest replays. */
  readonly best: { readonly one: number; readonly workers: number; readonly processes: number };
}

/** Replays that do not count: V8 has optimised all code behind them. */
const WARM = 3;

export async function openReplayer(source: ReplayCase, capture: string, workers?: number): Promise<Replayer> {
  const { engine, loaded } = await openCase(source, workers);
  const options = workers === undefined ? {} : { workers };
  const once = async (): Promise<Rate> => {
    const started = performance.now();
    const report = await replay(engine as Engine, loaded.prog(source.prog), () => openCaptureFile(capture), options);
    if (report.error !== undefined || report.violations.count > 0) throw new Error(`${source.name}: the replay failed`);
    return { packets: report.packets, ns: (performance.now() - started) * 1e6 };
  };
  return { once, close: () => engine.close() };
}

/** Another process of this bench: `--twin` makes it one. */
export async function openProcess(source: ReplayCase, capture: string): Promise<Replayer> {
  const child = fork(process.argv[1]!, ['--twin', source.name, capture], { execArgv: process.execArgv });
  const answer = () =>
    new Promise<Rate>((resolve, reject) => {
      const failed = (code: number | null) => reject(new Error(`${source.name}: a process ended with ${code}`));
      child.once('exit', failed);
      child.once('message', (rate) => {
        child.off('exit', failed);
        resolve(rate as Rate);
      });
    });
  await answer();
  const once = () => {
    const rate = answer();
    child.send('once');
    return rate;
  };
  return { once, close: () => child.disconnect() };
}

/** What a process that `openProcess` has started does until it is disconnected. */
export async function runTwin(name: string, capture: string): Promise<void> {
  const source = REPLAYS.find((one) => one.name === name);
  if (source === undefined || process.send === undefined)
    throw new TypeError(`--twin ${name}: is for the bench itself`);
  const replayer = await openReplayer(source, capture);
  process.on('message', async () => process.send?.(await replayer.once()));
  process.once('disconnect', () => replayer.close());
  process.send({ packets: 0, ns: 0 });
}

/** Together: all packets in the time from the first one's begin to the last one's end. */
async function together(replayers: readonly Replayer[]): Promise<Rate> {
  const started = performance.now();
  const rates = await Promise.all(replayers.map((one) => one.once()));
  return { packets: rates.reduce((sum, { packets }) => sum + packets, 0), ns: (performance.now() - started) * 1e6 };
}

function rates(all: readonly Rate[]): { median: number; best: number } {
  const sorted = all.map(({ packets, ns }) => (packets / ns) * 1000).sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1]!, best: sorted.at(-1)! };
}

export async function timeCores(source: ReplayCase, capture: string, options: CoresOptions): Promise<Cores> {
  const { workers, samples, openTwin = openProcess } = options;
  const open: Replayer[] = [];
  const keep = async (replayer: Promise<Replayer>) => {
    open.push(await replayer);
    return open.at(-1)!;
  };
  try {
    const one = [await keep(openReplayer(source, capture))];
    const several = [await keep(openReplayer(source, capture, workers))];
    const twins: Replayer[] = [];
    for (let i = 0; i < workers; i++) twins.push(await keep(openTwin(source, capture)));
    const sides = [one, several, twins];
    const results: Rate[][] = sides.map(() => []);
    for (let i = 0; i < WARM + samples; i++) {
      for (const [side, replayers] of sides.entries()) {
        const rate = await together(replayers);
        if (i >= WARM) results[side]!.push(rate);
      }
    }
    const [alone, team, processes] = results.map(rates) as [ReturnType<typeof rates>, ...ReturnType<typeof rates>[]];
    return {
      name: source.name,
      one: alone.median,
      workers: team!.median,
      processes: processes!.median,
      best: { one: alone.best, workers: team!.best, processes: processes!.best },
    };
  } finally {
    for (const replayer of open) replayer.close();
  }
}

export function coresTable(all: readonly Cores[], workers: number): string {
  const head = [
    'case',
    '1 thread',
    `${workers} workers`,
    'ratio',
    `${workers} processes`,
    'ratio',
    'best',
    'best',
    'best',
  ];
  const rows = all.map(({ name, best, ...mpps }) => [
    name,
    mpps.one.toFixed(2),
    ...[mpps.workers, mpps.processes].flatMap((rate) => [rate.toFixed(2), (rate / mpps.one).toFixed(2)]),
    ...[best.one, best.workers, best.processes].map((rate) => rate.toFixed(2)),
  ]);
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return [head, ...rows].map(line).join('\n');
}
