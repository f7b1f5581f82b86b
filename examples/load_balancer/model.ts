// The load balancer's capture, its configuration, and what must become of each packet.
import {
  arp,
  checksum,
  ethernet,
  fragments,
  frame,
  ipv4,
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
  type Outcome,
  Table,
  type TimedPacket,
  Timeline,
  u32At,
  viewIpv4,
} from '../example.ts';
import { maglev } from './maglev.ts';

const RING_SIZE = 251;
const TCP = 6;
const UDP = 17;
const OWN = hostAt('10.0.0.1');
const WEB = hostAt('192.0.2.80');
const VOICE = hostAt('192.0.2.90');
const ROUTER = hostAt('192.0.2.1');

const BACKENDS = ['10.0.0.11', '10.0.0.12', '10.0.0.13', '10.0.0.14'];
/** Numbers in BACKENDS, from 1. The last ring's backends are all gone. */
const VIPS = [
  { host: WEB, port: 80, protocol: TCP, backends: [1, 2, 3, 4] },
  { host: WEB, port: 443, protocol: TCP, backends: [1, 2, 4] },
  { host: VOICE, port: 5060, protocol: UDP, backends: [2, 3] },
  { host: VOICE, port: 5061, protocol: TCP, backends: [] },
];

/** Slots of all rings: numbers of backends, or 0. */
const RINGS = VIPS.flatMap(({ backends }) => {
  if (backends.length === 0) return new Array<number>(RING_SIZE).fill(0);
  const names = backends.map((number) => BACKENDS[number - 1]);
  return maglev(names, RING_SIZE).map((place) => backends[place]);
});

function settings(): string[] {
  const vips = VIPS.map(({ host, port, protocol }, ring) => {
    const key = { addr: [...host.ip4], port, protocol };
    return `vips[${JSON.stringify(key)}]={"ring":${ring}}`;
  });
  const backends = BACKENDS.map((address, i) => {
    const { ip4, mac } = hostAt(address);
    return `backends[${i + 1}]=${JSON.stringify({ addr: [...ip4], mac: [...mac] })}`;
  });
  const slots = RINGS.flatMap((backend, slot) => (backend === 0 ? [] : [`rings[${slot}]=${backend}`]));
  return [...vips, ...backends, ...slots];
}

function capture(): TimedPacket[] {
  const time = new Timeline(0x1b);
  const { random } = time;
  const clients = Array.from({ length: 60 }, (_, i) => hostAt(`198.51.100.${i + 1}`));
  for (let flow = 0; flow < 90; flow++) {
    const src = random.pick(clients);
    const vip = VIPS[random.pick([0, 0, 0, 1, 1, 2, 2, 3])];
    const path: Path = { src, dst: { ...vip.host, mac: OWN.mac }, version: 4 };
    const sport = random.between(1024, 65535);
    const start = random.below(10_000_000);
    for (let i = 0; i < random.between(1, 6); i++) {
      const data = random.bytes(random.between(0, 300));
      const id = random.below(65536);
      const fields = { sport, dport: vip.port, seq: random.below(1 << 30), ack: 0, flags: i === 0 ? SYN : 16 };
      const segment = vip.protocol === TCP ? tcp(path, fields, data) : udp(path, sport, vip.port, data);
      const packet = frame(path, vip.protocol === TCP ? 'tcp' : 'udp', segment, { id });
      // Expedited forwarding, as voice has it: the tunnel's header says the same.
      time.add(start + i * 1500, vip.protocol === UDP ? withTos(packet, 0xb8) : packet);
    }
  }
  others(time);
  return time.sorted();
}

/** Of another class of service, its header's checksum made right. */
function withTos(packet: Uint8Array, tos: number): Uint8Array {
  const out = packet.slice();
  out[15] = tos;
  out.set([0, 0], 24);
  out.set(u16(checksum(out.subarray(14, 34))), 24);
  return out;
}

/** What no backend gets: other ports and protocols, options, fragments, and packets that the tunnel would make too long. */
function others(time: Timeline): void {
  const { random } = time;
  const src = hostAt('198.51.100.77');
  const path: Path = { src, dst: { ...WEB, mac: OWN.mac }, version: 4 };
  const at = () => random.below(10_000_000);
  const syn = (dport: number) => tcp(path, { sport: 5000, dport, seq: 1, ack: 0, flags: SYN }, new Uint8Array(0));
  for (let i = 0; i < 6; i++) time.add(at(), frame(path, 'tcp', syn(22), { id: i }));
  for (let i = 0; i < 3; i++) time.add(at(), frame(path, 'udp', udp(path, 5000, 80, random.bytes(20)), { id: i }));
  time.add(at(), frame(path, 'tcp', syn(80), { id: 9, options: Uint8Array.of(1, 1, 1, 1) }));
  time.add(at(), arp(1, ROUTER, WEB));
  time.add(at(), frame({ ...path, version: 6 }, 'udp', udp({ ...path, version: 6 }, 1, 2, random.bytes(8)), { id: 0 }));
  time.add(at(), random.bytes(20));
  for (const bytes of [1440, 1441, 1460]) {
    const segment = tcp(path, { sport: 6000 + bytes, dport: 443, seq: 1, ack: 1, flags: 16 }, random.bytes(bytes));
    time.add(at(), frame(path, 'tcp', segment, { id: bytes }));
  }
  const whole = tcp(path, { sport: 6001, dport: 80, seq: 1, ack: 1, flags: 16 }, random.bytes(900));
  for (const piece of fragments(path, { protocol: TCP, id: 77 }, whole, 400)) time.add(at(), piece);
}

