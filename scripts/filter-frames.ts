// Frames that filters tell apart: tags, tunnels, IPv6 extension headers, fragments, ICMP types, 802.2, and packets cut by a snapshot length.
// IEEE 802.1Q, RFC 3032 (MPLS), 2516 (PPPoE), 8200 (IPv6), 4960 (SCTP), 792 (ICMP), 3376 (IGMP).
import { PcapWriter } from '../src/replay/pcap-writer.ts';
import * as t from './traffic-frames.ts';

const mac = (last: number): t.Bytes => Uint8Array.of(0x02, 0, 0x5e, 0x10, 0, last);
const host = (last: number, net: readonly number[] = [10, 0, 0]): t.Host => ({
  mac: mac(last),
  ip4: Uint8Array.of(...net, last),
  ip6: t.join(t.u16(0x2001, 0xdb8, 0, net[2] ?? 0, 0, 0, 0, last)),
});

const BROADCAST = new Uint8Array(6).fill(0xff);
const [a, b, c] = [host(1), host(2), host(3)];
const far = host(77, [192, 168, 7]);
const loop: t.Host = { mac: mac(9), ip4: Uint8Array.of(127, 0, 0, 1), ip6: t.u16(0, 0, 0, 0, 0, 0, 0, 1) };
const group: t.Host = {
  mac: Uint8Array.of(1, 0, 0x5e, 0, 0, 0xfb),
  ip4: Uint8Array.of(224, 0, 0, 251),
  ip6: t.u16(0xff02, 0, 0, 0, 0, 0, 0, 0xfb),
};
const all: t.Host = { mac: BROADCAST, ip4: new Uint8Array(4).fill(0xff), ip6: group.ip6 };

const path = (src: t.Host, dst: t.Host, version: 4 | 6 = 4): t.Path => ({ src, dst, version });
const bytes = (length: number, first = 0): t.Bytes => Uint8Array.from({ length }, (_, i) => (first + 7 * i) & 0xff);
const text = (line: string): t.Bytes => new TextEncoder().encode(line);

function segment(
  p: t.Path,
  ports: readonly [number, number],
  flags: number,
  data: t.Bytes = new Uint8Array(0),
): t.Bytes {
  const options = flags & t.SYN ? Uint8Array.of(2, 4, 5, 0xb4) : undefined;
  const fields = { sport: ports[0], dport: ports[1], seq: 1000, ack: flags & t.ACK ? 2000 : 0, flags };
  const tcp = t.tcp(p, options === undefined ? fields : { ...fields, options }, data);
  return t.frame(p, 'tcp', tcp, { id: ports[0] });
}

function datagram(p: t.Path, ports: readonly [number, number], data: t.Bytes, ip = {}): t.Bytes {
  return t.frame(p, 'udp', t.udp(p, ports[0], ports[1], data), { id: ports[1], ...ip });
}

/** An IPv4 or IPv6 packet of any protocol. */
function packet(p: t.Path, protocol: number, payload: t.Bytes): t.Bytes {
  const { src, dst } = p;
  if (p.version === 6) return t.ethernet(src.mac, dst.mac, t.ETH_P_IPV6, t.ipv6(src, dst, protocol, payload));
  return t.ethernet(src.mac, dst.mac, t.ETH_P_IP, t.ipv4(src, dst, { protocol, id: protocol }, payload));
}

function icmp(type: number, code: number, rest: t.Bytes): t.Bytes {
  const message = t.join(Uint8Array.of(type, code, 0, 0), rest);
  const sum = t.checksum(message);
  message.set(t.u16(sum), 2);
  return message;
}

/** The IP packet of a frame. */
const inner = (frame: t.Bytes): t.Bytes => frame.subarray(14);

