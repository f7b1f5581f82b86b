// The capture that replays are timed on: a pcap or pcapng of as many bytes or packets as wanted, the same bytes for the same seed.
//
// Sizes are those of the simple Internet mix (7 small, 4 medium, 1 large), a mean of 366 bytes: what a packet costs depends on them. Packets of all
// flows follow one another in random order, which is the hardest for caches and branch predictors.

import { Random } from '../../scripts/random.ts';
import { ACK, type Bytes, frame, type Host, type Path, PSH, tcp, u16, udp } from '../../scripts/traffic-frames.ts';
import { LINKTYPE_ETHERNET, MAX_SNAPLEN } from '../../src/replay/capture.ts';
import { PCAP_MAGIC_NS, PCAP_RECORD_BYTES, PCAP_VERSION_MAJOR, PCAP_VERSION_MINOR } from '../../src/replay/pcap.ts';
import { PCAPNG_SHB } from '../../src/replay/pcapng.ts';

export const CAPTURE_SEED = 0x5eed;
export const CAPTURE_FLOWS = 1000;

/** What a flow sends, again and again: 7 of 60 to 76 bytes, 4 of 564 to 637, one of 1514. Their mean is 366. */
const SIZES: readonly (readonly [count: number, from: number, to: number])[] = [
  [7, 60, 76],
  [4, 564, 637],
  [1, 1514, 1514],
];
const FRAMES = 12;

const START_SECONDS = 1_700_000_000;
const NS_PER_SECOND = 1_000_000_000;
/** Most time between two packets, ns: ten gigabits a second are about 290 ns for each. */
const MOST_GAP_NS = 580;
const PIECE_BYTES = 4 << 20;

/** Shares of a hundred: 65 TCP and 20 UDP over IPv4, 10 TCP and 5 UDP over IPv6. A tenth of all goes to port 8080, a twentieth to 22. */
function kindOf(random: Random): { protocol: 'tcp' | 'udp'; version: 4 | 6; port: number } {
  const share = random.below(100);
  const version = share < 85 ? 4 : 6;
  const protocol = share < 65 || (share >= 85 && share < 95) ? 'tcp' : 'udp';
  const port = random.below(100);
  if (port < 10) return { protocol, version, port: 8080 };
  if (port < 15) return { protocol, version, port: 22 };
  return { protocol, version, port: random.pick([53, 80, 123, 443, 443, 443, 5432, 51820]) };
}

/** Addresses for documentation and for benchmarks (RFC 2544, RFC 3849). */
function host(net: number, number: number): Host {
  const ip6 = new Uint8Array(16);
  ip6.set([0x20, 1, 0xd, 0xb8, 0, net]);
  ip6.set(u16(number), 14);
  return { mac: Uint8Array.of(2, 0, 0, net, ...u16(number)), ip4: Uint8Array.of(198, 18 + net, ...u16(number)), ip6 };
}

/** Fills the frame up to `size` bytes with payload. */
function frameOf(random: Random, path: Path, protocol: 'tcp' | 'udp', ports: [number, number], size: number): Bytes {
  const headers = 14 + (path.version === 4 ? 20 : 40) + (protocol === 'tcp' ? 20 : 8);
  const data = random.bytes(Math.max(0, size - headers));
  const id = random.below(0x10000);
  const [sport, dport] = ports;
  if (protocol === 'udp') return frame(path, 'udp', udp(path, sport, dport, data), { id });
  const numbers = { seq: random.below(1 << 30), ack: random.below(1 << 30), flags: data.length > 0 ? PSH | ACK : ACK };
  return frame(path, 'tcp', tcp(path, { sport, dport, ...numbers }, data), { id });
}

/** The frames of all flows, FRAMES of each one behind the other. */
function framesOf(random: Random, flows: number): Bytes[] {
  const frames: Bytes[] = [];
  for (let flow = 0; flow < flows; flow++) {
    const { protocol, version, port } = kindOf(random);
    const path: Path = { src: host(0, 1 + flow), dst: host(1, random.between(1, 64)), version };
    const ports: [number, number] = [random.between(32768, 60999), port];
    for (const [count, from, to] of SIZES) {
      for (let i = 0; i < count; i++) frames.push(frameOf(random, path, protocol, ports, random.between(from, to)));
    }
  }
  return frames;
}

