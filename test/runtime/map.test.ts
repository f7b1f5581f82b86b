// Maps: what creation refuses, each operation's result per kind, and hashes against a model.
import { describe, expect, test } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import * as isa from '../../assembly/isa.ts';
import { helpers } from '../../src/isa/helpers.ts';
import { harness, prng } from './harness.ts';

const { BPF_MAP_TYPE_ARRAY: ARRAY, BPF_MAP_TYPE_HASH: HASH } = isa;
const { BPF_MAP_TYPE_PERCPU_ARRAY: PERCPU, BPF_MAP_TYPE_PROG_ARRAY: PROGS } = isa;
const { EINVAL, E2BIG, EEXIST, ENOENT, ENOMEM } = isa;

test('the runtime exports a function for each helper', async () => {
  const { rt } = await harness();
  const missing = helpers()
    .filter((h) => h.name !== 'tail_call' && !(h.name in rt))
    .map((h) => h.name);
  expect(missing).toEqual([]);
});

describe('map_create refuses', () => {
  test.each([
    ['an unknown type', { type: 99 }, EINVAL],
    ['an array key of 8', { type: ARRAY, key: 8 }, EINVAL],
    ['an array without values', { type: ARRAY, value: 0 }, EINVAL],
    ['an array without entries', { type: ARRAY, max: 0 }, EINVAL],
    ['an array with NO_PREALLOC', { type: ARRAY, flags: isa.BPF_F_NO_PREALLOC }, EINVAL],
    ['an array both RDONLY_PROG and WRONLY_PROG', { type: ARRAY, flags: 0x180 }, EINVAL],
    ['an array both RDONLY and WRONLY', { type: ARRAY, flags: 0x18 }, EINVAL],
    ['an array value of 2 GiB', { type: ARRAY, value: 0x80000000 }, E2BIG],
    ['an array larger than memory', { type: ARRAY, value: 0x1000000, max: 0x1000000 }, ENOMEM],
    ['a per-CPU array that is MMAPABLE', { type: PERCPU, flags: isa.BPF_F_MMAPABLE }, EINVAL],
    ['a per-CPU value above 32 KiB', { type: PERCPU, value: 32769 }, E2BIG],
    ['a per-CPU array larger than memory', { type: PERCPU, value: 8, max: 0x7fffffff }, ENOMEM],
    ['a prog array of 8-byte values', { type: PROGS, value: 8 }, EINVAL],
    ['a prog array with RDONLY_PROG', { type: PROGS, value: 4, flags: isa.BPF_F_RDONLY_PROG }, EINVAL],
    ['a hash without keys', { type: HASH, key: 0 }, EINVAL],
    ['a hash without values', { type: HASH, value: 0 }, EINVAL],
    ['a hash without entries', { type: HASH, max: 0 }, EINVAL],
    ['a hash that is MMAPABLE', { type: HASH, flags: isa.BPF_F_MMAPABLE }, EINVAL],
    ['a hash element above 4 MiB', { type: HASH, value: 4 << 20 }, E2BIG],
    ['a hash of more than 2^31 entries', { type: HASH, max: 0x80000001 }, E2BIG],
    ['a hash larger than memory', { type: HASH, max: 0x7fffffff }, ENOMEM],
    ['no CPU', { type: ARRAY, cpus: 0 }, EINVAL],
  ])('%s', async (_, options, errno) => {
    const h = await harness();
    const before = h.rt.mem_used();
    expect(h.map(options)).toBe(-errno);
    // The table of regions may have been made for the attempt; nothing of the map stays.
    expect(h.rt.mem_used() - before).toBeLessThan(4096);
    expect(h.rt.map_first()).toBe(0);
  });
});

test('maps are chained newest first, numbered from 1, and leave the chain when destroyed', async () => {
  const h = await harness();
  const maps = [h.map({ type: ARRAY }), h.map({ type: HASH }), h.map({ type: PROGS, value: 4 })];
  const chain = () => {
    const found: number[] = [];
    for (let map = h.rt.map_first() >>> 0; map; map = h.mem.u32(map + abi.MAP_NEXT)) found.push(map);
    return found;
  };
  expect(chain()).toEqual([...maps].reverse());
  expect(maps.map((m) => h.mem.u32(m + abi.MAP_ID))).toEqual([1, 2, 3]);
  h.rt.map_destroy(maps[1]);
  expect(chain()).toEqual([maps[2], maps[0]]);
  expect(h.rt.check_map(BigInt(maps[1]))).toBe(0);
  expect(h.rt.check_map(BigInt(maps[0]))).toBe(1);
});

