/**
 * `struct __sk_buff` of a packet, for programs that see one (struct Skb of assembly/abi.ts). What is not given is what Linux 6.18 answers in
 * BPF_PROG_TEST_RUN: the packet came in on the loopback device, and socket filters find their data behind the link header.
 */
import {
  SKB_CB,
  SKB_CB_END,
  SKB_DATA,
  SKB_DATA_END,
  SKB_HASH,
  SKB_IFINDEX,
  SKB_INGRESS_IFINDEX,
  SKB_LEN,
  SKB_MARK,
  SKB_NETWORK,
  SKB_PKT_TYPE,
  SKB_PRIORITY,
  SKB_PROTOCOL,
  SKB_QUEUE_MAPPING,
  SKB_SIZE,
  SKB_VLAN_PRESENT,
  SKB_VLAN_PROTO,
  SKB_VLAN_TCI,
} from '../../assembly/abi.ts';
import { RunError } from '../errors/index.ts';

/** What the user may say of a packet's `struct __sk_buff`. Numbers are in the host's order. */
export interface SkbMeta {
  /** Where the data begins that LD_ABS and `len` count from: behind the link header (default), or at it, as packet sockets see it. */
  readonly layer?: 'network' | 'link';
  /** Bytes of the link header: 14, Ethernet's, unless given. */
  readonly linkHeader?: number;
  /** The packet's length on the wire, where what was captured of it is shorter. */
  readonly wireLength?: number;
  /** PACKET_HOST 0, PACKET_BROADCAST 1, PACKET_MULTICAST 2, PACKET_OTHERHOST 3, PACKET_OUTGOING 4. */
  readonly pktType?: number;
  readonly mark?: number;
  readonly queueMapping?: number;
  /** Ethernet type; from the link header unless given. */
  readonly protocol?: number;
  /** The VLAN tag that the device took out of the packet. */
  readonly vlan?: { readonly tci: number; readonly proto?: number };
  readonly priority?: number;
  readonly ingressIfindex?: number;
  /** The device: 1, the loopback device, unless given. */
  readonly ifindex?: number;
  readonly hash?: number;
  /** 20 bytes at most. */
  readonly cb?: Uint8Array;
}

const ETH_HLEN = 14;
const ETH_ALEN = 6;
const ETH_P_802_3_MIN = 0x600;
const ETH_P_802_3 = 1;
const ETH_P_802_2 = 4;
const ETH_P_8021Q = 0x8100;

const PACKET_HOST = 0;
const PACKET_MULTICAST = 2;
const PACKET_OTHERHOST = 3;

/** Whom the loopback device, whose address is all zeros, takes a frame for. */
function pktTypeOf(u8: Uint8Array, { data, dataEnd }: Placed): number {
  if (dataEnd - data < ETH_ALEN) return PACKET_HOST;
  if ((u8[data] & 1) !== 0) return PACKET_MULTICAST;
  for (let at = data; at < data + ETH_ALEN; at++) if (u8[at] !== 0) return PACKET_OTHERHOST;
  return PACKET_HOST;
}

/** The Ethernet type; a length instead of it means an 802.2 header, or Novell's frames without one. */
function protocolOf(u8: Uint8Array, { data, dataEnd }: Placed): number {
  if (dataEnd - data < ETH_HLEN) return 0;
  const at = data + 2 * ETH_ALEN;
  const type = (u8[at] << 8) | u8[at + 1];
  if (type >= ETH_P_802_3_MIN) return type;
  const behind = data + ETH_HLEN;
  const novell = behind + 2 <= dataEnd && u8[behind] === 0xff && u8[behind + 1] === 0xff;
  return novell ? ETH_P_802_3 : ETH_P_802_2;
}

function checkMeta({ cb, linkHeader }: SkbMeta): void {
  const refuse = (field: string, detail: string): never => {
    throw new RunError('RUN_CTX', { field, detail });
  };
  const room = SKB_CB_END - SKB_CB;
  if (cb !== undefined && cb.length > room) refuse('cb', `${cb.length} bytes were given, and it has ${room}`);
  if (linkHeader !== undefined && !(Number.isInteger(linkHeader) && linkHeader >= 0)) {
    refuse('linkHeader', `${linkHeader} is no number of bytes`);
  }
}

/**
 * Writes the struct at address `at` for a packet at address `data`.
 * @throws RunError RUN_CTX
 */
export function writeSkb(memory: { u8: Uint8Array; view: DataView }, at: number, packet: Placed, meta: SkbMeta): void {
  checkMeta(meta);
  const { u8, view } = memory;
  const { data, dataEnd } = packet;
  // No views of the packet, of which there may be millions.
  const length = dataEnd - data;
  // A packet shorter than its link header has nothing behind it.
  const header = Math.min(meta.linkHeader ?? ETH_HLEN, length);
  const skipped = meta.layer === 'link' ? 0 : header;
  const word = (offset: number, value: number): void => view.setUint32(at + offset, value, true);
  const networkOrder = (offset: number, value: number): void => view.setUint16(at + offset, value, false);
  u8.fill(0, at, at + SKB_SIZE);
  word(SKB_LEN, Math.max(0, (meta.wireLength ?? length) - skipped));
  word(SKB_PKT_TYPE, meta.pktType ?? pktTypeOf(u8, packet));
  word(SKB_MARK, meta.mark ?? 0);
  word(SKB_QUEUE_MAPPING, meta.queueMapping ?? 0);
  networkOrder(SKB_PROTOCOL, meta.protocol ?? protocolOf(u8, packet));
  if (meta.vlan !== undefined) {
    word(SKB_VLAN_PRESENT, 1);
    word(SKB_VLAN_TCI, meta.vlan.tci);
    networkOrder(SKB_VLAN_PROTO, meta.vlan.proto ?? ETH_P_8021Q);
  }
  word(SKB_PRIORITY, meta.priority ?? 0);
  word(SKB_INGRESS_IFINDEX, meta.ingressIfindex ?? 0);
  word(SKB_IFINDEX, meta.ifindex ?? 1);
  word(SKB_HASH, meta.hash ?? 0);
  if (meta.cb !== undefined) u8.set(meta.cb, at + SKB_CB);
  word(SKB_DATA, data + skipped);
  word(SKB_DATA_END, dataEnd);
  word(SKB_NETWORK, data + header);
}

/** Where a packet lies. */
interface Placed {
  readonly data: number;
  readonly dataEnd: number;
}
