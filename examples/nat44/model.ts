// The translator's capture, and what must become of each packet. Checksums are computed anew here; the program updates them.
import {
  arp,
  checksum,
  fragments,
  frame,
  type Host,
  icmpEcho,
  join,
  type Path,
  SYN,
  tcp,
  u16,
  udp,
} from '../../scripts/traffic-frames.ts';
import {
  Counters,
  type Example,
  type ExampleNetwork,
  type Expected,
  hostAt,
  type Ipv4View,
  type Outcome,
  Table,
  type TimedPacket,
  Timeline,
  u16At,
  u32At,
  viewIpv4,
} from '../example.ts';

const OUTSIDE = { ...hostAt('203.0.113.1'), mac: Uint8Array.of(2, 0, 0, 0, 1, 1) };
const GATEWAY_MAC = Uint8Array.of(2, 0, 0, 0, 1, 254);
const INSIDE_MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const PORT_FIRST = 40000;
/** Few, so that flows collide and some find none. */
const PORT_COUNT = 16;
const ICMP = 1;
const TCP = 6;
const UDP = 17;

const settings = [`port_first=${PORT_FIRST}`, `port_count=${PORT_COUNT}`];

const EVENTS = ['out', 'in', 'new flow', 'no port', 'unknown', 'unsupported'] as const;

interface Tuple {
  src: readonly number[];
  dst: readonly number[];
  sport: number;
  dport: number;
  protocol: number;
  unused: readonly number[];
}

const isInside = (address: readonly number[]) => `${address.slice(0, 3)}` === '192,168,1';
const isOutside = (address: readonly number[]) => `${address}` === `${OUTSIDE.ip4}`;

/** Where the port lies that is translated, and the checksum; undefined for what cannot be translated. */
function portPlace(data: Uint8Array, ip: Ipv4View, out: boolean): { port: number; sum: number } | undefined {
  const { l4, protocol, headerBytes } = ip;
  const bytes = protocol === TCP ? 20 : 8;
  if (headerBytes < 20 || ip.moreFragments || ip.fragmentOffset > 0 || l4 + bytes > data.length) return undefined;
  if (protocol === ICMP) return data[l4] === (out ? 8 : 0) ? { port: l4 + 4, sum: l4 + 2 } : undefined;
  if (protocol !== TCP && protocol !== UDP) return undefined;
  return { port: out ? l4 : l4 + 2, sum: protocol === TCP ? l4 + 16 : l4 + 6 };
}

/** The packet with another address and port, one hop further. */
function translated(
  data: Uint8Array,
  ip: Ipv4View,
  place: { port: number; sum: number },
  to: { addrAt: number; addr: Uint8Array; port: number; src: Uint8Array; dst: Uint8Array },
): Uint8Array {
  const out = data.slice();
  out.set(to.dst, 0);
  out.set(to.src, 6);
  out.set(to.addr, to.addrAt);
  out[22]--;
  out.set([0, 0], 24);
  out.set(u16(checksum(out.subarray(14, ip.l4))), 24);
  out.set(u16(to.port), place.port);
  if (ip.protocol === UDP && u16At(data, place.sum) === 0) return out;
  out.set([0, 0], place.sum);
  const segment = out.subarray(ip.l4, 14 + ip.totalBytes);
  const pseudo = ip.protocol === ICMP ? [] : [join(out.subarray(26, 34), u16(ip.protocol, segment.length))];
  const sum = checksum(...pseudo, segment);
  out.set(u16(ip.protocol === UDP && sum === 0 ? 0xffff : sum), place.sum);
  return out;
}

function tupleHash(data: Uint8Array, { sport, dport, protocol }: Tuple): number {
  // Addresses as the program reads them: the first byte is the lowest.
  const swapped = (value: number) => new DataView(Uint32Array.of(value).buffer).getUint32(0, false);
  let hash = Math.imul(swapped(u32At(data, 26)), 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ swapped(u32At(data, 30)), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ sport ^ (dport << 16), 0xc2b2ae35);
  return (hash ^ (hash >>> 16) ^ protocol) >>> 0;
}

/** The translator's state. */
class Nat {
  readonly outgoing = new Table<Tuple, { port: number; unused: number[]; packets: number; bytes: number }>();
  readonly incoming = new Table<
    Tuple,
    { addr: number[]; port: number; mac: number[]; unused: number[]; packets: number; bytes: number }
  >();
  readonly events = new Counters(EVENTS);

