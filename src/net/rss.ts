/**
 * Receive-side scaling: which queue a flow's packets come in by. Toeplitz's hash over addresses and ports, with the key of Microsoft's
 * "Verifying the RSS Hash Calculation", as network cards have it.
 */
import { viewOf } from '../util/bytes.ts';

const KEY = Uint8Array.of(
  ...[
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b,
    0xcb,
  ],
  ...[
    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01,
    0xfa,
  ],
);
const ETH_HLEN = 14;
const VLAN_HLEN = 4;
const IP_HLEN = 20;
const IPV6_HLEN = 40;
/** Tags that a card looks behind. */
const MAX_TAGS = 2;
/** 802.1Q and 802.1ad. */
const VLAN_TYPES: readonly number[] = [0x8100, 0x88a8];
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;

/** Of up to 36 bytes. */
export function toeplitz(input: Uint8Array): number {
  const key = viewOf(KEY);
  let hash = 0;
  input.forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) {
      if ((byte & (0x80 >> bit)) === 0) continue;
      // 32 bits of the key from this bit on.
      const high = key.getUint32(i, false);
      const low = KEY[i + 4];
      hash ^= bit === 0 ? high : (high << bit) | (low >> (8 - bit));
    }
  });
  return hash >>> 0;
}

/** Addresses, and ports where there are some, of an Ethernet frame; empty for what is no IP packet. */
export function flowOf(frame: Uint8Array): Uint8Array {
  if (frame.length < ETH_HLEN + IP_HLEN) return frame.subarray(0, 0);
  const view = viewOf(frame);
  let type = view.getUint16(12, false);
  let ip = ETH_HLEN;
  for (let tags = 0; VLAN_TYPES.includes(type) && tags < MAX_TAGS; tags++) {
    type = view.getUint16(ip + 2, false);
    ip += VLAN_HLEN;
  }
  if (type === ETH_P_IP && frame.length >= ip + IP_HLEN) {
    const header = (frame[ip] & 15) * 4;
    const isFragment = (view.getUint16(ip + 6, false) & 0x3fff) !== 0;
    return withPorts(frame, frame.subarray(ip + 12, ip + 20), frame[ip + 9], isFragment ? frame.length : ip + header);
  }
  if (type === ETH_P_IPV6 && frame.length >= ip + IPV6_HLEN) {
    const end = ip + IPV6_HLEN;
    return withPorts(frame, frame.subarray(ip + 8, end), frame[ip + 6], end);
  }
  return frame.subarray(0, 0);
}

function withPorts(frame: Uint8Array, addresses: Uint8Array, protocol: number, at: number): Uint8Array {
  if ((protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) || at + 4 > frame.length) return addresses;
  const flow = new Uint8Array(addresses.length + 4);
  flow.set(addresses);
  flow.set(frame.subarray(at, at + 4), addresses.length);
  return flow;
}

/** The queue, of `queues`, that a frame comes in by. */
export function queueOf(frame: Uint8Array, queues: number): number {
  return queues === 1 ? 0 : toeplitz(flowOf(frame)) % queues;
}
