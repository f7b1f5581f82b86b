// Receive-side scaling: which CPU a packet belongs to. Toeplitz's hash over addresses and ports with the key of Microsoft's "Verifying the RSS Hash
// Calculation", as src/net/rss.ts has it for queues of devices, here by tables: what each value of each byte contributes. Both directions of a connection
// have hashes of their own, as with the cards that Linux knows unless they are told otherwise.
import { RSS_BYTES, RSS_TABLES_SIZE } from '../../abi';

const KEY_BYTES: i32 = 40;
const key: u32 = <u32>(
  memory.data<u8>([
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b,
    0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
    0x01, 0xfa,
  ])
);

const ETH_HLEN: u32 = 14;
const VLAN_HLEN: u32 = 4;
/** Tags that a card looks behind. */
const MAX_TAGS: u32 = 2;
// As they are in memory: network order.
const ETH_P_IP: u32 = 0x0008;
const ETH_P_IPV6: u32 = 0xdd86;
const ETH_P_8021Q: u32 = 0x0081;
const ETH_P_8021AD: u32 = 0xa888;
const FRAGMENT: u32 = 0xff3f;
const IPPROTO_TCP: u32 = 6;
const IPPROTO_UDP: u32 = 17;
const IPHDR: u32 = 20;
const IPV6HDR: u32 = 40;

if (RSS_BYTES + 4 > KEY_BYTES) ERROR('the key is too short');

/** 32 bits of the key from `bit` on. */
function keyFrom(bit: u32): u32 {
  const at = key + (bit >> 3);
  const high = (<u64>bswap<u32>(load<u32>(at))) << 8;
  return <u32>((high | load<u8>(at, 4)) >> (8 - (bit & 7)));
}

/** Fills RSS_TABLES_SIZE bytes. */
export function rss_tables(tables: u32): void {
  for (let at: u32 = 0; at < <u32>RSS_BYTES; at++) {
    for (let value: u32 = 0; value < 256; value++) {
      let hash: u32 = 0;
      for (let bit: u32 = 0; bit < 8; bit++) if (value & (0x80 >> bit)) hash ^= keyFrom(at * 8 + bit);
      store<u32>(tables + (((at << 8) | value) << 2), hash);
    }
  }
  fillMasks(tables);
}

/** Behind the tables: for each of the hash's lowest bits which bits of a flow's bytes it is the parity of. */
const MASKS: u32 = RSS_BYTES << 10;
const MASK: u32 = 64;
/** As many bits as there are masks for. */
const MASK_BITS: u32 = 2;

if (RSS_TABLES_SIZE != MASKS + MASK_BITS * MASK) ERROR('RSS_TABLES_SIZE drifted');

function fillMasks(tables: u32): void {
  for (let bit: u32 = 0; bit < MASK_BITS; bit++) {
    const mask = tables + MASKS + bit * MASK;
    for (let at: u32 = 0; at < <u32>RSS_BYTES; at++) store<u8>(mask + at, <u8>(keyFrom(at * 8 + 7 - bit) & 255));
  }
}

/** Ways to make a number of a flow's bytes, as types, so that packets are looked at in one way for both. */
type Hash = u8;
/** Its lowest bit is that of all bits together. */
type Parity = u16;

/** What `size` bytes, a multiple of 4, contribute as the flow's bytes from `first` on. `tables` are those of rss_tables, or a mask. */
function part<T>(tables: u32, first: u32, bytes: u32, size: u32): u32 {
  return sizeof<T>() == sizeof<Parity>()
    ? maskedPart(tables + first, bytes, size)
    : hashPart(tables, first, bytes, size);
}

function maskedPart(mask: u32, bytes: u32, size: u32): u32 {
  let folded: u32 = 0;
  for (const end = bytes + size; bytes != end; bytes += 4, mask += 4) folded ^= load<u32>(bytes) & load<u32>(mask);
  return folded;
}

function hashPart(tables: u32, first: u32, bytes: u32, size: u32): u32 {
  let hash: u32 = 0;
  let table = tables + (first << 10);
  for (const end = bytes + size; bytes != end; bytes += 4, table += 4096) {
    const word = load<u32>(bytes);
    hash ^=
      load<u32>(table + ((word & 0xff) << 2)) ^
      load<u32>(table + (((word >> 8) & 0xff) << 2), 1024) ^
      load<u32>(table + (((word >> 16) & 0xff) << 2), 2048) ^
      load<u32>(table + ((word >> 24) << 2), 3072);
  }
  return hash;
}

function ports<T>(tables: u32, first: u32, protocol: u32, at: u32, end: u32): u32 {
  if ((protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) || at + 4 > end) return 0;
  return part<T>(tables, first, at, 4);
}

function flow<T>(tables: u32, data: u32, length: u32): u32 {
  const end = data + length;
  let ip = data + ETH_HLEN;
  if (ip + IPHDR > end) return 0;
  let type: u32 = load<u16>(data, 12);
  for (let tags: u32 = 0; (type == ETH_P_8021Q || type == ETH_P_8021AD) && tags < MAX_TAGS; tags++) {
    type = load<u16>(ip, 2);
    ip += VLAN_HLEN;
  }
  if (type == ETH_P_IP && ip + IPHDR <= end) {
    const addresses = part<T>(tables, 0, ip + 12, 8);
    if (load<u16>(ip, 6) & FRAGMENT) return addresses;
    return addresses ^ ports<T>(tables, 8, load<u8>(ip, 9), ip + ((load<u8>(ip) & 15) << 2), end);
  }
  if (type != ETH_P_IPV6 || ip + IPV6HDR > end) return 0;
  return part<T>(tables, 0, ip + 8, 32) ^ ports<T>(tables, 32, load<u8>(ip, 6), ip + IPV6HDR, end);
}

/** The hash of an Ethernet frame at [data, data + length); 0 for what is no IP packet. */
export function rss_hash(tables: u32, data: u32, length: u32): u32 {
  return flow<Hash>(tables, data, length);
}

function bitOf(tables: u32, bit: u32, data: u32, length: u32): u32 {
  return popcnt<u32>(flow<Parity>(tables + MASKS + bit * MASK, data, length)) & 1;
}

/** Of `count` CPUs the one that a packet's flow goes to: its hash modulo `count`. Of few CPUs only the hash's last bits count, which are parities. */
export function cpuOf(tables: u32, data: u32, length: u32, count: u32): u32 {
  if (count == 1) return 0;
  if (count == 2) return bitOf(tables, 0, data, length);
  if (count == 4) return bitOf(tables, 0, data, length) | (bitOf(tables, 1, data, length) << 1);
  const hash = rss_hash(tables, data, length);
  return count & (count - 1) ? hash % count : hash & (count - 1);
}
