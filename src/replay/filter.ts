/**
 * A socket filter over a capture, as a packet socket would run it: the data it sees begins at the link header, `len` is the length on the wire.
 *
 *     batch memory: | records (struct XdpCtx) | struct Skb of each | the packets as the capture holds them |
 */
import { CTX_SIZE, CTX_VERDICT, SKB_SIZE } from '../../assembly/abi.ts';
import { RunError } from '../errors/index.ts';
import { runBatch } from '../runtime/batch.ts';
import type { ProgHost } from '../runtime/host.ts';
import { writeContext } from '../runtime/packet.ts';
import type { Prog } from '../runtime/prog.ts';
import { writeSkb } from '../runtime/skb.ts';
import { describeViolation } from '../runtime/trap.ts';
import {
  type CaptureBatch,
  type CaptureInput,
  type CaptureInterface,
  CaptureReader,
  LINKTYPE_ETHERNET,
} from './capture.ts';
import { linkLayer } from './link-layer.ts';
import type { PcapRecordMeta } from './pcap-writer.ts';

/** A packet that a filter let through. `data` is good until the callback returns. */
export interface FilterMatch extends PcapRecordMeta {
  /** Its number in the capture, from 1 on. */
  readonly number: number;
  readonly data: Uint8Array;
  readonly from: CaptureInterface;
  /** What the filter returned: how many bytes it would keep. */
  readonly keep: number;
}

export interface FilterCaptureOptions {
  readonly onMatch?: (match: FilterMatch) => void;
}

export interface FilterReport {
  readonly packets: number;
  /** On the wire. */
  readonly bytes: number;
  readonly matched: number;
  readonly matchedBytes: number;
  /** What ended the capture early; everything before it was filtered. */
  readonly error?: unknown;
}

/** Their records and structs stay in a cache of a few hundred KiB. */
const BATCH_PACKETS = 512;

class FilterRun {
  packets = 0;
  bytes = 0;
  matched = 0;
  matchedBytes = 0;
  private readonly host: ProgHost;
  private readonly prog: Prog;
  private readonly onMatch: ((match: FilterMatch) => void) | undefined;

  constructor(host: ProgHost, prog: Prog, options: FilterCaptureOptions) {
    this.host = host;
    this.prog = prog;
    this.onMatch = options.onMatch;
  }

  batch(batch: CaptureBatch, interfaces: readonly CaptureInterface[]): void {
    const { count } = batch;
    const ctx = this.host.frames(count * (CTX_SIZE + SKB_SIZE) + batch.end - batch.start);
    this.lay(batch, interfaces, ctx);
    const started = performance.now();
    runBatch(this.host, this.prog, { ctx, count }, (violation) => {
      throw new RunError('RUN_INTERNAL', { detail: `a verified filter: ${describeViolation(violation)}` });
    });
    this.prog.addTime((performance.now() - started) * 1e6);
    const { view } = this.host.memory;
    for (let i = 0; i < count; i++) {
      this.packets++;
      this.bytes += batch.origLen[i];
      const keep = view.getUint32(ctx + i * CTX_SIZE + CTX_VERDICT, true);
      if (keep === 0) continue;
      this.matched++;
      this.matchedBytes += batch.origLen[i];
      this.onMatch?.(this.match(batch, i, interfaces[batch.interfaceId[i]], keep));
    }
  }

  private lay(batch: CaptureBatch, interfaces: readonly CaptureInterface[], ctx: number): void {
    // Nothing allocates until all is laid out: one view serves every packet.
    const { u8, view } = this.host.memory;
    const memory = { u8, view };
    const skbs = ctx + batch.count * CTX_SIZE;
    const packets = skbs + batch.count * SKB_SIZE;
    u8.set(batch.bytes.subarray(batch.start, batch.end), packets);
    for (let i = 0; i < batch.count; i++) {
      const data = packets + batch.offset[i] - batch.start;
      const dataEnd = data + batch.capLen[i];
      const skb = skbs + i * SKB_SIZE;
      const frame = { data, dataEnd, dataMeta: data, hardStart: data, hardEnd: dataEnd };
      const wireLength = batch.origLen[i];
      writeContext(view, ctx + i * CTX_SIZE, { ...frame, timeNs: batch.timestampNs(i), wireLength, skb });
      const from = interfaces[batch.interfaceId[i]];
      const ethernet = from.linkType === LINKTYPE_ETHERNET;
      const known = ethernet ? undefined : linkLayer(from.linkType, u8.subarray(data, dataEnd));
      writeSkb(memory, skb, frame, { ...known, layer: 'link', wireLength });
    }
  }

  private match(batch: CaptureBatch, i: number, from: CaptureInterface, keep: number): FilterMatch {
    const at = batch.offset[i];
    return {
      number: this.packets,
      data: batch.bytes.subarray(at, at + batch.capLen[i]),
      from,
      keep,
      timeLo: batch.time[2 * i],
      timeHi: batch.time[2 * i + 1],
      originalLength: batch.origLen[i],
    };
  }

  report(error?: unknown): FilterReport {
    const { packets, bytes, matched, matchedBytes } = this;
    return { packets, bytes, matched, matchedBytes, ...(error === undefined ? {} : { error }) };
  }
}

/**
 * Runs a socket filter over the packets of a capture of any link type.
 * @param host the engine that `prog` is loaded in
 * @returns the report; where the capture ends early, with `error` and all that came before
 * @throws CaptureError when not one packet could be read; RunError for a program of another type
 */
export async function filterCapture(
  host: ProgHost,
  prog: Prog,
  input: CaptureInput,
  options: FilterCaptureOptions = {},
): Promise<FilterReport> {
  prog.alive();
  if (prog.host !== host) throw new RunError('RUN_FOREIGN', { what: 'program', name: prog.name });
  if (prog.type !== 'socket_filter') throw new RunError('RUN_FILTER_TYPE', { prog: prog.name, type: prog.type });
  const reader = await CaptureReader.open(input, { batchPackets: BATCH_PACKETS });
  const run = new FilterRun(host, prog, options);
  try {
    for (;;) {
      const batch = await nextBatch(reader, run);
      if (batch === undefined) return run.report();
      if ('error' in batch) return run.report(batch.error);
      run.batch(batch, reader.interfaces);
    }
  } finally {
    await reader.close();
  }
}

/** The next packets; the error that ends a capture some packets of which were read is a value. */
async function nextBatch(
  reader: CaptureReader,
  run: FilterRun,
): Promise<CaptureBatch | { error: unknown } | undefined> {
  try {
    return await reader.next();
  } catch (error) {
    if (run.packets === 0) throw error;
    return { error };
  }
}