function transportFrames(): t.Bytes[] {
  const flags = [t.SYN, t.SYN | t.ACK, t.ACK, t.PSH | t.ACK, t.FIN | t.ACK, t.RST, t.RST | t.ACK, 0x20, 0xc2, 0];
  const get = text('GET /index.html HTTP/1.1\r\nHost: example.net\r\n\r\n');
  return [
    ...flags.map((f, i) => segment(path(a, b), [40000 + i, 80], f)),
    segment(path(a, b), [40001, 80], t.PSH | t.ACK, get),
    segment(path(b, a), [80, 40001], t.ACK, bytes(900)),
    segment(path(a, far), [22, 51515], t.PSH | t.ACK, bytes(48)),
    segment(path(far, c), [51515, 443], t.SYN),
    segment(path(a, b, 6), [40100, 443], t.SYN),
    segment(path(b, a, 6), [443, 40100], t.SYN | t.ACK),
    segment(path(c, far, 6), [6000, 6010], t.PSH | t.ACK, bytes(300)),
    datagram(path(a, b), [53000, 53], t.dns(7, 'www.example.net')),
    datagram(path(b, a), [53, 53000], t.dns(7, 'www.example.net', c.ip4)),
    datagram(path(a, group), [5353, 5353], bytes(60)),
    datagram(path(a, all), [68, 67], bytes(244)),
    datagram(path(c, a), [123, 123], bytes(48), { ttl: 1 }),
    datagram(path(a, b, 6), [53001, 53], t.dns(8, 'example.org')),
    datagram(path(c, group, 6), [546, 547], bytes(40)),
    datagram(path(loop, loop), [1024, 1025], bytes(10)),
    datagram(path(a, b), [4789, 4789], bytes(100), { options: Uint8Array.of(0x94, 4, 0, 0) }),
  ];
}

function controlFrames(): t.Bytes[] {
  const types = [0, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 17];
  const types6 = [1, 2, 3, 128, 129, 133, 134, 135, 136];
  return [
    t.arp(1, a, b),
    t.arp(2, b, a),
    t.ethernet(c.mac, BROADCAST, 0x8035, bytes(28)),
    ...types.map((type) => packet(path(a, b), 1, icmp(type, type === 3 ? 3 : 0, bytes(40, type)))),
    packet(path(far, a), 1, icmp(3, 4, bytes(28))),
    ...types6.map((type) => packet(path(a, b, 6), 58, icmp(type, 0, bytes(24, type)))),
    packet(path(a, group), 2, Uint8Array.of(0x22, 0, 0, 0, 0, 0, 0, 1)),
    packet(path(a, b), 47, t.join(t.u16(0, 0x800), inner(segment(path(b, c), [1, 2], t.SYN)))),
    packet(path(a, b), 50, bytes(64)),
    packet(path(a, b), 51, bytes(44)),
    packet(path(a, b), 89, bytes(44)),
    packet(path(a, group), 103, bytes(34)),
    packet(path(a, group), 112, bytes(20)),
    packet(path(a, b), 132, t.join(t.u16(5000, 36412), bytes(28))),
    packet(path(a, b, 6), 132, t.join(t.u16(36412, 5000), bytes(28))),
    packet(path(a, b), 4, inner(datagram(path(b, c), [53, 9], bytes(12)))),
    packet(path(a, b), 41, inner(datagram(path(b, c, 6), [53, 9], bytes(12)))),
  ];
}

function taggedFrames(): t.Bytes[] {
  const plain = segment(path(a, b), [40200, 80], t.SYN);
  const plain6 = datagram(path(a, b, 6), [53002, 53], bytes(30));
  const mpls = (labels: readonly number[], ip: t.Bytes): t.Bytes => {
    const stack = labels.map((label, i) => (label << 12) | (i === labels.length - 1 ? 0x100 : 0) | 64);
    return t.ethernet(a.mac, b.mac, 0x8847, t.join(t.u32(...stack), ip));
  };
  const pppoe = (session: number, protocol: number, ip: t.Bytes): t.Bytes =>
    t.ethernet(a.mac, b.mac, 0x8864, t.join(t.u16(0x1100, session, ip.length + 2, protocol), ip));
  return [
    t.vlan(plain, 5),
    t.vlan(plain6, 5),
    t.vlan(plain, 0x6000 | 100),
    t.vlan(t.vlan(plain, 100), 200, t.ETH_P_8021AD),
    t.vlan(t.vlan(plain6, 7), 5),
    t.vlan(t.arp(1, a, c), 5),
    t.vlan(plain, 9, 0x9100),
    mpls([100], inner(plain)),
    mpls([1024, 16], inner(plain)),
    mpls([100, 200, 300], inner(plain6)),
    pppoe(7, 0x21, inner(plain)),
    pppoe(8, 0x57, inner(plain6)),
    t.ethernet(a.mac, BROADCAST, 0x8863, t.u16(0x1109, 0, 4, 0x101, 0)),
  ];
}

