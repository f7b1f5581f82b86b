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
  view.setUint16(ETH + 10, checksum(packet.subarray(ETH, ETH + IPV4)));
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
  return packet;
}

/** RFC 1071. */
function checksum(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
