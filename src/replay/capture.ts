// Reads pcap and pcapng as a stream: from bytes, a file's chunks or a pipe, in batches of flat arrays.
//
//   const reader = await CaptureReader.open(input);
//   for (let batch = await reader.next(); batch; batch = await reader.next()) ...   // batch.count, batch.offset[i], ...

import { CaptureError } from '../errors/index.ts';
import { copyBytes } from '../util/bytes.ts';
import { type BatchOptions, CaptureBatch } from './capture-batch.ts';
import { type CaptureFormat, type CaptureInterface, type RecordParser, refuseMagic } from './capture-format.ts';
import { type CaptureInput, CaptureSource, type CaptureWindow } from './capture-source.ts';
import { PCAP_HEADER_BYTES, PcapParser, pcapMagic } from './pcap.ts';
import { PCAPNG_SHB, PcapngParser } from './pcapng.ts';

export { type BatchOptions, CaptureBatch, MAX_SNAPLEN } from './capture-batch.ts';
export {
  type CaptureFormat,
  type CaptureInterface,
  LINKTYPE_ETHERNET,
  LINKTYPES,
  linkTypeName,
} from './capture-format.ts';
export type { CaptureFile, CaptureInput } from './capture-source.ts';

const MAGIC_BYTES = 4;

/** One packet, copied out of its capture. */
export interface CapturePacket {
  /** Nanoseconds since 1970; 0n where the capture has no time (pcapng's simple packets). */
  timestampNs: bigint;
  data: Uint8Array;
  /** The packet's length on the wire; `data` is shorter when the capture was cut by a snapshot length. */
  originalLength: number;
  /** Index into the reader's `interfaces`. */
  interfaceId: number;
}

/** The error of a capture that ends inside `what`. */
export function truncated(source: CaptureWindow, what: string, needed: number): CaptureError {
  return new CaptureError('CAPTURE_TRUNCATED', { offset: source.offset, what, needed, had: source.left });
}

/** The parser of whatever format the input's first bytes name. */
export async function openParser(source: CaptureWindow): Promise<RecordParser> {
  if (!(await source.fill(MAGIC_BYTES))) {
    if (source.left === 0) throw new CaptureError('CAPTURE_EMPTY', {});
    throw truncated(source, 'file header', PCAP_HEADER_BYTES);
  }
  const magic = source.view.getUint32(source.pos, false);
  if (magic === PCAPNG_SHB) return new PcapngParser();
  const kind = pcapMagic(magic);
  if (kind === undefined) throw refuseMagic(magic);
  if (!(await source.fill(PCAP_HEADER_BYTES))) throw truncated(source, 'file header', PCAP_HEADER_BYTES);
  return new PcapParser(source, kind);
}

export class CaptureReader {
  readonly #source: CaptureSource;
  readonly #parser: RecordParser;
  readonly #batch: CaptureBatch;
  /** Ended, for good or by this error, which is thrown once the packets before it have been handed out. */
  #ended = false;
  #failure: { error: unknown } | undefined;

  private constructor(source: CaptureSource, parser: RecordParser, batch: CaptureBatch) {
    this.#source = source;
    this.#parser = parser;
    this.#batch = batch;
  }

  /** Reads as much of `input` as tells the format. A chunk is not touched any more once the next one is asked for. */
  static async open(input: CaptureInput, options: BatchOptions = {}): Promise<CaptureReader> {
    const batch = new CaptureBatch(options);
    const source = new CaptureSource(input);
    try {
      return new CaptureReader(source, await openParser(source), batch);
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  get format(): CaptureFormat {
    return this.#parser.format;
  }

  /** Every interface met so far: final for pcap, growing with `next()` for pcapng. A batch names no interface that is not here. */
  get interfaces(): readonly CaptureInterface[] {
    return this.#parser.interfaces;
  }

  /** How many bytes of the file lie before the next record. */
  get offset(): number {
    return this.#source.offset;
  }

  /**
   * The next packets, at least one; undefined at the end. The same batch object each time, valid until the following call.
   * A damaged or cut capture first gives every packet before the damage, then throws a `CaptureError`, and so does each later call.
   */
  async next(): Promise<CaptureBatch | undefined> {
    const batch = this.#batch;
    batch.clear();
    if (this.#ended) return this.#finish();
    try {
      await this.#fillBatch(batch);
    } catch (error) {
      this.#failure = { error };
      this.#ended = true;
      await this.#source.close();
    }
    if (batch.count === 0) return this.#finish();
    batch.bytes = this.#source.bytes;
    return batch;
  }

  /** Gives the input back before its end. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#batch.clear();
    await this.#source.close();
  }

  #finish(): undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    return undefined;
  }

  /** Leaves the batch empty only at the end of the input. */
  async #fillBatch(batch: CaptureBatch): Promise<void> {
    const source = this.#source;
    for (;;) {
      const need = this.#parser.walk(source, batch);
      // A batch lies in one window, so what the window gave is handed out before the next one is made.
      if (batch.count > 0) return;
      if (await source.fill(need)) continue;
      if (source.left > 0) throw truncated(source, this.#parser.partAt(source), need);
      this.#ended = true;
      return;
    }
  }
}

/** The packets one by one, each a copy that may be kept. Convenient, not fast: a replay uses `CaptureReader`. */
export async function* packets(input: CaptureInput): AsyncGenerator<CapturePacket, void, undefined> {
  const reader = await CaptureReader.open(input);
  try {
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
      for (let i = 0; i < batch.count; i++) {
        const start = batch.offset[i];
        yield {
          timestampNs: batch.timestampNs(i),
          data: copyBytes(batch.bytes, start, start + batch.capLen[i]),
          originalLength: batch.origLen[i],
          interfaceId: batch.interfaceId[i],
        };
      }
    }
  } finally {
    await reader.close();
  }
}