describe('array', () => {
  test('operations', async () => {
    const h = await harness();
    const map = h.map({ type: ARRAY, value: 12, max: 3 });
    expect(h.mem.u32(map + abi.MAP_STRIDE)).toBe(16);
    const at = (i: number) => h.rt.map_lookup_elem(map, h.key(i)) >>> 0;
    expect([at(0), at(1), at(2), at(3), at(0xffffffff)]).toEqual([
      map + abi.MAP_DATA,
      map + abi.MAP_DATA + 16,
      map + abi.MAP_DATA + 32,
      0,
      0,
    ]);
    const update = (i: number, flags: bigint) =>
      Number(h.rt.map_update_elem(map, h.key(i), h.value(Uint8Array.of(...Array(16).fill(7))), flags));
    const flags = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 8n, 1n << 32n, 1n << 63n];
    const inside = [0, -EEXIST, 0, -EINVAL, -EINVAL, -EEXIST, -EINVAL, -EINVAL, -EINVAL, -EINVAL];
    expect(flags.map((f) => update(1, f))).toEqual(inside);
    const outside = [-E2BIG, -E2BIG, -E2BIG, -EINVAL, -E2BIG, -E2BIG, -E2BIG, -EINVAL, -EINVAL, -EINVAL];
    expect(flags.map((f) => update(3, f))).toEqual(outside);
    // bpf(2) refuses the lock before it looks at the index.
    const fromUser = (i: number, f: number) => h.rt.map_update(map, h.key(i), h.valueAt, f);
    expect([fromUser(1, 4), fromUser(1, 5), fromUser(3, 4), fromUser(3, 0)]).toEqual([
      -EINVAL,
      -EINVAL,
      -EINVAL,
      -E2BIG,
    ]);
    expect([...h.mem.read(map + abi.MAP_DATA + 16, 16)]).toEqual([...Array(12).fill(7), 0, 0, 0, 0]);
    expect(h.rt.map_delete_elem(map, h.key(1))).toBe(BigInt(-EINVAL));
    expect(h.rt.map_delete(map, h.key(1))).toBe(-EINVAL);
  });

  test('next key', async () => {
    const h = await harness();
    const map = h.map({ type: ARRAY, max: 3 });
    const next = (key: number | undefined) => {
      const r = h.rt.map_next_key(map, key === undefined ? 0 : h.key(key), h.outAt);
      return r === 0 ? h.mem.u32(h.outAt) : r;
    };
    expect([undefined, 0, 1, 2, 3, 0xffffffff].map(next)).toEqual([0, 1, 2, -ENOENT, 0, 0]);
  });
});

test('per-CPU array: programs see their own copy, user space all', async () => {
  const h = await harness();
  const map = h.map({ type: PERCPU, value: 4, max: 2, cpus: 3 });
  const values = Uint8Array.of(1, 0, 0, 0, 9, 9, 9, 9, 2, 0, 0, 0, 9, 9, 9, 9, 3, 0, 0, 0, 9, 9, 9, 9);
  expect(h.rt.map_update(map, h.key(1), h.value(values), 0)).toBe(0);
  expect(h.rt.map_update(map, h.key(2), h.value(values), 0)).toBe(-E2BIG);
  expect(h.rt.map_update(map, h.key(1), h.value(values), 1)).toBe(-EEXIST);
  const seen = [0, 1, 2].map((cpu) => {
    h.mem.setU32(abi.VM_BASE + abi.VM_CPU, cpu);
    return h.mem.u64(h.rt.map_lookup_elem(map, h.key(1)) >>> 0);
  });
  expect(seen).toEqual([1n, 2n, 3n]);
  h.mem.setU32(abi.VM_BASE + abi.VM_CPU, 1);
  expect(h.rt.map_update_elem(map, h.key(1), h.value(77), 0n)).toBe(0n);
  const first = h.rt.map_lookup(map, h.key(1)) >>> 0;
  expect([0, 1, 2].map((cpu) => h.mem.u32(first + cpu * h.cpuStride(map)))).toEqual([1, 77, 3]);
});

