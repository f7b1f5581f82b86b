// `npm run bench:replay`: packets a second of a capture file through programs, and where the time goes. bench/README.md explains the figures.
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { filtered } from '../args.ts';
import { machine } from '../machine.ts';
import { CAPTURE_SEED, type FORMATS, makeCapture } from './capture.ts';
import { REPLAYS, type ReplayCase } from './cases.ts';
import { type Cores, coresTable, runTwin, timeCores } from './cores.ts';
import { type Replayed, timeReplays } from './run.ts';
import { kernelNs } from './scale.ts';

const HELP = `npm run bench:replay -- [options]

  --size BYTES     of the capture: 1G unless given; K, M and G are powers of 1000
  --packets N      a capture of N packets instead
  --filter TEXT    only cases whose name contains TEXT
  --samples N      replays of each case that count, behind the first one (default 5)
  --workers N      instead: replays by one thread, by N workers and by N processes at once, in turns
  --no-kernel      leave out the kernel's figure
  --json FILE      write what was measured
  --meta FILE      write what it was measured on: processor, kernel, versions, date
  --help
`;

interface Size {
  readonly bytes?: number;
  readonly packets?: number;
}

function sizeOf(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+)([KMG]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * 1000 ** ' KMG'.indexOf(unit.toUpperCase() || ' ');
  if (!(bytes > 0)) throw new TypeError(`--size ${text}: a number is wanted, as in 100M`);
  return bytes;
}

function integer(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`--${name} ${text}: an integer from 1 on is wanted`);
  return value;
}

/** The capture's file, made unless it is there; read once, so that it is in the page cache. */
function captureFile(folder: string, format: keyof typeof FORMATS, size: Size): string {
  const amount = size.packets === undefined ? `${size.bytes}` : `${size.packets}-packets`;
  const path = join(folder, `${CAPTURE_SEED.toString(16)}-${amount}.${format}`);
  if (!existsSync(path)) {
    const unfinished = `${path}.${process.pid}`;
    const fd = openSync(unfinished, 'w');
    const write = (piece: Uint8Array) => {
      for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done);
    };
    makeCapture(write, { ...size, format });
    closeSync(fd);
    renameSync(unfinished, path);
  }
  readFileSync(path);
  return path;
}

const HEAD = ['case', 'layout', 'Mpps', 'GB/s', 'ns', 'read', 'rest', 'run', 'write', 'best', 'cpu', 'first'];

function table(all: readonly Replayed[]): string {
  const ns = (value: number) => value.toFixed(1);
  const rows = all.map(({ name, layout, median, best, first }) => {
    const { packets, bytes, wall, cpu, read, rest, run, write } = median;
    const perSecond = [(1000 / wall).toFixed(2), (bytes / packets / wall).toFixed(2)];
    return [name, layout, ...perSecond, ...[wall, read, rest, run, write, best.wall, cpu, first.wall].map(ns)];
  });
  const widths = HEAD.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return [HEAD, ...rows].map(line).join('\n');
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Of cases that write nothing: where several threads do, the main one puts packets into order. */
async function timeAllCores(
  cases: readonly ReplayCase[],
  capture: (source: ReplayCase) => string,
  workers: number,
  samples: number,
): Promise<Cores[]> {
  const all: Cores[] = [];
  for (const source of cases.filter(({ output, format }) => !output && format === 'pcap'))
    all.push(await timeCores(source, capture(source), { workers, samples }));
  console.log(coresTable(all, workers));
  return all;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      size: { type: 'string', default: '1G' },
      packets: { type: 'string' },
      filter: { type: 'string', default: '' },
      samples: { type: 'string', default: '5' },
      workers: { type: 'string' },
      'no-kernel': { type: 'boolean', default: false },
      json: { type: 'string' },
      meta: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const packets = values.packets === undefined ? undefined : integer('packets', values.packets);
  const size: Size = packets === undefined ? { bytes: sizeOf(values.size) } : { packets };
  const samples = integer('samples', values.samples);
  const folder = join(tmpdir(), 'bpf2wasm-bench');
  mkdirSync(folder, { recursive: true });
  const output = join(folder, `${process.pid}.out.pcap`);
  const cases = filtered(REPLAYS, values.filter);
  if (values.workers !== undefined) {
    const capture = (source: ReplayCase) => captureFile(folder, source.format, size);
    const measured = await timeAllCores(cases, capture, integer('workers', values.workers), samples);
    if (values.json !== undefined) writeFileSync(values.json, json(measured));
    if (values.meta !== undefined) writeFileSync(values.meta, json(machine()));
    return;
  }
  const all: Replayed[] = [];
  for (const source of cases) {
    const capture = captureFile(folder, source.format, size);
    all.push(await timeReplays(source, { capture, output }, samples));
  }
  console.log(table(all));
  if (!values['no-kernel']) {
    const parse = REPLAYS.find(({ name }) => name === 'parse')!;
    const kernel = kernelNs(parse, captureFile(folder, 'pcap', size));
    console.log(
      typeof kernel === 'string'
        ? `the kernel does not take part: ${kernel}`
        : `for scale: a packet of ${parse.name} takes the kernel ${kernel.toFixed(0)} ns, each being a system call`,
    );
  }
  if (values.json !== undefined) writeFileSync(values.json, json(all));
  if (values.meta !== undefined) writeFileSync(values.meta, json(machine()));
}

try {
  const [mode, ...twin] = process.argv.slice(2);
  if (mode === '--twin') await runTwin(twin[0]!, twin[1]!);
  else await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