  packet(data: Uint8Array): Outcome {
    const ip = viewIpv4(data);
    if (ip === undefined) return { verdict: 'XDP_PASS', data };
    const incoming = isOutside(ip.dst);
    const outgoing = !incoming && isInside(ip.src) && !isInside(ip.dst);
    if ((!incoming && !outgoing) || data[22] <= 1) return { verdict: 'XDP_PASS', data };
    const place = portPlace(data, ip, outgoing);
    if (place === undefined) return this.drop('unsupported', data);
    const id = u16At(data, place.port);
    const ports = ip.protocol === ICMP ? { sport: id, dport: id } : { sport: ip.sport, dport: ip.dport };
    const tuple = { src: ip.src, dst: ip.dst, ...ports, protocol: ip.protocol, unused: [0, 0, 0] };
    return outgoing ? this.out(data, ip, place, tuple) : this.in(data, ip, place, tuple);
  }

  private drop(event: (typeof EVENTS)[number], data: Uint8Array): Outcome {
    this.events.add(event);
    return { verdict: 'XDP_DROP', data };
  }

  private out(data: Uint8Array, ip: Ipv4View, place: { port: number; sum: number }, tuple: Tuple): Outcome {
    let flow = this.outgoing.get(tuple);
    if (flow === undefined) {
      const port = this.newFlow(data, tuple);
      if (port === undefined) return this.drop('no port', data);
      this.events.add('new flow');
      flow = this.outgoing.set(tuple, { port, unused: [0, 0, 0], packets: 0, bytes: 0 });
    }
    flow.packets++;
    flow.bytes += ip.totalBytes;
    this.events.add('out');
    const to = { addrAt: 26, addr: OUTSIDE.ip4, port: flow.port, src: OUTSIDE.mac, dst: GATEWAY_MAC };
    return { verdict: 'XDP_REDIRECT', data: translated(data, ip, place, to) };
  }

  private newFlow(data: Uint8Array, tuple: Tuple): number | undefined {
    const start = tupleHash(data, tuple);
    for (let i = 0; i < 16; i++) {
      const port = PORT_FIRST + ((start + i) & (PORT_COUNT - 1));
      const sport = tuple.protocol === ICMP ? port : tuple.dport;
      const answer = { ...tuple, src: tuple.dst, dst: [...OUTSIDE.ip4], sport, dport: port };
      if (this.incoming.get(answer) !== undefined) continue;
      const inside = { addr: [...tuple.src], port: tuple.sport, mac: [...data.subarray(6, 12)] };
      this.incoming.set(answer, { ...inside, unused: [0, 0], packets: 0, bytes: 0 });
      return port;
    }
    return undefined;
  }

  private in(data: Uint8Array, ip: Ipv4View, place: { port: number; sum: number }, tuple: Tuple): Outcome {
    const flow = this.incoming.get(tuple);
    if (flow === undefined) return this.drop('unknown', data);
    flow.packets++;
    flow.bytes += ip.totalBytes;
    this.events.add('in');
    const [addr, dst] = [flow.addr, flow.mac].map((bytes) => Uint8Array.from(bytes));
    const to = { addrAt: 30, addr, port: flow.port, src: INSIDE_MAC, dst };
    return { verdict: 'XDP_REDIRECT', data: translated(data, ip, place, to) };
  }
}

/** A packet of a flow from inside. */
function fromInside(time: Timeline, path: Path, flow: { protocol: number; sport: number; dport: number }): Uint8Array {
  const { random } = time;
  const id = random.below(65536);
  const data = random.bytes(random.between(0, 250));
  const { protocol, sport, dport } = flow;
  if (protocol === ICMP) return frame(path, 'icmp', icmpEcho(path, false, sport, random.below(100)), { id });
  if (protocol === UDP) {
    const packet = frame(path, 'udp', udp(path, sport, dport, data), { id });
    // Some send no checksum.
    if (random.below(4) === 0) packet.set([0, 0], 40);
    return packet;
  }
  const fields = { sport, dport, seq: random.below(1 << 30), ack: 0, flags: SYN };
  const options = new Uint8Array(4 * random.pick([0, 0, 0, 2])).fill(1);
  return frame(path, 'tcp', tcp(path, fields, data), { id, options });
}

/** What the remote end answers to a packet as it left the translator. */
function reply(time: Timeline, sent: Uint8Array): Uint8Array {
  const { random } = time;
  const ip = viewIpv4(sent) as Ipv4View;
  const remote: Host = { ...OUTSIDE, mac: GATEWAY_MAC, ip4: Uint8Array.from(ip.dst) };
  const path: Path = { src: remote, dst: OUTSIDE, version: 4 };
  const data = random.bytes(random.between(0, 400));
  const id = random.below(65536);
  const [sport, dport] = [ip.dport, ip.sport];
  if (ip.protocol === ICMP)
    return frame(path, 'icmp', icmpEcho(path, true, u16At(sent, ip.l4 + 4), 1), { id, ttl: 57 });
  if (ip.protocol === UDP) return frame(path, 'udp', udp(path, sport, dport, data), { id, ttl: 57 });
  const fields = { sport, dport, seq: random.below(1 << 30), ack: 1, flags: 16 };
  return frame(path, 'tcp', tcp(path, fields, data), { id, ttl: 57 });
}

