/** Ring buffers: one stream of records, from all programs and CPUs, in the order in which they were reserved. */
import { MAP_PRIVATE } from '../../assembly/abi.ts';
import { BPF_RINGBUF_HDR_SZ, ENOTSUPP } from '../../assembly/isa.ts';
import { EventMap } from './event-map.ts';
import type { Codec, RawOption } from './map.ts';

// Class Ring of assembly/runtime/map/ringbuf.ts.
const CONSUMER = MAP_PRIVATE;
const PRODUCER = MAP_PRIVATE + 8;
const LOST = MAP_PRIVATE + 24;
const WAKEUPS = MAP_PRIVATE + 36;

/**
 * BPF_MAP_TYPE_RINGBUF. `for await (const record of map)` gives records as they come, `drain()` and `consume()` those that are there. What is not read in
 * time fills the ring, and then programs get no room: `lost` counts how often. Iterating without `await` shows what is unread, numbered from 0, and takes
 * nothing. `size` is the number of bytes that are unread, headers included (BPF_RB_AVAIL_DATA).
 */
export class RingBuf extends EventMap<unknown> {
  private seen = 0;

  /** Reservations and outputs that found no room. */
  get lost(): number {
    this.alive();
    return Number(this.host.memory.view.getBigUint64(this.address + LOST, true));
  }

  override get size(): number {
    this.alive();
    const { view } = this.host.memory;
    const at = (offset: number): bigint => view.getBigUint64(this.address + offset, true);
    return Number(at(PRODUCER) - at(CONSUMER));
  }

  protected override takeRecord(codec: Codec | undefined): unknown {
    const header = this.host.runtime.ringbuf_next(this.address) >>> 0;
    if (header === 0) return undefined;
    const bytes = this.recordAt(header);
    this.host.runtime.ringbuf_consume(this.address);
    return this.decodeRecord(bytes, codec);
  }

  /** @internal passes over all that is unread, as a reader that looks at nothing */
  passOver(): void {
    this.alive();
    const { view } = this.host.memory;
    view.setBigUint64(this.address + CONSUMER, view.getBigUint64(this.address + PRODUCER, true), true);
  }

  private recordAt(header: number): Uint8Array {
    const { view, u8 } = this.host.memory;
    const start = header + BPF_RINGBUF_HDR_SZ;
    return u8.slice(start, start + view.getUint32(header, true));
  }

  protected override wasWoken(): boolean {
    const wakeups = this.host.memory.view.getUint32(this.address + WAKEUPS, true);
    const news = wakeups !== this.seen;
    this.seen = wakeups;
    return news;
  }

  /** epoll looks for data once when a ring is added to it. */
  protected override readsAtOnce(): boolean {
    return true;
  }

  override entries(options: RawOption & { readonly raw: true }): Generator<[Uint8Array, Uint8Array], void, void>;
  override entries(options?: RawOption): Generator<[unknown, unknown], void, void>;
  override *entries(options: RawOption = {}): Generator<[unknown, unknown], void, void> {
    let header = 0;
    for (let index = 0; ; index++) {
      this.alive();
      header = this.host.runtime.ringbuf_walk(this.address, header) >>> 0;
      if (header === 0) return;
      yield [options.raw === true ? new Uint8Array(0) : index, this.recordAt(header)];
    }
  }

  override *keys(): Generator<unknown, void, void> {
    for (const [index] of this.entries()) yield index;
  }

  /** @throws RunError RUN_MAP_OP: there is nothing to look up by a key */
  override get(key: unknown, options: RawOption & { readonly raw: true }): Uint8Array | undefined;
  override get(key: unknown, options?: RawOption): unknown;
  override get(): never {
    this.alive();
    this.fail('lookup', -ENOTSUPP);
  }
}
