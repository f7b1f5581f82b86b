/**
 * The piece of a capture that is in linear memory: first stage of a replay. Bytes are read or copied straight to where they are walked and run; what of a record
 * is left behind the last whole one moves in front of the next piece, so that every piece begins at a page's beginning.
 *
 *     area  |     | cut record | piece ...                         | slack |
 *                 ^pos         ^front                      end^
 */
import type { Memory } from '../runtime/memory.ts';
import type { CaptureWindow } from './capture-source.ts';
import type { Supply } from './supply.ts';

/** The largest piece: a read from the page cache costs less the larger it is, and what is read should stay in the second-level cache. */
export const PIECE_BYTES = 1 << 18;
const PAGE = 4096;
/** In front of the first piece, for the record that was cut; more is taken when a record is longer. */
const FRONT_BYTES = 8 * PAGE;
/** Packets are copied in whole lines, the last of which may go beyond the end. */
const SLACK = 64;

export interface IntakeHost {
  readonly memory: Memory;
  readonly runtime: { free(address: number): void };
  alloc(bytes: number, what: string): number;
}

export class Intake implements CaptureWindow {
  pos = 0;
  private readonly host: IntakeHost;
  private supply: Supply;
  private readonly pieceBytes: number;
  private area = 0;
  /** Address of the first byte: a page's. */
  private start = 0;
  private front = FRONT_BYTES;
  private end = 0;
  /** The file offset of the byte at `end`. */
  private taken = 0;
  private cachedView: DataView | undefined;

  constructor(host: IntakeHost, pieceBytes = PIECE_BYTES) {
    this.host = host;
    this.pieceBytes = pieceBytes;
    this.supply = NOTHING;
    this.reserve(FRONT_BYTES);
  }

  /** Another capture from its beginning; the one before was closed. */
  open(supply: Supply): void {
    this.supply = supply;
    this.pos = this.front;
    this.end = this.front;
    this.taken = 0;
  }

  /** Gives the capture back. */
  closeInput(): void | Promise<void> {
    return this.supply.close();
  }

  /** Gives the memory back. */
  close(): void {
    if (this.area !== 0) this.host.runtime.free(this.area);
    this.area = 0;
  }

  get left(): number {
    return this.end - this.pos;
  }

  get offset(): number {
    return this.taken - this.left;
  }

  get fileOffset(): number {
    return this.taken - this.end;
  }

  /** Address of what is at `pos`. */
  get address(): number {
    return this.start + this.pos;
  }

  /** Of `view`'s first byte. */
  get base(): number {
    return this.start;
  }

  /** Good until memory grows. */
  get view(): DataView {
    const { buffer } = this.host.memory.raw;
    if (this.cachedView?.buffer !== buffer) {
      this.cachedView = new DataView(buffer, this.start, this.front + this.pieceBytes);
    }
    return this.cachedView as DataView;
  }

  fill(need: number): boolean | Promise<boolean> {
    while (this.left < need) {
      if (this.take() > 0) continue;
      const more = this.supply.wait();
      if (more === false) return false;
      if (more !== true) return this.fillLater(more, need);
    }
    return true;
  }

  private async fillLater(more: Promise<boolean>, need: number): Promise<boolean> {
    return (await more) ? this.fill(need) : false;
  }

  /** Appends what the supply has now. */
  private take(): number {
    const limit = this.front + this.pieceBytes;
    if (this.left === 0 || this.end === limit) this.moveToFront();
    const into = this.host.memory.u8.subarray(this.start + this.end, this.start + this.front + this.pieceBytes);
    const length = this.supply.read(into);
    this.end += length;
    this.taken += length;
    return length;
  }

  private moveToFront(): void {
    const { left } = this;
    if (left > this.front) this.reserve(Math.ceil((2 * left) / PAGE) * PAGE);
    const to = this.front - left;
    if (left > 0) {
      const { u8 } = this.host.memory;
      u8.copyWithin(this.start + to, this.start + this.pos, this.start + this.end);
    }
    this.pos = to;
    this.end = this.front;
  }

  /** Makes room for `front` bytes in front of pieces: by what has arrived, not by what a header claims. */
  private reserve(front: number): void {
    const { host } = this;
    const { left, area } = this;
    const from = this.address;
    this.area = host.alloc(front + this.pieceBytes + PAGE + SLACK, 'a piece of a capture');
    this.start = (this.area + PAGE - 1) & ~(PAGE - 1);
    if (this.start < 0) this.start += 2 ** 32;
    this.front = front;
    this.cachedView = undefined;
    if (left > 0) host.memory.u8.copyWithin(this.start, from, from + left);
    this.pos = 0;
    this.end = left;
    if (area !== 0) host.runtime.free(area);
  }
}

const NOTHING: Supply = { read: () => 0, wait: () => false, close: () => {} };
