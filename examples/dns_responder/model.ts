// The DNS responder's capture, the names it knows, and what must become of each packet.
import {
  arp,
  dns,
  ethernet,
  fragments,
  frame,
  type Host,
  ipv4,
  join,
  type Path,
  tcp,
  u16,
  u32,
  udp,
} from '../../scripts/traffic-frames.ts';
import {
  Counters,
  type Example,
  type Expected,
  hostAt,
  type Outcome,
  type TimedPacket,
  Timeline,
  u16At,
  viewIpv4,
} from '../example.ts';

const SERVER = hostAt('192.0.2.53');
/** 64 characters are the most that are looked up. */
const LONG = `${'a'.repeat(31)}.${'b'.repeat(24)}.example`;
const NAMES: readonly { name: string; addr: number[]; ttl: number }[] = [
  { name: 'www.example', addr: [203, 0, 113, 10], ttl: 300 },
  { name: 'mail.example', addr: [203, 0, 113, 25], ttl: 3600 },
  { name: 'a.very.deep.name.of.labels.example', addr: [203, 0, 113, 99], ttl: 60 },
  { name: 'example', addr: [203, 0, 113, 1], ttl: 86400 },
  { name: LONG, addr: [203, 0, 113, 64], ttl: 5 },
];

/** The pseudo record that says how long an answer may be (RFC 6891): many resolvers send it. */
const EDNS = join(Uint8Array.of(0), u16(41, 1232), u32(0), u16(0));

interface QuestionFields {
  type?: number;
  flags?: number;
  edns?: boolean;
}

function question(
  id: number,
  name: string,
  { type = 1, flags = 0x0100, edns = false }: QuestionFields = {},
): Uint8Array {
  const message = dns(id, name);
  message.set(u16(flags), 2);
  message.set(u16(type), message.length - 4);
  if (!edns) return message;
  message.set(u16(1), 10);
  return join(message, EDNS);
}

function capture(): TimedPacket[] {
  const time = new Timeline(0xd5);
  const { random } = time;
  const at = () => random.below(5_000_000);
  const client = () => hostAt(`198.51.100.${random.between(1, 250)}`);
  const send = (message: Uint8Array, src: Host = client(), dport = 53) => {
    const path: Path = { src, dst: SERVER, version: 4 };
    time.add(
      at(),
      frame(path, 'udp', udp(path, random.between(1024, 65535), dport, message), { id: random.below(65536) }),
    );
  };
  const upper = (name: string) => [...name].map((char) => (random.below(2) ? char.toUpperCase() : char)).join('');
  for (let i = 0; i < 150; i++) {
    const { name } = random.pick(NAMES);
    send(question(random.below(65536), random.below(3) === 0 ? upper(name) : name, { edns: random.below(2) === 0 }));
  }
  for (const name of ['unknown.example', 'ww.example', 'wwww.example', 'www.example.org', `x${LONG}`, 'com'])
    for (let i = 0; i < 4; i++) send(question(random.below(65536), name, { edns: i === 0 }));
  for (const type of [28, 15, 255]) for (let i = 0; i < 4; i++) send(question(i, 'www.example', { type }));
  for (const flags of [0x8180, 0x2900, 0x0000]) send(question(7, 'www.example', { flags }));
  send(question(8, 'www.example'), client(), 5353);
  malformed(send, time);
  return time.sorted();
}

/** Messages that are cut, ask twice or point about, and frames that are no DNS over UDP. */
function malformed(send: (message: Uint8Array) => void, time: Timeline): void {
  const whole = question(1, 'www.example');
  for (const bytes of [0, 11, 12, 13, 20, 25, 26, 28]) send(whole.subarray(0, bytes));
  const two = whole.slice();
  two.set(u16(2), 4);
  send(two);
  const pointer = whole.slice();
  pointer[12] = 0xc0;
  send(pointer);
  const path: Path = { src: hostAt('198.51.100.3'), dst: SERVER, version: 4 };
  const datagram = udp(path, 4000, 53, whole);
  time.add(
    10,
    frame(path, 'tcp', tcp(path, { sport: 1, dport: 53, seq: 1, ack: 0, flags: 2 }, new Uint8Array(0)), { id: 1 }),
  );
  time.add(20, frame(path, 'udp', datagram, { id: 2, options: Uint8Array.of(1, 1, 1, 1) }));
  for (const piece of fragments(path, { protocol: 17, id: 3 }, datagram, 24)) time.add(30, piece);
  time.add(40, arp(1, path.src, SERVER));
}

