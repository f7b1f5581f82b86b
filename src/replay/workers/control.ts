/**
 * What the threads of a replay agree through: words in the engine's memory. Whoever changes one that others may wait for says so with `signal`.
 *
 *     0    words of all threads                                  128 bytes
 *     128  words of each thread, the main one behind the others  128 bytes each
 *     ...  words of each place of a piece                        16 bytes each
 *
 * Where packets are spread by flow a piece goes through: claimed by a thread and read, walked (one thread at a time, in order), sorted, ready; then every thread runs
 * its packets of it. Piece k is noted in place k modulo `places`, and that is free again when every thread is done with the piece that was there. Where they
 * are not, a piece is walked, and run by whoever has claimed it.
 */
import { VERDICT_OTHER } from '../../../assembly/abi.ts';

const SHARED_BYTES = 128;
/** Bytes of the words of one thread. */
const THREAD_BYTES = 128;
const PLACE_BYTES = 16;

// Words of a thread: pieces it is done with (32 bits), how it stopped (32), and of 64 bits each:
const RAN_PACKETS = 1;
const RAN_NS = 2;
const FOUND_BYTES = 3;
const FOUND_LATEST = 4;
const VIOLATIONS = 5;
const VERDICTS = 6;
if (8 * (VERDICTS + VERDICT_OTHER + 1) > THREAD_BYTES) throw new RangeError('the words of a thread need more room');

// Words of all threads, as indices of 32 bits.
const EVENT = 0;
const COMMAND = 1;
const CLAIMED = 2;
const WALKED = 3;
const GATE = 4;
const END = 5;
const ERROR = 6;
const MISGUESSED = 7;
// Of 64 bits.
const PACKETS = 4;
const ERROR_OFFSET = 5;
const ERROR_FOUND = 6;
const ERROR_HAD = 7;
const FIRST = 8;
const POSITION = 9;

export const COMMAND_RUN = 0;
/** Finish the pieces below the gate and go back to the event loop. */
export const COMMAND_PARK = 1;
/** Go back to the event loop at once. */
export const COMMAND_FAIL = 2;

export const ERROR_NONE = 0;
export const ERROR_TOO_LONG = 1;
export const ERROR_TRUNCATED = 2;

/** Looks at the event before a thread sleeps, some 20 µs: waking one up takes longer than most waits. */
const SPINS = 20_000;

/** More pieces than there will ever be. */
export const NO_LIMIT = 0x7fffffff;

export interface CaptureDamage {
  readonly kind: typeof ERROR_TOO_LONG | typeof ERROR_TRUNCATED;
  /** In the capture, of the record. */
  readonly offset: number;
  /** Captured length as it says, or bytes that are needed. */
  readonly found: number;
  readonly had: number;
}

export interface ThreadStopped {
  /** Number of the run, from 1. */
  readonly run: number;
  /** It is over for the thread; otherwise it was told to stop. */
  readonly done: boolean;
  readonly violations: number;
  readonly verdicts: readonly number[];
}

/** Where a Control is, and of how many. */
export interface ControlPlace {
  readonly control: number;
  readonly threads: number;
  readonly places: number;
}

export class Control {
  readonly threads: number;
  readonly places: number;
  private readonly words: Int32Array;
  private readonly numbers: Float64Array;
  private readonly longs: BigUint64Array;
  /** Whether this thread may sleep. */
  private readonly mayWait: boolean;

  static bytes(threads: number, places: number): number {
    return SHARED_BYTES + (threads + 1) * THREAD_BYTES + places * PLACE_BYTES;
  }

  constructor(buffer: ArrayBufferLike, { control, threads, places }: ControlPlace, mayWait = true) {
    const bytes = Control.bytes(threads, places);
    const address = control;
    this.threads = threads;
    this.places = places;
    this.mayWait = mayWait;
    this.words = new Int32Array(buffer, address, bytes / 4);
    this.numbers = new Float64Array(buffer, address, bytes / 8);
    this.longs = new BigUint64Array(buffer, address, bytes / 8);
  }

  /** For a run that begins, with the first `active` threads: pieces count from 0. Who takes no part is done with everything in advance. */
  reset(active: number, mainTakesPart: boolean): void {
    this.words.fill(0);
    Atomics.store(this.words, GATE, NO_LIMIT);
    Atomics.store(this.words, END, NO_LIMIT);
    for (let i = active; i < this.threads; i++) this.setDone(i, NO_LIMIT);
    if (!mainTakesPart) this.setDone(this.threads, NO_LIMIT);
  }

  private thread(index: number): number {
    return SHARED_BYTES / 4 + index * (THREAD_BYTES / 4);
  }

  private place(piece: number): number {
    return SHARED_BYTES / 4 + (this.threads + 1) * (THREAD_BYTES / 4) + (piece % this.places) * (PLACE_BYTES / 4);
  }

  /** Everybody who waits looks again. */
  signal(): void {
    Atomics.add(this.words, EVENT, 1);
    Atomics.notify(this.words, EVENT);
  }

  get event(): number {
    return Atomics.load(this.words, EVENT);
  }

  /** Sleeps until somebody signals, `ms` at most, if nobody has since `event` was that. */
  wait(event: number, ms = 1000): void {
    for (let i = 0; i < SPINS; i++) if (Atomics.load(this.words, EVENT) !== event) return;
    if (this.mayWait) Atomics.wait(this.words, EVENT, event, ms);
  }

  get command(): number {
    return Atomics.load(this.words, COMMAND);
  }

  set command(command: number) {
    Atomics.store(this.words, COMMAND, command);
  }

  get claimed(): number {
    return Atomics.load(this.words, CLAIMED);
  }

