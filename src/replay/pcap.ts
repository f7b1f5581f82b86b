// The classic pcap format: a 24-byte header, then records of a 16-byte header and the packet.
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html
//
//   header   magic u32 | major u16 | minor u16 | zone i32 | sigfigs u32 | snaplen u32 | FCS and link type u32
//   record   seconds u32 | micro- or nanoseconds u32 | captured length u32 | original length u32 | packet
import { CaptureError } from '../errors/index.ts';
import { type CaptureBatch, MAX_SNAPLEN } from './capture-batch.ts';
import type { CaptureInterface, RecordParser } from './capture-format.ts';
import type { CaptureWindow } from './capture-source.ts';

export const PCAP_MAGIC_US = 0xa1b2c3d4;
export const PCAP_MAGIC_NS = 0xa1b23c4d;
export const PCAP_HEADER_BYTES = 24;
export const PCAP_RECORD_BYTES = 16;
export const PCAP_VERSION_MAJOR = 2;
export const PCAP_VERSION_MINOR = 4;

/** The upper six bits of the last header word say whether and how many FCS bytes the packets carry. */
const LINK_TYPE_MASK = 0x03ffffff;

const NS_PER_SECOND = 1_000_000_000;
const NS_PER_US = 1000;
const TWO_32 = 4294967296;

/** Which byte order and precision the first four bytes (read big-endian) name; undefined when they are not pcap's. */
export function pcapMagic(magic: number): { little: boolean; nanoseconds: boolean } | undefined {
  if (magic === PCAP_MAGIC_US) return { little: false, nanoseconds: false };
  if (magic === PCAP_MAGIC_NS) return { little: false, nanoseconds: true };
  if (magic === 0xd4c3b2a1) return { little: true, nanoseconds: false };
  if (magic === 0x4d3cb2a1) return { little: true, nanoseconds: true };
  return undefined;
}

export class PcapParser implements RecordParser {
  readonly format = 'pcap';
  readonly interfaces: CaptureInterface[] = [];
  /** Byte order of headers, and unit of time stamps. */
  readonly little: boolean;
  readonly nanoseconds: boolean;
  readonly #nsPerUnit: number;
  // Packets of the same second share its product, so a record costs additions only.
  #second = 0;
  #secondLo = 0;
  #secondHi = 0;

  /** Reads the file header: `source` must hold its 24 bytes. */
  constructor(source: CaptureWindow, kind: { little: boolean; nanoseconds: boolean }) {
    this.little = kind.little;
    this.nanoseconds = kind.nanoseconds;
    this.#nsPerUnit = kind.nanoseconds ? 1 : NS_PER_US;
    const { view, pos } = source;
    const major = view.getUint16(pos + 4, kind.little);
    const minor = view.getUint16(pos + 6, kind.little);
    // Older minor versions have the two lengths of a record the other way round.
    if (major !== PCAP_VERSION_MAJOR || minor !== PCAP_VERSION_MINOR) {
      const found = `${major}.${minor}`;
      throw new CaptureError('CAPTURE_VERSION', { format: 'pcap', offset: source.offset + 4, found, expected: '2.4' });
    }
    this.interfaces.push({
      index: 0,
      section: 0,
      id: 0,
      linkType: view.getUint32(pos + 20, kind.little) & LINK_TYPE_MASK,
      snapLen: view.getUint32(pos + 16, kind.little),
      unitsPerSecond: kind.nanoseconds ? 1_000_000_000n : 1_000_000n,
      offsetSeconds: 0n,
    });
    source.pos += PCAP_HEADER_BYTES;
  }

  walk(source: CaptureWindow, batch: CaptureBatch): number {
    const { view } = source;
    const { little } = this;
    let pos = source.pos;
    const end = pos + source.left;
    let need = PCAP_RECORD_BYTES;
    while (end - pos >= PCAP_RECORD_BYTES) {
      const capLen = view.getUint32(pos + 8, little);
      if (capLen > MAX_SNAPLEN) {
        source.pos = pos;
        const fields = { offset: source.offset, what: 'packet record', found: capLen, limit: MAX_SNAPLEN };
        throw new CaptureError('CAPTURE_TOO_LONG', fields);
      }
      const data = pos + PCAP_RECORD_BYTES;
      if (end - data < capLen) {
        need = PCAP_RECORD_BYTES + capLen;
        break;
      }
      if (!batch.hasRoom(data, capLen)) {
        need = 0;
        break;
      }
      this.#writeTime(view.getUint32(pos, little), view.getUint32(pos + 4, little), batch);
      batch.push(data, capLen, view.getUint32(pos + 12, little), 0);
      pos = data + capLen;
    }
    source.pos = pos;
    return need;
  }

  partAt(source: CaptureWindow): string {
    return source.left < PCAP_RECORD_BYTES ? 'record header' : 'packet record';
  }

  #writeTime(second: number, units: number, batch: CaptureBatch): void {
    if (second !== this.#second) {
      // second * 1e9 needs 62 bits: multiply the halves, each product fits a double exactly.
      const low = (second & 0xffff) * NS_PER_SECOND;
      const high = (second >>> 16) * NS_PER_SECOND;
      const sum = low + (high & 0xffff) * 65536;
      this.#second = second;
      this.#secondLo = sum >>> 0;
      this.#secondHi = Math.floor(high / 65536) + Math.floor(sum / TWO_32);
    }
    const low = this.#secondLo + units * this.#nsPerUnit;
    const i = 2 * batch.count;
    batch.time[i] = low >>> 0;
    batch.time[i + 1] = this.#secondHi + Math.floor(low / TWO_32);
  }
}
