// The example capture: the committed file is what the generator makes, and has in it what it promises.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { trafficCapture } from '../scripts/traffic.ts';
import type { CapturePacket } from '../src/replay/capture.ts';
import { readAll } from './data/captures/read.ts';

const committed = readFileSync(new URL('../examples/traffic.pcap', import.meta.url));

test('the committed capture is what the generator makes; another seed makes another', () => {
  expect(Buffer.compare(committed, trafficCapture())).toBe(0);
  expect(Buffer.compare(committed, trafficCapture(1))).not.toBe(0);
});

/** Ones' complement sum over bytes that include their checksum: 0xffff when it is right. */
function sum16(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i] * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 65536) + Math.floor(sum / 65536);
  return sum;
}

interface Ipv4 {
  headerWords: number;
  protocol: number;
  fragment: boolean;
  header: Uint8Array;
  payload: Uint8Array;
}

/** The IPv4 packet of an untagged, whole frame with a sound header. */
function ipv4(packet: CapturePacket): Ipv4 | undefined {
  const { data } = packet;
  if (data.length < 34 || data.length < packet.originalLength || data[12] !== 8 || data[13] !== 0) return undefined;
  const headerWords = data[14] & 15;
  const total = data[16] * 256 + data[17];
  if (data[14] >> 4 !== 4 || headerWords < 5 || total < 4 * headerWords || 14 + total > data.length) return undefined;
  return {
    headerWords,
    protocol: data[23],
    fragment: (data[20] & 0x3f) !== 0 || data[21] !== 0,
    header: data.subarray(14, 14 + 4 * headerWords),
    payload: data.subarray(14 + 4 * headerWords, 14 + total),
  };
}

describe('what is in it', () => {
  let packets: CapturePacket[] = [];
  let ip: Ipv4[] = [];

  beforeAll(async () => {
    const result = await readAll(committed);
    expect(result.error).toBeUndefined();
    packets = result.packets;
    ip = packets.map(ipv4).filter((one) => one !== undefined);
  });

  test('is of a size to commit, in the order of time', () => {
    expect(committed.length).toBeLessThan(300_000);
    expect(packets.length).toBeGreaterThan(1000);
    expect(packets.length).toBeLessThan(2000);
    const times = packets.map((packet) => packet.timestampNs);
    expect(times.every((time, i) => i === 0 || time >= times[i - 1])).toBe(true);
  });

  test('IPv4 headers of every length, with right checksums', () => {
    expect([...new Set(ip.map((one) => one.headerWords))].sort((a, b) => a - b)).toEqual([
      5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    ]);
    expect(ip.filter((one) => sum16(one.header) !== 0xffff)).toEqual([]);
  });

  test('TCP and UDP with right checksums', () => {
    const whole = ip.filter((one) => (one.protocol === 6 || one.protocol === 17) && !one.fragment);
    expect(whole.length).toBeGreaterThan(900);
    const wrong = whole.filter((one) => {
      const pseudo = sum16(one.header.subarray(12, 20), one.protocol + one.payload.length);
      return sum16(one.payload, pseudo) !== 0xffff;
    });
    expect(wrong).toEqual([]);
  });

  test.each<[what: string, min: number, is: (packet: CapturePacket) => boolean]>([
    ['ARP', 20, ({ data }) => data[12] === 8 && data[13] === 6],
    ['IPv6', 100, ({ data }) => data[12] === 0x86 && data[13] === 0xdd],
    ['VLAN', 30, ({ data }) => data[12] === 0x81 && data[13] === 0],
    ['QinQ', 10, ({ data }) => data[12] === 0x88 && data[13] === 0xa8],
    ['frames without a whole Ethernet header', 14, ({ data }) => data.length < 14],
    ['frames that were cut', 54, ({ data, originalLength }) => data.length < originalLength],
    [
      'IPv4 headers that claim less than 5 words',
      5,
      ({ data }) => data[12] === 8 && data[13] === 0 && data[14] >> 4 === 4 && (data[14] & 15) < 5,
    ],
  ])('%s', (_what, min, is) => {
    expect(packets.filter(is).length).toBeGreaterThanOrEqual(min);
  });

  test.each([8080, 22, 443, 80, 53, 123])('packets to port %i', (port) => {
    const to = ip.filter((one) => one.payload.length >= 8 && one.payload[2] * 256 + one.payload[3] === port);
    expect(to.length).toBeGreaterThan(4);
  });

  test('fragments, of UDP and of TCP', () => {
    for (const protocol of [6, 17]) {
      expect(ip.filter((one) => one.fragment && one.protocol === protocol).length).toBeGreaterThan(6);
    }
  });
});
