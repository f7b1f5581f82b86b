// The SYN proxy's traffic, and what must become of each packet. Which cookie an answer carries only its maker knows: clients here send back what they
// got, and the model is told.
import {
  ACK,
  ethernet,
  FIN,
  frame,
  type Host,
  ipv4,
  type Path,
  RST,
  SYN,
  tcp,
  u16,
  u32,
  udp,
} from '../../scripts/traffic-frames.ts';
import {
  Counters,
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

const SERVER = hostAt('192.0.2.10');
export const PORTS = [80, 443];
/** What a cookie can say of the segment size: the largest that is not above the client's. */
const SIZES = [1460, 1440, 1300, 536];
const MINUTE = 60_000_000;

/** A packet that is sent; `answers` says to which SYN (its place in the script) it brings back the cookie, and `off` by how much it is wrong. */
export interface Step {
  readonly packet: TimedPacket;
  readonly answers?: number;
  readonly off?: number;
  /** The cookie is too old by then. A clock that cannot be set cannot show it. */
  readonly late?: true;
}

interface Planned {
  at: number;
  data: Uint8Array;
  syn?: Planned;
  off?: number;
  late?: true;
}

/** Options of a SYN: segment size and padding, all that Linux sends, or none. */
function synOptions(kind: number, size: number): Uint8Array {
  if (kind === 0) return new Uint8Array(0);
  if (kind === 1) return u16(0x0204, size);
  return Uint8Array.from([...u16(0x0204, size, 0x0402, 0x080a), ...u32(1, 0), ...u16(0x0103, 0x0307)]);
}

export function script(): Step[] {
  const time = new Timeline(0x5c);
  const { random } = time;
  const planned: Planned[] = [];
  const plan = (step: Planned): Planned => {
    planned.push(step);
    return step;
  };
  const segment = (
    path: Path,
    fields: { sport: number; dport: number; seq: number; flags: number },
    options: Uint8Array = new Uint8Array(0),
    data: Uint8Array = new Uint8Array(0),
  ) => frame(path, 'tcp', tcp(path, { ...fields, ack: 0, options }, data), { id: random.below(65536) });
  const client = (i: number): Path => ({ src: hostAt(`198.51.100.${i}`), dst: SERVER, version: 4 });
  const connect = (path: Path, at: number, dport: number, extra: { off?: number; delay?: number } = {}) => {
    const { off = 0, delay = random.between(5_000, 80_000) } = extra;
    const sport = random.between(1024, 65535);
    const seq = random.below(1 << 30);
    const options = synOptions(random.below(3), random.pick([536, 1200, 1300, 1400, 1440, 1452, 1460, 8960]));
    const syn = plan({ at, data: segment(path, { sport, dport, seq, flags: SYN }, options) });
    const late = delay > 3 * MINUTE ? { late: true as const } : {};
    const next = { sport, dport, seq: seq + 1 };
    plan({ at: at + delay, data: segment(path, { ...next, flags: ACK }), syn, off, ...late });
    if (off !== 0 || delay > MINUTE) return;
    const count = random.between(0, 3);
    for (let i = 0; i < count; i++)
      plan({
        at: at + delay + 1000 * (i + 1),
        data: segment(path, { ...next, flags: ACK }, undefined, random.bytes(40)),
      });
    const end = random.pick([FIN | ACK, RST]);
    plan({ at: at + delay + 10_000, data: segment(path, { ...next, flags: end }) });
    // After a reset the flow is not known any more.
    if (end === RST) plan({ at: at + delay + 20_000, data: segment(path, { ...next, flags: ACK }) });
  };
  for (let i = 0; i < 30; i++) connect(client(1 + i), random.below(20_000_000), random.pick(PORTS));
  // The lowest two bits say the segment size: one more or less may be as good a cookie.
  for (const off of [7, -9, 1 << 24, 0x1234]) connect(client(40), random.below(20_000_000), 80, { off });
  for (let i = 0; i < 3; i++) connect(client(41 + i), 1_000_000, 443, { delay: 4 * MINUTE });
  flood(plan, client, random);
  others(plan, client, time);
  const sorted = planned.sort((a, b) => a.at - b.at);
  const packets = timed(sorted);
  return sorted.map(({ syn, off, late }, i) => ({
    packet: packets[i],
    ...(syn !== undefined && { answers: sorted.indexOf(syn) }),
    ...(off !== undefined && { off }),
    ...(late !== undefined && { late }),
  }));
}

function timed(planned: readonly Planned[]): TimedPacket[] {
  const time = new Timeline(0);
  for (const { at, data } of planned) time.add(at, data);
  return time.sorted();
}

/** SYNs that nobody follows up, and ACKs that follow no SYN. */
function flood(plan: (step: Planned) => Planned, client: (i: number) => Path, random: Timeline['random']): void {
  for (let i = 0; i < 120; i++) {
    const path = client(random.between(100, 250));
    const fields = { sport: random.between(1024, 65535), dport: 80, seq: random.below(1 << 30), ack: 0 };
    const flags = i % 4 === 0 ? ACK : SYN;
    const ack = flags === ACK ? random.below(1 << 30) : 0;
    const data = frame(path, 'tcp', tcp(path, { ...fields, ack, flags }, new Uint8Array(0)), { id: i });
    plan({ at: 5_000_000 + 300 * i, data });
  }
}

/** Ports that are not protected, other protocols, options of IP, and what is wrong with a segment. */
function others(plan: (step: Planned) => Planned, client: (i: number) => Path, { random }: Timeline): void {
  const path = client(60);
  const at = () => random.below(20_000_000);
  const fields = { sport: 5000, dport: 80, seq: 1, ack: 0, flags: SYN };
  const none = new Uint8Array(0);
  for (const dport of [22, 25])
    plan({ at: at(), data: frame(path, 'tcp', tcp(path, { ...fields, dport }, none), { id: 1 }) });
  plan({ at: at(), data: frame(path, 'udp', udp(path, 1, 80, random.bytes(20)), { id: 2 }) });
  plan({ at: at(), data: frame(path, 'tcp', tcp(path, fields, none), { id: 3, options: Uint8Array.of(1, 1, 1, 1) }) });
  for (const flags of [SYN | ACK, SYN | RST, SYN | FIN])
    plan({ at: at(), data: frame(path, 'tcp', tcp(path, { ...fields, flags }, none), { id: 4 }) });
  for (const flags of [RST, RST | ACK, FIN, 0])
    plan({ at: at(), data: frame(path, 'tcp', tcp(path, { ...fields, flags }, none), { id: 5 }) });
  for (const words of [0, 4, 15]) {
    const data = frame(path, 'tcp', tcp(path, fields, none), { id: 6 });
    data[46] = words << 4;
    plan({ at: at(), data });
  }
}

/** What runs one packet: the engine, the kernel. */
export type Run = (packet: TimedPacket) => Outcome;

export interface Played {
  readonly packets: readonly TimedPacket[];
  readonly outcomes: readonly Outcome[];
  /** Sequence numbers of answers, by the place of the SYN. */
  readonly cookies: ReadonlyMap<number, number>;
}

/** Sends the packets of a script, as clients do that read the answers. */
export function play(steps: readonly Step[], run: Run): Played {
  const cookies = new Map<number, number>();
  const packets: TimedPacket[] = [];
  const outcomes: Outcome[] = [];
  for (const [i, { packet, answers, off = 0 }] of steps.entries()) {
    const ack = answers === undefined ? undefined : (cookies.get(answers) ?? 0) + 1 + off;
    const sent = ack === undefined ? packet : { ...packet, data: acknowledging(packet.data, ack) };
    const outcome = run(sent);
    if (outcome.verdict === 'XDP_TX') cookies.set(i, u32At(outcome.data, 38));
    packets.push(sent);
    outcomes.push(outcome);
  }
  return { packets, outcomes, cookies };
}

/** The segment anew, with another acknowledgement number. */
function acknowledging(data: Uint8Array, ack: number): Uint8Array {
  const ip = viewIpv4(data) as Ipv4View;
  const host = (bytes: readonly number[]): Host => ({ ...SERVER, ip4: Uint8Array.from(bytes) });
  const path: Path = { src: host(ip.src), dst: host(ip.dst), version: 4 };
  const fields = { sport: ip.sport, dport: ip.dport, seq: u32At(data, 38), ack: ack >>> 0, flags: data[47] };
  const out = data.slice();
  out.set(tcp(path, fields, data.slice(54, 14 + ip.totalBytes)), 34);
  return out;
}

const EVENTS = ['answered', 'accepted', 'refused', 'known', 'closed', 'malformed'] as const;

/** The segment size that a SYN asks for; 0 without the option. */
function sizeOption(data: Uint8Array): number {
  const end = 34 + 4 * (data[46] >> 4);
  for (let at = 54; at + 4 <= end && at + 4 <= data.length; at += data[at] === 1 ? 1 : data[at + 1])
    if (data[at] === 2) return u16At(data, at + 2);
  return 0;
}

/** The SYN-ACK. */
function answer(data: Uint8Array, ip: Ipv4View, cookie: number): Uint8Array {
  const client: Host = { ...SERVER, mac: data.slice(6, 12), ip4: data.slice(26, 30) };
  const path: Path = { src: SERVER, dst: client, version: 4 };
  const asked = sizeOption(data) || 536;
  const size = SIZES.find((one) => one <= asked) ?? 536;
  const fields = { sport: ip.dport, dport: ip.sport, seq: cookie, ack: (u32At(data, 38) + 1) >>> 0, flags: SYN | ACK };
  const segment = tcp(path, { ...fields, options: u16(0x0204, size) }, new Uint8Array(0));
  // The model's frames are padded; an answer is as long as its headers.
  return ethernet(SERVER.mac, client.mac, 0x0800, ipv4(SERVER, client, { protocol: 6, id: 0 }, segment)).slice(0, 58);
}

export function expectPlayed(steps: readonly Step[], { packets, cookies }: Played): Expected {
  const events = new Counters(EVENTS);
  const flows = new Table<Record<string, unknown>, { packets: number }>();
  const one = (data: Uint8Array, i: number): Outcome => {
    const counted = (event: (typeof EVENTS)[number], verdict: Outcome['verdict']): Outcome => {
      events.add(event);
      return { verdict, data };
    };
    const ip = viewIpv4(data);
    if (ip === undefined || ip.protocol !== 6 || ip.headerBytes !== 20 || !PORTS.includes(ip.dport))
      return { verdict: 'XDP_PASS', data };
    const headerBytes = 4 * (data[46] >> 4);
    const flags = data[47];
    if (headerBytes < 20 || 34 + headerBytes > data.length) return counted('malformed', 'XDP_DROP');
    if ((flags & (SYN | ACK | RST | FIN)) === SYN) {
      events.add('answered');
      return { verdict: 'XDP_TX', data: answer(data, ip, cookies.get(i) ?? 0) };
    }
    if (flags & SYN) return counted('malformed', 'XDP_DROP');
    const key = { client: ip.src, server: ip.dst, client_port: ip.sport, server_port: ip.dport };
    const flow = flows.get(key);
    if (flow !== undefined) {
      flow.packets++;
      if (!(flags & RST)) return counted('known', 'XDP_PASS');
      flows.delete(key);
      return counted('closed', 'XDP_PASS');
    }
    const { answers, off, late } = steps[i];
    if (flags & RST || !(flags & ACK) || answers === undefined || off !== 0 || late)
      return counted('refused', 'XDP_DROP');
    flows.set(key, { packets: 1 });
    return counted('accepted', 'XDP_PASS');
  };
  const outcomes = packets.map(({ data }, i) => one(data, i));
  const ports = PORTS.map((port) => [port, 1] as const);
  return { outcomes, maps: { ports, flows: flows.contents(), events: events.contents() } };
}
