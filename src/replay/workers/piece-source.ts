/**
 * Pieces of a classic pcap file, as one thread reads them. A piece is a part of the file, one behind the other and all of one size; its records are those that begin
 * in it, and they are read to their ends. Each lies in a place of the thread's own until all are done with it.
 *
 *     place  | piece ...                        | tail | room for a record that is longer |
 *                ^control.position: the records before belong to the piece before
 *
 * A record may also begin in the tail, and then belongs to this piece, which has found it first.
 */
import { PCAP_MAX_SNAPLEN, PCAP_RECORD_HEADER, PCAP_SWAP } from '../../../assembly/abi.ts';
import type { BufferHost } from '../replay-buffers.ts';
import { type Control, ERROR_TOO_LONG, ERROR_TRUNCATED } from './control.ts';
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
    this.area = host.reserve(PAGE + places * this.placeBytes, 'pieces of a capture');
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
    const begin = this.beginOf(read);
    const before = control.packets;
    let at = control.position - begin;
    records.clear();
    while (at < read.length) {
      records.take(read.address + at, read.length - at);
      at += records.consumed;
      if (!this.completes(read, at, records)) break;
    }
    control.position = begin + at;
    control.packets = before + records.count;
    if (at < read.length) this.noteDamage(read, at, records, control);
    // The file was longer when the piece before was read.
    else if (at > read.length && read.ended)
      control.setDamage({ kind: ERROR_TRUNCATED, offset: control.position, found: PCAP_RECORD_HEADER, had: 0 });
    if (read.ended || control.damage !== undefined) control.end = read.piece + 1;
    return before;
  }

  /** Reads the rest of the record at `at`, if it begins in the piece. @returns whether there was more of it */
  private completes(read: Read, at: number, records: Records): boolean {
    const { length, ended } = read;
    if (ended || at >= this.pieceBytes || records.isTooLong) return false;
    this.readUpTo(read, at + PCAP_RECORD_HEADER + this.lengthAt(read.address + at));
    return read.length > length;
  }

  private lengthAt(record: number): number {
    return this.host.memory.view.getUint32(record + 8, (this.input.flags & PCAP_SWAP) === 0);
  }

  /** What is wrong with the record at `at`, if anything is. */
  private noteDamage(read: Read, at: number, records: Records, control: Control): void {
    const had = read.length - at;
    const offset = this.beginOf(read) + at;
    const length = had < PCAP_RECORD_HEADER ? 0 : this.lengthAt(read.address + at);
    if (records.isTooLong) control.setDamage({ kind: ERROR_TOO_LONG, offset, found: length, had });
    else if (read.ended) control.setDamage({ kind: ERROR_TRUNCATED, offset, found: PCAP_RECORD_HEADER + length, had });
  }
}
