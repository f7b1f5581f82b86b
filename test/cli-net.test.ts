/** `bpf2wasm net` as its users run it. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { describeError } from '../src/cli/errors.ts';
import { netCommand } from '../src/cli/net.ts';
import { packets } from '../src/replay/capture.ts';
import { PcapWriter } from '../src/replay/pcap-writer.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = join(root, 'dist/lib/cli.js');
const dir = mkdtempSync(join(tmpdir(), 'bpf2wasm-net-'));
afterAll(() => rmSync(dir, { recursive: true }));
copyFileSync(join(root, 'test/data/helpers/network.o'), join(dir, 'network.o'));

function net(args: readonly string[]) {
  const options = { cwd: dir, encoding: 'utf8' as const };
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'net', ...args], options);
  return { status, stdout, stderr };
}

/** Exit status and message of a command that is refused, in this process. */
async function refused(args: readonly string[]): Promise<[status: number, message: string]> {
  try {
    return [await netCommand(args), ''];
  } catch (error) {
    const { data, exit } = describeError(error);
    return [exit, data.message];
  }
}

function config(name: string, value: unknown): string {
  writeFileSync(join(dir, name), JSON.stringify(value));
  return name;
}

function frame(payload: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(60);
  bytes.set([0x0b, 0, 0, 0, 0, 2, 0x0a, 0, 0, 0, 0, 1, 0x08, 0x00, ...payload]);
  return bytes;
}

function capture(name: string, frames: readonly (readonly [time: number, data: Uint8Array])[]): string {
  const pieces: Uint8Array[] = [];
  const writer = new PcapWriter((piece) => pieces.push(piece));
  for (const [time, data] of frames) writer.add({ timestampNs: BigInt(time), data });
  writer.flush();
  writeFileSync(join(dir, name), Buffer.concat(pieces));
  return name;
}

async function read(name: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { timestampNs, data } of packets(new Uint8Array(readFileSync(join(dir, name)))))
    found.push(`${timestampNs} ${Buffer.from(data).toString('hex')}`);
  return found;
}

const BALANCER = {
  cpus: 2,
  devices: [
    { name: 'front', ifindex: 10 },
    ...[0, 1, 2].flatMap((i) => [
      { name: `lb${i}`, ifindex: 20 + i, peer: `server${i}` },
      { name: `server${i}`, ifindex: 30 + i, gro: i > 0 },
    ]),
  ],
  objects: [
    {
      file: 'network.o',
      variables: { backends: 3 },
      attach: { front: 'spread' },
      maps: {
        ports: { 0: 'lb0', 1: { ifindex: 'lb1' }, 2: { ifindex: 'lb2', prog: 'stamp' } },
        cpus: [{ key: 1, value: { qsize: 64, prog: 'on_cpu' } }],
        socks: { 0: { device: 'front', queue: 0 } },
      },
    },
  ],
};

test('a load balancer: captures in by time, captures out byte for byte, both formats', async () => {
  const frames = Array.from({ length: 60 }, (_, i) => [1000 + i * 10, frame([i, i * 5])] as const);
  capture(
    'even.pcap',
    frames.filter((_, i) => i % 2 === 0),
  );
  capture(
    'odd.pcap',
    frames.filter((_, i) => i % 2 === 1),
  );
  const outputs = { 'server1:stack': 'one.pcap', 'lb2:all': 'two.pcapng' };
  const file = config('lb.json', { ...BALANCER, inputs: { front: 'even.pcap' }, outputs });
  const args = [file, '--in', 'front=odd.pcap', '--out', 'lb0=zero.pcap'];
  const { status, stdout, stderr } = net([...args, '--json', '--maps']);
  expect([status, stderr]).toEqual([0, '']);
  const to = (end: number) => frames.filter((_, i) => (i * 31 + ((i * 5) & 255)) % 3 === end);
  const lines = (list: typeof frames) => list.map(([time, data]) => `${time} ${Buffer.from(data).toString('hex')}`);
  const stamped = to(2).map(([time, data]) => {
    const bytes = data.slice();
    bytes.set([2, 0, 0, 0, 10, 22], 6);
    return [time, bytes] as const;
  });
  expect(await read('one.pcap')).toEqual(lines(to(1)));
  expect(await read('two.pcapng')).toEqual(lines(stamped));
  // The first server has no program, and Linux would have no ring there.
  expect(await read('zero.pcap')).toEqual([]);
  const report = JSON.parse(stdout);
  expect(report.devices[0]).toMatchObject({
    name: 'front',
    prog: 'spread',
    received: 60,
    verdicts: { XDP_REDIRECT: 60 },
    drops: { 'peer without program': to(0).length },
  });
  expect(report.written.map(({ packets: count }: { packets: number }) => count)).toEqual([
    to(1).length,
    to(2).length,
    0,
  ]);
  const ports = report.maps.find(({ name }: { name: string }) => name === 'ports');
  expect(ports.entries[2]).toMatchObject({ key: 2, value: { ifindex: 22, prog: { name: 'stamp' } } });
  const text = net(args).stdout;
  expect(text).toContain('device   ifindex  program  received  sent  to stack  dropped');
  expect(text).toContain('front: verdicts XDP_REDIRECT 60');
  expect(text).toContain(`front: dropped peer without program ${to(0).length}`);
  expect(text).toContain('AF_XDP socket of front, queue 0: 0 packets');
});

