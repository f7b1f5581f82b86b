// The sampler's capture, what it counts, and the records that it must write.
import { arp, fragments, frame, icmpEcho, type Path, SYN, tcp, udp } from '../../scripts/traffic-frames.ts';
import {
  type Example,
  type Expected,
  hostAt,
  type Ipv4View,
  type Outcome,
  Table,
  type TimedPacket,
  Timeline,
  viewIpv4,
} from '../example.ts';

const EVERY = 7;
const SERVER = hostAt('192.0.2.10');

function capture(): TimedPacket[] {
  const time = new Timeline(0xf5);
  const { random } = time;
  const at = () => random.below(6_000_000);
  for (let flow = 0; flow < 40; flow++) {
    const path: Path = { src: hostAt(`198.51.100.${random.between(1, 250)}`), dst: SERVER, version: 4 };
    const [sport, dport] = [random.between(1024, 65535), random.pick([53, 80, 443])];
    const start = at();
    const isTcp = random.below(3) > 0;
    for (let i = 0; i < random.between(1, 20); i++) {
      const data = random.bytes(random.between(0, 200));
      const flags = random.pick([16, 24, 17]);
      const segment = tcp(path, { sport, dport, seq: i, ack: 1, flags: i === 0 ? SYN : flags }, data);
      const packet = isTcp
        ? frame(path, 'tcp', segment, { id: i, ttl: random.between(40, 64) })
        : frame(path, 'udp', udp(path, sport, dport, data), { id: i });
      time.add(start + i * 3_000, packet);
    }
  }
  const path: Path = { src: hostAt('198.51.100.251'), dst: SERVER, version: 4 };
  for (let i = 0; i < 10; i++) time.add(at(), frame(path, 'icmp', icmpEcho(path, false, 1, i), { id: i }));
  const datagram = udp(path, 7000, 7001, random.bytes(700));
  for (const piece of fragments(path, { protocol: 17, id: 2 }, datagram, 200)) time.add(at(), piece);
  for (let i = 0; i < 8; i++) time.add(at(), arp(1, path.src, SERVER));
  for (const bytes of [14, 33, 34, 40, 50])
    time.add(at(), frame(path, 'udp', udp(path, 9000, 9001, random.bytes(30)), { id: 3 }).slice(0, bytes));
  return time.sorted();
}

/** Ports are taken where eight bytes of the transport's header are there. */
function flowOf(data: Uint8Array, ip: Ipv4View): { flow: Record<string, unknown>; tcpFlags: number } {
  const has = ip.headerBytes >= 20 && ip.fragmentOffset === 0 && ip.l4 + 8 <= data.length;
  const ported = has && (ip.protocol === 6 || ip.protocol === 17);
  const tcpFlags = ported && ip.protocol === 6 && ip.l4 + 20 <= data.length ? data[ip.l4 + 13] : 0;
  const ports = ported ? { sport: ip.sport, dport: ip.dport } : { sport: 0, dport: 0 };
  return { flow: { src: ip.src, dst: ip.dst, ...ports, protocol: ip.protocol, unused: [0, 0, 0] }, tcpFlags };
}

function expect(packets: readonly TimedPacket[]): Expected {
  const flows = new Table<Record<string, unknown>, { packets: number; bytes: number }>();
  const state = { seen: 0, sampled: 0, lost: 0, other: 0 };
  const records: Record<string, unknown>[] = [];
  const outcomes = packets.map(({ data, timestampNs }): Outcome => {
    const pass: Outcome = { verdict: 'XDP_PASS', data };
    const ip = viewIpv4(data);
    if (ip === undefined) {
      state.other++;
      return pass;
    }
    const { flow, tcpFlags } = flowOf(data, ip);
    const counts = flows.get(flow) ?? flows.set(flow, { packets: 0, bytes: 0 });
    counts.packets++;
    counts.bytes += data.length;
    const number = state.seen++;
    if (number % EVERY !== 0) return pass;
    state.sampled++;
    const seen = { length: data.length, tcp_flags: tcpFlags, ttl: data[22], unused: 0 };
    const sofar = { flow_packets: counts.packets, flow_bytes: counts.bytes };
    records.push({ time_ns: String(timestampNs), number, flow, ...seen, ...sofar });
    return pass;
  });
  return { outcomes, records, maps: { flows: flows.contents(), sampler: [[0, [state]]] } };
}

export const flowSampler: Example = {
  name: 'flow_sampler',
  prog: 'flow_sampler',
  settings: [`every=${EVERY}`],
  capture,
  expect,
};
