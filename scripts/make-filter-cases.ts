// Asks this machine's tcpdump what its expressions become and which packets they match: `npm run build && node dist/scripts/make-filter-cases.js`
// writes test/data/cbpf/frames.pcap and, for the lines of expressions.txt, expressions.json.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packets } from '../src/replay/capture.ts';
import { PcapWriter } from '../src/replay/pcap-writer.ts';
import { filterCaptureBytes } from './filter-frames.ts';

const DIR = 'test/data/cbpf';
const CAPTURES = { traffic: 'examples/traffic.pcap', frames: `${DIR}/frames.pcap` };

/** tcpdump's standard output; what it says besides is not kept. */
function tcpdump(args: readonly string[]): Buffer {
  return execFileSync('tcpdump', [...args], { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
}

/** The same packets, each with its number as its time: tcpdump does not say which packets it let through. */
async function numbered(path: string, copy: string): Promise<void> {
  const pieces: Uint8Array[] = [];
  const writer = new PcapWriter((piece) => pieces.push(piece), { precision: 'us' });
  let number = 0;
  for await (const { data, originalLength } of packets(readFileSync(path))) {
    number++;
    writer.add({ timestampNs: BigInt(number) * 1_000_000_000n, data, originalLength });
  }
  writer.flush();
  writeFileSync(copy, Buffer.concat(pieces));
}

async function numbersIn(pcap: Buffer): Promise<number[]> {
  const found: number[] = [];
  for await (const { timestampNs } of packets(new Uint8Array(pcap))) found.push(Number(timestampNs / 1_000_000_000n));
  return found;
}

/** What a test compares: how many packets, and a digest of their numbers. */
function digest(numbers: readonly number[]): { count: number; sha256: string } {
  return { count: numbers.length, sha256: createHash('sha256').update(numbers.join()).digest('hex').slice(0, 16) };
}

const oneLine = (ddd: Buffer): string => ddd.toString().trim().replaceAll('\n', ',');

async function main(): Promise<void> {
  writeFileSync(CAPTURES.frames, filterCaptureBytes());
  const expressions = readFileSync(`${DIR}/expressions.txt`, 'utf8').trim().split('\n');
  const dir = mkdtempSync(join(tmpdir(), 'bpf2wasm-filter-'));
  const copies: Record<string, string> = {};
  for (const [name, path] of Object.entries(CAPTURES)) {
    copies[name] = join(dir, `${name}.pcap`);
    await numbered(path, copies[name]);
  }
  const cases = [];
  for (const expression of expressions) {
    const compile = (...options: string[]) =>
      oneLine(tcpdump(['-r', CAPTURES.frames, ...options, '-ddd', '--', expression]));
    const matches = async (...options: string[]) => {
      const found: Record<string, unknown> = {};
      for (const [name, copy] of Object.entries(copies)) {
        found[name] = digest(await numbersIn(tcpdump(['-r', copy, ...options, '-w', '-', '--', expression])));
      }
      return found;
    };
    // Loads that an optimiser leaves out, as of the address in 0.0.0.0/0, no longer refuse a packet that was cut before them.
    const [optimized, unoptimized] = [await matches(), await matches('-O')];
    const differs = JSON.stringify(optimized) !== JSON.stringify(unoptimized);
    cases.push({
      expression,
      filter: compile(),
      unoptimized: compile('-O'),
      matches: optimized,
      ...(differs ? { unoptimizedMatches: unoptimized } : {}),
    });
  }
  rmSync(dir, { recursive: true });
  const version = execFileSync('tcpdump', ['--version']).toString().split('\n').slice(0, 2).join(', ');
  const lines = cases.map((one) => JSON.stringify(one)).join(',\n');
  writeFileSync(`${DIR}/expressions.json`, `{"made by":${JSON.stringify(version)},"cases":[\n${lines}\n]}\n`);
  console.log(`${cases.length} expressions, ${version}`);
}

await main();
