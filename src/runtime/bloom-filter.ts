/** Bloom filters: was this value pushed? "No" is certain, "yes" is mostly so. */
import { ENOENT, EOPNOTSUPP } from '../../assembly/isa.ts';
import { BpfMap, type RawOption, type UpdateOptions } from './map.ts';

/**
 * BPF_MAP_TYPE_BLOOM_FILTER. `map_extra` is the number of hash functions, 5 unless given. What it holds cannot be listed: iterating gives nothing,
 * and `size` counts the pushes of what it did not seem to hold already.
 */
export class BloomFilter extends BpfMap {
  /**
   * Adds a value, for good.
   * @throws RunError RUN_MAP_OP: EINVAL for any flags; RUN_MAP_FROZEN
   */
  push(value: unknown, options: UpdateOptions = {}): void {
    this.set(undefined, value, options);
  }

  /** Whether the value may have been pushed; false is certain. */
  peek(value: unknown): boolean {
    this.alive();
    const result = this.host.runtime.map_peek(this.address, this.put(this.valueIn(value)));
    if (result < 0 && result !== -ENOENT) this.fail('peek', result);
    return result === 0;
  }

  /** @throws RunError RUN_MAP_OP: there is nothing to look up by a key; ask with `peek` */
  override get(key: unknown, options: RawOption & { readonly raw: true }): Uint8Array | undefined;
  override get(key: unknown, options?: RawOption): unknown;
  override get(): never {
    this.alive();
    this.fail('lookup', -EOPNOTSUPP);
  }
}
