// Small captures of every shape, built in memory: the property tests, cuts and mutations all go over these.
import { type Bytes, concat, payload, pcapHeader, pcapng, pcapRecord } from './build.ts';

const le = pcapng(true);
const be = pcapng(false);

function pcap(little: boolean, magic: number): Bytes {
  return concat(
    pcapHeader({ little, magic }),
    pcapRecord(payload(60), { little, seconds: 1700000000, fraction: 999999 }),
    pcapRecord(payload(0), { little, seconds: 1700000000, fraction: 5, origLen: 70 }),
    pcapRecord(payload(33, 7), { little, seconds: 1700000001, fraction: 1, origLen: 1514 }),
    pcapRecord(payload(5, 9), { little, seconds: 4294967295, fraction: 0 }),
  );
}

function sections(): Bytes {
  return concat(
    le.shb(),
    le.idb({ name: 'eth0', tsresol: 9 }),
    le.idb({ name: 'wlan0', snapLen: 20, tsresol: 0x8a, tsoffset: 1700000000n }),
    le.epb(payload(21), { time: 1700000000123456789n, comment: 'first' }),
    le.unknown(5, payload(24)),
    le.epb(payload(10, 3), { id: 1, time: 1536n }),
    be.shb({ minor: 2 }),
    be.unknown(0x40000bad, payload(7)),
    be.idb({ snapLen: 16 }),
    be.spb(payload(16, 5), 100),
    be.pb(payload(13, 8), { time: 1700000002000001n, origLen: 14 }),
    be.spb(payload(3, 1)),
    le.shb(),
    le.idb(),
    le.epb(payload(64), { time: 1700000003000000n }),
  );
}

export const FIXTURES: Readonly<Record<string, Bytes>> = {
  'pcap, little-endian, microseconds': pcap(true, 0xa1b2c3d4),
  'pcap, big-endian, microseconds': pcap(false, 0xa1b2c3d4),
  'pcap, little-endian, nanoseconds': pcap(true, 0xa1b23c4d),
  'pcap, big-endian, nanoseconds': pcap(false, 0xa1b23c4d),
  'pcapng, three sections': sections(),
};
