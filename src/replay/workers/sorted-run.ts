/**
 * A run in which packets are spread by flow. What a thread does is the first of these that can be done:
 *
 *     walk the piece it has read, if all before it are walked, and sort it
 *     run its own packets of the next piece, if that is sorted
 *     claim the next piece and read it, if there is a place for it
 *
 * A thread runs its packets in the order of the capture, because it takes pieces in their order.
 */
import {
  PCAP_HEADERS,
  PIECE_BYTES,
  PIECE_COUNT,
  PIECE_LATEST,
  PIECE_PACKETS,
  PIECE_PLACES,
  PIECE_RECORD_SIZE,
  PIECE_RECORD_TIME,
  PIECE_SHIFT,
  PIECE_SORTED,
  PIECE_STARTS,
} from '../../../assembly/abi.ts';
import { SLICE_PACKETS } from '../replay-buffers.ts';
import { PieceSource, type Read, recordsIn } from './piece-source.ts';
import type { Geometry, RunParams } from './protocol.ts';
import { ListedRecords } from './records.ts';
import { type ThreadHost, ThreadRun } from './thread-run.ts';

/** What lies in a piece is in the caches of the thread that has read it. */
const READ_BYTES = 1 << 17;
/** Pieces of a thread that others may not be done with. */
const READ_PLACES = 3;

export class SortedRun extends ThreadRun {
  private readonly geometry: Geometry;
  private readonly source: PieceSource | undefined;
  /** What is in the source's places: each is free when all are done with that piece. */
  private readonly pieceIn: number[] = new Array(READ_PLACES).fill(-1);
  /** The piece that this thread has claimed and not sorted yet, and what it has read of it. */
  private claimed: { readonly piece: number; readonly read: Read | undefined } | undefined;
  /** The piece whose packets it runs next. */
  private next = 0;

  constructor(host: ThreadHost, geometry: Geometry, params: RunParams) {
    super(host, params);
    this.geometry = geometry;
    if (geometry.capacity < recordsIn(READ_BYTES)) throw new RangeError('a piece may have more packets than a list');
    if (params.file !== undefined) this.source = new PieceSource(host.instance, params.file, READ_BYTES, READ_PLACES);
  }

  override close(): void {
    this.source?.close();
    super.close();
  }

  protected step(): boolean {
    return this.sortClaimed() || this.runNext() || this.claimNext();
  }

  /** Others may still run packets that lie in this thread's places. */
  protected get isOver(): boolean {
    const { control } = this;
    return this.next >= control.end && control.ran >= control.end;
  }

  protected get isAtGate(): boolean {
    return this.next >= this.control.gate;
  }

  private sortClaimed(): boolean {
    const { claimed, control, instance, geometry, params } = this;
    if (claimed === undefined) return false;
    const { piece, read } = claimed;
    // Asked first: whoever walks the last piece says so before it says that it is walked.
    const isNext = control.walked === piece;
    // The file ended before.
    if (piece >= control.end) {
      this.claimed = undefined;
      return true;
    }
    if (piece >= control.gate) return false;
    const at = geometry.pieces[piece % geometry.places];
    if (read !== undefined) {
      if (!isNext) return false;
      this.walk(read, at);
    }
    const { memory, runtime } = instance;
    memory.setU64(at + PIECE_SHIFT, params.shift);
    const flags = params.file === undefined ? 0 : params.file.flags | PCAP_HEADERS;
    runtime.piece_sort(at, flags, params.active, geometry.rssTables);
    if (control.packetsBefore(piece) === 0) this.noteFirst(at);
    control.addFound(instance.index, memory.u64Number(at + PIECE_BYTES), memory.u64(at + PIECE_LATEST));
    control.setReady(piece);
    this.claimed = undefined;
    control.signal();
    return true;
  }

  private walk(read: Read, at: number): void {
    const { control, instance, geometry, params, source } = this;
    const records = new ListedRecords(instance, at, params.file?.flags ?? 0, geometry.capacity);
    control.setPacketsBefore(read.piece, source?.walk(read, records, control) ?? 0);
    control.walked = read.piece + 1;
    control.signal();
  }

  private noteFirst(piece: number): void {
    const { memory } = this.instance;
    if (memory.u32(piece + PIECE_COUNT) === 0) return;
    const packet = memory.u32(memory.u32(piece + PIECE_PACKETS));
    this.control.first = memory.u64(packet - PIECE_RECORD_SIZE + PIECE_RECORD_TIME);
  }

  private runNext(): boolean {
    const { control, next } = this;
    if (next >= control.end || !control.isReady(next)) return false;
    this.runPiece(next);
    this.next = next + 1;
    control.setDone(this.instance.index, next + 1);
    control.signal();
    // Whoever gets them may count on what was said before.
    this.postResults(next);
    return true;
  }

  private runPiece(piece: number): void {
    const { instance, geometry, control, buffers, params } = this;
    const { memory, index } = instance;
    const at = geometry.pieces[piece % geometry.places];
    const starts = memory.u32(at + PIECE_STARTS) + 4 * index;
    const end = memory.u32(starts + 4);
    const [sorted, places] = [memory.u32(at + PIECE_SORTED), memory.u32(at + PIECE_PLACES)];
    const before = params.packetsBefore + control.packetsBefore(piece);
    const options = this.runOptions(before);
    const spent = buffers.spentNs;
    const begin = memory.u32(starts);
    for (let from = begin; from < end; from += SLICE_PACKETS) {
      const count = Math.min(SLICE_PACKETS, end - from);
      this.results.begin(buffers.recordListed(sorted + 4 * from, count), places + 4 * from);
      buffers.run(count, options);
    }
    control.addRun(index, end - begin, buffers.spentNs - spent);
  }

  private claimNext(): boolean {
    const { control, source, geometry } = this;
    if (this.claimed !== undefined) return false;
    const piece = control.claimed;
    if (piece >= control.end || piece >= control.gate) return false;
    if (source === undefined) {
      if (piece >= control.walked) return false;
      if (control.claim(piece)) this.claimed = { piece, read: undefined };
      return true;
    }
    const { finished } = control;
    const place = this.pieceIn.findIndex((before) => before < finished);
    if (place < 0 || piece >= finished + geometry.places) return false;
    if (control.claim(piece)) {
      this.pieceIn[place] = piece;
      this.claimed = { piece, read: source.read(piece, place) };
    }
    return true;
  }
}
