// The rate limiter's capture, and what must become of each packet.
import { arp, frame, type Path, SYN, tcp, udp } from '../../scripts/traffic-frames.ts';
import {
  type Example,
  type Expected,
  hostAt,
  type Outcome,
  Table,
  type TimedPacket,
  Timeline,
  viewIpv4,
} from '../example.ts';

const RATE = 20;
const BURST = 8;
const TOKEN = 1_000_000_000n;
const SERVER = hostAt('192.0.2.10');

const settings = [`rate=${RATE}`, `burst=${BURST}`];

function capture(): TimedPacket[] {
  const time = new Timeline(0x7b);
  const { random } = time;
  /** Packets of one source, `gap` microseconds apart on average. */
  const send = (address: string, from: number, count: number, gap: number) => {
    const path: Path = { src: hostAt(address), dst: SERVER, version: 4 };
    for (let i = 0, at = from; i < count; i++, at += random.between(gap >> 1, gap + (gap >> 1))) {
      const data = random.bytes(random.between(0, 60));
      const sport = random.between(1024, 65535);
      const segment = tcp(path, { sport, dport: 80, seq: i, ack: 0, flags: SYN }, data);
      time.add(
        at,
        i % 3 === 0
          ? frame(path, 'udp', udp(path, sport, 53, data), { id: i })
          : frame(path, 'tcp', segment, { id: i }),
      );
    }
  };
  // Slow, just too fast, a flood, a burst that fits, one that does not, and bursts with pauses between.
  send('198.51.100.1', 0, 40, 100_000);
  send('198.51.100.2', 0, 100, 40_000);
  send('198.51.100.3', 500_000, 150, 1_000);
  send('198.51.100.4', 1_000_000, BURST, 1);
  send('198.51.100.5', 1_000_000, BURST + 4, 1);
  for (let second = 0; second < 4; second++) send('198.51.100.6', second * 1_000_000, 12, 10);
  // Longer away than tokens are counted for.
  send('198.51.100.7', 0, 10, 100);
  send('198.51.100.7', 25_000_000, 10, 100);
  for (let i = 0; i < 5; i++) time.add(random.below(3_000_000), arp(1, hostAt('198.51.100.9'), SERVER));
  const path: Path = { src: hostAt('198.51.100.9'), dst: SERVER, version: 6 };
  for (let i = 0; i < 5; i++)
    time.add(random.below(3_000_000), frame(path, 'udp', udp(path, 1, 2, random.bytes(9)), { id: 0 }));
  return time.sorted();
}

interface Bucket {
  tokens: bigint;
  time: bigint;
  passed: number;
  dropped: number;
}

export interface Limits {
  /** Packets a second. */
  readonly rate: number;
  readonly burst: number;
  /** Room for buckets. When it is used up, further sources share the one of 0.0.0.0, which then has a place from the start. */
  readonly sources?: number;
}

export function expectLimited(packets: readonly TimedPacket[], { rate, burst, sources }: Limits): Expected {
  const buckets = new Table<readonly number[], Bucket>();
  const total = { passed: 0, dropped: 0 };
  const full = BigInt(burst) * TOKEN;
  if (sources !== undefined) buckets.set([0, 0, 0, 0], { tokens: full, time: 0n, passed: 0, dropped: 0 });
  const bucketOf = (source: readonly number[], time: bigint): Bucket => {
    const known = buckets.get(source);
    if (known !== undefined) return known;
    const shared = buckets.get([0, 0, 0, 0]);
    if (shared !== undefined && buckets.contents().length === sources) return shared;
    return buckets.set(source, { tokens: full, time, passed: 0, dropped: 0 });
  };
  const outcomes = packets.map(({ data, timestampNs }): Outcome => {
    const ip = viewIpv4(data);
    if (ip === undefined) return { verdict: 'XDP_PASS', data };
    const bucket = bucketOf(ip.src, timestampNs);
    const elapsed = timestampNs - bucket.time;
    const gained = bucket.tokens + (elapsed > 1n << 34n ? 1n << 34n : elapsed) * BigInt(rate);
    bucket.tokens = gained > full ? full : gained;
    bucket.time = timestampNs;
    const passes = bucket.tokens >= TOKEN;
    if (passes) bucket.tokens -= TOKEN;
    bucket[passes ? 'passed' : 'dropped']++;
    total[passes ? 'passed' : 'dropped']++;
    return { verdict: passes ? 'XDP_PASS' : 'XDP_DROP', data };
  });
  const elems = buckets.contents().map(([key, { tokens, time, passed, dropped }]) => {
    // Above 2^53, where JSON has text.
    const value = { lock: { val: 0 }, unused: 0, tokens: Number(tokens), time_ns: String(time), passed, dropped };
    return [key, value] as const;
  });
  return { outcomes, maps: { buckets: elems, totals: [[0, [total]]] } };
}

export const rateLimit: Example = {
  name: 'rate_limit',
  prog: 'rate_limit',
  dependsOn: 'time',
  settings,
  capture,
  expect: (packets) => expectLimited(packets, { rate: RATE, burst: BURST }),
};
