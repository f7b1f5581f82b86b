// The parser's capture, and what a parser in one piece says of each packet.
import {
  arp,
  ETH_P_8021AD,
  ethernet,
  fragments,
  frame,
  type Host,
  icmpEcho,
  ipv6,
  join,
  type Path,
  SYN,
  tcp,
  u16,
  udp,
  vlan,
} from '../../scripts/traffic-frames.ts';
import {
  Counters,
  type Example,
  type Expected,
  hostAt,
  type Outcome,
  Table,
  type TimedPacket,
  Timeline,
  u16At,
} from '../example.ts';

const COUNTERS = [
  'packets',
  'vlan',
  'qinq',
  'arp',
  'ipv4',
  'ipv4 options',
  'ipv6',
  'extension',
  'fragment',
  'tcp',
  'udp',
  'icmp',
  'icmpv6',
  'other layer 3',
  'other layer 4',
  'malformed',
  'too deep',
] as const;
const JUMPS_MAX = 33;
const EXTENSIONS = { hopByHop: 0, routing: 43, fragment: 44, destination: 60 };
const NO_NEXT_HEADER = 59;
const LAYER4: Readonly<Record<number, { name: 'tcp' | 'udp' | 'icmp' | 'icmpv6'; bytes: number }>> = {
  1: { name: 'icmp', bytes: 8 },
  6: { name: 'tcp', bytes: 20 },
  17: { name: 'udp', bytes: 8 },
  58: { name: 'icmpv6', bytes: 8 },
};

const SERVER = hostAt('192.0.2.10');

/** Extension headers of `units` times 8 bytes in front of a UDP datagram. */
function extended(src: Host, chain: readonly number[], units: number, payload: Uint8Array): Uint8Array {
  const headers = chain.map((protocol, i) => {
    const next = chain[i + 1] ?? 17;
    if (protocol === EXTENSIONS.fragment) return join(Uint8Array.of(next, 0), u16(1, 0, 7));
    return join(Uint8Array.of(next, units - 1, 1, 4), new Uint8Array(8 * units - 4));
  });
  return ethernet(src.mac, SERVER.mac, 0x86dd, ipv6(src, SERVER, chain[0], join(...headers, payload)));
}

function capture(): TimedPacket[] {
  const time = new Timeline(0x9a);
  const { random } = time;
  const at = () => random.below(8_000_000);
  const host = () => hostAt(`198.51.100.${random.between(1, 250)}`);
  const any = (): Uint8Array => {
    const path: Path = { src: host(), dst: SERVER, version: random.pick([4, 4, 6] as const) };
    const [sport, dport] = [random.between(1024, 65535), random.pick([22, 53, 80, 443, 8080])];
    const data = random.bytes(random.between(0, 200));
    const options = new Uint8Array(4 * random.pick([0, 0, 0, 1, 10])).fill(1);
    switch (random.below(3)) {
      case 0:
        return frame(path, 'tcp', tcp(path, { sport, dport, seq: 1, ack: 0, flags: SYN }, data), { id: 1, options });
      case 1:
        return frame(path, 'udp', udp(path, sport, dport, data), { id: 1, options });
      default:
        return frame(path, 'icmp', icmpEcho(path, false, sport, dport), { id: 1, options });
    }
  };
  for (let i = 0; i < 150; i++) time.add(at(), any());
  for (let i = 0; i < 20; i++) time.add(at(), vlan(any(), 100));
  for (let i = 0; i < 10; i++) time.add(at(), vlan(vlan(any(), 100), 7, ETH_P_8021AD));
  for (const tags of [3, 10, 31, 32, 33, 34, 40])
    time.add(
      at(),
      Array.from({ length: tags }).reduce<Uint8Array>((data) => vlan(data, 5), any()),
    );
  for (let i = 0; i < 6; i++) time.add(at(), arp(1, host(), SERVER));
  extensions(time);
  malformed(time, any);
  return time.sorted();
}

function extensions(time: Timeline): void {
  const { random } = time;
  const { hopByHop, routing, fragment, destination } = EXTENSIONS;
  const src = hostAt('198.51.100.9');
  const datagram = udp({ src, dst: SERVER, version: 6 }, 5000, 53, random.bytes(30));
  const at = () => random.below(8_000_000);
  const chains = [[hopByHop], [routing], [fragment], [hopByHop, destination, routing, fragment, destination]];
  for (const units of [1, 2, 5]) for (const chain of chains) time.add(at(), extended(src, chain, units, datagram));
  for (const length of [30, 31, 32, 40])
    time.add(at(), extended(src, new Array(length).fill(destination), 1, datagram));
  // A header as long as can be: the packet ends inside it.
  const long = extended(src, [destination, destination], 1, datagram);
  long[55] = 255;
  time.add(at(), long);
  // A later fragment has no header of layer 4, and what says that nothing follows is no protocol we know.
  const later = extended(src, [fragment], 1, datagram);
  later.set(u16(8 * 100), 56);
  time.add(at(), later);
  const none = extended(src, [destination], 1, datagram);
  none[54] = NO_NEXT_HEADER;
  time.add(at(), none);
}

