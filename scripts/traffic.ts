// The traffic of the example capture: two minutes in front of a small server, the same bytes for the same seed.
// Flows overlap: each one writes its packets with their times, and the whole is sorted by time at the end.
import { PcapWriter } from '../src/replay/pcap-writer.ts';
import { Random } from './random.ts';
import {
  ACK,
  arp,
  type Bytes,
  dns,
  ETH_P_8021AD,
  FIN,
  fragments,
  frame,
  type Host,
  icmpEcho,
  join,
  type Path,
  PSH,
  RST,
  SYN,
  tcp,
  u16,
  u32,
  udp,
  vlan,
} from './traffic-frames.ts';

export const TRAFFIC_SEED = 0x5eed;

const START_NS = 1700000000_000000000n;
const SPAN_US = 120_000_000;

interface Packet {
  /** Microseconds since the start. */
  at: number;
  data: Bytes;
  originalLength: number;
}

/** Documentation addresses (RFC 5737, RFC 3849), locally administered MACs. */
function host(net: number, number: number): Host {
  const ip4 = Uint8Array.from(net === 0 ? [192, 0, 2, number] : [198, 51, 100, number]);
  const ip6 = join(Uint8Array.of(0x20, 1, 0xd, 0xb8), u16(0, net, 0, 0, 0, number));
  return { mac: Uint8Array.of(2, 0, 0, 0, net, number), ip4, ip6 };
}

const SERVER = host(0, 10);
const RESOLVER = host(0, 53);

/** SYN options as Linux sends them: MSS, SACK permitted, time stamps, window scale. */
const SYN_OPTIONS = join(u16(0x0204, 1460, 0x0402, 0x080a), u32(1, 0), u16(0x0103, 0x0307));

type Tag = (data: Bytes) => Bytes;

