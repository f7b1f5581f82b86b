/**
 * Where the batches of a replay come from. A classic pcap is copied in pieces and walked by the runtime: five times as fast as a walk in
 * JavaScript. Everything else comes from a `CaptureReader`.
 */
import { PCAP_MAX_SNAPLEN, PCAP_NANO, PCAP_SWAP } from '../../assembly/abi.ts';
import { CaptureError } from '../errors/index.ts';
import { CaptureReader } from './capture.ts';
import { type CaptureBatch, MAX_SNAPLEN } from './capture-batch.ts';
import { type CaptureInterface, LINKTYPE_ETHERNET, linkTypeName } from './capture-format.ts';
import type { CaptureInput, CaptureSource } from './capture-source.ts';
import { PCAP_RECORD_BYTES, type PcapParser } from './pcap.ts';
import type { ReplayBuffers } from './replay-buffers.ts';

/** What is copied before it is walked and run: stays in the second-level cache. */
const PIECE_BYTES = 1 << 18;
/** Bytes the buffers must hold: a piece, and what of a record is left of the one before. */
export const FEED_BYTES = PIECE_BYTES + MAX_SNAPLEN + PCAP_RECORD_BYTES;

export interface Feed {
  /** Loads the next packets into the buffers: how many, 0 at the end. `shift` is added to their time stamps. */
  next(shift: bigint): Promise<number>;
  /** Bytes of the packets of the latest batch. */
  readonly bytes: number;
  /** Bytes of the capture that were read. */
  readonly offset: number;
  close(): Promise<void>;
}

export async function openFeed(input: CaptureInput, buffers: ReplayBuffers, batchPackets: number): Promise<Feed> {
  const reader = await CaptureReader.open(input, { batchPackets, batchBytes: MAX_SNAPLEN });
  const pcap = reader.takePcap();
  return pcap === undefined ? new ReaderFeed(reader, buffers) : new PcapFeed(pcap.source, pcap.header, buffers);
}

function refuseLinkType({ index, linkType }: CaptureInterface): CaptureError {
  const found = linkTypeName(linkType);
  return new CaptureError('CAPTURE_LINK_TYPE', { interfaceId: index, linkType, found });
}

/**
 * The area:  | done | whole and cut records | free |
 *                   ^at                     ^end
 */
class PcapFeed implements Feed {
  bytes = 0;
  private readonly source: CaptureSource;
  private readonly header: PcapParser;
  private readonly buffers: ReplayBuffers;
  private readonly flags: number;
  private at = 0;
  private end = 0;

  constructor(source: CaptureSource, header: PcapParser, buffers: ReplayBuffers) {
    this.source = source;
    this.header = header;
    this.buffers = buffers;
    this.flags = (header.little ? 0 : PCAP_SWAP) | (header.nanoseconds ? PCAP_NANO : 0);
  }

  get offset(): number {
    return this.source.offset - (this.end - this.at);
  }

  async next(shift: bigint): Promise<number> {
    const { buffers } = this;
    for (;;) {
      const count = buffers.walkPcap(this.at, this.end - this.at, this.flags, shift);
      if (count > 0) {
        const [ethernet] = this.header.interfaces;
        if (ethernet.linkType !== LINKTYPE_ETHERNET) throw refuseLinkType(ethernet);
        this.bytes = buffers.walked.bytes - count * PCAP_RECORD_BYTES;
        this.at += buffers.walked.bytes;
        return count;
      }
      if (buffers.walked.damaged) throw this.tooLong();
      if (!(await this.more())) return 0;
    }
  }

  /** Appends the next piece; false at the end of the input. */
  private async more(): Promise<boolean> {
    const { source, buffers } = this;
    const left = this.end - this.at;
    if (source.left === 0 && !(await source.fill(1))) {
      if (left > 0) throw this.truncated(left);
      return false;
    }
    buffers.moveToFront(this.at, left);
    const piece = source.bytes.subarray(source.pos, Math.min(source.end, source.pos + PIECE_BYTES));
    buffers.place(piece, left);
    source.pos += piece.length;
    this.at = 0;
    this.end = left + piece.length;
    return true;
  }

  /** The captured length of the record at `at`. */
  private length(): number {
    const word = this.buffers.wordAt(this.at + 8);
    if (this.header.little) return word;
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, word, true);
    return view.getUint32(0, false);
  }

  private tooLong(): CaptureError {
    const fields = { offset: this.offset, what: 'packet record', found: this.length(), limit: PCAP_MAX_SNAPLEN };
    return new CaptureError('CAPTURE_TOO_LONG', fields);
  }

  private truncated(left: number): CaptureError {
    const header = left < PCAP_RECORD_BYTES;
    return new CaptureError('CAPTURE_TRUNCATED', {
      offset: this.offset,
      what: header ? 'record header' : 'packet record',
      needed: PCAP_RECORD_BYTES + (header ? 0 : this.length()),
      had: left,
    });
  }

  close(): Promise<void> {
    return this.source.close();
  }
}

class ReaderFeed implements Feed {
  bytes = 0;
  private readonly reader: CaptureReader;
  private readonly buffers: ReplayBuffers;
  /** Interfaces that were looked at, and those among them that are not Ethernet. */
  private interfaces = 0;
  private readonly foreign = new Set<number>();
  /** The interface of the packet behind the latest batch. */
  private refused: CaptureInterface | undefined;

  constructor(reader: CaptureReader, buffers: ReplayBuffers) {
    this.reader = reader;
    this.buffers = buffers;
  }

  get offset(): number {
    return this.reader.offset;
  }

  async next(shift: bigint): Promise<number> {
    if (this.refused !== undefined) throw refuseLinkType(this.refused);
    const batch = await this.reader.next();
    if (batch === undefined) return 0;
    const stop = this.firstForeign(batch);
    if (stop >= 0) this.refused = this.reader.interfaces[batch.interfaceId[stop]];
    if (stop === 0) throw refuseLinkType(this.refused as CaptureInterface);
    const count = stop < 0 ? batch.count : stop;
    this.buffers.load(batch, shift);
    this.bytes = 0;
    for (let i = 0; i < count; i++) this.bytes += batch.capLen[i];
    return count;
  }

  /** Index of the first packet that is no Ethernet frame, or -1. */
  private firstForeign(batch: CaptureBatch): number {
    const { interfaces } = this.reader;
    for (; this.interfaces < interfaces.length; this.interfaces++) {
      if (interfaces[this.interfaces].linkType !== LINKTYPE_ETHERNET) this.foreign.add(this.interfaces);
    }
    if (this.foreign.size === 0) return -1;
    return batch.interfaceId.subarray(0, batch.count).findIndex((id) => this.foreign.has(id));
  }

  close(): Promise<void> {
    return this.reader.close();
  }
}
