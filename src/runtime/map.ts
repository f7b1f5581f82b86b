/** A live map, seen from JavaScript: what libbpf's bpf_map__* do, with values decoded by a codec where there is BTF. */
import { MAP_COUNT, MAP_CPU_STRIDE } from '../../assembly/abi.ts';
import {
  BPF_F_RDONLY,
  BPF_F_WRONLY,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_PROG_ARRAY,
  EINVAL,
  ENOENT,
  ENOTSUPP,
  EPERM,
} from '../../assembly/isa.ts';
import { RunError } from '../errors/index.ts';
import type { MapSpec } from '../object/types.ts';
import type { SlotGate } from './code-unit.ts';
import type { RuntimeExports } from './exports.ts';
import { batchBytes, batchKeys, hasBatch } from './map-batch.ts';
import { hideFields, type MapField } from './map-fields.ts';
import type { Memory } from './memory.ts';
import type { Wakeups } from './wakeups.ts';

/** Turns bytes into what users see and back; made from BTF by the engine, or `rawCodec`. */
export interface Codec {
  decode(bytes: Uint8Array): unknown;
  /** @param what for messages, such as `key of map x` */
  encode(value: unknown, what: string): Uint8Array;
}

export interface MapCodecs {
  readonly key: Codec;
  readonly value: Codec;
  /** Of records, by the name of their type. @throws RunError RUN_OPTION when there is no such type */
  named?(type: string): Codec;
  /** Special fields of a value. */
  readonly fields?: readonly MapField[];
}

/** Raw access instead of decoded values. */
export interface RawOption {
  readonly raw?: boolean;
}

export interface UpdateOptions {
  /** BPF_ANY (default), BPF_NOEXIST or BPF_EXIST. */
  readonly flags?: 'any' | 'noexist' | 'exist' | number;
}

export interface BatchOptions extends RawOption {
  /** Where to go on: what the batch before gave. */
  readonly batch?: Uint8Array | undefined;
}

export interface BatchResult<K = unknown, V = unknown> {
  readonly entries: readonly (readonly [K, V])[];
  /** Where the next ones are; undefined when there are no more. */
  readonly batch: Uint8Array | undefined;
}

function checkCount(count: number): void {
  if (Number.isInteger(count) && count >= 0 && count <= 0x1000000) return;
  throw new RunError('RUN_OPTION', {
    option: 'count',
    found: String(count),
    expected: 'an integer from 0 to 16777216',
  });
}

/** Where a batch begins is copied into memory as it is: it has to be what the batch before gave. */
function checkBatch(batch: unknown, bytes: number): void {
  if (batch === undefined || (batch instanceof Uint8Array && batch.length === bytes)) return;
  const found = batch instanceof Uint8Array ? `${batch.length} bytes` : String(batch);
  throw new RunError('RUN_OPTION', { option: 'batch', found, expected: `a Uint8Array of ${bytes} bytes` });
}

/** Types with a value for each CPU. */
const PER_CPU = [BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH];

/** Types of which elements can be taken out. */
const TAKEN_FROM = [BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH];

const FLAGS = { any: 0, noexist: 1, exist: 2 } as const;

/** BPF_ANY, BPF_NOEXIST, BPF_EXIST, or the number that was given. @throws RunError RUN_OPTION for anything else */
export function flagsOf({ flags = 'any' }: UpdateOptions): number {
  const found: unknown = typeof flags === 'string' && Object.hasOwn(FLAGS, flags) ? FLAGS[flags] : flags;
  if (Number.isInteger(found)) return found as number;
  const expected = "'any', 'noexist', 'exist' or an integer";
  throw new RunError('RUN_OPTION', { option: 'flags', found: String(flags), expected });
}

/** What a map needs of its engine. */
export interface MapHost {
  readonly memory: Memory;
  readonly runtime: RuntimeExports;
  readonly cpus: number;
  /** Readers of what programs write to rings. */
  readonly wakeups: Wakeups;
  /** Scratch memory of at least `bytes`, for keys and values on their way in. */
  scratch(bytes: number): number;
  /** Set while other threads run programs. */
  readonly slotGate?: SlotGate | undefined;
  /** The map's memory is given back: nobody may find it any more. */
  forgetMap(map: BpfMap): void;
}

