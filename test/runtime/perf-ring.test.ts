// The buffer of a perf event array against a model: random samples and reads; every sample comes whole and in order, or is counted.
import { expect, test } from 'vitest';
import { BPF_MAP_TYPE_PERF_EVENT_ARRAY } from '../../assembly/isa.ts';
import { Random } from '../fuzz/verifier-item.ts';
import { harness } from './harness.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 3000);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);
const SIZE = 4096;
const CURRENT_CPU = 0xffffffffn;
const LOST_BYTES = 24;
const RECORD_LOST = 2;
const RECORD_SAMPLE = 9;

/** A sample by its size and the byte it is full of, or how many were lost. */
type Held = { readonly size: number; readonly fill: number } | { readonly lost: number };

const span = (one: Held): number => ('lost' in one ? LOST_BYTES : 8 + ((one.size + 4 + 7) & ~7));

test('random operations', async () => {
  const h = await harness();
  const map = h.map({ type: BPF_MAP_TYPE_PERF_EVENT_ARRAY, key: 4, value: 4, max: 1 });
  expect(h.rt.perf_open(map, 0, SIZE, 1)).toBe(0);
  const ring = h.rt.perf_ring(map, 0) >>> 0;
  const random = new Random(SEED);
  const data = h.alloc(4096);
  const held: Held[] = [];
  let used = 0;
  let lost = 0;
  let untold = 0;
  for (let i = 0; i < RUNS; i++) {
    const where = `seed ${SEED}, operation ${i}`;
    if (random.below(3) > 0) {
      const sample = { size: 1 + random.below(random.below(4) === 0 ? 2000 : 100), fill: i & 255 };
      h.mem.u8.fill(sample.fill, data, data + sample.size);
      const fits = used + span(sample) + (untold > 0 ? LOST_BYTES : 0) < SIZE;
      const result = h.rt.perf_event_output(0, map, CURRENT_CPU, data, sample.size);
      expect(result, where).toBe(fits ? 0n : -28n);
      if (!fits) {
        lost++;
        untold++;
      } else {
        const news: Held[] = untold > 0 ? [{ lost: untold }, sample] : [sample];
        untold = 0;
        held.push(...news);
        for (const one of news) used += span(one);
      }
    } else {
      for (let left = random.below(6); left > 0; left--) {
        const at = h.rt.perf_next(ring) >>> 0;
        const next = held.shift();
        expect(at !== 0, where).toBe(next !== undefined);
        if (next === undefined) break;
        const view = h.mem.view;
        if ('lost' in next) {
          expect([view.getUint32(at, true), view.getBigUint64(at + 16, true)], where).toEqual([
            RECORD_LOST,
            BigInt(next.lost),
          ]);
        } else {
          const raw = span(next) - 12;
          expect([view.getUint32(at, true), view.getUint32(at + 8, true)], where).toEqual([RECORD_SAMPLE, raw]);
          const bytes = h.mem.u8.subarray(at + 12, at + 12 + raw);
          expect(
            bytes.every((byte, k) => byte === (k < next.size ? next.fill : 0)),
            where,
          ).toBe(true);
        }
        h.rt.perf_consume(ring);
        used -= span(next);
      }
    }
    const word = (offset: number): bigint => h.mem.view.getBigUint64(ring + offset, true);
    expect([word(0) - word(8), word(16), word(24)], where).toEqual([BigInt(used), BigInt(lost), BigInt(untold)]);
  }
  expect(lost).toBeGreaterThan(RUNS / 50);
});
