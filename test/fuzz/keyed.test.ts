// Keyed maps against the kernel's own: random operations, equal answers, equal contents. `BPF2WASM_FUZZ_RUNS=1000000` is a campaign.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeKernel } from '../kernel/available.ts';
import { type KeyedShape, KeyedSides } from './keyed-ops.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 1500);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);
const CPUS = Number(readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim().split(/[-,]/).at(-1)) + 1;

const shape = (name: string, type: number, keySize: number, valueSize: number, maxEntries: number, flags = 0) => ({
  name,
  type,
  keySize,
  valueSize,
  maxEntries,
  flags,
});
/** LRU hashes have room for every key that is used: which element goes is Linux's secret. */
const SHAPES: readonly KeyedShape[] = [
  shape('array', 2, 4, 12, 20),
  shape('percpu_array', 6, 4, 5, 20),
  shape('hash', 1, 4, 8, 24),
  shape('hash, on demand', 1, 16, 3, 24, 1),
  shape('percpu_hash', 5, 8, 4, 24),
  shape('percpu_hash, on demand', 5, 5, 20, 24, 1),
  shape('lru_hash', 9, 4, 8, 4096),
  shape('lru_percpu_hash', 10, 12, 12, 4096),
  shape('lpm_trie, IPv4', 11, 8, 8, 300, 1),
  shape('lpm_trie, IPv6', 11, 20, 4, 300, 1),
  shape('lpm_trie, 1 byte', 11, 5, 1, 20, 1),
  shape('lpm_trie, 11 bytes', 11, 15, 1, 4000, 1),
];

describeKernel('keyed maps do what the kernel says', () => {
  test.each(SHAPES.map((one) => [one.name, one] as const))(
    '%s',
    async (_, one) => {
      const sides = await KeyedSides.open(one, CPUS, SEED);
      try {
        for (let i = 0; i < RUNS; i++) {
          const [what, ours, theirs] = sides.step();
          if (ours !== theirs) expect(ours, `seed ${SEED}, step ${i}: ${what}`).toBe(theirs);
          if (i % 5000 !== 4999 && i !== RUNS - 1) continue;
          const [mine, kernels] = sides.dump();
          expect(mine, `seed ${SEED}, after step ${i}`).toEqual(kernels);
        }
      } finally {
        sides.close();
      }
    },
    Math.max(30_000, RUNS),
  );
});