export class BpfMap {
  readonly name: string;
  readonly spec: MapSpec;
  readonly id: number;
  /** Address of `struct Map` in the engine's memory. */
  readonly address: number;
  protected readonly host: MapHost;
  protected readonly codecs: MapCodecs;
  private frozen = false;
  private closed = false;
  /** Programs and users that refer to it; the last one to go frees it. */
  private references = 1;
  private users = 1;

  constructor(host: MapHost, spec: MapSpec, address: number, id: number, codecs: MapCodecs) {
    this.host = host;
    this.spec = spec;
    this.name = spec.name;
    this.address = address;
    this.id = id;
    this.codecs = codecs;
  }

  /** bytes of a value as the bpf(2) system call sees it: per-CPU kinds have one copy per CPU, rounded up to 8. */
  get valueBytes(): number {
    return this.isPerCpu ? ((this.spec.valueSize + 7) & ~7) * this.host.cpus : this.spec.valueSize;
  }

  get isPerCpu(): boolean {
    return PER_CPU.includes(this.spec.type);
  }

  protected decodeKey(bytes: Uint8Array): unknown {
    return this.codecs.key.decode(bytes);
  }

  /**
   * @internal that what a user gives for a map is one, open, and of this engine: addresses of another mean nothing here
   * @throws RunError RUN_OPTION, RUN_CLOSED, RUN_FOREIGN
   */
  static ofHost(host: MapHost, map: unknown, option: string): BpfMap {
    if (!(map instanceof BpfMap))
      throw new RunError('RUN_OPTION', { option, found: String(map), expected: 'a BpfMap' });
    map.alive();
    if (map.host !== host) throw new RunError('RUN_FOREIGN', { what: 'map', name: map.name });
    return map;
  }

  protected alive(): void {
    if (this.closed) throw new RunError('RUN_CLOSED', { what: 'map', name: this.name });
  }

  protected fail(op: string, result: number): never {
    throw new RunError('RUN_MAP_OP', { map: this.name, op, errno: -result });
  }

  /** Encodes a key: raw bytes pass as they are; array kinds take a number; maps without keys take nothing. */
  protected keyBytes(key: unknown): Uint8Array {
    if (this.spec.keySize === 0 && (key === undefined || key === null)) return new Uint8Array(0);
    const bytes = key instanceof Uint8Array ? key : this.codecs.key.encode(key, `key of map ${this.name}`);
    this.checkSize('key', bytes.length, this.spec.keySize);
    return bytes;
  }

  protected checkSize(what: string, found: number, expected: number): void {
    if (found !== expected) throw new RunError('RUN_MAP_SIZE', { map: this.name, what, found, expected });
  }

  protected valueIn(value: unknown): Uint8Array {
    if (value instanceof Uint8Array) {
      if (this.isPerCpu && value.length === this.spec.valueSize) return this.onEveryCpu(() => value);
      this.checkSize('value', value.length, this.valueBytes);
      return value;
    }
    const what = `value of map ${this.name}`;
    if (!this.isPerCpu) {
      const bytes = this.codecs.value.encode(value, what);
      this.checkSize('value', bytes.length, this.spec.valueSize);
      return bytes;
    }
    // An array has one value per CPU; anything else goes to all of them.
    if (Array.isArray(value) && value.length === this.host.cpus) {
      return this.onEveryCpu((cpu) => this.codecs.value.encode(value[cpu], what));
    }
    const one = this.codecs.value.encode(value, what);
    return this.onEveryCpu(() => one);
  }

  private onEveryCpu(of: (cpu: number) => Uint8Array): Uint8Array {
    const stride = (this.spec.valueSize + 7) & ~7;
    const all = new Uint8Array(stride * this.host.cpus);
    for (let cpu = 0; cpu < this.host.cpus; cpu++) all.set(of(cpu), cpu * stride);
    return all;
  }

  /** Copies bytes into scratch memory at `offset` from its start and returns their address. */
  protected put(bytes: Uint8Array, offset = 0, total = offset + bytes.length): number {
    const at = this.host.scratch(total) + offset;
    this.host.memory.u8.set(bytes, at);
    return at;
  }