function extensionFrames(): t.Bytes[] {
  const p = path(a, b, 6);
  const udp = t.udp(p, 53003, 53, bytes(20));
  const header = (next: number, length = 8): t.Bytes => t.join(Uint8Array.of(next, length / 8 - 1), bytes(length - 2));
  const fragment = (next: number, offset: number, more: number): t.Bytes =>
    t.join(Uint8Array.of(next, 0), t.u16((offset << 3) | more), t.u32(0x1234));
  return [
    packet(p, 0, t.join(header(17), udp)),
    packet(p, 43, t.join(header(60, 24), header(17, 16), udp)),
    packet(p, 44, t.join(fragment(17, 0, 1), udp)),
    packet(p, 44, t.join(fragment(17, 3, 0), bytes(40))),
    packet(p, 44, t.join(fragment(6, 0, 1), inner(segment(p, [1, 80], t.SYN)).subarray(40))),
    packet(p, 59, bytes(0)),
    ...t.fragments(path(a, b), { protocol: 17, id: 900 }, t.udp(path(a, b), 2000, 53, bytes(1300)), 512),
    ...t.fragments(path(far, b), { protocol: 6, id: 901 }, bytes(100), 48),
  ];
}

function linkFrames(): t.Bytes[] {
  const llc = (dst: t.Bytes, ...body: t.Bytes[]): t.Bytes => {
    const payload = t.join(...body);
    return t.ethernet(a.mac, dst, payload.length, payload);
  };
  const stp = Uint8Array.of(1, 0x80, 0xc2, 0, 0, 0);
  return [
    llc(stp, Uint8Array.of(0x42, 0x42, 3), bytes(35)),
    llc(Uint8Array.of(1, 0, 0x0c, 0xcc, 0xcc, 0xcc), Uint8Array.of(0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0), bytes(20)),
    llc(b.mac, Uint8Array.of(0xaa, 0xaa, 3, 0, 0, 0, 8, 0), inner(datagram(path(a, b), [1, 2], bytes(9)))),
    llc(BROADCAST, Uint8Array.of(0xff, 0xff), bytes(30)),
    llc(b.mac, Uint8Array.of(0xf0, 0xf0, 3), bytes(14)),
    llc(b.mac, Uint8Array.of(0xfe, 0xfe, 3, 0x81), bytes(24)),
    t.ethernet(a.mac, stp, 0x88cc, bytes(50)),
    t.ethernet(b.mac, a.mac, 0x88f7, bytes(44)),
    t.ethernet(c.mac, b.mac, 0x9000, bytes(46)),
    t.ethernet(c.mac, BROADCAST, 0x6003, bytes(46)),
  ];
}

/** Cut at these lengths: inside every header that a filter reads. */
function cutFrames(): readonly { data: t.Bytes; originalLength: number }[] {
  const whole = segment(path(a, b), [40300, 80], t.PSH | t.ACK, bytes(200));
  const whole6 = segment(path(a, b, 6), [40301, 80], t.PSH | t.ACK, bytes(200));
  const cuts = [6, 13, 14, 20, 23, 24, 34, 36, 40, 47, 48, 54, 60, 128];
  return [whole, whole6].flatMap((data) =>
    cuts.map((cut) => ({ data: data.subarray(0, cut), originalLength: data.length })),
  );
}

/** The capture's bytes. */
export function filterCaptureBytes(): t.Bytes {
  const pieces: t.Bytes[] = [];
  const writer = new PcapWriter((piece) => pieces.push(piece), { precision: 'us', snapLen: 65535 });
  const whole = [transportFrames(), controlFrames(), taggedFrames(), extensionFrames(), linkFrames()].flat();
  const records = [...whole.map((data) => ({ data, originalLength: data.length })), ...cutFrames()];
  records.forEach((record, i) => {
    writer.add({ ...record, timestampNs: BigInt(1_700_000_000 + i) * 1_000_000_000n });
  });
  writer.flush();
  return t.join(...pieces);
}
