// A batch of packets as flat arrays: what a capture reader fills and a replay copies from. No object per packet.
//
//   bytes   |hdr|packet 0|hdr|packet 1| ... |hdr|packet n-1|hdr|...      (the input's own chunk: nothing was copied)
//               ^start = offset[0]                         ^end
//
// One copy of bytes[start, end) moves the whole batch; packet i then begins at offset[i] - start.
import { CaptureError } from '../errors/index.ts';

/** The longest packet a record may hold, as in libpcap (MAXIMUM_SNAPLEN): anything above is damage, not data. */
export const MAX_SNAPLEN = 262144;

export const DEFAULT_BATCH_PACKETS = 4096;
export const DEFAULT_BATCH_BYTES = 4 << 20;

export interface BatchOptions {
  /** At most this many packets in a batch; 4096 unless given. */
  batchPackets?: number;
  /** At most this many bytes from the first packet's start to the last one's end: 4 MiB unless given, and never under MAX_SNAPLEN. */
  batchBytes?: number;
}

function checkOption(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new CaptureError('CAPTURE_PARAMETER', {
    name,
    found: String(value),
    expected: `an integer from ${min} to ${max}`,
  });
}

/** Valid until the reader's following `next()`: the arrays and the chunk are used again. */
export class CaptureBatch {
  /** The buffer the packets lie in. */
  bytes: Uint8Array = new Uint8Array(0);
  /** How many packets; entries from `count` on are stale. */
  count = 0;
  /** `bytes[start, end)` holds every packet of the batch (and the record headers between them). */
  start = 0;
  end = 0;
  /** Where packet i begins in `bytes`. */
  readonly offset: Uint32Array;
  /** How many bytes of packet i were captured: those in `bytes`. */
  readonly capLen: Uint32Array;
  /** How many bytes packet i had on the wire. */
  readonly origLen: Uint32Array;
  /** Nanoseconds since 1970, two words a packet: low at 2i, high at 2i + 1. Zero where the capture has none (pcapng's simple packets). */
  readonly time: Uint32Array;
  /** Index into the reader's `interfaces`. */
  readonly interfaceId: Uint32Array;
  readonly maxPackets: number;
  readonly maxBytes: number;

  constructor(options: BatchOptions = {}) {
    this.maxPackets = checkOption('batchPackets', options.batchPackets ?? DEFAULT_BATCH_PACKETS, 1, 1 << 20);
    this.maxBytes = checkOption('batchBytes', options.batchBytes ?? DEFAULT_BATCH_BYTES, MAX_SNAPLEN, 1 << 30);
    this.offset = new Uint32Array(this.maxPackets);
    this.capLen = new Uint32Array(this.maxPackets);
    this.origLen = new Uint32Array(this.maxPackets);
    this.time = new Uint32Array(2 * this.maxPackets);
    this.interfaceId = new Uint32Array(this.maxPackets);
  }

  /** Whether a packet at bytes[offset, offset + capLen) still fits; the first one always does. */
  hasRoom(offset: number, capLen: number): boolean {
    if (this.count === 0) return true;
    return this.count < this.maxPackets && offset + capLen - this.start <= this.maxBytes;
  }

  /** Adds a packet that `hasRoom` allowed. Its time is the caller's to write, before or after, at `time[2 * i]`. */
  push(offset: number, capLen: number, origLen: number, interfaceId: number): void {
    const i = this.count;
    if (i === 0) this.start = offset;
    this.end = offset + capLen;
    this.offset[i] = offset;
    this.capLen[i] = capLen;
    this.origLen[i] = origLen;
    this.interfaceId[i] = interfaceId;
    this.count = i + 1;
  }

  clear(): void {
    this.count = 0;
    this.start = 0;
    this.end = 0;
  }

  /** The time of packet i as one number; allocates, so not for hot loops. */
  timestampNs(i: number): bigint {
    return (BigInt(this.time[2 * i + 1]) << 32n) | BigInt(this.time[2 * i]);
  }
}
