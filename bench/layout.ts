/**
 * Context records and packets in a Wasm memory, as a replay lays them: one record of 64 bytes a packet, packets where a capture file's bytes
 * lie, with a record header of 16 bytes between them.
 */
import { CTX_SIZE } from '../assembly/abi.ts';
import { readContext, writeContext } from '../src/runtime/packet.ts';
import type { BenchCase } from './case.ts';
import type { Outcome } from './contender.ts';

/** Packets in a batch: some thousand, so that V8 gets to replace the loop's code between calls. */
export const BATCH_PACKETS = 2048;
const RECORD_HEADER = 16;
/** Half of a common first-level data cache. */
const CACHED_BYTES = 16384;

/** A memory as it is now: growing one detaches the old views. */
export interface MemoryViews {
  readonly u8: Uint8Array;
  readonly view: DataView;
}

export class Layout {
  readonly ctx: number;
  private readonly source: BenchCase;
  private readonly memory: MemoryViews;
  private readonly stride: number;
  private readonly packets: number;

  /** @param alloc gives memory of so many bytes that nothing else uses */
  constructor(source: BenchCase, memory: MemoryViews, alloc: (bytes: number) => number) {
    this.source = source;
    this.memory = memory;
    this.stride = (RECORD_HEADER + source.headroom + source.packet.length + 3) & ~3;
    this.ctx = alloc(BATCH_PACKETS * CTX_SIZE);
    this.packets = alloc(BATCH_PACKETS * this.stride + RECORD_HEADER) + RECORD_HEADER;
  }

  /** Fresh packets, one a record. */
  fresh(): void {
    this.lay(BATCH_PACKETS);
  }

  /**
   * Fresh packets for timed runs. The kernel repeats one packet, so its bytes come from the first cache: here as many take turns as
   * stay in it.
   */
  cached(): void {
    this.lay(Math.min(BATCH_PACKETS, Math.max(1, Math.floor(CACHED_BYTES / this.stride))));
  }

  /** A fresh packet for the first record, the others stay as they are. */
  first(): void {
    this.lay(1, 1);
  }

  private lay(distinct: number, records = BATCH_PACKETS): void {
    const { memory, source } = this;
    const { packet, headroom } = source;
    for (let i = 0; i < records; i++) {
      const hardStart = this.packets + (i % distinct) * this.stride;
      const data = hardStart + headroom;
      const dataEnd = data + packet.length;
      memory.u8.set(packet, data);
      const bounds = { data, dataEnd, dataMeta: data, hardStart, hardEnd: dataEnd };
      writeContext(memory.view, this.ctx + i * CTX_SIZE, { ...bounds, timeNs: 1n, wireLength: packet.length });
    }
  }

  /** What the latest run left of packet `index`. */
  outcome(index: number): Outcome {
    const { returnValue, data, dataEnd } = readContext(this.memory.view, this.ctx + index * CTX_SIZE);
    return { returnValue, packet: this.memory.u8.slice(data, dataEnd) };
  }
}
