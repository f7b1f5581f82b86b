// What a capture file says about itself: its interfaces, link types and the magic numbers that are not ours to read.
// Link types: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcaplinktype-09.html
import { CaptureError } from '../errors/index.ts';
import type { CaptureBatch } from './capture-batch.ts';
import type { CaptureWindow } from './capture-source.ts';

export type CaptureFormat = 'pcap' | 'pcapng';

/** Where packets came from. A pcap file has one; a pcapng file describes them as it goes. */
export interface CaptureInterface {
  /** Index into the reader's `interfaces`, across sections. */
  index: number;
  /** Its section (0 for the first) and its number there: pcapng counts interfaces anew in each section. */
  section: number;
  id: number;
  /** LINKTYPE_ value: 1 is Ethernet. */
  linkType: number;
  /** The capture's snapshot length; 0 means no limit. */
  snapLen: number;
  /** Time stamp units in a second: 1000000n for microseconds, 1000000000n for nanoseconds. */
  unitsPerSecond: bigint;
  /** Seconds to add to each time stamp (`if_tsoffset`). */
  offsetSeconds: bigint;
  name?: string;
}

/** One file format's walk over whole records. */
export interface RecordParser {
  readonly format: CaptureFormat;
  readonly interfaces: CaptureInterface[];
  /** Moves `source.pos` over the records that are whole, into an empty batch. Returns 0 when the batch is full, otherwise how many bytes the next step needs. */
  walk(source: CaptureWindow, batch: CaptureBatch): number;
  /** What lies at `source.pos`, for the error of a capture that ends inside it. */
  partAt(source: CaptureWindow): string;
}

export const LINKTYPE_ETHERNET = 1;

/** The LINKTYPE_ names one meets in practice, for messages. */
export const LINKTYPES: Readonly<Record<number, string>> = {
  0: 'NULL',
  1: 'ETHERNET',
  6: 'IEEE802_5',
  9: 'PPP',
  50: 'PPP_HDLC',
  51: 'PPP_ETHER',
  101: 'RAW',
  104: 'C_HDLC',
  105: 'IEEE802_11',
  107: 'FRELAY',
  108: 'LOOP',
  113: 'LINUX_SLL',
  117: 'PFLOG',
  119: 'IEEE802_11_PRISM',
  127: 'IEEE802_11_RADIOTAP',
  143: 'DOCSIS',
  147: 'USER0',
  189: 'USB_LINUX',
  192: 'PPI',
  195: 'IEEE802_15_4_WITHFCS',
  201: 'BLUETOOTH_HCI_H4_WITH_PHDR',
  220: 'USB_LINUX_MMAPPED',
  227: 'CAN_SOCKETCAN',
  228: 'IPV4',
  229: 'IPV6',
  239: 'NFLOG',
  249: 'USBPCAP',
  252: 'WIRESHARK_UPPER_PDU',
  253: 'NETLINK',
  271: 'VSOCK',
  272: 'NORDIC_BLE',
  276: 'LINUX_SLL2',
};

/** `LINKTYPE_ETHERNET`, or `link type 4711` for one without a name here. */
export function linkTypeName(linkType: number): string {
  const name = LINKTYPES[linkType];
  return name === undefined ? `link type ${linkType}` : `LINKTYPE_${name}`;
}

/** Big-endian prefixes of what people hand over instead of a capture. */
const COMPRESSED: readonly (readonly [mask: number, magic: number, format: string, command: string])[] = [
  [0xffff0000, 0x1f8b0000, 'gzip', 'zcat'],
  [0xffffffff, 0x28b52ffd, 'zstd', 'zstdcat'],
  [0xffffffff, 0xfd377a58, 'xz', 'xzcat'],
  [0xffffff00, 0x425a6800, 'bzip2', 'bzcat'],
  [0xffffffff, 0x04224d18, 'lz4', 'lz4cat'],
];

/** Relatives of pcap whose records look different. The first five are known in both byte orders. */
const VARIANTS: ReadonlyMap<number, string> = new Map([
  [0xa1b2cd34, "Kuznetzov's modified pcap"],
  [0xa1b234cd, "Mesquita's modified pcap"],
  [0xa12b3c4d, "Navtel's modified pcap"],
  [0x1c0001ac, "Ixia's hardware capture"],
  [0x1c0001ab, "Ixia's software capture"],
  [0x736e6f6f, 'a Solaris snoop file'],
  [0x474d4255, 'a Microsoft Network Monitor file'],
]);

function swap32(value: number): number {
  return new DataView(Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value).buffer).getUint32(0, true);
}

export function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** The error for a file that begins with these four bytes (read big-endian) and is neither pcap nor pcapng. */
export function refuseMagic(magic: number): CaptureError {
  for (const [mask, wanted, format, command] of COMPRESSED) {
    if ((magic & mask) >>> 0 === wanted) return new CaptureError('CAPTURE_COMPRESSED', { format, command });
  }
  for (const value of [magic, swap32(magic)]) {
    const variant = VARIANTS.get(value);
    if (variant !== undefined) return new CaptureError('CAPTURE_VARIANT', { magic: hex32(value), variant });
  }
  return new CaptureError('CAPTURE_MAGIC', { found: hex32(magic) });
}
