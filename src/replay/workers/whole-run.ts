/**
 * A run of programs that keep nothing between packets: it cannot be told which thread ran which packet, so each runs what it reads itself, and bytes stay in
 * the caches of one core. Only where records begin is known from the piece before. A thread does the first of these that can be done:
 *
 *     walk a piece that it has read, if all before it are walked
 *     run the packets of the oldest piece that it has walked
 *     claim another piece and read it: more than one only while other threads keep it from going on
 */
import { CTX_SIZE, CTX_TIME } from '../../../assembly/abi.ts';
import { SLICE_PACKETS } from '../replay-buffers.ts';
import { PieceSource, type Read, recordsIn } from './piece-source.ts';
import type { FileInput, RunParams } from './protocol.ts';
import { ContextRecords } from './records.ts';
import { type ThreadHost, ThreadRun } from './thread-run.ts';

/** As large as those of a replay by one thread, for the same reasons. */
const PIECE_BYTES = 1 << 18;
const RECORDS = recordsIn(PIECE_BYTES);
const PLACES = 3;
/** Pieces that may wait for the main thread to put their results in order. */
const AHEAD = 16;

/** A piece that this thread has read. */
interface Held {
  readonly read: Read;
  /** What was found in it. */
  walked: { readonly count: number; readonly bytes: number; readonly before: number } | undefined;
}

export class WholeRun extends ThreadRun {
  private readonly source: PieceSource;
  /** Of each place. */
  private readonly records: readonly ContextRecords[];
  private readonly freePlaces: number[];
  /** In the order of the capture. */
  private readonly held: Held[] = [];

  constructor(host: ThreadHost, file: FileInput, params: RunParams) {
    super(host, params, PLACES * RECORDS);
    this.buffers.shift = params.shift;
    const places = Array.from({ length: PLACES }, (_, place) => place);
    this.freePlaces = places;
    this.records = places.map((place) => new ContextRecords(this.buffers, file.flags, place * RECORDS, RECORDS));
    this.source = new PieceSource(host.instance, file, PIECE_BYTES, PLACES);
  }

  override close(): void {
    this.source.close();
    super.close();
  }

  protected step(): boolean {
    return this.walkNext() || this.runNext() || this.claimNext();
  }

  protected get isOver(): boolean {
    return this.held.length === 0 && this.control.claimed >= this.control.end;
  }

  protected get isAtGate(): boolean {
    const { held, control } = this;
    return (held[0]?.read.piece ?? control.claimed) >= control.gate;
  }

  private walkNext(): boolean {
    const { held, control } = this;
    const next = held.find(({ walked }) => walked === undefined);
    if (next === undefined) return false;
    const { piece } = next.read;
    // The file ended before.
    if (piece >= control.end) {
      for (const { read } of held.splice(held.indexOf(next))) this.freePlaces.push(read.place);
      return true;
    }
    if (piece >= control.gate || control.walked !== piece) return false;
    next.walked = this.walk(next.read);
    control.walked = piece + 1;
    control.signal();
    return true;
  }

  private walk(read: Read): Held['walked'] {
    const { control, buffers, instance } = this;
    const records = this.records[read.place];
    const before = this.source.walk(read, records, control);
    const { count, bytes } = records;
    if (before === 0 && count > 0) {
      const first = buffers.ctx + CTX_SIZE * read.place * RECORDS;
      control.first = instance.memory.u64(first + CTX_TIME);
    }
    return { count, bytes, before };
  }

  private runNext(): boolean {
    const { instance, control, buffers, params, held } = this;
    const [next] = held;
    if (next?.walked === undefined) return false;
    held.shift();
    const { place, piece } = next.read;
    const { count, bytes, before } = next.walked;
    const first = place * RECORDS;
    this.results.begin(buffers.ctx + CTX_SIZE * first, { first });
    const options = this.runOptions(params.packetsBefore + before);
    const spent = buffers.spentNs;
    for (let from = 0; from < count; from += SLICE_PACKETS) {
      buffers.run(Math.min(SLICE_PACKETS, count - from), options, first + from);
    }
    this.freePlaces.push(place);
    control.addFound(instance.index, bytes, buffers.latest);
    control.addRun(instance.index, count, buffers.spentNs - spent);
    this.postResults(piece);
    return true;
  }

  private claimNext(): boolean {
    const { control, freePlaces, held } = this;
    const piece = control.claimed;
    const place = freePlaces[freePlaces.length - 1];
    if (place === undefined || piece >= control.end || piece >= control.gate) return false;
    if (piece >= control.doneOf(control.threads) + AHEAD) return false;
    if (control.claim(piece)) {
      freePlaces.pop();
      held.push({ read: this.source.read(piece, place), walked: undefined });
    }
    return true;
  }
}
