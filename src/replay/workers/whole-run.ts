/**
 * A run of programs that keep nothing between packets: it cannot be told which thread ran which packet, so each runs what it reads itself, and bytes stay in
 * the caches of one core. Where records begin is known from the piece before; but threads that may `guess` find it out by themselves, and run what they read at once.
 * A piece is settled when all before it are, and begins where the one before has ended; if it does not, the run is `misguessed`. A thread does the first of these that
 * can be done:
 *
 *     settle a piece: compare, if it has run; otherwise walk it
 *     run the packets of the oldest piece that it has walked
 *     claim another piece, read it, and run it if it can guess; if it can not, it reads on only while other threads keep it from going on
 */
import { CTX_SIZE, CTX_TIME } from '../../../assembly/abi.ts';
import { type RunOptions, SLICE_PACKETS } from '../replay-buffers.ts';
import { PieceSource, type Read, recordsIn, type Stop } from './piece-source.ts';
import { PieceViolations } from './piece-violations.ts';
import type { FileInput, RunParams } from './protocol.ts';
import { ContextRecords } from './records.ts';
import { type ThreadHost, ThreadRun } from './thread-run.ts';

/** As large as those of a replay by one thread, for the same reasons. */
const PIECE_BYTES = 1 << 18;
const RECORDS = recordsIn(PIECE_BYTES);
const PLACES = 3;
/** Pieces that may wait for the main thread to put their results in order. */
const AHEAD = 16;

/** What was found in a piece, and where it ended. */
interface Found {
  readonly stop: Stop;
  readonly count: number;
}

/** A piece whose packets ran before all pieces before it were settled. */
interface Ran extends Found {
  /** Where its first record begins, if it is a piece of records. */
  readonly start: number;
  /** The time of the first packet. */
  readonly time: bigint;
  readonly violations: PieceViolations;
}

/** A piece that this thread has read. */
interface Held {
  readonly read: Read;
  /** What was found in it, when all before it were settled. */
  walked: { readonly count: number; readonly bytes: number; readonly before: number } | undefined;
  readonly ran: Ran | undefined;
}

export class WholeRun extends ThreadRun {
  private readonly source: PieceSource;
  /** Of each place: those of a whole piece, and those of a slice, which stay in the first-level cache. */
  private readonly records: readonly ContextRecords[];
  private readonly slices: readonly ContextRecords[];
  private readonly freePlaces: number[];
  /** In the order of the capture. */
  private readonly held: Held[] = [];

  constructor(host: ThreadHost, file: FileInput, params: RunParams) {
    super(host, params, PLACES * RECORDS);
    this.buffers.shift = params.shift;
    const places = Array.from({ length: PLACES }, (_, place) => place);
    const recordsOf = (count: number) =>
      places.map((place) => new ContextRecords(this.buffers, file.flags, place * RECORDS, count));
    this.freePlaces = places;
    this.records = recordsOf(RECORDS);
    this.slices = recordsOf(SLICE_PACKETS);
    this.source = new PieceSource(host.instance, file, PIECE_BYTES, PLACES);
  }

  override close(): void {
    this.source.close();
    super.close();
  }

  protected step(): boolean {
    return this.settleNext() || this.runNext() || this.claimNext();
  }

  protected get isOver(): boolean {
    return this.held.length === 0 && this.control.claimed >= this.control.end;
  }

  protected get isAtGate(): boolean {
    const { held, control } = this;
    return (held[0]?.read.piece ?? control.claimed) >= control.gate;
  }

  private settleNext(): boolean {
    const { held, control } = this;
    const at = held.findIndex(({ walked }) => walked === undefined);
    if (at < 0) return false;
    const next = held[at];
    const { piece } = next.read;
    // Asked first: whoever settles the last piece says so before it says that it is settled.
    const isNext = control.walked === piece;
    if (piece >= control.end) {
      this.dropFrom(at);
      return true;
    }
    if (piece >= control.gate || !isNext) return false;
    // Violations are noted in the order of packets: those of pieces that are walked come first, and they are still to run.
    if (next.ran !== undefined && at > 0) return false;
    if (next.ran === undefined) next.walked = this.walk(next.read);
    else if (this.settle(next.read, next.ran)) held.splice(at, 1);
    else return true;
    control.walked = piece + 1;
    control.signal();
    return true;
  }