/** How a format writes what comes in front of a packet, and behind it. */
interface Format {
  readonly header: Bytes;
  /** Bytes that a packet of `length` bytes takes. */
  size(length: number): number;
  /** Writes the record at `at`, all but the packet. @returns where that goes */
  record(view: DataView, at: number, length: number, time: Time): number;
}

interface Time {
  second: number;
  nanosecond: number;
}

function words(...values: number[]): Bytes {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

const PCAP: Format = {
  header: words(PCAP_MAGIC_NS, PCAP_VERSION_MAJOR | (PCAP_VERSION_MINOR << 16), 0, 0, MAX_SNAPLEN, LINKTYPE_ETHERNET),
  size: (length) => PCAP_RECORD_BYTES + length,
  record(view, at, length, { second, nanosecond }) {
    view.setUint32(at, second, true);
    view.setUint32(at + 4, nanosecond, true);
    view.setUint32(at + 8, length, true);
    view.setUint32(at + 12, length, true);
    return at + PCAP_RECORD_BYTES;
  },
};

const EPB_BYTES = 32;
const TWO_32 = 2 ** 32;
const padded = (length: number) => EPB_BYTES + ((length + 3) & ~3);

/** Time stamps in microseconds, as dumpcap writes them. */
const PCAPNG: Format = {
  header: words(
    ...[PCAPNG_SHB, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28],
    ...[1, 20, LINKTYPE_ETHERNET, MAX_SNAPLEN, 20],
  ),
  size: padded,
  record(view, at, length, { second, nanosecond }) {
    const size = padded(length);
    const time = second * 1e6 + Math.floor(nanosecond / 1000);
    const fields = [6, size, 0, Math.floor(time / TWO_32), time % TWO_32, length, length];
    for (let i = 0; i < fields.length; i++) view.setUint32(at + 4 * i, fields[i]!, true);
    // Old bytes of the piece would be padding otherwise.
    view.setUint32(at + size - 8, 0, true);
    view.setUint32(at + size - 4, size, true);
    return at + 28;
  },
};

export const FORMATS = { pcap: PCAP, pcapng: PCAPNG } as const;

export interface CaptureOptions {
  readonly format?: keyof typeof FORMATS;
  /** Size of the file at most: it ends with the last packet that has room. */
  readonly bytes?: number;
  /** Ends it earlier. */
  readonly packets?: number;
  readonly flows?: number;
  readonly seed?: number;
}

/** Gives the file in large pieces, each valid until `write` returns. @returns how many packets it has */
export function makeCapture(write: (piece: Uint8Array) => void, options: CaptureOptions = {}): number {
  const { bytes = Number.POSITIVE_INFINITY, packets = Number.POSITIVE_INFINITY, flows = CAPTURE_FLOWS } = options;
  if (bytes === packets) throw new RangeError('neither the bytes nor the packets of the capture are given');
  const { header, size, record } = FORMATS[options.format ?? 'pcap'];
  const random = new Random(options.seed ?? CAPTURE_SEED);
  const frames = framesOf(random, flows);
  const piece = new Uint8Array(PIECE_BYTES);
  const view = new DataView(piece.buffer);
  const time: Time = { second: START_SECONDS, nanosecond: 0 };
  piece.set(header);
  let used = header.length;
  let total = used;
  let count = 0;
  for (; count < packets; count++) {
    const data = frames[random.below(flows) * FRAMES + random.below(FRAMES)]!;
    const length = size(data.length);
    total += length;
    if (total > bytes) break;
    if (used + length > PIECE_BYTES) {
      write(piece.subarray(0, used));
      used = 0;
    }
    piece.set(data, record(view, used, data.length, time));
    used += length;
    time.nanosecond += 1 + random.below(MOST_GAP_NS);
    if (time.nanosecond >= NS_PER_SECOND) {
      time.nanosecond -= NS_PER_SECOND;
      time.second++;
    }
  }
  if (used > 0) write(piece.subarray(0, used));
  return count;
}