  protected readValue(address: number): Uint8Array {
    const { u8, view } = this.host.memory;
    const { fields = [] } = this.codecs;
    const copyOf = (at: number): Uint8Array => hideFields(u8.slice(at, at + this.spec.valueSize), fields);
    if (!this.isPerCpu) return copyOf(address);
    const stride = view.getUint32(this.address + MAP_CPU_STRIDE, true);
    return this.onEveryCpu((cpu) => copyOf(address + cpu * stride));
  }

  protected decodeValue(bytes: Uint8Array): unknown {
    if (!this.isPerCpu) return this.codecs.value.decode(bytes);
    const stride = (this.spec.valueSize + 7) & ~7;
    const values: unknown[] = [];
    for (let cpu = 0; cpu < this.host.cpus; cpu++) {
      values.push(this.codecs.value.decode(bytes.subarray(cpu * stride, cpu * stride + this.spec.valueSize)));
    }
    return values;
  }

  /** The value of a key, or undefined. Per-CPU maps give one value per CPU. With `raw`, its bytes. */
  get(key: unknown, options: RawOption & { readonly raw: true }): Uint8Array | undefined;
  get(key: unknown, options?: RawOption): unknown;
  get(key: unknown, options: RawOption = {}): unknown {
    this.alive();
    this.readable('lookup');
    const value = this.bytesOf(key);
    return value === undefined || options.raw === true ? value : this.decodeValue(value);
  }

  /** The bytes of a key's value, whatever users may see. */
  protected bytesOf(key: unknown): Uint8Array | undefined {
    const bytes = this.keyBytes(key);
    const address = this.host.runtime.map_lookup(this.address, this.put(bytes)) >>> 0;
    return address === 0 ? undefined : this.readValue(address);
  }

  /**
   * Creates or replaces an element.
   * @throws RunError RUN_MAP_OP with the kernel's errno: E2BIG when full, EEXIST and ENOENT for the flags, EINVAL
   */
  set(key: unknown, value: unknown, options: UpdateOptions = {}): void {
    this.alive();
    this.writable();
    this.update(this.keyBytes(key), this.valueIn(value), options);
  }

  /** Refuses what BPF_F_WRONLY forbids user space. */
  protected readable(op: string): void {
    if ((this.spec.flags & BPF_F_WRONLY) !== 0) this.fail(op, -EPERM);
  }

  /** Refuses a change by JavaScript of a map that is frozen, or was made with BPF_F_RDONLY. */
  protected writable(op = 'update'): void {
    if ((this.spec.flags & BPF_F_RDONLY) !== 0) this.fail(op, -EPERM);
    if (this.frozen) throw new RunError('RUN_MAP_FROZEN', { map: this.name });
  }

  /** BPF_MAP_UPDATE_ELEM with bytes of the right size. */
  protected update(keyIn: Uint8Array, valueIn: Uint8Array, options: UpdateOptions): void {
    const valueAt = (keyIn.length + 7) & ~7;
    const keyAddress = this.put(keyIn, 0, valueAt + valueIn.length);
    this.host.memory.u8.set(valueIn, keyAddress + valueAt);
    const flags = flagsOf(options);
    // The runtime takes 32 bits of them, in which no flag above is known either.
    if (flags < 0 || flags > 0xffffffff) this.fail('update', -EINVAL);
    const result = this.host.runtime.map_update(this.address, keyAddress, keyAddress + valueAt, flags);
    if (result < 0) this.fail('update', result);
  }

  /**
   * BPF_MAP_LOOKUP_AND_DELETE_ELEM: the value, which is not there any more; undefined when there was none. For hashes of all kinds.
   * @throws RunError RUN_MAP_OP with ENOTSUPP for other types
   */
  lookupAndDelete(key: unknown, options: RawOption & { readonly raw: true }): Uint8Array | undefined;
  lookupAndDelete(key: unknown, options?: RawOption): unknown;
  lookupAndDelete(key: unknown, options: RawOption = {}): unknown {
    this.alive();
    this.readable('lookup and delete');
    this.writable('lookup and delete');
    if (!TAKEN_FROM.includes(this.spec.type)) this.fail('lookup and delete', -ENOTSUPP);
    const value = this.bytesOf(key);
    if (value === undefined) return undefined;
    this.host.runtime.map_delete(this.address, this.put(this.keyBytes(key)));
    return options.raw === true ? value : this.decodeValue(value);
  }

