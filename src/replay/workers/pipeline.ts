/**
 * What a thread does in a run: the first of these that can be done, again and again.
 *
 *     walk the piece it has read, if all before it are walked, and sort it
 *     run its own packets of the next piece, if that is sorted
 *     claim the next piece and read it, if there is a place for it
 *
 * A thread runs its packets in the order of the capture, because it takes pieces in their order. Where none of the three can be done, another thread has to do
 * something first: this one sleeps.
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
  VERDICT_OTHER,
} from '../../../assembly/abi.ts';
import { ReplayBuffers, type RunOptions, SLICE_PACKETS } from '../replay-buffers.ts';
import { ViolationLog, type ViolationReport } from '../report.ts';
import { COMMAND_FAIL, COMMAND_PARK, type Control } from './control.ts';
import type { Instance, ThreadProg } from './instance.ts';
import { files, type Port } from './port.ts';
import type { Geometry, RunParams } from './protocol.ts';
import { Results } from './results.ts';
import { Walker } from './walker.ts';

export class Pipeline {
  private readonly log = new ViolationLog();
  private readonly instance: Instance;
  private readonly control: Control;
  private readonly geometry: Geometry;
  private readonly port: Port;
  private readonly buffers: ReplayBuffers;
  private readonly results: Results;
  private readonly walker: Walker | undefined;
  private readonly file: number | undefined;
  private readonly prog: ThreadProg;
  private params: RunParams;
  /** The piece that this thread has claimed and not sorted yet, and how many bytes of it were read. */
  private claimed: { readonly piece: number; readonly length: number } | undefined;
  /** The piece whose packets it runs next. */
  private next = 0;

  constructor(instance: Instance, control: Control, geometry: Geometry, port: Port, params: RunParams) {
    this.instance = instance;
    this.control = control;
    this.geometry = geometry;
    this.port = port;
    this.params = params;
    this.prog = instance.prog(params.prog);
    this.buffers = new ReplayBuffers(instance, this.prog, params.ifindex);
    this.results = new Results(instance.memory, instance.vm);
    instance.onTrace = () => this.results.takeTrace();
    const { file } = params;
    if (file !== undefined) {
      this.walker = new Walker(instance, control, geometry, file);
      this.file = files().openSync(file.path, 'r');
    }
  }

  close(): void {
    if (this.file !== undefined) files().closeSync(this.file);
    this.buffers.close();
  }

  get violations(): { readonly count: number; readonly first: readonly ViolationReport[] } {
    const { count, first } = this.log;
    return { count, first };
  }

  /** So far, by the runtime's numbers. */
  get verdicts(): number[] {
    return Array.from({ length: VERDICT_OTHER + 1 }, (_, i) => this.buffers.counter(i));
  }

  /** @returns whether the run is over for this thread; otherwise it was told to stop */
  run(params: RunParams): boolean {
    const { control } = this;
    this.params = params;
    for (;;) {
      const { event, command } = control;
      if (command === COMMAND_FAIL) return false;
      if (this.sortClaimed() || this.runNext() || this.claimNext()) continue;
      if (this.next >= control.end) return true;
      if (command === COMMAND_PARK && this.next >= control.gate) return false;
      control.wait(event);
    }
  }

  private sortClaimed(): boolean {
    const { claimed, control, instance, geometry, params, walker } = this;
    if (claimed === undefined) return false;
    const { piece, length } = claimed;
    // The file ended before.
    if (piece >= control.end) {
      this.claimed = undefined;
      return true;
    }
    if (piece >= control.gate) return false;
    if (walker !== undefined) {
      if (control.walked !== piece) return false;
      walker.walk(piece, length);
      control.walked = piece + 1;
      control.signal();
    }
    const at = geometry.pieces[piece % geometry.places];
    const { memory, runtime } = instance;
    memory.setU64(at + PIECE_SHIFT, params.shift);
    const flags = params.file === undefined ? 0 : params.file.flags | PCAP_HEADERS;
    runtime.piece_sort(at, flags, params.active, geometry.rssTables);
    if (piece === 0) this.noteFirst(at);
    control.addSorted(instance.index, memory.u64Number(at + PIECE_BYTES), memory.u64(at + PIECE_LATEST));
    control.setReady(piece);
    this.claimed = undefined;
    control.signal();
    return true;
  }

  private noteFirst(piece: number): void {
    const { memory } = this.instance;
    if (memory.u32(piece + PIECE_COUNT) === 0) return;
    const packet = memory.u32(memory.u32(piece + PIECE_PACKETS));
    this.control.first = memory.u64(packet - PIECE_RECORD_SIZE + PIECE_RECORD_TIME);
  }

  private runNext(): boolean {
    const { control, next, params } = this;
    if (next >= control.end || !control.isReady(next)) return false;
    this.runPiece(next);
    this.next = next + 1;
    control.setDone(this.instance.index, next + 1);
    control.signal();
    if (params.ordered) {
      // Whoever gets it may count on what was said before.
      const { lines, output } = this.results.take();
      this.port.post({ kind: 'piece', piece: next, lines, output }, [output.buffer]);
    }
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

  private runOptions(before: number): RunOptions {
    const { params, results } = this;
    const { clockOrigin } = params;
    return {
      copy: params.copy,
      linear: params.linear,
      now: clockOrigin === undefined ? undefined : nanoseconds(clockOrigin),
      rxTimestamp: params.rxTimestamp,
      onViolation: (violation, i) => this.log.add(violation, before + results.placeAt(i) + 1),
      onRan: params.output ? (ctx, count, times) => results.takePackets(ctx, count, times) : undefined,
    };
  }

  private claimNext(): boolean {
    const { control, walker, geometry } = this;
    if (this.claimed !== undefined) return false;
    const piece = control.claimed;
    if (piece >= control.end || piece >= control.gate) return false;
    // A place is free when all are done with what was there, and with the piece behind that: its first packet may begin there.
    const free = walker === undefined ? piece < control.walked : piece < control.finished + geometry.places - 1;
    if (!free) return false;
    if (control.claim(piece)) this.claimed = { piece, length: this.read(piece) };
    return true;
  }

  /** @returns how many bytes: fewer than a whole piece only at the end of the file */
  private read(piece: number): number {
    const { file, geometry, params, instance } = this;
    if (file === undefined || params.file === undefined) return 0;
    const { placeBytes, ring, places } = geometry;
    const into = instance.memory.window(ring + (piece % places) * placeBytes, placeBytes);
    const position = params.file.offset + piece * placeBytes;
    for (let length = 0; ; ) {
      const more = files().readSync(file, into, length, placeBytes - length, position + length);
      length += more;
      if (more === 0 || length === placeBytes) return length;
    }
  }
}

/** Of the engine's clock. */
function nanoseconds(origin: number): bigint {
  return BigInt(Math.round((performance.timeOrigin - origin + performance.now()) * 1e6));
}
