// The pcapng format: sections of blocks, each section in its own byte order and with its own interfaces.
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-04.html
//
//   block   type u32 | total length u32 | body | total length u32     (length: multiple of 4, all twelve fixed bytes counted)
//   SHB     byte-order magic u32 | major u16 | minor u16 | section length i64 | options
//   IDB     link type u16 | reserved u16 | snaplen u32 | options
//   EPB     interface u32 | time high u32 | time low u32 | captured length u32 | original length u32 | packet | options
//   PB      interface u16 | drops u16 | time high u32 | time low u32 | captured length u32 | original length u32 | packet | options
//   SPB     original length u32 | packet
import { CaptureError } from '../errors/index.ts';
import { type CaptureBatch, MAX_SNAPLEN } from './capture-batch.ts';
import { type CaptureInterface, hex32, type RecordParser } from './capture-format.ts';
import type { CaptureWindow } from './capture-source.ts';
import { parseInterfaceOptions } from './pcapng-options.ts';
import { DEFAULT_TSRESOL, TimeScale, unitsPerSecond } from './pcapng-time.ts';

/** The longest block: the limit libpcap and Wireshark have as well. A whole block is in memory at a time. */
export const MAX_BLOCK_BYTES = 16 << 20;
/** Interfaces of all sections together. */
export const MAX_INTERFACES = 65536;

/** A palindrome, so that it reads the same in both byte orders. */
export const PCAPNG_SHB = 0x0a0d0d0a;
const PCAPNG_IDB = 1;
const PCAPNG_PB = 2;
const PCAPNG_SPB = 3;
const PCAPNG_EPB = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const BYTE_ORDER_SWAPPED = 0x4d3c2b1a;

const FRAME_BYTES = 12;
const BODY = 8;

interface BlockKind {
  name: string;
  /** Fixed part and frame. */
  minBytes: number;
}

const KINDS: ReadonlyMap<number, BlockKind> = new Map([
  [PCAPNG_SHB, { name: 'section header block', minBytes: FRAME_BYTES + 16 }],
  [PCAPNG_IDB, { name: 'interface description block', minBytes: FRAME_BYTES + 8 }],
  [PCAPNG_PB, { name: 'packet block', minBytes: FRAME_BYTES + 20 }],
  [PCAPNG_SPB, { name: 'simple packet block', minBytes: FRAME_BYTES + 4 }],
  [PCAPNG_EPB, { name: 'enhanced packet block', minBytes: FRAME_BYTES + 20 }],
]);

function blockName(type: number): string {
  return KINDS.get(type)?.name ?? `block of type 0x${hex32(type)}`;
}

export class PcapngParser implements RecordParser {
  readonly format = 'pcapng';
  readonly interfaces: CaptureInterface[] = [];
  readonly #scales: TimeScale[] = [];
  #little = true;
  #section = -1;
  #version = 0;
  /** Index of the section's interface 0. */
  #firstInterface = 0;