test('nothing that is read is written over', () => {
  const file = config('safe.json', BALANCER);
  capture('safe.pcap', [[1, frame([1])]]);
  const before = readFileSync(join(dir, 'safe.pcap'));
  const { status, stderr } = net([file, '--in', 'front=safe.pcap', '--out', 'lb0=safe.pcap']);
  expect([status, stderr]).toEqual([
    2,
    'bpf2wasm: --out safe.pcap: that is the input safe.pcap; choose another file\n',
  ]);
  expect(readFileSync(join(dir, 'safe.pcap'))).toEqual(before);
});

test('a capture that is cut: what was there, then the error with its name', () => {
  const file = config('cut.json', BALANCER);
  capture('whole.pcap', [
    [1, frame([1])],
    [2, frame([2])],
  ]);
  writeFileSync(join(dir, 'cut.pcap'), readFileSync(join(dir, 'whole.pcap')).subarray(0, 150));
  const { status, stdout, stderr } = net([file, '--in', 'front=cut.pcap']);
  expect([status, stdout.split('\n')[1]?.split(/\s+/).slice(0, 4)]).toEqual([1, ['front', '10', 'spread', '1']]);
  expect(stderr).toMatch(/^bpf2wasm: cut\.pcap: the capture ends inside/);
  const missing = net([file, '--in', 'front=none.pcap', '--json']);
  expect([missing.status, missing.stderr]).toEqual([1, 'bpf2wasm: cannot read none.pcap: no such file or directory\n']);
  expect(JSON.parse(missing.stdout).errors).toMatchObject([{ input: 0, error: { code: 'CAPTURE_UNREADABLE' } }]);
});

test.each([
  [{ devices: [{ name: 'a', ifindex: 0 }] }, 1, 'devices[0].ifindex'],
  [{ devices: [{ name: 'a', wat: 1 }] }, 1, 'devices[0].wat'],
  [{ wat: 1 }, 1, 'config.wat'],
  [{ cpus: 'many' }, 1, 'cpus'],
  [{ devices: [{ name: 'a', peer: 'b' }] }, 1, 'devices.a.peer'],
  [{ devices: [{ name: 'a', peer: 'b' }, { name: 'b', peer: 'c' }, { name: 'c' }] }, 1, 'devices.a.peer'],
  [{ objects: [{ file: 7 }] }, 1, 'objects[0].file'],
  [{ objects: [{ file: 'missing.o' }] }, 1, 'missing.o'],
  [{ objects: [{ file: 'network.o', attach: { eth0: 'pass' } }] }, 1, 'objects[0].attach.eth0'],
  [{ objects: [{ file: 'network.o', variables: { nothing: 1 } }] }, 1, 'objects[0].variables.nothing'],
  [{ objects: [{ file: 'network.o', maps: { nothing: {} } }] }, 1, 'objects[0].maps.nothing'],
  [{ objects: [{ file: 'network.o', maps: { ports: { 0: 'eth0' } } }] }, 1, 'objects[0].maps.ports'],
  [{ objects: [{ file: 'network.o', maps: { ports: { 0: 4711 } } }] }, 1, 'objects[0].maps.ports[0]'],
  [{ objects: [{ file: 'network.o', maps: { cpus: { 3: 16 } } }] }, 1, 'objects[0].maps.cpus[3]'],
  [{ routes: [{ dst: 'nowhere' }] }, 1, 'routes[0]'],
  [{ inputs: { a: 'x.pcap' } }, 2, "there is no device 'a'"],
  [{ devices: [{ name: 'a' }], outputs: { a: 'x.txt' } }, 2, '.pcap or .pcapng'],
  [{ devices: [{ name: 'a' }], outputs: { 'a:b': 'x.pcap' } }, 2, "output 'a:b'"],
])('errors name what is wrong: %j', async (value, status, part) => {
  expect(await refused([join(dir, config('wrong.json', value))])).toEqual([status, expect.stringContaining(part)]);
});

test('what is no JSON, no file, no option', async () => {
  writeFileSync(join(dir, 'text.json'), 'devices: eth0');
  expect(await refused([join(dir, 'text.json')])).toEqual([2, expect.stringContaining('text.json is no JSON')]);
  expect(await refused([join(dir, 'none.json')])).toEqual([1, expect.stringContaining('none.json: no such file')]);
  const file = join(dir, config('empty.json', {}));
  expect(await refused([file, '--in', 'front'])).toEqual([2, "--in 'front': expected DEV=FILE"]);
  const twice = ['--out', 'a=x.pcap', '--out', 'b=x.pcap'];
  expect(await refused([file, ...twice])).toEqual([2, 'output x.pcap is given twice']);
  expect(existsSync('x.pcap')).toBe(false);
});