  /**
   * BPF_MAP_LOOKUP_BATCH: the first elements, or those behind `batch`. Hashes give whole buckets.
   * @throws RunError RUN_MAP_OP: ENOSPC when the next bucket has more than `count` elements, ENOTSUPP for types without batches
   */
  lookupBatch(count: number, options: BatchOptions & { readonly raw: true }): BatchResult<Uint8Array, Uint8Array>;
  lookupBatch(count: number, options?: BatchOptions): BatchResult;
  lookupBatch(count: number, options: BatchOptions = {}): BatchResult {
    return this.batch('lookup', count, options);
  }

  /** BPF_MAP_LOOKUP_AND_DELETE_BATCH: the same, and they are gone. For hashes of all kinds. */
  lookupAndDeleteBatch(
    count: number,
    options: BatchOptions & { readonly raw: true },
  ): BatchResult<Uint8Array, Uint8Array>;
  lookupAndDeleteBatch(count: number, options?: BatchOptions): BatchResult;
  lookupAndDeleteBatch(count: number, options: BatchOptions = {}): BatchResult {
    this.writable('lookup and delete');
    return this.batch('lookup and delete', count, options);
  }

  private batch(op: 'lookup' | 'lookup and delete', count: number, options: BatchOptions): BatchResult {
    this.alive();
    this.readable(op);
    const { type, keySize } = this.spec;
    if (!hasBatch(type, op)) this.fail(op, -ENOTSUPP);
    checkCount(count);
    checkBatch(options.batch, batchBytes(type, keySize));
    if (count === 0) return { entries: [], batch: options.batch };
    const { memory, runtime } = this.host;
    const scratch = (bytes: number): number => this.host.scratch(bytes);
    const map = { memory, runtime, address: this.address, type, keySize, scratch };
    const found = batchKeys(map, count, options.batch);
    if (typeof found === 'number') this.fail(op, found);
    const entries = found.keys.map((key): [unknown, unknown] => {
      const value = this.bytesOf(key) as Uint8Array;
      if (op === 'lookup and delete') runtime.map_delete(this.address, this.put(key));
      return options.raw === true ? [key, value] : [this.codecs.key.decode(key), this.decodeValue(value)];
    });
    return { entries, batch: found.batch };
  }

  /**
   * BPF_MAP_UPDATE_BATCH, in their order. @returns how many: all of them
   * @throws RunError RUN_MAP_BATCH that says how many were done; ENOTSUPP, and EINVAL for flags, before the first
   */
  updateBatch(entries: Iterable<readonly [unknown, unknown]>, options: UpdateOptions = {}): number {
    return this.change('update', [...entries], options, ([key, value]) => this.set(key, value));
  }

  /** BPF_MAP_DELETE_BATCH: ends at the first key that is not there, with ENOENT. @throws as `updateBatch` */
  deleteBatch(keys: Iterable<unknown>, options: UpdateOptions = {}): number {
    return this.change('delete', [...keys], options, (key) => {
      if (!this.delete(key)) this.fail('delete', -ENOENT);
    });
  }

  private change<T>(
    op: 'update' | 'delete',
    all: readonly T[],
    options: UpdateOptions,
    one: (item: T) => void,
  ): number {
    this.alive();
    this.writable(op);
    if (!hasBatch(this.spec.type, op)) this.fail(op, -ENOTSUPP);
    if (flagsOf(options) !== 0) this.fail(op, -EINVAL);
    all.forEach((item, count) => {
      try {
        one(item);
      } catch (error) {
        if (!(error instanceof RunError) || error.code !== 'RUN_MAP_OP') throw error;
        throw new RunError('RUN_MAP_BATCH', { map: this.name, op, errno: Number(error.fields.errno), count });
      }
    });
    return all.length;
  }

