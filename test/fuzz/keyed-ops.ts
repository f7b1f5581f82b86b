/** Random operations on one keyed map, here and in the kernel: after each, both must have said the same. */
import * as abi from '../../assembly/abi.ts';
import { closeFd, createMap, deleteElem, lookupElem, nextKey, updateElem } from '../kernel/bpf.ts';
import { KernelError } from '../kernel/errno.ts';
import { lookupAndDelete } from '../kernel/map-ops.ts';
import { type Harness, harness, prng } from '../runtime/harness.ts';

export interface KeyedShape {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

const PER_CPU = [5, 6, 10];
const LRU = [9, 10];
const LPM = 11;
const ARRAYS = [2, 6];

const errnoOf = (body: () => void): number => {
  try {
    body();
    return 0;
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
};
const text = (bytes: Uint8Array | undefined): string => (bytes === undefined ? '' : Buffer.from(bytes).toString('hex'));

export class KeyedSides {
  readonly shape: KeyedShape;
  readonly cpus: number;
  private readonly h: Harness;
  private readonly map: number;
  private readonly fd: number;
  private readonly random: () => number;

  private constructor(shape: KeyedShape, cpus: number, h: Harness, seed: number) {
    this.shape = shape;
    this.cpus = cpus;
    this.h = h;
    const { type, keySize, valueSize, maxEntries, flags } = shape;
    this.map = h.map({ type, key: keySize, value: valueSize, max: maxEntries, flags, cpus });
    this.fd = createMap({ type, keySize, valueSize, maxEntries, flags });
    this.random = prng(seed);
  }

  static async open(shape: KeyedShape, cpus: number, seed: number): Promise<KeyedSides> {
    const h = await harness();
    h.rt.seed(seed, 0);
    return new KeyedSides(shape, cpus, h, seed);
  }

  close(): void {
    closeFd(this.fd);
  }

  private get slot(): number {
    return (this.shape.valueSize + 7) & ~7;
  }

  private get valueBytes(): number {
    return PER_CPU.includes(this.shape.type) ? this.slot * this.cpus : this.shape.valueSize;
  }

  /** Few different keys, so that operations meet. */
  private key(): Uint8Array {
    const { type, keySize, maxEntries } = this.shape;
    const key = new Uint8Array(keySize);
    if (type === LPM) return this.prefix(key);
    // Which element of an LRU goes, and how early, is its own: there few keys are used.
    const keys = LRU.includes(type) ? maxEntries / 32 : 2 * maxEntries;
    const index = this.random() % (ARRAYS.includes(type) ? maxEntries + 2 : keys);
    for (let i = 0; i < Math.min(4, keySize); i++) key[i] = index >>> (8 * i);
    return key;
  }

  private prefix(key: Uint8Array): Uint8Array {
    const bits = 8 * (key.length - 4);
    const most = this.random() % 64 === 0 ? bits + 2 : bits;
    new DataView(key.buffer).setUint32(0, this.random() % (most + 1), true);
    // Bytes of few values, some in common from the left on, and sometimes bits behind the prefix.
    for (let i = 4; i < key.length; i++) key[i] = this.random() % 4 === 0 ? this.random() & 0xc3 : 0x80;
    return key;
  }

  private value(): Uint8Array {
    const value = new Uint8Array(this.valueBytes);
    const { valueSize } = this.shape;
    for (let at = 0; at < value.length; at += this.slot) {
      for (let i = 0; i < valueSize && at + i < value.length; i++) value[at + i] = this.random();
    }
    return value;
  }

  private ours(address: number): Uint8Array {
    const { mem } = this.h;
    if (!PER_CPU.includes(this.shape.type)) return mem.read(address, this.shape.valueSize);
    const all = new Uint8Array(this.valueBytes);
    const stride = this.h.cpuStride(this.map);
    for (let cpu = 0; cpu < this.cpus; cpu++)
      all.set(mem.read(address + cpu * stride, this.shape.valueSize), cpu * this.slot);
    return all;
  }

  private theirs(key: Uint8Array): string {
    try {
      return text(lookupElem(this.fd, key, this.valueBytes));
    } catch (error) {
      if (error instanceof KernelError) return error.code === 'ENOENT' ? '' : error.code;
      throw error;
    }
  }

  private lookup(key: Uint8Array): string {
    const address = this.h.rt.map_lookup(this.map, this.h.key(key)) >>> 0;
    return address === 0 ? '' : text(this.ours(address));
  }

  /** One operation: what was done, and what each side said. */
  step(): readonly [string, unknown, unknown] {
    const { rt } = this.h;
    const key = this.key();
    const what = this.random() % 16;
    if (what < 8) {
      const value = this.value();
      const flags = [0, 0, 0, 1, 2, 3, 4, 8][this.random() % 8];
      const ours = -rt.map_update(this.map, this.h.key(key), this.h.value(value), flags);
      return [`update ${text(key)} flags ${flags}`, ours, errnoOf(() => updateElem(this.fd, key, value, flags))];
    }
    if (what < 11) {
      const ours = -rt.map_delete(this.map, this.h.key(key));
      return [`delete ${text(key)}`, ours, errnoOf(() => deleteElem(this.fd, key))];
    }
    if (what === 11 && this.shape.type !== LPM && !ARRAYS.includes(this.shape.type)) {
      const ours = this.lookup(key);
      rt.map_delete(this.map, this.h.key(key));
      let theirs = '';
      errnoOf(() => {
        theirs = text(lookupAndDelete(this.fd, key, this.valueBytes));
      });
      return [`take ${text(key)}`, ours, theirs];
    }
    if (what === 12 && this.shape.type === LPM) return this.next(key);
    return [`lookup ${text(key)}`, this.lookup(key), this.theirs(key)];
  }

  /** The order of keys is the same where it does not hang on a hash. */
  private next(key: Uint8Array): readonly [string, unknown, unknown] {
    const { keySize } = this.shape;
    const result = this.h.rt.map_next_key(this.map, this.h.key(key), this.h.outAt);
    const ours = result === 0 ? text(this.h.mem.read(this.h.outAt, keySize)) : -result;
    let theirs: unknown;
    const errno = errnoOf(() => {
      theirs = text(nextKey(this.fd, key, keySize));
    });
    return [`next ${text(key)}`, ours, errno || theirs];
  }

  /** Every element of both sides; those of ordered kinds in their order. */
  dump(): readonly [unknown, unknown] {
    const { keySize, type } = this.shape;
    const ours: string[] = [];
    for (let from = 0; this.h.rt.map_next_key(this.map, from, this.h.outAt) === 0; from = this.h.keyAt) {
      const key = this.h.mem.read(this.h.outAt, keySize);
      ours.push(`${text(key)} ${this.lookup(key)}`);
      this.h.key(key);
    }
    const theirs: string[] = [];
    let key: Uint8Array | undefined;
    const last = () =>
      errnoOf(() => {
        key = nextKey(this.fd, key, keySize);
      });
    while (last() === 0) theirs.push(`${text(key)} ${this.theirs(key as Uint8Array)}`);
    if (type === LPM || ARRAYS.includes(type)) return [ours, theirs];
    return [ours.sort(), theirs.sort()];
  }

  get count(): number {
    return this.h.mem.u32(this.map + abi.MAP_COUNT);
  }

  get isLru(): boolean {
    return LRU.includes(this.shape.type);
  }
}
