// Queues, stacks and bloom filters from JavaScript: creation, random operations against a model and the kernel's own maps, what cannot be done.
// BPF2WASM_FUZZ_RUNS and BPF2WASM_FUZZ_SEED choose how many operations and which.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import { BpfError } from '../src/errors/index.ts';
import { newMap } from '../src/object/map-spec.ts';
import type { MapSpec } from '../src/object/types.ts';
import type { BloomFilter } from '../src/runtime/bloom-filter.ts';
import { Queue } from '../src/runtime/queue.ts';
import { Random } from './fuzz/verifier-item.ts';
import { describeKernel } from './kernel/available.ts';
import {
  closeFd,
  createMap,
  deleteElem,
  freezeMap,
  lookupElem,
  nextKey,
  peekElem,
  popElem,
  updateElem,
} from './kernel/bpf.ts';
import { errnoName, KernelError } from './kernel/errno.ts';

const QUEUE = 22;
const STACK = 23;
const BLOOM = 30;
const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 3000);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.create();
});
afterAll(() => engine.close());

interface Wish {
  readonly keySize?: number;
  readonly valueSize?: number;
  readonly maxEntries?: number;
  readonly flags?: number;
  readonly mapExtra?: number;
}

const specOf = (type: number, wish: Wish = {}): MapSpec => ({
  ...newMap('m', 0, 0),
  type,
  keySize: wish.keySize ?? 0,
  valueSize: wish.valueSize ?? 4,
  maxEntries: wish.maxEntries ?? 4,
  flags: wish.flags ?? 0,
  mapExtra: BigInt(wish.mapExtra ?? 0),
});

/** What a call gives: bytes in hex, a boolean, `undefined`, or the name of the errno. */
function outcome(call: () => unknown): string {
  try {
    const result = call();
    return result instanceof Uint8Array ? Buffer.from(result).toString('hex') : String(result);
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    if (!(error instanceof BpfError)) throw error;
    if (error.code === 'RUN_MAP_FROZEN') return 'EPERM';
    return errnoName(error.fields.errno as number);
  }
}

const WISHES: readonly Wish[] = [
  {},
  { keySize: 4 },
  { valueSize: 0 },
  { maxEntries: 0 },
  { valueSize: 4 << 20 },
  { valueSize: (4 << 20) + 1 },
  { valueSize: 0xffffffff },
  { mapExtra: 1 },
  { mapExtra: 15 },
  { mapExtra: 16 },
  { flags: 0x18 },
  { flags: 0x180 },
  ...Array.from({ length: 20 }, (_, bit) => ({ flags: 1 << bit })),
];

describeKernel('creation', () => {
  test.each([QUEUE, STACK, BLOOM])('type %i: what the kernel refuses, with its errno', (type) => {
    for (const wish of WISHES) {
      const { keySize, valueSize, maxEntries, flags } = specOf(type, wish);
      const mapExtra = wish.mapExtra ?? 0;
      const theirs = outcome(() => {
        closeFd(createMap({ type, keySize, valueSize, maxEntries, flags, mapExtra }));
        return 'made';
      });
      const ours = outcome(() => {
        engine.createMap(specOf(type, wish)).close();
        return 'made';
      });
      expect(ours, JSON.stringify(wish)).toBe(theirs);
    }
  });
});

/** The same operation here, in the kernel and on a model. */
class Sides {
  readonly map: Queue;
  readonly fd: number;
  readonly model: string[] = [];
  readonly type: number;
  readonly size: number;
  readonly max: number;

  constructor(type: number, valueSize: number, maxEntries: number) {
    this.type = type;
    this.size = valueSize;
    this.max = maxEntries;
    this.map = engine.createMap(specOf(type, { valueSize, maxEntries })) as Queue;
    this.fd = createMap({ type, keySize: 0, valueSize, maxEntries });
  }

  push(value: Uint8Array, flags: number): string[] {
    const hex = Buffer.from(value).toString('hex');
    let expected = 'undefined';
    if (flags === 1 || flags > 2) expected = 'EINVAL';
    else if (this.model.length === this.max && flags === 0) expected = 'E2BIG';
    else {
      if (this.model.length === this.max) this.model.shift();
      this.model.push(hex);
    }
    return [
      outcome(() => this.map.push(value, { flags })),
      outcome(() => updateElem(this.fd, undefined, value, flags)),
      expected,
    ];
  }

  take(pop: boolean): string[] {
    const at = this.type === QUEUE ? 0 : this.model.length - 1;
    const expected = this.model[at] ?? 'ENOENT';
    if (pop && this.model.length > 0) this.model.splice(at, 1);
    const ours = outcome(() => (pop ? this.map.pop({ raw: true }) : this.map.peek({ raw: true })) ?? 'ENOENT');
    return [
      ours,
      outcome(() => (pop ? popElem(this.fd, this.size) : lookupElem(this.fd, undefined, this.size))),
      expected,
    ];
  }

  listed(): string[] {
    return [...this.map.values()].map((value) => Buffer.from(value as Uint8Array).toString('hex'));
  }

  close(): void {
    this.map.close();
    closeFd(this.fd);
  }
}

