/** Puts what threads tell of a piece back into the capture's order: trace lines, and packets for the output. */
import { formatTraceLine, type TraceQueue } from '../../runtime/trace.ts';
import type { PcapWriter } from '../pcap-writer.ts';
import {
  OUTPUT_HEADER,
  OUTPUT_LENGTH,
  OUTPUT_PLACE,
  OUTPUT_TIME,
  OUTPUT_WIRE,
  type PieceResult,
  type TraceLine,
} from './protocol.ts';

export interface OrderSinks {
  readonly trace: TraceQueue | undefined;
  readonly output: PcapWriter | undefined;
}

export class Order {
  private readonly threads: number;
  private readonly sinks: OrderSinks;
  private readonly waiting = new Map<number, PieceResult[]>();
  /** Pieces that were put out. */
  done = 0;

  constructor(threads: number, sinks: OrderSinks) {
    this.threads = threads;
    this.sinks = sinks;
  }

  /** @returns whether pieces are complete now that were not */
  add(result: PieceResult): boolean {
    const results = this.waiting.get(result.piece) ?? [];
    results.push(result);
    this.waiting.set(result.piece, results);
    const before = this.done;
    for (let next = this.waiting.get(before); next?.length === this.threads; next = this.waiting.get(this.done)) {
      this.waiting.delete(this.done);
      this.put(next);
      this.done++;
    }
    return this.done > before;
  }

  private put(results: readonly PieceResult[]): void {
    const { trace, output } = this.sinks;
    if (trace !== undefined) {
      // A packet's lines come from one thread, in their order, and sorting keeps it.
      const lines = results.flatMap((result) => result.lines).sort((a, b) => a.place - b.place);
      for (const line of lines) trace.push(textOf(line));
    }
    if (output !== undefined)
      mergeOutput(
        results.map(({ output: bytes }) => new Records(bytes)),
        output,
      );
  }
}

function textOf({ text, cpu, time }: TraceLine): string {
  return formatTraceLine(text, cpu, time);
}

/** A place in one thread's packets. */
class Records {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Of the packet at hand; Infinity at the end. */
  get place(): number {
    return this.at < this.bytes.length ? this.view.getUint32(this.at + OUTPUT_PLACE, true) : Number.POSITIVE_INFINITY;
  }

  writeTo(output: PcapWriter): void {
    const { at, view } = this;
    const length = view.getUint32(at + OUTPUT_LENGTH, true);
    const start = at + OUTPUT_HEADER;
    output.addRange(this.bytes, start, length, {
      timeLo: view.getUint32(at + OUTPUT_TIME, true),
      timeHi: view.getUint32(at + OUTPUT_TIME + 4, true),
      originalLength: view.getUint32(at + OUTPUT_WIRE, true),
    });
    this.at = (start + length + 3) & ~3;
  }
}

function mergeOutput(lists: readonly Records[], output: PcapWriter): void {
  for (;;) {
    let first: Records | undefined;
    for (const list of lists) if (list.place < (first?.place ?? Number.POSITIVE_INFINITY)) first = list;
    if (first === undefined) return;
    first.writeTo(output);
  }
}