/** The labels at `at`: dotted text in lower case and the bytes they take; undefined where there are no labels to the end. */
function readName(data: Uint8Array, at: number): { text: string; bytes: number } | undefined {
  const labels: string[] = [];
  for (let next = at; next < data.length; ) {
    const length = data[next];
    if (length === 0) return { text: labels.join('.'), bytes: next + 1 - at };
    if (length > 63 || next + 1 + length > data.length) return undefined;
    labels.push(String.fromCharCode(...data.subarray(next + 1, next + 1 + length)).toLowerCase());
    next += 1 + length;
  }
  return undefined;
}

function expect(packets: readonly TimedPacket[]): Expected {
  const events = new Counters(['answered', 'unknown', 'other type', 'not parsed']);
  const hits = NAMES.map(() => 0);
  const one = (data: Uint8Array): Outcome => {
    const ip = viewIpv4(data);
    const pass: Outcome = { verdict: 'XDP_PASS', data };
    const counted = (event: 'unknown' | 'other type' | 'not parsed'): Outcome => {
      events.add(event);
      return pass;
    };
    if (ip === undefined || ip.headerBytes !== 20 || ip.protocol !== 17 || ip.dport !== 53) return pass;
    if (ip.moreFragments || ip.fragmentOffset > 0 || data.length < 54) return pass;
    const [flags, questions, answers] = [44, 46, 48].map((at) => u16At(data, at));
    if ((flags & 0xf800) !== 0 || questions !== 1 || answers !== 0) return counted('not parsed');
    const name = readName(data, 54);
    const end = 54 + (name?.bytes ?? 0);
    if (name === undefined || name.text.length > 64 || end + 4 > data.length) return counted('not parsed');
    if (u16At(data, end) !== 1 || u16At(data, end + 2) !== 1) return counted('other type');
    const known = NAMES.findIndex(({ name: text }) => text === name.text);
    if (known < 0) return counted('unknown');
    events.add('answered');
    hits[known]++;
    return { verdict: 'XDP_TX', data: answer(data, end + 4, NAMES[known]) };
  };
  const outcomes = packets.map(({ data }) => one(data));
  const records = NAMES.map(({ name, addr, ttl }, i) => [{ text: name }, { addr, ttl, hits: hits[i] }] as const);
  return { outcomes, maps: { names: records, events: events.contents() } };
}

/** The answer, built anew from what the question said. */
function answer(data: Uint8Array, end: number, { addr, ttl }: { addr: number[]; ttl: number }): Uint8Array {
  const asker: Host = { ...SERVER, mac: data.slice(6, 12), ip4: data.slice(26, 30) };
  const recursion = u16At(data, 44) & 0x0100;
  const record = join(u16(0xc00c, 1, 1), u32(ttl), u16(4), Uint8Array.from(addr));
  const message = join(data.subarray(42, 44), u16(0x8400 | recursion, 1, 1, 0, 0), data.subarray(54, end), record);
  const datagram = join(u16(53, u16At(data, 34), 8 + message.length, 0), message);
  return ethernet(SERVER.mac, asker.mac, 0x0800, ipv4(SERVER, asker, { protocol: 17, id: 0 }, datagram));
}

const settings = NAMES.map(
  ({ name, addr, ttl }) => `names[${JSON.stringify({ text: name })}]=${JSON.stringify({ addr, ttl })}`,
);

export const dnsResponder: Example = { name: 'dns_responder', prog: 'dns_responder', settings, capture, expect };