  /** @returns false when there was no such element */
  delete(key: unknown): boolean {
    this.alive();
    this.writable('delete');
    const result = this.host.runtime.map_delete(this.address, this.put(this.keyBytes(key)));
    if (result === -ENOENT) return false;
    if (result < 0) this.fail('delete', result);
    return true;
  }

  /** Keys in the map's own order, as raw bytes. Elements deleted while iterating are handled as BPF_MAP_GET_NEXT_KEY does. */
  *rawKeys(): Generator<Uint8Array, void, void> {
    this.alive();
    this.readable('next key');
    yield* this.everyKey();
  }

  /** The same, whatever users may see. */
  protected *everyKey(): Generator<Uint8Array, void, void> {
    const { keySize } = this.spec;
    const room = (keySize + 7) & ~7;
    let key: Uint8Array | undefined;
    for (;;) {
      // It may be closed between two keys.
      this.alive();
      const base = this.host.scratch(2 * room);
      if (key !== undefined) this.host.memory.u8.set(key, base);
      const result = this.host.runtime.map_next_key(this.address, key === undefined ? 0 : base, base + room);
      if (result < 0) return;
      key = this.host.memory.u8.slice(base + room, base + room + keySize);
      yield key;
    }
  }

  *keys(): Generator<unknown, void, void> {
    for (const key of this.rawKeys()) yield this.codecs.key.decode(key);
  }

  entries(options: RawOption & { readonly raw: true }): Generator<[Uint8Array, Uint8Array], void, void>;
  entries(options?: RawOption): Generator<[unknown, unknown], void, void>;
  *entries(options: RawOption = {}): Generator<[unknown, unknown], void, void> {
    const keys = [...this.rawKeys()];
    for (const key of keys) {
      const value = this.get(key, { raw: true });
      // An element may be gone by the time it is reached.
      if (value === undefined) continue;
      yield options.raw === true ? [key, value] : [this.codecs.key.decode(key), this.decodeValue(value)];
    }
  }

  *values(): Generator<unknown, void, void> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): Generator<[unknown, unknown], void, void> {
    return this.entries();
  }

  /** Elements held: all of them in array kinds. */
  get size(): number {
    this.alive();
    const { type, maxEntries } = this.spec;
    if (type === BPF_MAP_TYPE_ARRAY || type === BPF_MAP_TYPE_PERCPU_ARRAY) return maxEntries;
    if (type === BPF_MAP_TYPE_PROG_ARRAY) return [...this.entries({ raw: true })].length;
    return this.host.memory.view.getUint32(this.address + MAP_COUNT, true);
  }

  /**
   * From now on JavaScript cannot change it (BPF_MAP_FREEZE).
   * @throws RunError RUN_MAP_OP: EPERM for a map that could not be changed before, ENOTSUPP for one whose values have special fields
   */
  freeze(): void {
    this.alive();
    if ((this.codecs.fields ?? []).length > 0) this.fail('freeze', -ENOTSUPP);
    if (this.frozen || (this.spec.flags & BPF_F_RDONLY) !== 0) this.fail('freeze', -EPERM);
    this.frozen = true;
  }

  /** JavaScript cannot change it any more. */
  get isFrozen(): boolean {
    return this.frozen;
  }

  /** Nobody uses it any more: its memory is gone. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** @internal a program refers to it */
  hold(): void {
    this.references++;
  }

  /** @internal a program lets go */
  release(): void {
    this.references--;
    if (this.references === 0) this.destroy();
  }

  /** @internal another object uses the same map */
  addUser(): void {
    if (this.users === 0) this.host.runtime.map_user_came(this.address);
    this.users++;
    this.references++;
  }

  /** A user lets go of its handle. Programs that refer to the map keep it; a prog array is emptied with its last user, as in Linux. */
  close(): void {
    if (this.users === 0) return;
    this.users--;
    if (this.users === 0) this.lastUserGone();
    this.release();
  }

  protected lastUserGone(): void {
    this.host.runtime.map_user_gone(this.address);
  }

  protected destroy(): void {
    this.closed = true;
    this.host.forgetMap(this);
    this.host.runtime.map_destroy(this.address);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
