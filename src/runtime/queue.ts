/** Queues and stacks: values without keys, pushed and popped by programs and from JavaScript. */
import { ENOENT } from '../../assembly/isa.ts';
import { BpfMap, type RawOption, type UpdateOptions } from './map.ts';

/**
 * BPF_MAP_TYPE_QUEUE, which gives the oldest value first, and BPF_MAP_TYPE_STACK, which gives the newest. `get` is BPF_MAP_LOOKUP_ELEM, the same as
 * `peek`; iterating shows the values in the order in which they would be popped, numbered from 0, and takes none.
 */
export class Queue extends BpfMap {
  /**
   * Adds a value. With `flags: 'exist'` a full one loses its oldest value.
   * @throws RunError RUN_MAP_OP: E2BIG when it is full, EINVAL for other flags; RUN_MAP_FROZEN
   */
  push(value: unknown, options: UpdateOptions = {}): void {
    this.set(undefined, value, options);
  }

  /** Takes the next value out (BPF_MAP_LOOKUP_AND_DELETE_ELEM); undefined when there is none. With `raw`, its bytes. */
  pop(options: RawOption & { readonly raw: true }): Uint8Array | undefined;
  pop(options?: RawOption): unknown;
  pop(options: RawOption = {}): unknown {
    this.alive();
    this.readable('pop');
    this.writable('pop');
    const at = this.host.scratch(this.spec.valueSize);
    const result = this.host.runtime.map_pop(this.address, at);
    if (result === -ENOENT) return undefined;
    if (result < 0) this.fail('pop', result);
    return this.valueAt(at, options);
  }

  /** The next value, which stays; undefined when there is none. With `raw`, its bytes. */
  peek(options: RawOption & { readonly raw: true }): Uint8Array | undefined;
  peek(options?: RawOption): unknown;
  peek(options: RawOption = {}): unknown {
    return this.get(undefined, options);
  }

  override entries(options: RawOption & { readonly raw: true }): Generator<[Uint8Array, Uint8Array], void, void>;
  override entries(options?: RawOption): Generator<[unknown, unknown], void, void>;
  override *entries(options: RawOption = {}): Generator<[unknown, unknown], void, void> {
    this.readable('next key');
    for (let index = 0; ; index++) {
      this.alive();
      const at = this.host.runtime.queue_at(this.address, index) >>> 0;
      if (at === 0) return;
      const key = options.raw === true ? new Uint8Array(0) : index;
      yield [key, this.valueAt(at, options)];
    }
  }

  /** Places from the front. There are no keys, as far as bpf(2) is concerned. */
  override *keys(): Generator<unknown, void, void> {
    for (const [index] of this.entries()) yield index;
  }

  private valueAt(address: number, { raw = false }: RawOption): unknown {
    const bytes = this.readValue(address);
    return raw ? bytes : this.decodeValue(bytes);
  }
}
