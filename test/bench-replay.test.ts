// The capture that replays are timed on, and the bench of replays as a smoke run. Nothing is timed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CAPTURE_FLOWS, type CaptureOptions, makeCapture } from '../bench/replay/capture.ts';
import { REPLAYS } from '../bench/replay/cases.ts';
import { coresTable, openReplayer, timeCores } from '../bench/replay/cores.ts';
import { timeReplays } from '../bench/replay/run.ts';
import { concat } from './data/captures/build.ts';
import { readAll } from './data/captures/read.ts';

function capture(options: CaptureOptions) {
  const pieces: Uint8Array[] = [];
  const packets = makeCapture((piece) => pieces.push(piece.slice()), options);
  return { packets, file: concat(...pieces), pieces: pieces.length };
}

/** Addresses, ports and protocol of a frame of the capture. */
function flowOf(frame: Uint8Array): string {
  const ip6 = frame[12] === 0x86;
  const [from, to, l4] = ip6 ? [22, 54, 54] : [26, 34, 34];
  return [ip6, frame[ip6 ? 20 : 23], ...frame.subarray(from, to), ...frame.subarray(l4, l4 + 4)].join(' ');
}

describe('the capture', () => {
  test('same seed, same bytes', () => {
    const options = { bytes: 300_000, flows: 50, seed: 7 };
    expect(capture(options).file).toEqual(capture(options).file);
    expect(capture({ ...options, seed: 8 }).file).not.toEqual(capture(options).file);
  });

  test('as many flows as wanted, a mean of 366 bytes, times that rise', async () => {
    const { packets, file, pieces } = capture({ packets: 30_000 });
    expect([packets, pieces]).toEqual([30_000, Math.ceil(file.length / (4 << 20))]);
    const read = await readAll(file);
    expect([read.packets.length, read.error]).toEqual([packets, undefined]);
    const bytes = read.packets.reduce((sum, { data }) => sum + data.length, 0);
    expect(Math.abs(bytes / packets - 366)).toBeLessThan(5);
    expect(new Set(read.packets.map(({ data }) => flowOf(data))).size).toBe(CAPTURE_FLOWS);
    const times = read.packets.map(({ timestampNs }) => timestampNs);
    expect(times.every((time, i) => i === 0 || time > times[i - 1])).toBe(true);
    const share = (test: (frame: Uint8Array) => boolean) =>
      read.packets.filter(({ data }) => test(data)).length / packets;
    expect(share((frame) => frame[12] === 0x86)).toBeCloseTo(0.15, 1);
    expect(share((frame) => frame[frame[12] === 0x86 ? 20 : 23] === 6)).toBeCloseTo(0.75, 1);
  });

  test('no byte more than wanted, and none that is missing', async () => {
    const { file, packets } = capture({ bytes: 100_000, flows: 10 });
    expect(file.length).toBeLessThanOrEqual(100_000);
    expect(file.length).toBeGreaterThan(100_000 - 1530);
    expect((await readAll(file)).packets.length).toBe(packets);
    expect(() => capture({})).toThrow(RangeError);
  });

  test('pcapng has the same packets', async () => {
    const options = { packets: 500, flows: 10 };
    const pcap = await readAll(capture(options).file);
    const pcapng = await readAll(capture({ ...options, format: 'pcapng' }).file);
    expect(pcapng.error).toBeUndefined();
    expect(pcapng.packets.map(({ data }) => data)).toEqual(pcap.packets.map(({ data }) => data));
    expect(pcapng.packets.map(({ timestampNs }) => timestampNs)).toEqual(
      pcap.packets.map(({ timestampNs }) => timestampNs - (timestampNs % 1000n)),
    );
  });
});

test('every case runs, in the layout it is about', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-replay-'));
  try {
    const layouts: Record<string, string> = {};
    for (const source of REPLAYS) {
      const path = join(folder, source.format);
      const { file, packets } = capture({ packets: 3000, flows: 100, format: source.format });
      writeFileSync(path, file);
      const { median, layout, samples } = await timeReplays(source, { capture: path, output: join(folder, 'out') }, 1);
      expect([median.packets, samples]).toEqual([packets, 1]);
      expect(median.write > 0).toBe(source.output);
      layouts[source.name] = layout;
    }
    expect(Object.entries(layouts).filter(([, layout]) => layout !== 'in place')).toEqual([['vlan', 'copied']]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('one thread, workers and twins replay the same capture in turns', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-replay-'));
  try {
    const path = join(folder, 'capture');
    const { file, packets } = capture({ packets: 3000, flows: 100 });
    writeFileSync(path, file);
    const source = REPLAYS.find(({ name }) => name === 'example')!;
    const turns: number[] = [];
    let opened = 0;
    let closed = 0;
    const openTwin = async (...of: Parameters<typeof openReplayer>) => {
      const [index, twin] = [opened++, await openReplayer(...of)];
      const once = async () => {
        turns.push(index);
        const rate = await twin.once();
        expect(rate.packets).toBe(packets);
        return rate;
      };
      const close = () => {
        closed++;
        twin.close();
      };
      return { once, close };
    };
    const measured = await timeCores(source, path, { workers: 2, samples: 2, openTwin });
    expect([opened, closed]).toEqual([2, 2]);
    // Three times to warm up, and two that count.
    expect(turns).toEqual(Array.from({ length: 5 }, () => [0, 1]).flat());
    for (const side of ['one', 'workers', 'processes'] as const) {
      expect(measured[side]).toBeGreaterThan(0);
      expect(measured.best[side]).toBeGreaterThanOrEqual(measured[side]);
    }
    const round = { name: 'x', one: 10, workers: 15, processes: 20 };
    const [, row] = coresTable([{ ...round, best: round }], 2).split('\n');
    expect(row!.trim().split(/ +/)).toEqual([
      'x',
      '10.00',
      '15.00',
      '1.50',
      '20.00',
      '2.00',
      '10.00',
      '15.00',
      '20.00',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