test('prog array: user space sees what the mirror has, programs nothing', async () => {
  const h = await harness();
  const map = h.map({ type: PROGS, value: 4, max: 2 });
  h.mem.setU32(map + abi.MAP_DATA + 4, 5);
  expect(h.rt.map_lookup(map, h.key(0))).toBe(0);
  expect(h.mem.u32(h.rt.map_lookup(map, h.key(1)) >>> 0)).toBe(5);
  expect(h.rt.map_lookup_elem(map, h.key(1))).toBe(0);
  expect(h.rt.map_update_elem(map, h.key(1), h.value(1), 0n)).toBe(BigInt(-EINVAL));
  expect([h.rt.map_delete(map, h.key(0)), h.rt.map_delete(map, h.key(1))]).toEqual([-ENOENT, 0]);
  expect(h.mem.u32(map + abi.MAP_DATA + 4)).toBe(0);
});

describe.each([
  ['pre-allocated', 0],
  ['on demand', isa.BPF_F_NO_PREALLOC],
])('hash, %s', (_, flags) => {
  test('flags and errors', async () => {
    const h = await harness();
    const map = h.map({ type: HASH, max: 2, flags });
    const update = (key: number, value: number, f: bigint) =>
      Number(h.rt.map_update_elem(map, h.key(key), h.value(value), f));
    expect(update(1, 10, BigInt(isa.BPF_EXIST))).toBe(-ENOENT);
    expect(update(1, 10, BigInt(isa.BPF_NOEXIST))).toBe(0);
    expect(update(1, 11, BigInt(isa.BPF_NOEXIST))).toBe(-EEXIST);
    expect(update(1, 12, BigInt(isa.BPF_EXIST))).toBe(0);
    expect(update(1, 12, 3n)).toBe(-EINVAL);
    expect(update(1, 12, BigInt(isa.BPF_F_LOCK))).toBe(-EINVAL);
    expect(update(1, 12, 1n << 33n)).toBe(-EINVAL);
    expect(update(2, 20, 0n)).toBe(0);
    expect(update(3, 30, 0n)).toBe(-E2BIG);
    expect(update(2, 21, 0n)).toBe(0);
    expect(h.mem.u32(map + abi.MAP_COUNT)).toBe(2);
    expect(h.rt.map_delete_elem(map, h.key(9))).toBe(BigInt(-ENOENT));
    expect(h.rt.map_delete_elem(map, h.key(1))).toBe(0n);
    expect(update(3, 30, 0n)).toBe(0);
    expect(h.mem.u64(h.rt.map_lookup_elem(map, h.key(2)) >>> 0)).toBe(21n);
    expect(h.rt.map_lookup_elem(map, h.key(1))).toBe(0);
  });

  test('a value that a program holds stays as it was when its key is updated or deleted', async () => {
    const h = await harness();
    const map = h.map({ type: HASH, max: 2, flags });
    h.rt.map_update_elem(map, h.key(1), h.value(10), 0n);
    const held = h.rt.map_lookup_elem(map, h.key(1)) >>> 0;
    h.rt.map_update_elem(map, h.key(1), h.value(11), 0n);
    const newer = h.rt.map_lookup_elem(map, h.key(1)) >>> 0;
    expect([h.mem.u64(held), h.mem.u64(newer)]).toEqual([10n, 11n]);
    h.rt.map_delete_elem(map, h.key(1));
    expect(h.mem.u64(newer)).toBe(11n);
    expect(h.rt.check_mem(BigInt(newer), 8, 1)).toBe(1);
  });

  test.each([1, 3, 4, 8, 12, 16, 20, 33])('against a model, keys of %i bytes', async (keySize) => {
    const seed = 0xbf + keySize;
    const random = prng(seed);
    const h = await harness();
    h.rt.seed(seed, 0);
    const max = 100;
    const valueSize = 1 + (random() % 24);
    const before = h.rt.mem_used();
    const map = h.map({ type: HASH, key: keySize, value: valueSize, max, flags });
    const model = new Map<string, Uint8Array>();
    const runs = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 4000);
    for (let i = 0; i < runs; i++) {
      const key = new Uint8Array(keySize).fill(0);
      key[random() % keySize] = random() % 150;
      const name = key.join();
      const op = random() % 8;
      if (op < 4) {
        const value = Uint8Array.from({ length: valueSize }, () => random());
        const f = random() % 4;
        const has = model.has(name);
        let expected = 0;
        if (f === 3) expected = -EINVAL;
        else if (f === 1 && has) expected = -EEXIST;
        else if (f === 2 && !has) expected = -ENOENT;
        else if (!has && model.size === max) expected = -E2BIG;
        expect(h.rt.map_update(map, h.key(key), h.value(value), f), `seed ${seed} op ${i}`).toBe(expected);
        if (expected === 0) model.set(name, value);
      } else if (op === 4) {
        expect(h.rt.map_delete(map, h.key(key)), `seed ${seed} op ${i}`).toBe(model.delete(name) ? 0 : -ENOENT);
      } else {
        const at = h.rt.map_lookup_elem(map, h.key(key)) >>> 0;
        expect(at % 8).toBe(0);
        expect(at ? [...h.mem.read(at, valueSize)] : undefined, `seed ${seed} op ${i}`).toEqual(
          model.has(name) ? [...model.get(name)!] : undefined,
        );
      }
    }
    expect(model.size).toBeGreaterThan(0);
    const keys: string[] = [];
    for (let from = 0; h.rt.map_next_key(map, from, h.outAt) === 0; from = h.keyAt) {
      h.mem.write(h.keyAt, h.mem.read(h.outAt, keySize));
      keys.push(h.mem.read(h.outAt, keySize).join());
      expect(keys.length).toBeLessThanOrEqual(max);
    }
    expect([...keys].sort()).toEqual([...model.keys()].sort());
    expect(h.mem.u32(map + abi.MAP_COUNT)).toBe(model.size);
    h.rt.map_destroy(map);
    expect(h.rt.mem_used() - before).toBeLessThan(4096);
  });
});

