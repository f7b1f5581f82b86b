// BPF_MAP_CREATE of keyed maps: every flag, alone and in pairs, and sizes at their limits, here and in the kernel.
import { expect, test } from 'vitest';
import { BPF_F_NO_PREALLOC } from '../../assembly/isa.ts';
import { harness, type MapOptions } from '../runtime/harness.ts';
import { describeKernel } from './available.ts';
import { closeFd, createMap } from './bpf.ts';
import { KernelError } from './errno.ts';

const TYPES = { hash: 1, array: 2, percpu_hash: 5, percpu_array: 6, lru_hash: 9, lru_percpu_hash: 10, lpm_trie: 11 };
const CPUS = 2;

type Shape = Required<Omit<MapOptions, 'extra'>>;

function kernelErrno(o: Shape): number {
  try {
    closeFd(createMap({ type: o.type, keySize: o.key, valueSize: o.value, maxEntries: o.max, flags: o.flags }));
    return 0;
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
}

/** Flags that have nothing to do with keyed maps or that need what a test has not: a token, a kernel function, an fd. */
const FOREIGN = [5, 9, 13, 14, 15, 16, 17];
const BITS = Array.from({ length: 20 }, (_, i) => i)
  .filter((i) => !FOREIGN.includes(i))
  .map((i) => 1 << i);
const FLAGS = [0, ...BITS.flatMap((a, i) => BITS.slice(i).map((b) => a | b))];

describeKernel('creating keyed maps', () => {
  test.each(Object.entries(TYPES))('%s', async (_, type) => {
    const h = await harness();
    const usual = { type, key: type === 11 ? 8 : 4, value: 8, max: 4, flags: 0, cpus: CPUS };
    const needed = type === 11 ? BPF_F_NO_PREALLOC : 0;
    const cases: Shape[] = FLAGS.map((flags) => ({ ...usual, flags }));
    for (const key of [0, 1, 4, 5, 8, 12, 259, 260, 261, 600, 4 << 20]) cases.push({ ...usual, key, flags: needed });
    const limits = [32767, 32768, 32769, (4 << 20) - 300, (4 << 20) - 57, (4 << 20) - 56, (4 << 20) - 52, 4 << 20];
    for (const value of [0, 1, 7, ...limits, 0x7fffffff, 0x80000000])
      if (type !== 2 || value < 4096 || value > 0x7fffffff) cases.push({ ...usual, value, flags: needed, max: 1 });
    // Linux would try to find the memory for such an array.
    const most = type === 2 || type === 6 ? [] : [0x80000001];
    for (const max of [0, 1, 5, ...most]) cases.push({ ...usual, max, flags: needed });
    const all = cases.map((one) => {
      const ours = h.map(one);
      if (ours > 0) h.rt.map_destroy(ours);
      return { ...one, errno: ours > 0 ? 0 : -ours };
    });
    expect(all).toEqual(cases.map((one) => ({ ...one, errno: kernelErrno(one) })));
  });

  test('LPM values up to the largest allocation', async () => {
    const h = await harness();
    const sizes = Array.from({ length: 30 }, (_, i) => (4 << 20) - 295 + i);
    const at = (value: number) => ({ type: 11, key: 8, value, max: 1, flags: BPF_F_NO_PREALLOC, cpus: CPUS });
    const limit = (errno: (value: number) => number) => sizes.findIndex((value) => errno(value) !== 0);
    expect(limit((value) => (h.map(at(value)) > 0 ? 0 : 1))).toBe(limit((value) => kernelErrno(at(value))));
  });
});
