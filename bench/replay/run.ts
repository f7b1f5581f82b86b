/**
 * Times replays of a file, end to end: `replay` with a file that is read as replayFile reads it. Where the time went is known from outside: the file's
 * reads are timed, so are the output's writes, and the report says how long programs ran. What is left is the walk over record headers, the layout, the count
 * and the gathering of what is written.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { type CaptureFile, Engine, loadObject, PcapWriter, replay } from '../../src/index.ts';
import { openCaptureFile } from '../../src/platform/node-files.ts';
import { readProjectFile } from '../project.ts';
import type { ReplayCase } from './cases.ts';

/** One replay: packets, and ns a packet. */
export interface Timing {
  readonly packets: number;
  readonly bytes: number;
  readonly wall: number;
  /** Of all threads of this process: above `wall`, others helped. */
  readonly cpu: number;
  readonly read: number;
  readonly run: number;
  readonly write: number;
  readonly rest: number;
}

export interface Replayed {
  readonly name: string;
  readonly layout: string;
  /** The first replay of a new engine: code is compiled, and not yet optimised. */
  readonly first: Timing;
  /** By their wall time. */
  readonly median: Timing;
  readonly best: Timing;
  readonly samples: number;
}

class Stopwatch {
  ns = 0;

  time<T>(what: () => T): T {
    const started = performance.now();
    const value = what();
    this.ns += (performance.now() - started) * 1e6;
    return value;
  }
}

function timedFile(path: string, reads: Stopwatch): CaptureFile {
  const file = openCaptureFile(path);
  return { read: (into) => reads.time(() => file.read(into)), close: () => file.close() };
}

function timedOutput(path: string, writes: Stopwatch): { writer: PcapWriter; close(): void } {
  const fd = openSync(path, 'w');
  const write = (piece: Uint8Array) => {
    for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done);
  };
  const writer = new PcapWriter((piece) => writes.time(() => write(piece)), { reuse: true });
  return { writer, close: () => closeSync(fd) };
}

export interface ReplayFiles {
  /** The capture in the case's format. */
  readonly capture: string;
  /** Is written over by cases that write. */
  readonly output: string;
}

/** An engine of its own with the case's object; for `workers` threads, or for one. */
export async function openCase(source: ReplayCase, workers?: number) {
  const engine = await Engine.create(workers === undefined ? { seed: 1 } : { seed: 1, workers });
  const loaded = await engine.load(loadObject(readProjectFile(source.object)));
  for (const { map, index, prog } of source.slots) loaded.map(map).set(index, loaded.prog(prog));
  return { engine, loaded };
}

export async function timeReplays(source: ReplayCase, files: ReplayFiles, samples: number): Promise<Replayed> {
  const { engine, loaded } = await openCase(source);
  try {
    let layout = '';
    const once = async (): Promise<Timing> => {
      const [reads, writes] = [new Stopwatch(), new Stopwatch()];
      const output = source.output ? timedOutput(files.output, writes) : undefined;
      const cpuBefore = process.cpuUsage();
      const options = output === undefined ? {} : { output: output.writer };
      const report = await replay(engine, loaded.prog(source.prog), () => timedFile(files.capture, reads), options);
      const { user, system } = process.cpuUsage(cpuBefore);
      output?.close();
      if (report.error !== undefined || report.violations.count > 0)
        throw new Error(`${source.name}: the replay failed`);
      layout = report.layout;
      const { packets, bytes } = report;
      const [wall, run] = [report.wallSeconds * 1e9, report.seconds * 1e9];
      const per = (ns: number) => ns / packets;
      const rest = per(wall - run - reads.ns - writes.ns);
      const cpu = per((user + system) * 1000);
      return { packets, bytes, wall: per(wall), cpu, read: per(reads.ns), run: per(run), write: per(writes.ns), rest };
    };
    const first = await once();
    const timings: Timing[] = [];
    for (let i = 0; i < samples; i++) timings.push(await once());
    timings.sort((a, b) => a.wall - b.wall);
    const median = timings[timings.length >> 1]!;
    return { name: source.name, layout, first, median, best: timings[0]!, samples };
  } finally {
    engine.close();
  }
}