  walk(source: CaptureWindow, batch: CaptureBatch): number {
    while (source.left >= BODY) {
      const type = source.view.getUint32(source.pos, this.#little);
      if (type === PCAPNG_SHB) {
        if (source.left < FRAME_BYTES) return FRAME_BYTES;
        this.#readByteOrder(source);
      }
      const length = this.#readLength(source, type);
      if (source.left < length) return length;
      this.#checkTrailer(source, type, length);
      if (!this.#readBlock(source, batch, type, length)) return 0;
      source.pos += length;
    }
    return BODY;
  }

  /** Byte order of the section. */
  get little(): boolean {
    return this.#little;
  }

  /** Changes with what `section` says. */
  get version(): number {
    return this.#version;
  }

  /** For a walk of enhanced packet blocks alone: the section's interfaces, and of each one how many ns a unit of its time stamps has. */
  get section(): { readonly interfaces: readonly CaptureInterface[]; readonly factors: readonly number[] } {
    const first = this.#firstInterface;
    return { interfaces: this.interfaces.slice(first), factors: this.#scales.slice(first).map(({ factor }) => factor) };
  }

  partAt(source: CaptureWindow): string {
    if (source.left < BODY) return 'block header';
    return blockName(source.view.getUint32(source.pos, this.#little));
  }

  /** From here on the section's byte order holds, for this block's own length too. */
  #readByteOrder(source: CaptureWindow): void {
    const magic = source.view.getUint32(source.pos + BODY, true);
    if (magic !== BYTE_ORDER_MAGIC && magic !== BYTE_ORDER_SWAPPED) {
      throw this.#malformed(source, PCAPNG_SHB, 'byte-order magic', hex32(magic), '1a2b3c4d in either byte order');
    }
    this.#little = magic === BYTE_ORDER_MAGIC;
  }

  #readLength(source: CaptureWindow, type: number): number {
    const length = source.view.getUint32(source.pos + 4, this.#little);
    const min = KINDS.get(type)?.minBytes ?? FRAME_BYTES;
    if (length < min || length % 4 !== 0) {
      throw this.#malformed(source, type, 'total length', String(length), `a multiple of 4, at least ${min}`);
    }
    if (length > MAX_BLOCK_BYTES) {
      const fields = { offset: source.offset, what: blockName(type), found: length, limit: MAX_BLOCK_BYTES };
      throw new CaptureError('CAPTURE_TOO_LONG', fields);
    }
    return length;
  }

  #checkTrailer(source: CaptureWindow, type: number, length: number): void {
    const trailer = source.view.getUint32(source.pos + length - 4, this.#little);
    if (trailer === length) return;
    throw this.#malformed(source, type, 'second total length', String(trailer), `${length}, as the first`);
  }

  /** False when the batch has no room: the block is then read again for the next one. */
  #readBlock(source: CaptureWindow, batch: CaptureBatch, type: number, length: number): boolean {
    switch (type) {
      case PCAPNG_EPB:
        return this.#readPacket(source, batch, type, length);
      case PCAPNG_SPB:
        return this.#readSimplePacket(source, batch, length);
      case PCAPNG_PB:
        return this.#readPacket(source, batch, type, length);
      case PCAPNG_IDB:
        this.#readInterface(source, length);
        return true;
      case PCAPNG_SHB:
        this.#readSection(source);
        return true;
      default:
        // Statistics, name resolution, custom blocks: the format lets readers skip what they do not know.
        return true;
    }
  }

  #readSection(source: CaptureWindow): void {
    const major = source.view.getUint16(source.pos + 12, this.#little);
    const minor = source.view.getUint16(source.pos + 14, this.#little);
    // Some writers say 1.2; the draft has readers treat it as 1.0.
    if (major !== 1 || (minor !== 0 && minor !== 2)) {
      const fields = { format: 'pcapng', offset: source.offset + 12, found: `${major}.${minor}`, expected: '1.0' };
      throw new CaptureError('CAPTURE_VERSION', fields);
    }
    this.#section++;
    this.#version++;
    this.#firstInterface = this.interfaces.length;
  }

  #readInterface(source: CaptureWindow, length: number): void {
    const { view, pos } = source;
    const little = this.#little;
    const index = this.interfaces.length;
    if (index >= MAX_INTERFACES) {
      throw new CaptureError('CAPTURE_INTERFACES', { offset: source.offset, limit: MAX_INTERFACES });
    }
    const range = { view, from: pos + 16, to: pos + length - 4, little, fileOffset: source.fileOffset };
    const options = parseInterfaceOptions(range);
    this.#version++;
    const units = unitsPerSecond(options.tsresol ?? DEFAULT_TSRESOL);
    const offsetSeconds = options.offsetSeconds ?? 0n;
    this.#scales.push(new TimeScale(units, offsetSeconds));
    this.interfaces.push({
      index,
      section: this.#section,
      id: index - this.#firstInterface,
      linkType: view.getUint16(pos + 8, little),
      snapLen: view.getUint32(pos + 12, little),
      unitsPerSecond: units,
      offsetSeconds,
      ...(options.name === undefined ? {} : { name: options.name }),
    });
  }

  /** Enhanced and obsolete packet blocks differ in the first word only. */
  #readPacket(source: CaptureWindow, batch: CaptureBatch, type: number, length: number): boolean {
    const { view, pos } = source;
    const little = this.#little;
    const id = type === PCAPNG_EPB ? view.getUint32(pos + BODY, little) : view.getUint16(pos + BODY, little);
    const index = this.#interfaceIndex(source, type, id);
    const capLen = view.getUint32(pos + 20, little);
    this.#checkPacket(source, type, capLen, length - FRAME_BYTES - 20);
    const data = pos + 28;
    if (!batch.hasRoom(data, capLen)) return false;
    const high = view.getUint32(pos + 12, little);
    const low = view.getUint32(pos + 16, little);
    if (!this.#scales[index].write(high, low, batch.time, 2 * batch.count)) {
      const units = String((BigInt(high) << 32n) | BigInt(low));
      const fields = { offset: source.offset, block: blockName(type), units, interfaceId: id };
      throw new CaptureError('CAPTURE_TIMESTAMP', fields);
    }
    batch.push(data, capLen, view.getUint32(pos + 24, little), index);
    return true;
  }

  /** No interface (it is 0), no time, and the captured length follows from the original and the snapshot length. */
  #readSimplePacket(source: CaptureWindow, batch: CaptureBatch, length: number): boolean {
    const index = this.#interfaceIndex(source, PCAPNG_SPB, 0);
    const origLen = source.view.getUint32(source.pos + BODY, this.#little);
    const snapLen = this.interfaces[index].snapLen;
    const capLen = snapLen === 0 ? origLen : Math.min(origLen, snapLen);
    this.#checkPacket(source, PCAPNG_SPB, capLen, length - FRAME_BYTES - 4);
    const data = source.pos + BODY + 4;
    if (!batch.hasRoom(data, capLen)) return false;
    batch.time[2 * batch.count] = 0;
    batch.time[2 * batch.count + 1] = 0;
    batch.push(data, capLen, origLen, index);
    return true;
  }

  #interfaceIndex(source: CaptureWindow, type: number, id: number): number {
    const count = this.interfaces.length - this.#firstInterface;
    if (id < count) return this.#firstInterface + id;
    const fields = { offset: source.offset, block: blockName(type), interfaceId: id, count };
    throw new CaptureError('CAPTURE_INTERFACE', fields);
  }

  #checkPacket(source: CaptureWindow, type: number, capLen: number, room: number): void {
    if (capLen > MAX_SNAPLEN) {
      const what = `packet of the ${blockName(type)}`;
      throw new CaptureError('CAPTURE_TOO_LONG', { offset: source.offset, what, found: capLen, limit: MAX_SNAPLEN });
    }
    if (capLen <= room) return;
    throw this.#malformed(
      source,
      type,
      'captured length',
      String(capLen),
      `at most ${room}, which the block has room for`,
    );
  }

  #malformed(source: CaptureWindow, type: number, field: string, found: string, expected: string): CaptureError {
    return new CaptureError('CAPTURE_BLOCK', { offset: source.offset, block: blockName(type), field, found, expected });
  }
}
