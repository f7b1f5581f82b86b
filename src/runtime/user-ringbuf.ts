/** User ring buffers: JavaScript writes records, programs drain them. */
import { MAP_PRIVATE } from '../../assembly/abi.ts';
import { BPF_RINGBUF_HDR_SZ, E2BIG, ENOSPC, ENOTSUPP } from '../../assembly/isa.ts';
import { RunError } from '../errors/index.ts';
import { BpfMap, type RawOption } from './map.ts';

// Class Ring of assembly/runtime/map/ringbuf.ts.
const CONSUMER = MAP_PRIVATE;
const PRODUCER = MAP_PRIVATE + 8;

/** A record that is not written yet: it ends with `submit` or `discard`. Programs stop in front of it. */
export class UserSample {
  private readonly map: UserRingBuf;
  private readonly at: number;
  private readonly length: number;
  private pending = true;

  /** @internal UserRingBuf.reserve makes them */
  constructor(map: UserRingBuf, at: number, length: number) {
    this.map = map;
    this.at = at;
    this.length = length;
  }

  /** Its bytes, to write to. Taken anew each time: the engine's memory may have moved. */
  get bytes(): Uint8Array {
    this.check();
    return this.map.bytesAt(this.at, this.length);
  }

  /** Programs may have it. */
  submit(): void {
    this.end(false);
  }

  /** Programs pass it over. */
  discard(): void {
    this.end(true);
  }

  private end(discard: boolean): void {
    this.check();
    this.pending = false;
    this.map.commit(this.at, discard);
  }

  private check(): void {
    if (!this.pending) throw new RunError('RUN_CLOSED', { what: 'a sample of map', name: this.map.name });
  }
}

/**
 * BPF_MAP_TYPE_USER_RINGBUF. `write` adds a record, `reserve` one to fill in place. Iterating shows what no program has drained yet, numbered from 0;
 * `size` is its number of bytes, headers included.
 */
export class UserRingBuf extends BpfMap {
  /**
   * Adds a record.
   * @throws RunError RUN_MAP_OP: ENOSPC when there is no room (run a program that drains), E2BIG for one larger than the ring
   */
  write(bytes: Uint8Array): void {
    if (!(bytes instanceof Uint8Array))
      throw new RunError('RUN_MAP_INPUT', {
        map: this.name,
        what: 'record',
        found: String(bytes),
        expected: 'a Uint8Array',
      });
    const sample = this.reserve(bytes.length);
    sample.bytes.set(bytes);
    sample.submit();
  }

  /** A record of `size` bytes to fill (user_ring_buffer__reserve). @throws as `write` */
  reserve(size: number): UserSample {
    this.alive();
    if (!Number.isInteger(size) || size < 0)
      throw new RunError('RUN_MAP_INPUT', {
        map: this.name,
        what: 'size',
        found: String(size),
        expected: 'a number of bytes',
      });
    if (((size + BPF_RINGBUF_HDR_SZ + 7) & ~7) > this.spec.maxEntries || size > 0x3fffffff)
      this.fail('reserve', -E2BIG);
    const at = this.host.runtime.user_ringbuf_reserve(this.address, size) >>> 0;
    if (at === 0) this.fail('reserve', -ENOSPC);
    return new UserSample(this, at, size);
  }

  /** @internal */
  bytesAt(at: number, length: number): Uint8Array {
    this.alive();
    return this.host.memory.u8.subarray(at, at + length);
  }

  /** @internal */
  commit(at: number, discard: boolean): void {
    this.alive();
    this.host.runtime.user_ringbuf_commit(at, discard ? 1 : 0);
  }

  override get size(): number {
    this.alive();
    const { view } = this.host.memory;
    const at = (offset: number): bigint => view.getBigUint64(this.address + offset, true);
    return Number(at(PRODUCER) - at(CONSUMER));
  }

  override entries(options: RawOption & { readonly raw: true }): Generator<[Uint8Array, Uint8Array], void, void>;
  override entries(options?: RawOption): Generator<[unknown, unknown], void, void>;
  override *entries(options: RawOption = {}): Generator<[unknown, unknown], void, void> {
    let header = 0;
    for (let index = 0; ; index++) {
      this.alive();
      header = this.host.runtime.ringbuf_walk(this.address, header) >>> 0;
      if (header === 0) return;
      const start = header + BPF_RINGBUF_HDR_SZ;
      const bytes = this.host.memory.u8.slice(start, start + this.host.memory.view.getUint32(header, true));
      yield [options.raw === true ? new Uint8Array(0) : index, bytes];
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