function capture(): TimedPacket[] {
  const time = new Timeline(0x44);
  const { random } = time;
  const hosts = Array.from({ length: 12 }, (_, i) => hostAt(`192.168.1.${10 + i}`));
  const remotes = ['198.51.100.7', '198.51.100.8', '192.0.2.33'].map(hostAt);
  for (let i = 0; i < 110; i++) {
    const path: Path = {
      src: random.pick(hosts),
      dst: { ...remotes[random.pick([0, 0, 0, 1, 2])], mac: INSIDE_MAC },
      version: 4,
    };
    const flow = {
      protocol: random.pick([TCP, TCP, TCP, UDP, ICMP]),
      sport: random.between(1024, 65535),
      dport: random.pick([443, 443, 443, 53]),
    };
    const start = random.below(20_000_000);
    for (let j = 0; j < random.between(1, 3); j++) time.add(start + j * 40_000, fromInside(time, path, flow));
  }
  // Which port an answer comes to, the translator says; answers change nothing of that.
  const nat = new Nat();
  for (const packet of time.sorted()) {
    const { verdict, data: sent } = nat.packet(packet.data);
    if (verdict !== 'XDP_REDIRECT' || random.below(5) === 0) continue;
    time.add(Timeline.atOf(packet) + random.between(8_000, 30_000), reply(time, sent));
  }
  others(time);
  return time.sorted();
}

/** Scans from outside, fragments, other protocols, neighbours, time that ran out. */
function others(time: Timeline): void {
  const { random } = time;
  const at = () => random.below(20_000_000);
  const scanner = { ...hostAt('198.51.100.66'), mac: GATEWAY_MAC };
  const inside = hostAt('192.168.1.10');
  const out: Path = { src: inside, dst: { ...hostAt('198.51.100.7'), mac: INSIDE_MAC }, version: 4 };
  const scan: Path = { src: scanner, dst: OUTSIDE, version: 4 };
  for (let i = 0; i < 12; i++) {
    const fields = { sport: 4000, dport: PORT_FIRST + i, seq: 1, ack: 0, flags: SYN };
    time.add(at(), frame(scan, 'tcp', tcp(scan, fields, new Uint8Array(0)), { id: i, ttl: 40 }));
  }
  time.add(at(), frame(scan, 'icmp', icmpEcho(scan, false, 1, 1), { id: 1 }));
  for (const piece of fragments(out, { protocol: UDP, id: 5 }, udp(out, 1, 2, random.bytes(700)), 400))
    time.add(at(), piece);
  const tunnel = frame(out, 'udp', udp(out, 1, 2, random.bytes(20)), { id: 6 });
  tunnel[23] = 47;
  time.add(at(), tunnel);
  const last = frame(out, 'udp', udp(out, 3000, 443, random.bytes(20)), { id: 6, ttl: 1 });
  time.add(at(), last);
  const neighbours: Path = { src: inside, dst: hostAt('192.168.1.11'), version: 4 };
  time.add(at(), frame(neighbours, 'udp', udp(neighbours, 1, 2, random.bytes(20)), { id: 7 }));
  time.add(at(), arp(1, inside, hostAt('192.168.1.1')));
  time.add(
    at(),
    frame(out, 'tcp', tcp(out, { sport: 9, dport: 9, seq: 1, ack: 0, flags: SYN }, new Uint8Array(0)), { id: 8 }).slice(
      0,
      50,
    ),
  );
}

function expect(packets: readonly TimedPacket[]): Expected {
  const nat = new Nat();
  const outcomes = packets.map(({ data }) => nat.packet(data));
  return {
    outcomes,
    maps: {
      outgoing_flows: nat.outgoing.contents(),
      incoming_flows: nat.incoming.contents(),
      events: nat.events.contents(),
    },
  };
}

/** One device gets the packets of both sides; each side has one to leave by. */
const network: ExampleNetwork = {
  config: {
    devices: [
      { name: 'inside', ifindex: 1 },
      { name: 'outside', ifindex: 2 },
      { name: 'trunk', ifindex: 3 },
    ],
    objects: [
      {
        file: 'nat44.o',
        variables: { port_first: PORT_FIRST, port_count: PORT_COUNT },
        attach: { trunk: 'nat44' },
      },
    ],
  },
  input: 'trunk',
  outputs: ['inside', 'outside', 'trunk', 'trunk:stack'],
  where: ({ verdict, data }) => {
    if (verdict === 'XDP_PASS') return 'trunk:stack';
    return isOutside([...data.subarray(26, 30)]) ? 'outside' : 'inside';
  },
};

export const nat44: Example = { name: 'nat44', prog: 'nat44', settings, capture, expect, network };
