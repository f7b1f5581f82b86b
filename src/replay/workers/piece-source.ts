/**
 * Pieces of a classic pcap file, as one thread reads them. A piece is a part of the file, one behind the other and all of one size; its records are those that begin
 * in it, and they are read to their ends. Each lies in a place of the thread's own until all are done with it.
 *
 *     place  | piece ...                        | tail | room for a record that is longer |
 *                ^control.position: the records before belong to the piece before
 *
 * A record that begins in the tail belongs to the next piece.
 */
import { PCAP_GUESS_NONE, PCAP_MAX_SNAPLEN, PCAP_RECORD_HEADER, PCAP_SWAP } from '../../../assembly/abi.ts';
import type { BufferHost } from '../replay-buffers.ts';
import { type CaptureDamage, type Control, ERROR_TOO_LONG, ERROR_TRUNCATED } from './control.ts';
import { files } from './port.ts';
import type { FileInput } from './protocol.ts';
import type { Records } from './records.ts';

const PAGE = 4096;
/** Read with each piece, so that most records that go on behind it are whole at once. */
const TAIL_BYTES = PAGE;
/** Packets are copied in whole lines, the last of which may go beyond the end. */
const SLACK = 64;

/** Packets of no bytes fill a piece of so many bytes with as many records, and one may end behind the tail. */
export function recordsIn(pieceBytes: number): number {
  return (pieceBytes + TAIL_BYTES) / PCAP_RECORD_HEADER + 1;
}

/** A piece that was read. */
export interface Read {
  readonly piece: number;
  /** Address of its first byte: a page's. */
  readonly address: number;
  readonly place: number;
  /** Bytes of the file from there on that are in memory. */
  length: number;
  /** The file has none behind those. */
  ended: boolean;
}

/** Where a walk over a piece has ended. */
export interface Stop {
  readonly piece: number;
  /** Where in the file the next piece's records begin. */
  readonly position: number;
  readonly damage: CaptureDamage | undefined;
  /** No piece follows. */
  readonly isLast: boolean;
}

export class PieceSource {
  private readonly host: BufferHost;
  private readonly input: FileInput;
  private readonly pieceBytes: number;
  /** Where piece 0 begins: at a page, because the page cache copies whole pages faster than two halves. */
  private readonly base: number;
  private readonly file: number;
  private readonly area: number;
  private readonly start: number;
  private readonly placeBytes: number;

  /** @param pieceBytes a multiple of a page, the same for all threads */
  constructor(host: BufferHost, input: FileInput, pieceBytes: number, places: number) {
    this.host = host;
    this.input = input;
    this.pieceBytes = pieceBytes;
    this.base = input.offset - (input.offset % PAGE);
    const room = TAIL_BYTES + PCAP_RECORD_HEADER + PCAP_MAX_SNAPLEN + SLACK;
    this.placeBytes = Math.ceil((pieceBytes + room) / PAGE) * PAGE;
    this.file = files().openSync(input.path, 'r');
    try {
      this.area = host.reserve(PAGE + places * this.placeBytes, 'pieces of a capture');
    } catch (error) {
      files().closeSync(this.file);
      throw error;
    }
    this.start = this.area + PAGE - (this.area % PAGE);
  }

  close(): void {
    files().closeSync(this.file);
    this.host.runtime.free(this.area);
  }

  /** Reads what there is of piece number `piece`. */
  read(piece: number, place: number): Read {
    const read = { piece, place, address: this.start + place * this.placeBytes, length: 0, ended: false };
    this.readUpTo(read, this.pieceBytes + TAIL_BYTES);
    return read;
  }

  /** Where in the file. */
  private beginOf({ piece }: Read): number {
    return this.base + piece * this.pieceBytes;
  }

  private readUpTo(read: Read, length: number): void {
    const into = this.host.memory.window(read.address, length);
    const position = this.beginOf(read);
    while (read.length < length && !read.ended) {
      const more = files().readSync(this.file, into, read.length, length - read.length, position + read.length);
      read.length += more;
      read.ended = more === 0;
    }
  }

  /**
   * Finds the packets of a piece, and says in `control` where the next one's begin: only one thread does so at a time, in the order of pieces.
   * @returns how many packets there are before the piece
   */
  walk(read: Read, records: Records, control: Control): number {
    records.clear();
    let at = this.startIn(read, control);
    for (let next = this.take(read, at, records); next !== at; next = this.take(read, at, records)) at = next;
    return this.settle(this.stop(read, at, records), records.count, control);
  }

  /** Where the next piece's first record begins, from its beginning; all before it are settled. */
  startIn(read: Read, control: Control): number {
    return control.position - this.beginOf(read);
  }

  /** The same by the looks of it, which may be wrong; undefined if nothing looks like one. */
  guess({ address, length }: Read): number | undefined {
    const { pieceBytes, host, input } = this;
    const at = host.runtime.pcap_guess(address, Math.min(length, pieceBytes), length, input.flags) >>> 0;
    return at === PCAP_GUESS_NONE ? undefined : at;
  }

  /** Takes records of a piece, from the one at `at` on. @returns where it stopped: `at` when there are none, or no room for more */
  take(read: Read, at: number, records: Records): number {
    const { pieceBytes } = this;
    if (at >= pieceBytes) return at;
    const within = Math.min(read.length, pieceBytes) - at;
    if (within > 0) records.take(read.address + at, within);
    if (within > 0 && (records.consumed > 0 || records.isTooLong)) return at + records.consumed;
    const end = this.endOf(read, at);
    if (end > read.length) return at;
    records.take(read.address + at, end - at);
    return at + records.consumed;
  }

  /** Where the record ends that goes on behind the piece, which is read as far; of one that is longer than any, where its header ends. */
  private endOf(read: Read, at: number): number {
    const data = at + PCAP_RECORD_HEADER;
    this.readUpTo(read, data);
    if (read.length < data) return data;
    const length = this.lengthAt(read.address + at);
    if (length > PCAP_MAX_SNAPLEN) return data;
    this.readUpTo(read, data + length);
    return data + length;
  }

  private lengthAt(record: number): number {
    return this.host.memory.view.getUint32(record + 8, (this.input.flags & PCAP_SWAP) === 0);
  }

  /** A piece whose walk has come to `at`, and no further. */
  stop(read: Read, at: number, records: Records): Stop {
    const damage = this.damageAt(read, at, records);
    const isLast = damage !== undefined || (read.ended && at >= read.length);
    return { piece: read.piece, position: this.beginOf(read) + at, damage, isLast };
  }

  /** What is wrong with the record at `at`, if anything is. */
  private damageAt(read: Read, at: number, records: Records): CaptureDamage | undefined {
    const offset = this.beginOf(read) + at;
    const had = Math.max(0, read.length - at);
    const length = had < PCAP_RECORD_HEADER ? 0 : this.lengthAt(read.address + at);
    if (at < this.pieceBytes && records.isTooLong) return { kind: ERROR_TOO_LONG, offset, found: length, had };
    // Behind the end: the file was longer when the piece before was read.
    if (!read.ended || at === read.length || (at < read.length && at >= this.pieceBytes)) return undefined;
    return { kind: ERROR_TRUNCATED, offset, found: PCAP_RECORD_HEADER + length, had };
  }

  /** The piece is the next one, and what was found in it is so. @returns how many packets there are before it */
  settle({ piece, position, damage, isLast }: Stop, count: number, control: Control): number {
    const before = control.packets;
    control.position = position;
    control.packets = before + count;
    if (damage !== undefined) control.setDamage(damage);
    if (isLast) control.end = piece + 1;
    return before;
  }
}
