// Writes classic pcap, little-endian, in large pieces. The format is drawn in pcap.ts.
import { CaptureError } from '../errors/index.ts';
import { MAX_SNAPLEN } from './capture-batch.ts';
import { LINKTYPE_ETHERNET } from './capture-format.ts';
import {
  PCAP_HEADER_BYTES,
  PCAP_MAGIC_NS,
  PCAP_MAGIC_US,
  PCAP_RECORD_BYTES,
  PCAP_VERSION_MAJOR,
  PCAP_VERSION_MINOR,
} from './pcap.ts';

const PIECE_BYTES = 1 << 20;
/** The first piece is small: many captures are. It has room for the header. */
const FIRST_PIECE_BYTES = 1 << 14;
const NS_PER_SECOND = 1_000_000_000;
const EMPTY = new Uint8Array(0);
const TWO_32 = 4294967296;

export interface PcapWriterOptions {
  /** Of the time stamps: `'ns'` unless given. Microseconds are rounded down. */
  precision?: 'us' | 'ns';
  /** LINKTYPE_ value; Ethernet unless given. */
  linkType?: number;
  /** What the header names as the capture's snapshot length; 262144 unless given. */
  snapLen?: number;
  /** Whoever gets a piece is done with it on return, and its memory is used again: faster, for files that are written at once. False unless given. */
  reuse?: boolean;
}

/** What a record says besides the packet's bytes. The writer keeps no reference: one object can serve every packet. */
export interface PcapRecordMeta {
  /** Nanoseconds since 1970, as two unsigned words. */
  timeLo: number;
  timeHi: number;
  /** The packet's length on the wire. */
  originalLength: number;
}

export class PcapWriter {
  readonly #write: (chunk: Uint8Array) => void;
  readonly #nanoseconds: boolean;
  readonly #reuse: boolean;
  #piece: Uint8Array;
  #view: DataView;
  #used = 0;
  #packets = 0;

  /** `write` gets each piece once and may keep it, but with `reuse`; the first one begins with the file header. */
  constructor(write: (chunk: Uint8Array) => void, options: PcapWriterOptions = {}) {
    this.#write = write;
    this.#nanoseconds = (options.precision ?? 'ns') === 'ns';
    this.#reuse = options.reuse === true;
    this.#piece = new Uint8Array(FIRST_PIECE_BYTES);
    this.#view = new DataView(this.#piece.buffer);
    const view = this.#view;
    view.setUint32(0, this.#nanoseconds ? PCAP_MAGIC_NS : PCAP_MAGIC_US, true);
    view.setUint16(4, PCAP_VERSION_MAJOR, true);
    view.setUint16(6, PCAP_VERSION_MINOR, true);
    view.setUint32(16, options.snapLen ?? MAX_SNAPLEN, true);
    view.setUint32(20, options.linkType ?? LINKTYPE_ETHERNET, true);
    this.#used = PCAP_HEADER_BYTES;
  }

  /** Of time stamps. */
  get precision(): 'us' | 'ns' {
    return this.#nanoseconds ? 'ns' : 'us';
  }

  /** How many packets were added. */
  get packets(): number {
    return this.#packets;
  }

  add(packet: { timestampNs: bigint; data: Uint8Array; originalLength?: number }): void {
    const { timestampNs, data } = packet;
    if (timestampNs < 0n || timestampNs >= 1n << 64n) throw this.#refuseTime(String(timestampNs));
    const timeLo = Number(timestampNs & 0xffffffffn);
    const timeHi = Number(timestampNs >> 32n);
    this.addRange(data, 0, data.length, { timeLo, timeHi, originalLength: packet.originalLength ?? data.length });
  }

  /** Adds the packet at bytes[offset, offset + length) without making an object: for loops over a memory full of packets. */
  addRange(bytes: Uint8Array, offset: number, length: number, meta: PcapRecordMeta): void {
    if (length > MAX_SNAPLEN) throw this.#refuse('length', String(length), `at most ${MAX_SNAPLEN}`);
    if (offset < 0 || length < 0 || offset + length > bytes.length) {
      throw this.#refuse('range', `${offset}..${offset + length}`, `a part of the ${bytes.length} bytes given`);
    }
    this.#reserve(PCAP_RECORD_BYTES + length);
    const at = this.#used;
    this.#writeTime(at, meta.timeLo, meta.timeHi);
    this.#view.setUint32(at + 8, length, true);
    this.#view.setUint32(at + 12, meta.originalLength, true);
    this.#piece.set(bytes.subarray(offset, offset + length), at + PCAP_RECORD_BYTES);
    this.#used = at + PCAP_RECORD_BYTES + length;
    this.#packets++;
  }

  /** @internal adds whole records in this file's form, at most a piece of them; they may be the caller's memory */
  addRecords(records: Uint8Array, packets: number): void {
    this.#packets += packets;
    if (this.#reuse) {
      this.flush();
      this.#write(records);
      return;
    }
    this.#reserve(records.length);
    this.#piece.set(records, this.#used);
    this.#used += records.length;
  }

  /** Hands over what is left. Packets may still be added afterwards; call it again at the end. */
  flush(): void {
    if (this.#used === 0) return;
    const piece = this.#piece.subarray(0, this.#used);
    if (!this.#reuse) this.#piece = EMPTY;
    this.#used = 0;
    this.#write(piece);
  }

  /** Makes room for `length` bytes, at most a piece. */
  #reserve(length: number): void {
    if (this.#used + length <= this.#piece.length) return;
    const { length: size } = this.#piece;
    // A piece that is not full-grown holds little: that is copied.
    const full = size === PIECE_BYTES || this.#used + length > PIECE_BYTES;
    if (full) this.flush();
    if (this.#piece.length < this.#used + length) this.#grow(this.#used + length);
  }

  #grow(least: number): void {
    const size =
      this.#piece.length === 0 ? PIECE_BYTES : Math.min(PIECE_BYTES, Math.max(4 * this.#piece.length, least));
    const piece = new Uint8Array(size);
    piece.set(this.#piece.subarray(0, this.#used));
    this.#piece = piece;
    this.#view = new DataView(piece.buffer);
  }

  /** Divides the 64-bit time by 1e9 as long division in 16-bit digits: every step fits a double exactly. */
  #writeTime(at: number, lo: number, hi: number): void {
    const step = (hi % NS_PER_SECOND) * 65536 + (lo >>> 16);
    const last = (step % NS_PER_SECOND) * 65536 + (lo & 0xffff);
    const second =
      Math.floor(hi / NS_PER_SECOND) * TWO_32 +
      Math.floor(step / NS_PER_SECOND) * 65536 +
      Math.floor(last / NS_PER_SECOND);
    if (second >= TWO_32) throw this.#refuseTime(String((BigInt(hi) << 32n) | BigInt(lo)));
    const ns = last % NS_PER_SECOND;
    this.#view.setUint32(at, second, true);
    this.#view.setUint32(at + 4, this.#nanoseconds ? ns : Math.floor(ns / 1000), true);
  }

  #refuseTime(found: string): CaptureError {
    return this.#refuse('time', `${found} ns`, '0 to 4294967295 seconds since 1970');
  }

  #refuse(field: string, found: string, expected: string): CaptureError {
    return new CaptureError('CAPTURE_WRITE', { packet: this.#packets, field, found, expected });
  }
}
