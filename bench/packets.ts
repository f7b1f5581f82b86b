// The packets the bench runs: Ethernet, IPv4, TCP or UDP, with header checksums as a sender writes them.

const ETH = 14;
const IPV4 = 20;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;

export interface PacketSpec {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** Whole frame, without the frame check sequence. */
  readonly bytes: number;
}

/** One frame; its payload is a fixed pseudo-random sequence, so that every run sees the same bytes. */
export function makePacket({ protocol, port, bytes }: PacketSpec): Uint8Array {
  const packet = new Uint8Array(bytes);
  const view = new DataView(packet.buffer);
  packet.set([0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2]);
  view.setUint16(12, 0x0800);
  view.setUint8(ETH, 0x45);
  view.setUint16(ETH + 2, bytes - ETH);
  view.setUint8(ETH + 8, 64);
  view.setUint8(ETH + 9, protocol === 'tcp' ? PROTOCOL_TCP : PROTOCOL_UDP);
  packet.set([192, 0, 2, 1, 198, 51, 100, 2], ETH + 12);
  view.setUint16(ETH + 10, ipChecksum(packet));
  const l4 = ETH + IPV4;
  view.setUint16(l4, 40000);
  view.setUint16(l4 + 2, port);
  if (protocol === 'tcp') view.setUint16(l4 + 12, 0x5010);
  else view.setUint16(l4 + 4, bytes - l4);
  let state = 0x2545f491;
  for (let at = l4 + (protocol === 'tcp' ? 20 : 8); at < bytes; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    packet[at] = state >>> 24;
  }
  view.setUint16(l4 + (protocol === 'tcp' ? 16 : 6), l4Checksum(packet));
  return packet;
}

/** What the checksum of the IPv4 header must be; that field itself counts as it is. */
export function ipChecksum(packet: Uint8Array): number {
  return checksum(packet.subarray(ETH, ETH + IPV4));
}

/** What the checksum of TCP or UDP must be, behind IPv4 without options; that field itself counts as it is. */
export function l4Checksum(packet: Uint8Array): number {
  const segment = packet.subarray(ETH + IPV4);
  // The pseudo header: addresses, protocol, length.
  const summed = new Uint8Array(12 + segment.length + (segment.length & 1));
  summed.set(packet.subarray(ETH + 12, ETH + IPV4));
  summed[9] = packet[ETH + 9]!;
  new DataView(summed.buffer).setUint16(10, segment.length);
  summed.set(segment, 12);
  return checksum(summed);
}

const IPV6 = 40;
const PROTOCOL_IPIP = 4;
const PROTOCOL_IPV6 = 41;

/** A UDP packet in `depth` tunnels, each an IPv6 or an IPv4 header in front of the next. */
export function makeTunnels(depth: number): Uint8Array {
  const inner = makePacket({ protocol: 'udp', port: 53, bytes: 64 });
  const headers = Array.from({ length: depth }, (_, i) => tunnelHeader(i % 2 === 0, i === depth - 1));
  const ethernet = inner.slice(0, ETH);
  new DataView(ethernet.buffer).setUint16(12, depth === 0 ? 0x0800 : 0x86dd);
  const parts = [ethernet, ...headers, inner.subarray(ETH)];
  const packet = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    packet.set(part, at);
    at += part.length;
  }
  return packet;
}

/** What follows is the packet itself, in IPv4, behind the last one, and the other kind of tunnel otherwise. */
function tunnelHeader(ipv6: boolean, last: boolean): Uint8Array {
  const header = new Uint8Array(ipv6 ? IPV6 : IPV4);
  const next = last || ipv6 ? PROTOCOL_IPIP : PROTOCOL_IPV6;
  if (ipv6) {
    header[0] = 0x60;
    header[6] = next;
    header.set([0x20, 0x01, 0x0d, 0xb8], 8);
    header.set([0x20, 0x01, 0x0d, 0xb8], 24);
  } else {
    header[0] = 0x45;
    header[9] = next;
    header.set([192, 0, 2, 1, 198, 51, 100, 2], 12);
  }
  return header;
}

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
