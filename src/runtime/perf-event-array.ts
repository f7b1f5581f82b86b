/** Perf event arrays: a ring of records for each CPU, opened by user space, as libbpf's perf_buffer does it. */
import { RunError } from '../errors/index.ts';
import { EventMap } from './event-map.ts';
import type { Codec, RawOption } from './map.ts';

// Class PerfRing of assembly/runtime/map/perf-event-array.ts.
const HEAD = 0;
const TAIL = 8;
const LOST = 16;
const WAKEUPS = 60;
const PAGE = 4096;
const MAX_PAGES = 1 << 18;
const PERF_RECORD_LOST = 2;

/** A sample, or how many samples were lost before the next one. */
export type PerfRecord =
  | { readonly cpu: number; readonly data: unknown; readonly lost?: undefined }
  | { readonly cpu: number; readonly lost: number; readonly data?: undefined };

export interface PerfBufferOptions {
  /** Pages of 4 KiB for each CPU, a power of two. 64 unless given. */
  readonly pages?: number;
  /** Samples between wake-ups of the reader (`sample_period` of libbpf). 1 unless given. */
  readonly wakeupEvents?: number;
}

/** What `entries` shows of a CPU. */
export interface PerfBufferState {
  /** Bytes that are unread. */
  readonly bytes: number;
  readonly lost: number;
}

/**
 * BPF_MAP_TYPE_PERF_EVENT_ARRAY. Programs get ENOENT until `openBuffers` fills the slots, which reading does as well. Records come CPU by CPU; their data
 * has the padding that Linux gives it: zeros, up to 4 bytes more than a multiple of 8. Iterating without `await` shows the state of each buffer.
 */
export class PerfEventArray extends EventMap<PerfRecord> {
  private seen = 0;
  private lostBefore = 0;
  private isOpen = false;

  /** Slots that a buffer can fill: one for each CPU, as far as the map has them. */
  private get slots(): number {
    return Math.min(this.host.cpus, this.spec.maxEntries);
  }

  /**
   * Opens a buffer for each CPU (perf_buffer__new); what was in those before is gone.
   * @throws RunError RUN_OPTION; RUN_MEMORY
   */
  openBuffers({ pages = 64, wakeupEvents = 1 }: PerfBufferOptions = {}): void {
    this.alive();
    const refuse = (option: string, found: unknown, expected: string): never => {
      throw new RunError('RUN_OPTION', { option, found: String(found), expected });
    };
    if (!Number.isInteger(pages) || pages < 1 || pages > MAX_PAGES || (pages & (pages - 1)) !== 0)
      refuse('pages', pages, `a power of two up to ${MAX_PAGES}`);
    if (!Number.isInteger(wakeupEvents) || wakeupEvents < 1 || wakeupEvents > 0xffffffff)
      refuse('wakeupEvents', wakeupEvents, 'an integer above 0');
    this.closeBuffers();
    for (let cpu = 0; cpu < this.slots; cpu++) {
      const result = this.host.runtime.perf_open(this.address, cpu, pages * PAGE, wakeupEvents);
      if (result >= 0) continue;
      this.closeBuffers();
      throw new RunError('RUN_MEMORY', { what: `the perf buffer of map ${this.name}`, bytes: 2 * pages * PAGE });
    }
    this.isOpen = true;
  }

  /** Closes the buffers: programs get ENOENT again. What was unread is gone; `lost` goes on. */
  closeBuffers(): void {
    this.alive();
    this.lostBefore = this.lost;
    for (let cpu = 0; cpu < this.slots; cpu++) this.host.runtime.perf_close(this.address, cpu);
    this.isOpen = false;
    this.seen = 0;
  }

  private rings(): { cpu: number; ring: number }[] {
    return Array.from({ length: this.slots }, (_, cpu) => ({
      cpu,
      ring: this.host.runtime.perf_ring(this.address, cpu) >>> 0,
    })).filter(({ ring }) => ring !== 0);
  }

  /** Samples that had no room. */
  get lost(): number {
    this.alive();
    const { view } = this.host.memory;
    return this.rings().reduce((sum, { ring }) => sum + Number(view.getBigUint64(ring + LOST, true)), this.lostBefore);
  }

  /** Buffers that are open. */
  override get size(): number {
    this.alive();
    return this.rings().length;
  }

  protected override beforeReading(): void {
    if (!this.isOpen) this.openBuffers();
  }

  protected override takeRecord(codec: Codec | undefined): PerfRecord | undefined {
    const { runtime, memory } = this.host;
    for (let cpu = 0; cpu < this.slots; cpu++) {
      const ring = runtime.perf_ring(this.address, cpu) >>> 0;
      const at = ring === 0 ? 0 : runtime.perf_next(ring) >>> 0;
      if (at === 0) continue;
      const isLost = memory.view.getUint32(at, true) === PERF_RECORD_LOST;
      const lost = isLost ? Number(memory.view.getBigUint64(at + 16, true)) : 0;
      const bytes = isLost
        ? new Uint8Array(0)
        : memory.u8.slice(at + 12, at + 12 + memory.view.getUint32(at + 8, true));
      runtime.perf_consume(ring);
      return isLost ? { cpu, lost } : { cpu, data: this.decodeRecord(bytes, codec) };
    }
    return undefined;
  }

  protected override wasWoken(): boolean {
    const { view } = this.host.memory;
    const wakeups = this.rings().reduce((sum, { ring }) => sum + view.getUint32(ring + WAKEUPS, true), 0);
    const news = wakeups !== this.seen;
    this.seen = wakeups;
    return news;
  }

  /** poll(2) tells of wake-ups, not of data. */
  protected override readsAtOnce(): boolean {
    return false;
  }

  override entries(options: RawOption & { readonly raw: true }): Generator<[Uint8Array, Uint8Array], void, void>;
  override entries(options?: RawOption): Generator<[unknown, unknown], void, void>;
  override *entries(options: RawOption = {}): Generator<[unknown, unknown], void, void> {
    this.alive();
    const { view } = this.host.memory;
    const word = (at: number): bigint => view.getBigUint64(at, true);
    // As bytes there is nothing to see: the slots hold what only the engine knows.
    for (const { cpu, ring } of options.raw === true ? [] : this.rings()) {
      const state: PerfBufferState = {
        bytes: Number(word(ring + HEAD) - word(ring + TAIL)),
        lost: Number(word(ring + LOST)),
      };
      yield [cpu, state];
    }
  }

  override *keys(): Generator<unknown, void, void> {
    for (const [cpu] of this.entries()) yield cpu;
  }
}
