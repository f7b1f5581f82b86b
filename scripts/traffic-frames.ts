// Frames for the example capture: Ethernet, IPv4, IPv6, TCP, UDP, ICMP, ARP with correct lengths and checksums.
// RFC 791 (IPv4), 8200 (IPv6), 9293 (TCP), 768 (UDP), 792 and 4443 (ICMP), 826 (ARP), 1071 (checksum).

export type Bytes = Uint8Array;

export const ETH_P_IP = 0x0800;
export const ETH_P_ARP = 0x0806;
export const ETH_P_8021Q = 0x8100;
export const ETH_P_8021AD = 0x88a8;
export const ETH_P_IPV6 = 0x86dd;

const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IPPROTO_ICMPV6 = 58;

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;

/** A host: its MAC address, IPv4 and IPv6 addresses as bytes. */
export interface Host {
  mac: Bytes;
  ip4: Bytes;
  ip6: Bytes;
}

export function join(...parts: Bytes[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function u16(...values: number[]): Bytes {
  return Uint8Array.from(values.flatMap((value) => [(value >>> 8) & 0xff, value & 0xff]));
}

export function u32(...values: number[]): Bytes {
  return u16(...values.flatMap((value) => [value >>> 16, value & 0xffff]));
}

/** The ones' complement sum of RFC 1071. */
export function checksum(...parts: Bytes[]): number {
  const bytes = join(...parts);
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function patch16(bytes: Bytes, at: number, value: number): Bytes {
  bytes.set(u16(value), at);
  return bytes;
}

/** Pads to the 60 bytes an Ethernet card sends at least. */
export function ethernet(src: Bytes, dst: Bytes, type: number, payload: Bytes): Bytes {
  const frame = join(dst, src, u16(type), payload);
  return frame.length >= 60 ? frame : join(frame, new Uint8Array(60 - frame.length));
}

/** Puts a VLAN tag behind the addresses. */
export function vlan(frame: Bytes, id: number, tpid = ETH_P_8021Q): Bytes {
  return join(frame.subarray(0, 12), u16(tpid, id), frame.subarray(12));
}

export interface Ipv4Fields {
  protocol: number;
  id: number;
  ttl?: number;
  /** Option bytes: a multiple of 4, at most 40. */
  options?: Bytes;
  /** In bytes, a multiple of 8. */
  fragmentOffset?: number;
  moreFragments?: boolean;
}

export function ipv4(src: Host, dst: Host, fields: Ipv4Fields, payload: Bytes): Bytes {
  const options = fields.options ?? new Uint8Array(0);
  const headerBytes = 20 + options.length;
  const fragmented = fields.moreFragments === true || fields.fragmentOffset !== undefined;
  const flags = fragmented ? (fields.moreFragments ? 0x2000 : 0) | ((fields.fragmentOffset ?? 0) >>> 3) : 0x4000;
  const header = join(
    Uint8Array.of(0x40 | (headerBytes / 4), 0),
    u16(headerBytes + payload.length, fields.id, flags),
    Uint8Array.of(fields.ttl ?? 64, fields.protocol),
    u16(0),
    src.ip4,
    dst.ip4,
    options,
  );
  return join(patch16(header, 10, checksum(header)), payload);
}

export function ipv6(src: Host, dst: Host, nextHeader: number, payload: Bytes): Bytes {
  return join(u32(0x60000000), u16(payload.length), Uint8Array.of(nextHeader, 64), src.ip6, dst.ip6, payload);
}

function pseudoHeader(src: Host, dst: Host, version: 4 | 6, protocol: number, length: number): Bytes {
  return version === 4
    ? join(src.ip4, dst.ip4, u16(protocol, length))
    : join(src.ip6, dst.ip6, u32(length), u32(protocol));
}

export interface TcpFields {
  sport: number;
  dport: number;
  seq: number;
  ack: number;
  flags: number;
  /** Option bytes, a multiple of 4. */
  options?: Bytes;
}

/** What the IP layer needs besides: both ends and the version. */
export interface Path {
  src: Host;
  dst: Host;
  version: 4 | 6;
}

export function tcp(path: Path, fields: TcpFields, data: Bytes): Bytes {
  const options = fields.options ?? new Uint8Array(0);
  const offset = 5 + options.length / 4;
  const segment = join(
    u16(fields.sport, fields.dport),
    u32(fields.seq, fields.ack),
    u16((offset << 12) | fields.flags, 0xfaf0, 0, 0),
    options,
    data,
  );
  const pseudo = pseudoHeader(path.src, path.dst, path.version, IPPROTO_TCP, segment.length);
  return patch16(segment, 16, checksum(pseudo, segment));
}

export function udp(path: Path, sport: number, dport: number, data: Bytes): Bytes {
  const datagram = join(u16(sport, dport, 8 + data.length, 0), data);
  const sum = checksum(pseudoHeader(path.src, path.dst, path.version, IPPROTO_UDP, datagram.length), datagram);
  // A sum of zero would say that there is none.
  return patch16(datagram, 6, sum === 0 ? 0xffff : sum);
}

export function icmpEcho(path: Path, reply: boolean, id: number, seq: number): Bytes {
  const type = path.version === 4 ? (reply ? 0 : 8) : reply ? 129 : 128;
  const data = Uint8Array.from({ length: 48 }, (_, i) => 0x10 + i);
  const message = join(Uint8Array.of(type, 0), u16(0, id, seq), data);
  const pseudo =
    path.version === 4 ? new Uint8Array(0) : pseudoHeader(path.src, path.dst, 6, IPPROTO_ICMPV6, message.length);
  return patch16(message, 2, checksum(pseudo, message));
}

export function arp(operation: 1 | 2, src: Host, dst: Host): Bytes {
  const body = join(u16(1, ETH_P_IP), Uint8Array.of(6, 4), u16(operation), src.mac, src.ip4);
  const asked = operation === 1;
  const target = asked ? new Uint8Array(6) : dst.mac;
  return ethernet(src.mac, asked ? new Uint8Array(6).fill(0xff) : dst.mac, ETH_P_ARP, join(body, target, dst.ip4));
}

/** The DNS question for an A record, and the response with one answer (RFC 1035). */
export function dns(id: number, name: string, answer?: Bytes): Bytes {
  const labels = name.split('.').map((label) => join(Uint8Array.of(label.length), new TextEncoder().encode(label)));
  const question = join(...labels, Uint8Array.of(0), u16(1, 1));
  if (answer === undefined) return join(u16(id, 0x0100, 1, 0, 0, 0), question);
  return join(u16(id, 0x8180, 1, 1, 0, 0), question, u16(0xc00c, 1, 1), u32(300), u16(4), answer);
}

const PROTOCOLS = { tcp: IPPROTO_TCP, udp: IPPROTO_UDP, icmp: IPPROTO_ICMP } as const;

/** Wraps a transport payload into IP of the path's version and Ethernet. */
export function frame(
  path: Path,
  protocol: keyof typeof PROTOCOLS,
  payload: Bytes,
  ip: { id: number; options?: Bytes; ttl?: number },
): Bytes {
  const { src, dst, version } = path;
  if (version === 4) {
    return ethernet(src.mac, dst.mac, ETH_P_IP, ipv4(src, dst, { ...ip, protocol: PROTOCOLS[protocol] }, payload));
  }
  const next = protocol === 'icmp' ? IPPROTO_ICMPV6 : PROTOCOLS[protocol];
  return ethernet(src.mac, dst.mac, ETH_P_IPV6, ipv6(src, dst, next, payload));
}

/** One IPv4 datagram as frames of at most `fragmentBytes` payload each. */
export function fragments(path: Path, fields: Ipv4Fields, payload: Bytes, fragmentBytes: number): Bytes[] {
  const frames: Bytes[] = [];
  for (let at = 0; at < payload.length; at += fragmentBytes) {
    const part = payload.subarray(at, at + fragmentBytes);
    const more = at + fragmentBytes < payload.length;
    const packet = ipv4(path.src, path.dst, { ...fields, fragmentOffset: at, moreFragments: more }, part);
    frames.push(ethernet(path.src.mac, path.dst.mac, ETH_P_IP, packet));
  }
  return frames;
}
