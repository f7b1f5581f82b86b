// What user space may do with keyed maps: access flags, freezing, batches and lookup-and-delete, here and in the kernel.
import { expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import { BpfError } from '../src/errors/index.ts';
import type { BpfMap } from '../src/runtime/map.ts';
import { mapSpec } from './engines.cases.ts';
import { describeKernel } from './kernel/available.ts';
import { closeFd, createMap, deleteElem, freezeMap, lookupElem, nextKey, updateElem } from './kernel/bpf.ts';
import { KernelError } from './kernel/errno.ts';
import { changeBatch, lookupAndDelete, lookupBatch } from './kernel/map-ops.ts';

const CPUS = 2;
const ENOENT = 2;
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const lpmKey = (i: number): Uint8Array => Uint8Array.of(24, 0, 0, 0, 10, 0, i, 0);

interface Shape {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly perCpu?: boolean;
}
const SHAPES: readonly Shape[] = [
  { name: 'array', type: 2, flags: 0 },
  { name: 'percpu_array', type: 6, flags: 0, perCpu: true },
  { name: 'hash', type: 1, flags: 0 },
  { name: 'percpu_hash', type: 5, flags: 0, perCpu: true },
  { name: 'lru_hash', type: 9, flags: 0 },
  { name: 'lru_percpu_hash', type: 10, flags: 0, perCpu: true },
  { name: 'lpm_trie', type: 11, flags: 1 },
];
const MAX = 8;

/** A map on both sides. */
class Pair {
  readonly ours: BpfMap;
  readonly fd: number;
  readonly shape: Shape;
  readonly keySize: number;

  constructor(engine: Engine, shape: Shape, flags = 0) {
    this.shape = shape;
    this.keySize = shape.type === 11 ? 8 : 4;
    const numbers = { keySize: this.keySize, valueSize: 8, maxEntries: MAX, flags: shape.flags | flags };
    this.ours = engine.createMap({ ...mapSpec(shape.name, { type: 'hash', ...numbers }), type: shape.type });
    this.fd = createMap({ type: shape.type, ...numbers });
  }

  key(i: number): Uint8Array {
    return this.shape.type === 11 ? lpmKey(i) : u32(i);
  }

  get valueBytes(): number {
    return this.shape.perCpu === true ? 8 * CPUS : 8;
  }

  value(i: number): Uint8Array {
    return new Uint8Array(this.valueBytes).fill(i);
  }

  fill(count: number): void {
    for (let i = 0; i < count; i++) {
      this.ours.set(this.key(i), this.value(i + 1));
      updateElem(this.fd, this.key(i), this.value(i + 1));
    }
  }

  batch(count = 0): { fd: number; keySize: number; valueBytes: number; count: number } {
    return { fd: this.fd, keySize: this.keySize, valueBytes: this.valueBytes, count };
  }
}

function errnoOf(body: () => unknown): number {
  try {
    body();
    return 0;
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    if (error instanceof BpfError) return error.code === 'RUN_MAP_FROZEN' ? 1 : (error.fields.errno as number);
    throw error;
  }
}
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describeKernel('keyed maps and user space', () => {
  const each = test.each(SHAPES.map((shape) => [shape.name, shape] as const));

  each('%s: read-only, write-only, frozen', async (_, shape) => {
    const engine = await Engine.create({ cpus: CPUS });
    for (const flags of [0, 8, 16]) {
      for (const frozen of [false, true]) {
        const pair = new Pair(engine, shape, flags);
        const { ours, fd } = pair;
        const [key, value] = [pair.key(1), pair.value(1)];
        const both: [string, () => unknown, () => unknown][] = [
          ['update', () => ours.set(key, value), () => updateElem(fd, key, value)],
          ['lookup', () => ours.get(key, { raw: true }), () => lookupElem(fd, key, pair.valueBytes)],
          ['keys', () => [...ours.rawKeys()], () => nextKey(fd, undefined, pair.keySize)],
          ['take', () => ours.lookupAndDelete(key), () => lookupAndDelete(fd, key, pair.valueBytes)],
          ['delete', () => ours.delete(key), () => deleteElem(fd, key)],
          ['batch', () => ours.lookupBatch(2), () => lookupBatchErrno(pair)],
          ['freeze', () => ours.freeze(), () => freezeMap(fd)],
        ];
        if (frozen)
          expect(
            errnoOf(() => ours.freeze()),
            `freeze ${flags}`,
          ).toBe(errnoOf(() => freezeMap(fd)));
        for (const [what, here, there] of both) {
          const errno = errnoOf(there);
          // What is not there is undefined or false here.
          expect(errnoOf(here), `${what}, flags ${flags}, frozen ${frozen}`).toBe(errno === ENOENT ? 0 : errno);
        }
        closeFd(fd);
      }
    }
    engine.close();
  });

  each('%s: batches', async (_, shape) => {
    const engine = await Engine.create({ cpus: CPUS });
    const pair = new Pair(engine, shape);
    const { ours, fd } = pair;
    const keys = [0, 1, 2, 3, 4].map((i) => pair.key(i));
    const values = [0, 1, 2, 3, 4].map((i) => pair.value(i + 9));
    const pairs = keys.map((key, i) => [key, values[i]] as const);
    expect(ours.updateBatch(pairs)).toBe(changeBatch(pair.batch(), keys, values).count);
    expect(errnoOf(() => ours.updateBatch(pairs, { flags: 1 }))).toBe(
      changeBatch({ ...pair.batch(), elemFlags: 1 }, keys, values).errno,
    );
    const all = () => {
      const got = ours.lookupBatch(100, { raw: true });
      const kernel = lookupBatch(pair.batch(100));
      const sort = (one: string[]) => (shape.type === 11 || shape.type === 2 || shape.type === 6 ? one : one.sort());
      expect(got.batch === undefined ? 2 : 0).toBe(kernel.errno);
      expect(sort(got.entries.map(([k, v]) => text(k) + text(v)))).toEqual(
        sort(kernel.keys.map((k, i) => text(k) + text(kernel.values[i]))),
      );
    };
    all();
    // One after the other, on our side as in the kernel, until it says that there are no more.
    const ourKeys: string[] = [];
    for (let batch: Uint8Array | undefined, more = true; more; more = batch !== undefined) {
      const got = ours.lookupBatch(5, { raw: true, ...(batch !== undefined && { batch }) });
      ourKeys.push(...got.entries.map(([key]) => text(key)));
      batch = got.batch;
    }
    expect([...ourKeys].sort()).toEqual([...ours.rawKeys()].map(text).sort());
    // What is not there ends a batch of deletes.
    const gone = [keys[1], keys[3], pair.key(77), keys[4]];
    const theirs = changeBatch(pair.batch(), gone);
    const errno = errnoOf(() => ours.deleteBatch(gone));
    expect(errno).toBe(theirs.errno);
    all();
    const taken = lookupBatch(pair.batch(100), true);
    if (taken.errno !== 2) expect(errnoOf(() => ours.lookupAndDeleteBatch(100))).toBe(taken.errno);
    else expect(ours.lookupAndDeleteBatch(100).entries.length).toBe(taken.count);
    all();
    closeFd(fd);
    engine.close();
  });
});

function lookupBatchErrno(pair: Pair): void {
  const { errno } = lookupBatch(pair.batch(2));
  if (errno !== 0) throw new KernelError('batch', errno);
}