class Traffic {
  readonly random: Random;
  readonly packets: Packet[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  add(at: number, data: Bytes, originalLength = data.length): void {
    this.packets.push({ at, data, originalLength });
  }

  client(): Host {
    return host(1, this.random.between(1, 250));
  }

  port(): number {
    return this.random.between(32768, 60999);
  }

  start(): number {
    return this.random.below(SPAN_US);
  }

  /** IPv4 options of 4 to 40 bytes: an empty record-route after no-operations, so that the header is 6 to 15 words. */
  ipOptions(words: number): Bytes {
    const options = new Uint8Array(4 * words).fill(1);
    if (words > 1) options.set([7, 4 * words - 1, 4], 0);
    return options;
  }

  /** A TCP connection: handshake, some requests and responses, an end. `tag` wraps each frame; `optionWords` lengthen its IPv4 header. */
  tcpFlow(version: 4 | 6, dport: number, exchanges: number, extra: { tag?: Tag; optionWords?: number } = {}): void {
    const { random } = this;
    const tag = extra.tag ?? ((data) => data);
    const client = this.client();
    const there: Path = { src: client, dst: SERVER, version };
    const back: Path = { src: SERVER, dst: client, version };
    const sport = this.port();
    const rtt = random.between(300, 40_000);
    const next = {
      at: this.start(),
      seq: random.below(1 << 30),
      ack: random.below(1 << 30),
      id: random.below(0x10000),
    };
    const options = this.ipOptions(extra.optionWords ?? 0);
    const send = (up: boolean, flags: number, data: Bytes, tcpOptions = new Uint8Array(0) as Bytes) => {
      const ports = up ? { sport, dport } : { sport: dport, dport: sport };
      const numbers = up ? { seq: next.seq, ack: next.ack } : { seq: next.ack, ack: next.seq };
      if ((flags & ACK) === 0) numbers.ack = 0;
      const segment = tcp(up ? there : back, { ...ports, ...numbers, flags, options: tcpOptions }, data);
      const ip = { id: next.id++ & 0xffff, options };
      this.add(next.at, tag(frame(up ? there : back, 'tcp', segment, ip)));
      const used = data.length + (flags & (SYN | FIN) ? 1 : 0);
      if (up) next.seq += used;
      else next.ack += used;
      next.at += up ? random.between(20, 400) : rtt + random.below(2000);
    };
    const none = new Uint8Array(0);
    send(true, SYN, none, SYN_OPTIONS);
    send(false, SYN | ACK, none, SYN_OPTIONS);
    send(true, ACK, none);
    for (let i = 0; i < exchanges; i++) {
      send(true, PSH | ACK, this.payload(dport, true));
      send(false, ACK, none);
      send(false, PSH | ACK, this.payload(dport, false));
      send(true, ACK, none);
      next.at += random.below(400_000);
    }
    if (random.below(6) === 0) {
      send(true, RST | ACK, none);
      return;
    }
    send(true, FIN | ACK, none);
    send(false, FIN | ACK, none);
    send(true, ACK, none);
  }

  payload(dport: number, request: boolean): Bytes {
    const { random } = this;
    const text = (value: string) => new TextEncoder().encode(value);
    if (dport === 80 || dport === 8080) {
      if (request) return text(`GET /item/${random.below(1000)} HTTP/1.1\r\nHost: server.example\r\n\r\n`);
      const body = 'x'.repeat(random.between(10, 500));
      return text(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
    if (dport === 443)
      return join(Uint8Array.of(23, 3, 3), u16(random.between(30, 200)), random.bytes(random.between(30, 200)));
    return random.bytes(random.between(16, 96));
  }

  /** A scan: single SYNs to ports where nobody listens, answered by RST. */
  probe(dport: number): void {
    const client = this.client();
    const sport = this.port();
    const at = this.start();
    const seq = this.random.below(1 << 30);
    const id = this.random.below(0x10000);
    const there: Path = { src: client, dst: SERVER, version: 4 };
    const back: Path = { src: SERVER, dst: client, version: 4 };
    this.add(
      at,
      frame(there, 'tcp', tcp(there, { sport, dport, seq, ack: 0, flags: SYN }, new Uint8Array(0)), { id, ttl: 242 }),
    );
    const answer = { sport: dport, dport: sport, seq: 0, ack: seq + 1, flags: RST | ACK };
    this.add(at + this.random.between(5, 40), frame(back, 'tcp', tcp(back, answer, new Uint8Array(0)), { id: 0 }));
  }

  dnsLookup(version: 4 | 6): void {
    const { random } = this;
    const id = random.below(0x10000);
    const sport = this.port();
    const at = this.start();
    const name = `${random.pick(['www', 'api', 'mail', 'cdn'])}.${random.pick(['example', 'test', 'invalid'])}`;
    const there: Path = { src: SERVER, dst: RESOLVER, version };
    const back: Path = { src: RESOLVER, dst: SERVER, version };
    this.add(at, frame(there, 'udp', udp(there, sport, 53, dns(id, name)), { id }));
    const answer = dns(id, name, Uint8Array.of(203, 0, 113, random.between(1, 254)));
    this.add(at + random.between(500, 30_000), frame(back, 'udp', udp(back, 53, sport, answer), { id: id ^ 1 }));
  }

  udpFlow(version: 4 | 6, dport: number, count: number): void {
    const { random } = this;
    const path: Path = { src: this.client(), dst: SERVER, version };
    const sport = this.port();
    const start = this.start();
    for (let i = 0; i < count; i++) {
      const data = random.bytes(random.between(8, 300));
      this.add(start + i * 20_000, frame(path, 'udp', udp(path, sport, dport, data), { id: i }));
    }
  }

  ping(version: 4 | 6, count: number): void {
    const client = this.client();
    const there: Path = { src: client, dst: SERVER, version };
    const back: Path = { src: SERVER, dst: client, version };
    const id = this.random.below(0x10000);
    const start = this.start();
    for (let seq = 1; seq <= count; seq++) {
      const at = start + seq * 1_000_000;
      this.add(at, frame(there, 'icmp', icmpEcho(there, false, id, seq), { id: seq }));
      this.add(at + this.random.between(100, 900), frame(back, 'icmp', icmpEcho(back, true, id, seq), { id: seq }));
    }
  }

  arpExchange(): void {
    const neighbour = host(0, this.random.between(100, 199));
    const at = this.start();
    this.add(at, arp(1, neighbour, SERVER));
    this.add(at + 60, arp(2, SERVER, neighbour));
  }

  /** A UDP datagram and a TCP segment in pieces: only the first one has the ports. */
  fragmented(protocol: 'tcp' | 'udp'): void {
    const { random } = this;
    const path: Path = { src: this.client(), dst: SERVER, version: 4 };
    const data = random.bytes(random.between(600, 1400));
    const ports = { sport: this.port(), dport: 8080 };
    const numbers = { seq: random.below(1 << 30), ack: random.below(1 << 30), flags: PSH | ACK };
    const whole = protocol === 'udp' ? udp(path, ports.sport, 4000, data) : tcp(path, { ...ports, ...numbers }, data);
    const fields = { protocol: protocol === 'udp' ? 17 : 6, id: random.below(0x10000) };
    const start = this.start();
    for (const [i, piece] of fragments(path, fields, whole, 400).entries()) this.add(start + 12 * i, piece);
  }

  /** A frame to one of the ports that matter, cut inside the header that ends at or after `length` bytes. */
  truncated(length: number): void {
    const { random } = this;
    const path: Path = { src: this.client(), dst: SERVER, version: 4 };
    const numbers = { seq: random.below(1 << 30), ack: 0, flags: SYN, options: SYN_OPTIONS };
    const segment = tcp(path, { sport: this.port(), dport: random.pick([8080, 22]), ...numbers }, new Uint8Array(0));
    const whole = frame(path, 'tcp', segment, { id: 1, options: this.ipOptions(random.below(4)) });
    this.add(this.start(), whole.slice(0, length), whole.length);
  }

  /** A whole frame whose IPv4 header says that it is shorter than a header can be: 0 to 4 words. */
  shortHeader(words: number): void {
    const { random } = this;
    const path: Path = { src: this.client(), dst: SERVER, version: 4 };
    const numbers = { seq: random.below(1 << 30), ack: 0, flags: SYN };
    const segment = tcp(path, { sport: this.port(), dport: 8080, ...numbers }, new Uint8Array(0));
    const data = frame(path, 'tcp', segment, { id: words });
    data[14] = 0x40 | words;
    this.add(this.start(), data);
  }

  /** Random bytes, some behind a sound Ethernet header that says IPv4 or IPv6. */
  garbage(): void {
    const { random } = this;
    const data = random.bytes(random.between(1, 120));
    const type = random.pick([0, 0x0800, 0x86dd, 0x8100]);
    if (type !== 0 && data.length >= 14) data.set(u16(type), 12);
    this.add(this.start(), data);
  }
}

function times(count: number, body: (i: number) => void): void {
  for (let i = 0; i < count; i++) body(i);
}

function connections(traffic: Traffic): void {
  const { random } = traffic;
  const inVlan: Tag = (data) => vlan(data, 100);
  const inQinQ: Tag = (data) => vlan(vlan(data, 100), 7, ETH_P_8021AD);
  times(16, () => traffic.tcpFlow(4, 8080, random.between(1, 4)));
  times(10, () => traffic.tcpFlow(4, 22, random.between(2, 6)));
  times(12, () => traffic.tcpFlow(4, 443, random.between(1, 4)));
  times(8, () => traffic.tcpFlow(4, 80, random.between(1, 3)));
  times(4, () => traffic.tcpFlow(4, random.pick([25, 3306, 5432, 6379]), random.between(1, 3)));
  // Every IPv4 header length there is: 6 to 15 words.
  times(10, (i) => traffic.tcpFlow(4, i % 2 === 0 ? 8080 : 22, 1, { optionWords: i + 1 }));
  times(4, () => traffic.tcpFlow(6, 8080, random.between(1, 3)));
  times(3, () => traffic.tcpFlow(6, 22, 2));
  times(4, () => traffic.tcpFlow(6, 443, 2));
  times(3, () => traffic.tcpFlow(4, random.pick([8080, 22]), 1, { tag: inVlan }));
  times(2, () => traffic.tcpFlow(6, 443, 1, { tag: inVlan }));
  times(2, () => traffic.tcpFlow(4, 8080, 1, { tag: inQinQ }));
  times(30, () => traffic.probe(random.between(1, 1023)));
}

function datagrams(traffic: Traffic): void {
  const { random } = traffic;
  times(30, () => traffic.dnsLookup(4));
  times(10, () => traffic.dnsLookup(6));
  times(6, () => traffic.udpFlow(4, random.pick([123, 443, 8080, 51820]), random.between(3, 10)));
  times(3, () => traffic.udpFlow(6, random.pick([443, 8080]), random.between(2, 6)));
  times(4, () => traffic.ping(4, 5));
  times(2, () => traffic.ping(6, 5));
  times(15, () => traffic.arpExchange());
}

function oddities(traffic: Traffic): void {
  times(4, () => traffic.fragmented('udp'));
  times(4, () => traffic.fragmented('tcp'));
  // Inside Ethernet (0..13), IPv4 (14..33), options and TCP (34..53): every length once.
  times(54, (length) => traffic.truncated(length));
  times(5, (words) => traffic.shortHeader(words));
  times(40, () => traffic.garbage());
}

/** The packets of the capture in the order of their times. */
export function trafficPackets(seed: number): readonly Packet[] {
  const traffic = new Traffic(seed);
  connections(traffic);
  datagrams(traffic);
  oddities(traffic);
  // Sorting is stable, so packets of the same microsecond stay in the order in which they were made.
  return traffic.packets.sort((a, b) => a.at - b.at);
}

/** The whole file: nanosecond pcap. */
export function trafficCapture(seed = TRAFFIC_SEED): Bytes {
  const pieces: Bytes[] = [];
  const writer = new PcapWriter((piece) => pieces.push(piece), { precision: 'ns' });
  for (const { at, data, originalLength } of trafficPackets(seed)) {
    // The low digits differ from packet to packet, as a card's clock would have it.
    const timestampNs = START_NS + BigInt(at) * 1000n + BigInt((at * 7919) % 1000);
    writer.add({ timestampNs, data, originalLength });
  }
  writer.flush();
  return join(...pieces);
}