test.each([
  [4, 'hash_lookup4'],
  [8, 'hash_lookup8'],
  [16, 'hash_lookup16'],
  [16, 'hash_lookup'],
] as const)('keys of %i bytes: %s finds what the general lookup finds', async (size, name) => {
  const h = await harness();
  h.rt.seed(1, 2);
  const map = h.map({ type: HASH, key: size, max: 512 });
  const key = (i: number) => Uint8Array.from({ length: size }, (_, b) => (i * (b + 1)) & 255);
  for (let i = 0; i < 100; i++) expect(h.rt.map_update(map, h.key(key(i)), h.value(i), 0)).toBe(0);
  for (let i = 0; i < 200; i++) {
    expect(h.rt[name](map, h.key(key(i)))).toBe(h.rt.map_lookup_elem(map, h.key(key(i))));
    expect(h.rt[name](map, h.key(key(i))) !== 0).toBe(i < 100);
  }
});

test('next key: an absent key starts over', async () => {
  const h = await harness();
  const map = h.map({ type: HASH });
  expect(h.rt.map_next_key(map, 0, h.outAt)).toBe(-ENOENT);
  h.rt.map_update(map, h.key(7), h.value(1), 0);
  expect(h.rt.map_next_key(map, h.key(99), h.outAt)).toBe(0);
  expect(h.mem.u32(h.outAt)).toBe(7);
  expect(h.rt.map_next_key(map, h.key(7), h.outAt)).toBe(-ENOENT);
});

test('the order of a hash follows from the seed', async () => {
  const order = async (seed: number, flags = 0) => {
    const h = await harness();
    h.rt.seed(seed, 0);
    const map = h.map({ type: HASH, max: 64, flags });
    for (let i = 0; i < 64; i++) h.rt.map_update(map, h.key(i), h.value(i), 0);
    const keys: number[] = [];
    for (let from = 0; h.rt.map_next_key(map, from, h.outAt) === 0; from = h.key(h.mem.u32(h.outAt))) {
      keys.push(h.mem.u32(h.outAt));
    }
    return keys.join();
  };
  expect(await order(1)).toBe(await order(1));
  expect(await order(1)).not.toBe(await order(2));
  expect(await order(1, isa.BPF_F_ZERO_SEED)).toBe(await order(2, isa.BPF_F_ZERO_SEED));
});