function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function expect(packets: readonly TimedPacket[]): Expected {
  const refused = new Counters(['no backend', 'too big', 'fragment']);
  const forwarded = new Table<number, [{ packets: number; bytes: number }]>();
  const one = (data: Uint8Array): Outcome => {
    const ip = viewIpv4(data);
    const pass: Outcome = { verdict: 'XDP_PASS', data };
    const refuse = (why: 'no backend' | 'too big' | 'fragment'): Outcome => {
      refused.add(why);
      return { verdict: 'XDP_DROP', data };
    };
    if (ip === undefined || ip.headerBytes !== 20 || ip.fragmentOffset !== 0) return pass;
    const ring = VIPS.findIndex(
      ({ host, port, protocol }) => `${host.ip4}` === `${ip.dst}` && port === ip.dport && protocol === ip.protocol,
    );
    if (ring < 0) return pass;
    if (ip.moreFragments) return refuse('fragment');
    if (ip.totalBytes > 1480) return refuse('too big');
    const addresses = mix(mix(u32At(data, 26)) ^ u32At(data, 30));
    const slot = mix(addresses ^ u32At(data, ip.l4) ^ ip.protocol) % RING_SIZE;
    const number = RINGS[ring * RING_SIZE + slot];
    if (number === 0) return refuse('no backend');
    const [counts] = forwarded.get(number) ?? forwarded.set(number, [{ packets: 0, bytes: 0 }]);
    counts.packets++;
    counts.bytes += data.length;
    return { verdict: 'XDP_TX', data: tunnel(data, BACKENDS[number - 1], ip.totalBytes) };
  };
  const outcomes = packets.map(({ data }) => one(data));
  return {
    outcomes,
    maps: {
      vips: VIPS.map(({ host, port, protocol }, ring) => [
        { addr: [...host.ip4], port, protocol, unused: 0 },
        { ring },
      ]),
      rings: RINGS.flatMap((number, slot) => (number === 0 ? [] : [[slot, number] as const])),
      backends: BACKENDS.map((address, i) => {
        const { ip4, mac } = hostAt(address);
        return [i + 1, { addr: [...ip4], mac: [...mac], unused: 0, ifindex: 0 }];
      }),
      forwarded: forwarded.contents(),
      refused: refused.contents(),
    },
  };
}

/** The frame in the tunnel; padding that Ethernet needed stays behind the inner packet. */
function tunnel(data: Uint8Array, address: string, innerBytes: number): Uint8Array {
  const backend = hostAt(address);
  const inner = data.subarray(14, 14 + innerBytes);
  const outer = ipv4(OWN, backend, { protocol: 4, id: 0 }, inner);
  const packet = join(outer, data.subarray(14 + innerBytes));
  return withTos(ethernet(data.subarray(0, 6), backend.mac, 0x0800, packet), data[15]);
}

/** The balancer with a device for each backend instead of one for all. */
const network: ExampleNetwork = {
  config: {
    devices: [{ name: 'front', ifindex: 1 }, ...BACKENDS.map((_, i) => ({ name: `backend${i + 1}`, ifindex: 11 + i }))],
    objects: [
      {
        file: 'load_balancer.o',
        attach: { front: 'load_balancer' },
        maps: {
          vips: VIPS.map(({ host, port, protocol }, ring) => ({
            key: { addr: [...host.ip4], port, protocol },
            value: { ring },
          })),
          backends: Object.fromEntries(
            BACKENDS.map((address, i) => {
              const { ip4, mac } = hostAt(address);
              return [i + 1, { addr: [...ip4], mac: [...mac], ifindex: 11 + i }];
            }),
          ),
          rings: Object.fromEntries(RINGS.flatMap((backend, slot) => (backend === 0 ? [] : [[slot, backend]]))),
        },
      },
    ],
  },
  input: 'front',
  outputs: ['front', 'front:stack', ...BACKENDS.map((_, i) => `backend${i + 1}`)],
  where: ({ verdict, data }) => {
    if (verdict === 'XDP_PASS') return 'front:stack';
    return `backend${BACKENDS.indexOf(data.subarray(30, 34).join('.')) + 1}`;
  },
};

export const loadBalancer: Example = {
  name: 'load_balancer',
  prog: 'load_balancer',
  settings: settings(),
  capture,
  expect,
  network,
};
