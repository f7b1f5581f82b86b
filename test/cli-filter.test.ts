/** `bpf2wasm filter` as its users run it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { type CapturePacket, packets } from '../src/replay/capture.ts';
import { pcapHeader, pcapRecord } from './data/captures/build.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = join(root, 'dist/lib/cli.js');
const capture = 'examples/traffic.pcap';
/** tcpdump -y EN10MB -ddd arp */
const ARP = '4\n40 0 0 12\n21 0 1 2054\n6 0 0 262144\n6 0 0 0\n';
const ALL = '1,6 0 0 1';

const dir = mkdtempSync(join(tmpdir(), 'bpf2wasm-filter-'));
afterAll(() => rmSync(dir, { recursive: true }));

function filter(args: readonly string[], input?: string) {
  const options = { cwd: root, encoding: 'utf8' as const, ...(input === undefined ? {} : { input }) };
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'filter', ...args], options);
  return { status, stdout, stderr };
}

async function packetsOf(path: string): Promise<CapturePacket[]> {
  const all: CapturePacket[] = [];
  for await (const packet of packets(new Uint8Array(readFileSync(path)))) all.push(packet);
  return all;
}

describe('filter', () => {
  test('counts what matches', () => {
    const { status, stdout, stderr } = filter([ARP, capture]);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe('1,508 packets, 155,671 bytes: 30 match, 1,800 bytes\n');
  });

  test('takes the filter from a file and from standard input', () => {
    const path = join(dir, 'arp.ddd');
    writeFileSync(path, ARP);
    const { stdout } = filter([ARP, capture]);
    expect(filter([`@${path}`, capture]).stdout).toBe(stdout);
    expect(filter(['-', capture], ARP).stdout).toBe(stdout);
  });

  test('lists numbers, as text and as JSON', () => {
    const lines = filter([ARP, capture, '-n']).stdout.trim().split('\n');
    const json = JSON.parse(filter([ARP, capture, '--numbers', '--json']).stdout);
    expect(json).toMatchObject({ insns: 4, packets: 1508, bytes: 155671, matched: 30, matchedBytes: 1800 });
    expect(lines.slice(1).map(Number)).toEqual(json.numbers);
    expect(json.numbers.slice(0, 3)).toEqual([155, 156, 189]);
  });

  test('writes what matches, with its times', async () => {
    const out = join(dir, 'arp.pcap');
    expect(JSON.parse(filter([ARP, capture, '--write', out, '--json']).stdout).written).toBe(30);
    const { numbers } = JSON.parse(filter([ARP, capture, '-n', '--json']).stdout) as { numbers: number[] };
    const all = await packetsOf(join(root, capture));
    const kept = await packetsOf(out);
    expect(kept).toEqual(numbers.map((number) => all[number - 1]));
  });

  test('a capture of another link type, written as such', () => {
    const path = join(dir, 'raw.pcap');
    const ip = new Uint8Array(20).fill(0x45, 0, 1);
    writeFileSync(path, Buffer.concat([pcapHeader({ linkType: 101 }), pcapRecord(ip)]));
    const out = join(dir, 'raw-out.pcap');
    // ldb [0]; and #0xf0; jeq #0x40
    const version4 = '5,48 0 0 0,84 0 0 240,21 0 1 64,6 0 0 65535,6 0 0 0';
    expect(filter([version4, path, '--write', out]).stdout).toBe('1 packet, 20 bytes: 1 match, 20 bytes\n');
    expect(new DataView(new Uint8Array(readFileSync(out)).buffer).getUint32(20, true)).toBe(101);
  });

  test('nothing matches: an empty capture, exit status 0', () => {
    const out = join(dir, 'none.pcap');
    const { status, stdout } = filter(['1,6 0 0 0', capture, '--write', out]);
    expect([status, stdout]).toEqual([0, '1,508 packets, 155,671 bytes: 0 match, 0 bytes\n']);
    expect(readFileSync(out).length).toBe(24);
  });

  test('a capture that is cut: what was there, the error, exit status 1', () => {
    const path = join(dir, 'cut.pcap');
    writeFileSync(path, readFileSync(join(root, capture)).subarray(0, 5000));
    const { status, stdout, stderr } = filter([ALL, path]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^\d+ packets, [\d,]+ bytes: \d+ match/);
    expect(stderr).toMatch(/^bpf2wasm: the capture ends inside the/);
    expect(JSON.parse(filter([ALL, path, '--json']).stdout).error.code).toBe('CAPTURE_TRUNCATED');
  });

  test.each([
    [['tcp port 80', capture], 1, "bpf2wasm: the filter's text begins with 'tcp port 80', where"],
    [['1,21 0 0 0', capture], 1, 'bpf2wasm: insn 0 jumps to insn 1, behind the last one, insn 0'],
    [[ALL, 'missing.pcap'], 1, 'bpf2wasm: cannot read missing.pcap'],
    [['@missing', capture], 1, 'bpf2wasm: cannot read missing: no such file or directory'],
    [[ALL], 2, 'bpf2wasm: <capture> missing'],
    [['-', '-'], 2, 'bpf2wasm: the filter and the capture cannot both come from standard input'],
    [[ALL, capture, '--wat'], 2, "bpf2wasm: unknown option '--wat'"],
  ] as const)('%j fails', (args, code, words) => {
    const { status, stderr } = filter(args);
    expect([status, stderr.slice(0, words.length)]).toEqual([code, words]);
  });

  test('--help', () => {
    const { status, stdout } = filter(['--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('Usage: bpf2wasm filter <filter> <capture|-> [options]');
  });
});