describeKernel('random operations', () => {
  test.each([
    [QUEUE, 4, 4],
    [QUEUE, 1, 1],
    [QUEUE, 13, 7],
    [STACK, 4, 4],
    [STACK, 1, 1],
    [STACK, 24, 5],
  ])('type %i, values of %i bytes, %i of them', (type, size, max) => {
    const random = new Random(SEED + type * 100 + size);
    const sides = new Sides(type, size, max);
    const flags = [0, 0, 0, 0, 2, 2, 1, 3, 4, 8];
    for (let i = 0; i < RUNS / 6; i++) {
      const value = Uint8Array.from({ length: size }, () => random.below(256));
      const kind = random.below(7);
      const [ours, theirs, model] =
        kind < 4 ? sides.push(value, flags[random.below(flags.length)]) : sides.take(kind < 6);
      expect([ours, theirs], `seed ${SEED}, operation ${i}`).toEqual([model, model]);
      if (i % 16 === 0) {
        const order = type === QUEUE ? sides.model : [...sides.model].reverse();
        expect([sides.listed(), sides.map.size]).toEqual([order, order.length]);
      }
    }
    sides.close();
  });

  test.each([
    [4, 100, 0],
    [8, 1000, 1],
    [13, 64, 15],
    [100, 1, 3],
  ])('bloom filter: values of %i bytes, %i entries, %i hashes', (size, max, mapExtra) => {
    const random = new Random(SEED + size);
    const map = engine.createMap(specOf(BLOOM, { valueSize: size, maxEntries: max, mapExtra })) as BloomFilter;
    const fd = createMap({ type: BLOOM, keySize: 0, valueSize: size, maxEntries: max, mapExtra });
    const value = (): Uint8Array => Uint8Array.from({ length: size }, () => random.below(256));
    const pushed = new Set<string>();
    for (let i = 0; i < Math.min(RUNS / 4, max); i++) {
      const one = value();
      pushed.add(Buffer.from(one).toString('hex'));
      const flags = random.below(8) === 0 ? 1 + random.below(3) : 0;
      if (flags !== 0) expect(outcome(() => map.push(one, { flags }))).toBe('EINVAL');
      if (flags !== 0) expect(outcome(() => updateElem(fd, undefined, one, flags))).toBe('EINVAL');
      map.push(one);
      updateElem(fd, undefined, one);
    }
    for (const hex of pushed) expect(map.peek(Buffer.from(hex, 'hex'))).toBe(true);
    let [ours, theirs, asked] = [0, 0, 0];
    for (let i = 0; i < RUNS / 4; i++) {
      const one = value();
      if (pushed.has(Buffer.from(one).toString('hex'))) continue;
      asked++;
      if (map.peek(one)) ours++;
      if (outcome(() => peekElem(fd, one)) === 'undefined') theirs++;
    }
    // Both answer wrongly now and then; how often depends on the number of bits and hashes, which are the same.
    expect(Math.abs(ours - theirs), `${ours} and ${theirs} of ${asked}`).toBeLessThan(0.1 * asked + 10);
    expect(map.size).toBeLessThanOrEqual(pushed.size);
    map.close();
    closeFd(fd);
  });
});

describeKernel('what cannot be done', () => {
  test.each([QUEUE, STACK, BLOOM])('type %i', (type) => {
    const map = engine.createMap(specOf(type));
    const fd = createMap({ type, keySize: 0, valueSize: 4, maxEntries: 4 });
    const { runtime } = engine;
    const at = engine.scratch(64);
    const raw = (result: number): string => (result < 0 ? errnoName(-result) : `${result}`);
    expect(outcome(() => map.delete(undefined))).toBe(outcome(() => deleteElem(fd, undefined)));
    expect(raw(runtime.map_next_key(map.address, 0, at))).toBe(outcome(() => nextKey(fd, undefined, 4)));
    // The system call refuses to pop from a bloom filter before the map is asked; a program's answer is in test/helpers/keyless.test.ts.
    expect(outcome(() => popElem(fd, 4))).toBe(type === BLOOM ? 'ENOTSUPP' : 'ENOENT');
    expect(raw(runtime.map_pop(map.address, at))).toBe(type === BLOOM ? 'EOPNOTSUPP' : 'ENOENT');
    freezeMap(fd);
    map.freeze();
    const value = new Uint8Array(4);
    expect(outcome(() => map.set(undefined, value))).toBe(outcome(() => updateElem(fd, undefined, value)));
    if (map instanceof Queue) expect(outcome(() => map.pop())).toBe(outcome(() => popElem(fd, 4)));
    map.close();
    closeFd(fd);
  });
});

describe('input from JavaScript', () => {
  test('is refused with a typed error', () => {
    const queue = engine.createMap(specOf(QUEUE)) as Queue;
    const bloom = engine.createMap(specOf(BLOOM)) as BloomFilter;
    const code = (call: () => unknown): string => {
      try {
        call();
      } catch (error) {
        return (error as BpfError).code;
      }
      return 'none';
    };
    expect(code(() => queue.push(new Uint8Array(3)))).toBe('RUN_MAP_SIZE');
    expect(code(() => queue.push('text'))).toBe('OBJECT_RAW_VALUE');
    expect(code(() => queue.set(5, new Uint8Array(4)))).toBe('OBJECT_RAW_VALUE');
    expect(code(() => bloom.peek(new Uint8Array(5)))).toBe('RUN_MAP_SIZE');
    expect(code(() => bloom.get(undefined))).toBe('RUN_MAP_OP');
    expect([...bloom]).toEqual([]);
    queue.close();
    expect(code(() => queue.pop())).toBe('RUN_CLOSED');
    expect(code(() => queue.push(new Uint8Array(4)))).toBe('RUN_CLOSED');
  });
});
