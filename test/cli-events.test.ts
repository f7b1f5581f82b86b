/** `--events`: records as the command prints them, and what it says of those that had no room. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { type CapturePacket, PcapWriter } from '../src/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const OBJECT = 'test/data/helpers/events.o';
const PERF = 'test/data/helpers/perf_event.o';

const dir = mkdtempSync(join(tmpdir(), 'bpf2wasm-events-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** A capture of `count` packets, the i-th one 60 + i % 100 bytes long. */
function capture(count: number): string {
  const pieces: Uint8Array[] = [];
  const writer = new PcapWriter((bytes) => pieces.push(bytes.slice()));
  for (let i = 0; i < count; i++)
    writer.add({ data: new Uint8Array(60 + (i % 100)), timestampNs: BigInt(i) * 1000n } as CapturePacket);
  writer.flush();
  const path = join(dir, `${count}.pcap`);
  writeFileSync(path, Buffer.concat(pieces));
  return path;
}

function cli(...args: readonly string[]) {
  const main = join(root, 'dist/lib/cli.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { cwd: root, encoding: 'utf8' });
  return { status, stdout, stderr };
}

const lengths = (count: number) => Array.from({ length: count }, (_, i) => 60 + (i % 100));

test('a replay prints every record, though the ring holds 170 of them', () => {
  const { status, stdout, stderr } = cli(
    'replay',
    OBJECT,
    capture(1000),
    '--prog',
    'always',
    '--events',
    'events:event',
  );
  expect([status, stderr]).toEqual([0, '']);
  const printed = stdout.split('\n').filter((line) => line.startsWith('events: '));
  expect(printed).toEqual(
    lengths(1000).map((length) => `events: { length: ${length}, kind: 0, bytes: [0, 0, 0, 0, 0, 0] }`),
  );
  expect(stdout).toMatch(/\nevents +lost\nevents +0\n/);
});

test('as JSON they are by map, with what was lost', () => {
  const args = ['replay', OBJECT, capture(300), '--prog', 'quiet_or_loud', '--json'];
  const all = cli(...args, '--events', 'events:struct event', '--maps');
  expect([all.status, all.stderr]).toEqual([0, '']);
  const report = JSON.parse(all.stdout);
  expect(report.events.events.records.map((record: { length: number }) => record.length)).toEqual(lengths(300));
  expect(report.events.events.lost).toBe(0);
  expect(report.lost).toEqual([{ map: 'events', id: expect.any(Number), lost: 0 }]);
  expect(report.maps[0]).toMatchObject({ name: 'events', records: 0, bytes: 0, lost: 0 });
});

test('what a batch has no room for is told, and the exit status stays', () => {
  const args = ['replay', OBJECT, capture(300), '--prog', 'always', '--json'];
  // 4096 bytes hold 170 records of 24.
  const big = cli(...args, '--events', 'events', '--batch', '1000', '--maps');
  expect(big.status).toBe(0);
  expect(big.stderr).toBe(
    'bpf2wasm: 130 records of events lost: there was no room; a smaller --batch makes less come at once\n',
  );
  const report = JSON.parse(big.stdout);
  expect([report.events.events.records.length, report.events.events.lost, report.lost[0].lost]).toEqual([
    170, 130, 130,
  ]);
  expect(report.events.events.records[1]).toBe('hex:3d0000000000000000000000');
  // Nobody reads: the report says so all the same.
  const unread = cli(...args, '--maps');
  expect(JSON.parse(unread.stdout).lost[0].lost).toBe(130);
  expect(JSON.parse(unread.stdout).maps[0]).toMatchObject({ records: 170, bytes: 4080, lost: 130 });
  expect(cli(...args.slice(0, -1), '--maps').stdout).toContain(
    'map events: ringbuf, 170 records unread in 4080 of 4096 bytes, 130 had no room\n',
  );
});

test('run prints records, of perf event arrays with their CPU', () => {
  const packet = '00112233445566778899aabbccddeeff';
  const ring = cli('run', OBJECT, '--prog', 'always', '--data', packet, '--events', 'events');
  expect([ring.status, ring.stderr]).toEqual([0, '']);
  expect(ring.stdout).toMatch(/^events: 10 00 00 00 00 00 00 00 00 00 00 00\nreturn value: 2/);
  const many = cli('run', OBJECT, '--prog', 'always', '--data', packet, '--repeat', '200', '--events', 'events');
  expect(many.stderr).toContain('30 records of events lost');
  const perf = cli('run', PERF, '--prog', 'sample', '--data', packet, '--events', 'events', '--json');
  expect([perf.status, perf.stderr]).toEqual([0, '']);
  const { records, lost } = JSON.parse(perf.stdout).events.events;
  expect([records.length, records[0].cpu, lost]).toEqual([1, 0, 0]);
  expect(records[0].data).toBe('hex:100000000011223344556677');
  const text = cli('run', PERF, '--prog', 'sample', '--data', packet, '--events', 'events');
  expect(text.stdout).toMatch(/^events cpu 0: (?:[0-9a-f]{2} )+/);
});

test('what cannot be watched is refused', () => {
  const run = (...events: string[]) => {
    const options = events.flatMap((one) => ['--events', one]);
    const { status, stderr } = cli('run', PERF, '--prog', 'sample', '--data', '00', ...options);
    return [status, stderr];
  };
  expect(run('seen')).toEqual([
    2,
    'bpf2wasm: --events seen: its type is array, and only ringbuf and perf_event_array have records\n',
  ]);
  expect(run('events', 'events')).toEqual([2, 'bpf2wasm: --events events: given twice\n']);
  expect(run('nothing')[1]).toContain('no map named nothing');
  expect(run('events:nothing')[1]).toContain('nothing');
});
