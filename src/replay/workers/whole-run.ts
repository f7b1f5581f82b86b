/**
 * A run of programs that keep nothing between packets: it cannot be told which thread ran which packet, so each runs what it reads itself, and bytes stay in
 * the caches of one core. Only where records begin is known from the piece before.
 *
 *     claim the next piece and read it
 *     walk it, if all before it are walked, and run its packets
 */
import { CTX_TIME } from '../../../assembly/abi.ts';
import { SLICE_PACKETS } from '../replay-buffers.ts';
import { PieceSource, type Read, recordsIn } from './piece-source.ts';
import type { FileInput, RunParams } from './protocol.ts';
import { ContextRecords } from './records.ts';
import { type ThreadHost, ThreadRun } from './thread-run.ts';

/** As large as those of a replay by one thread, for the same reasons. */
const PIECE_BYTES = 1 << 18;
/** Pieces that may wait for the main thread to put their results in order. */
const AHEAD = 16;

export class WholeRun extends ThreadRun {
  private readonly source: PieceSource;
  private readonly records: ContextRecords;
  /** The piece that this thread has read and not run yet. */
  private claimed: Read | undefined;

  constructor(host: ThreadHost, file: FileInput, params: RunParams) {
    const capacity = recordsIn(PIECE_BYTES);
    super(host, params, capacity);
    this.buffers.shift = params.shift;
    this.records = new ContextRecords(this.buffers, file.flags, capacity);
    this.source = new PieceSource(host.instance, file, PIECE_BYTES, 1);
  }

  override close(): void {
    this.source.close();
    super.close();
  }

  protected step(): boolean {
    return this.runClaimed() || this.claimNext();
  }

  protected get isOver(): boolean {
    return this.claimed === undefined && this.control.claimed >= this.control.end;
  }

  protected get isAtGate(): boolean {
    const { claimed, control } = this;
    return (claimed?.piece ?? control.claimed) >= control.gate;
  }

  private claimNext(): boolean {
    const { control } = this;
    if (this.claimed !== undefined) return false;
    const piece = control.claimed;
    if (piece >= control.end || piece >= control.gate || piece >= control.doneOf(control.threads) + AHEAD) return false;
    if (control.claim(piece)) this.claimed = this.source.read(piece, 0);
    return true;
  }

  private runClaimed(): boolean {
    const { claimed, control } = this;
    if (claimed === undefined) return false;
    const { piece } = claimed;
    if (piece < control.end) {
      if (piece >= control.gate || control.walked !== piece) return false;
      this.runPiece(claimed);
    }
    this.claimed = undefined;
    return true;
  }

  private runPiece(read: Read): void {
    const { instance, control, buffers, params, records } = this;
    const before = this.source.walk(read, records, control);
    const { count, bytes } = records;
    if (before === 0 && count > 0) control.first = instance.memory.u64(buffers.ctx + CTX_TIME);
    control.walked = read.piece + 1;
    control.signal();
    const options = this.runOptions(params.packetsBefore + before);
    const spent = buffers.spentNs;
    this.results.begin(buffers.ctx);
    for (let from = 0; from < count; from += SLICE_PACKETS) {
      buffers.run(Math.min(SLICE_PACKETS, count - from), options, from);
    }
    control.addFound(instance.index, bytes, buffers.latest);
    control.addRun(instance.index, count, buffers.spentNs - spent);
    this.postResults(read.piece);
  }
}