  /** The file ended before these pieces. */
  private dropFrom(at: number): void {
    for (const { read, ran } of this.held.splice(at)) {
      if (ran === undefined) this.freePlaces.push(read.place);
      else if (ran.count > 0) this.control.setMisguessed();
    }
  }

  /** @returns whether the piece that ran begins where it was taken to begin */
  private settle(read: Read, { start, stop, count, time, violations }: Ran): boolean {
    const { control, source } = this;
    if (source.startIn(read, control) !== start) {
      control.setMisguessed();
      return false;
    }
    const before = source.settle(stop, count, control);
    if (before === 0 && count > 0) control.first = time;
    violations.addTo(this.log, this.params.packetsBefore + before);
    return true;
  }

  private walk(read: Read): Held['walked'] {
    const { control } = this;
    const records = this.records[read.place];
    const before = this.source.walk(read, records, control);
    const { count, bytes } = records;
    if (before === 0 && count > 0) control.first = this.timeOf(read);
    return { count, bytes, before };
  }

  /** Of the first record in the piece's place. */
  private timeOf({ place }: Read): bigint {
    return this.instance.memory.u64(this.buffers.ctx + CTX_SIZE * place * RECORDS + CTX_TIME);
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
    const { control, freePlaces } = this;
    const piece = control.claimed;
    const place = freePlaces[freePlaces.length - 1];
    if (place === undefined || piece >= control.end || piece >= control.gate) return false;
    if (piece >= control.doneOf(control.threads) + AHEAD) return false;
    if (control.claim(piece)) this.takeUp(this.source.read(piece, place));
    return true;
  }

  /** Runs what was read at once if it can be told where its records begin; otherwise it keeps its place. */
  private takeUp(read: Read): void {
    const { control, held, freePlaces } = this;
    // Asked once the piece is claimed: a gate that closes later is behind it.
    const start = this.params.guess && read.piece < control.gate ? this.startOf(read) : undefined;
    if (start === undefined) freePlaces.pop();
    held.push({ read, walked: undefined, ran: start === undefined ? undefined : this.runAhead(read, start) });
  }

  /** Where its first record begins, as far as is known or can be guessed. */
  private startOf(read: Read): number | undefined {
    const { control, source } = this;
    if (control.walked !== read.piece) return source.guess(read);
    // Whoever has settled the last one has said so before.
    return read.piece >= control.end ? undefined : source.startIn(read, control);
  }

  /** Walks and runs a slice after the other. */
  private runAhead(read: Read, start: number): Ran {
    const { instance, control, buffers, source } = this;
    const records = this.slices[read.place];
    const first = read.place * RECORDS;
    const violations = new PieceViolations();
    let [at, count, bytes, time] = [start, 0, 0, 0n];
    const options: RunOptions = {
      ...this.runOptions(0),
      onViolation: (violation, i) => violations.add(violation, count + i - first),
    };
    const spent = buffers.spentNs;
    records.clear();
    for (let more = true; more; ) {
      const next = source.take(read, at, records);
      more = next !== at;
      at = next;
      if (more && records.count < SLICE_PACKETS) continue;
      if (count === 0 && records.count > 0) time = this.timeOf(read);
      if (records.count > 0) buffers.run(records.count, options, first);
      count += records.count;
      bytes += records.bytes;
      if (more) records.clear();
    }
    const stop = source.stop(read, at, records);
    control.addFound(instance.index, bytes, buffers.latest);
    control.addRun(instance.index, count, buffers.spentNs - spent);
    return { start, stop, count, time, violations };
  }
}