function malformed(time: Timeline, any: () => Uint8Array): void {
  const { random } = time;
  const at = () => random.below(8_000_000);
  const path: Path = { src: hostAt('198.51.100.8'), dst: SERVER, version: 4 };
  const whole = tcp(path, { sport: 1, dport: 80, seq: 1, ack: 1, flags: 16 }, random.bytes(700));
  for (const piece of fragments(path, { protocol: 6, id: 4 }, whole, 200)) time.add(at(), piece);
  for (let i = 0; i < 40; i++) time.add(at(), any().slice(0, random.between(14, 60)));
  for (let i = 0; i < 4; i++) time.add(at(), vlan(any(), 1).slice(0, 14 + i));
  for (const first of [0x35, 0x44, 0x40, 0x65]) {
    const data = any();
    data[14] = first;
    time.add(at(), data);
  }
  const short = frame(path, 'udp', udp(path, 1, 2, random.bytes(20)), { id: 1 });
  short.set(u16(19), 16);
  time.add(at(), short);
  for (let i = 0; i < 3; i++) time.add(at(), ethernet(path.src.mac, SERVER.mac, 0x88cc, random.bytes(50)));
  for (let i = 0; i < 3; i++) {
    const data = frame(path, 'udp', udp(path, 1, 2, random.bytes(20)), { id: 1 });
    data[23] = random.pick([47, 50, 132]);
    time.add(at(), data);
  }
}

type Counter = (typeof COUNTERS)[number];

/** One packet's way through the headers. */
class Walk {
  offset = 0;
  protocol: number;
  tags = 0;
  jumps = 0;
  readonly data: Uint8Array;
  private readonly count: (counter: Counter) => void;
  private readonly countProtocol: (protocol: number) => void;

  constructor(data: Uint8Array, before: number, count: (counter: Counter) => void, end: (protocol: number) => void) {
    this.data = data;
    this.protocol = before;
    this.count = count;
    this.countProtocol = end;
  }

  private has(bytes: number): boolean {
    return this.offset <= 0x7ff && this.offset + bytes <= this.data.length;
  }

  /** The counter at which the walk ends; undefined for a fragment, which ends without. */
  ethernet(): Counter | undefined {
    this.count('packets');
    if (!this.has(14)) return 'malformed';
    this.offset = 14;
    this.protocol = u16At(this.data, 12);
    return this.layer3();
  }

  private layer3(): Counter | undefined {
    const { data } = this;
    for (; ; this.tag()) {
      if (this.jumps++ === JUMPS_MAX) return 'too deep';
      if (this.protocol !== 0x8100 && this.protocol !== 0x88a8) break;
      if (!this.has(4)) return 'malformed';
    }
    const at = this.offset;
    switch (this.protocol) {
      case 0x0806:
        return this.has(28) ? 'arp' : 'malformed';
      case 0x0800: {
        const bytes = 4 * (data[at] & 15);
        if (!this.has(20) || data[at] >> 4 !== 4 || bytes < 20 || u16At(data, at + 2) < bytes) return 'malformed';
        this.count('ipv4');
        if (bytes > 20) this.count('ipv4 options');
        const fragment = u16At(data, at + 6) & 0x3fff;
        if (fragment !== 0) this.count('fragment');
        if ((fragment & 0x1fff) !== 0) return this.laterFragment(data[at + 9]);
        this.offset += bytes;
        this.protocol = data[at + 9];
        return this.layer4();
      }
      case 0x86dd:
        if (!this.has(40) || data[at] >> 4 !== 6) return 'malformed';
        this.count('ipv6');
        this.offset += 40;
        this.protocol = data[at + 6];
        return this.layer4();
      default:
        return 'other layer 3';
    }
  }

  private laterFragment(protocol: number): undefined {
    this.countProtocol(protocol);
  }

  private tag(): void {
    this.tags++;
    if (this.tags === 1) this.count('vlan');
    if (this.tags === 2) this.count('qinq');
    this.protocol = u16At(this.data, this.offset + 2);
    this.offset += 4;
  }

  private layer4(): Counter | undefined {
    while (this.jumps++ < JUMPS_MAX) {
      const { protocol, data, offset } = this;
      if (!Object.values(EXTENSIONS).includes(protocol)) {
        const known = LAYER4[protocol];
        if (known !== undefined && !this.has(known.bytes)) return 'malformed';
        this.countProtocol(protocol);
        return known?.name ?? 'other layer 4';
      }
      if (!this.has(8)) return 'malformed';
      this.count('extension');
      const isFragment = protocol === EXTENSIONS.fragment;
      this.offset += isFragment ? 8 : 8 * (data[offset + 1] + 1);
      this.protocol = data[offset];
      if (!isFragment) continue;
      const fragment = u16At(data, offset + 2) & 0xfff9;
      if (fragment !== 0) this.count('fragment');
      if (fragment > 1) return this.laterFragment(this.protocol);
    }
    return 'too deep';
  }
}

function expect(packets: readonly TimedPacket[]): Expected {
  const counters = new Counters(COUNTERS);
  const protocols = new Table<number, [number]>();
  let last: Walk | undefined;
  const outcomes = packets.map(({ data }): Outcome => {
    const walk = new Walk(
      data,
      last?.protocol ?? 0,
      (counter) => counters.add(counter),
      (protocol) => {
        const count = protocols.get(protocol) ?? protocols.set(protocol, [0]);
        count[0]++;
      },
    );
    const end = walk.ethernet();
    if (end !== undefined) counters.add(end);
    last = walk;
    return { verdict: end === 'malformed' || end === 'too deep' ? 'XDP_DROP' : 'XDP_PASS', data };
  });
  const { offset = 0, protocol = 0, tags = 0, jumps = 0 } = last ?? {};
  return {
    outcomes,
    maps: {
      counters: counters.contents(),
      protocols: protocols.contents(),
      cursors: [[0, [{ offset, protocol, tags, jumps }]]],
    },
  };
}

export const parser: Example = { name: 'parser', prog: 'parse_ethernet', settings: [], capture, expect };