  /** Takes piece `piece`, unless another thread has. */
  claim(piece: number): boolean {
    return Atomics.compareExchange(this.words, CLAIMED, piece, piece + 1) === piece;
  }

  get walked(): number {
    return Atomics.load(this.words, WALKED);
  }

  set walked(pieces: number) {
    Atomics.store(this.words, WALKED, pieces);
  }

  /** Pieces from this one on are not walked yet, or not even there. */
  get gate(): number {
    return Atomics.load(this.words, GATE);
  }

  set gate(piece: number) {
    Atomics.store(this.words, GATE, piece);
  }

  /** A thread has run what is no packet, because records do not begin where it has guessed: the run is to be done anew. */
  get misguessed(): boolean {
    return Atomics.load(this.words, MISGUESSED) !== 0;
  }

  setMisguessed(): void {
    Atomics.store(this.words, MISGUESSED, 1);
    this.signal();
  }

  /** How many pieces there are, once that is known. */
  get end(): number {
    return Atomics.load(this.words, END);
  }

  set end(pieces: number) {
    Atomics.store(this.words, END, pieces);
  }

  // The walker's own: whoever may walk the next piece reads them.

  get packets(): number {
    return this.numbers[PACKETS];
  }

  set packets(count: number) {
    this.numbers[PACKETS] = count;
  }

  /** Where in the file the next record begins. */
  get position(): number {
    return this.numbers[POSITION];
  }

  set position(offset: number) {
    this.numbers[POSITION] = offset;
  }

  /** The time of the capture's first packet. */
  get first(): bigint {
    return this.longs[FIRST];
  }

  set first(time: bigint) {
    this.longs[FIRST] = time;
  }

  get damage(): CaptureDamage | undefined {
    const kind = Atomics.load(this.words, ERROR);
    if (kind === ERROR_NONE) return undefined;
    const { numbers } = this;
    return {
      kind: kind as CaptureDamage['kind'],
      offset: numbers[ERROR_OFFSET],
      found: numbers[ERROR_FOUND],
      had: numbers[ERROR_HAD],
    };
  }

  forgetDamage(): void {
    Atomics.store(this.words, ERROR, ERROR_NONE);
  }

  setDamage({ kind, offset, found, had }: CaptureDamage): void {
    this.numbers[ERROR_OFFSET] = offset;
    this.numbers[ERROR_FOUND] = found;
    this.numbers[ERROR_HAD] = had;
    Atomics.store(this.words, ERROR, kind);
  }

  /** Pieces that every thread is done with, the main one as well. */
  get finished(): number {
    return Math.min(this.ran, this.doneOf(this.threads));
  }

  /** Pieces whose packets every thread has run. */
  get ran(): number {
    let least = NO_LIMIT;
    for (let i = 0; i < this.threads; i++) least = Math.min(least, this.doneOf(i));
    return least;
  }

  doneOf(thread: number): number {
    return Atomics.load(this.words, this.thread(thread));
  }

  setDone(thread: number, pieces: number): void {
    Atomics.store(this.words, this.thread(thread), pieces);
  }

  // What a thread has run so far; others may look, and see a number that is a little old.

  addRun(thread: number, packets: number, nanoseconds: number): void {
    const at = this.thread(thread) / 2;
    this.numbers[at + RAN_PACKETS] += packets;
    this.numbers[at + RAN_NS] += nanoseconds;
  }

  addFound(thread: number, bytes: number, latest: bigint): void {
    const at = this.thread(thread) / 2;
    this.numbers[at + FOUND_BYTES] += bytes;
    if (latest > this.longs[at + FOUND_LATEST]) this.longs[at + FOUND_LATEST] = latest;
  }

  runOf(thread: number): {
    readonly packets: number;
    readonly spentNs: number;
    readonly bytes: number;
    readonly latest: bigint;
  } {
    const at = this.thread(thread) / 2;
    const { numbers, longs } = this;
    return {
      packets: numbers[at + RAN_PACKETS],
      spentNs: numbers[at + RAN_NS],
      bytes: numbers[at + FOUND_BYTES],
      latest: longs[at + FOUND_LATEST],
    };
  }

  /** What a thread has to say when it stops: the last that it does in a run. @param verdicts so far, by the runtime's numbers */
  setStopped(thread: number, { run, done, violations, verdicts }: ThreadStopped): void {
    const at = this.thread(thread);
    this.numbers[at / 2 + VIOLATIONS] = violations;
    for (const [i, count] of verdicts.entries()) this.numbers[at / 2 + VERDICTS + i] = count;
    Atomics.store(this.words, at + 1, 2 * run + Number(done));
    this.signal();
  }

  /** Whether the thread has stopped in run number `run`; undefined while it has not. */
  stoppedIn(thread: number, run: number): { readonly done: boolean; readonly violations: number } | undefined {
    const at = this.thread(thread);
    const word = Atomics.load(this.words, at + 1);
    if (word >> 1 !== run) return undefined;
    return { done: (word & 1) !== 0, violations: this.numbers[at / 2 + VIOLATIONS] };
  }

  /** Packets with the verdict of that number, of a thread that has stopped. */
  verdictsOf(thread: number, index: number): number {
    return this.numbers[this.thread(thread) / 2 + VERDICTS + index];
  }

  /** Whether the packets of the piece are sorted. */
  isReady(piece: number): boolean {
    return Atomics.load(this.words, this.place(piece)) === piece + 1;
  }

  setReady(piece: number): void {
    Atomics.store(this.words, this.place(piece), piece + 1);
  }

  /** How many packets there are before the piece. */
  packetsBefore(piece: number): number {
    return this.numbers[this.place(piece) / 2 + 1];
  }

  setPacketsBefore(piece: number, packets: number): void {
    this.numbers[this.place(piece) / 2 + 1] = packets;
  }
}
