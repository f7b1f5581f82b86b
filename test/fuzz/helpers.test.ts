/** Random programs of map helpers, packet helpers and tail calls, in our engine and in the kernel: verdicts, packets, contexts and maps must be the same. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/engine.ts';
import { newEngine, variants } from '../engines.cases.ts';
import { observeEngine } from '../kernel/adapter.ts';
import { describeKernel } from '../kernel/available.ts';
import { transcript } from '../kernel/cases/transcript.ts';
import { observe } from '../kernel/run.ts';
import { generateCase } from './generate-helpers.ts';
import { Random } from './verifier-item.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 0) || 25;
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);

describeKernel('random programs of helpers', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await newEngine();
  });
  afterAll(() => engine.close());

  test(
    'do the same here and in the kernel',
    async () => {
      let entered = 0;
      let ran = 0;
      for (let seed = SEED; seed < SEED + RUNS; seed++) {
        const source = generateCase(new Random(seed), `seed ${seed}`);
        const theirs = observe(source);
        expect(theirs.refused, `seed ${seed}: the kernel loads it`).toBe(undefined);
        ran += theirs.steps.filter((step) => 'retval' in step).length;
        for (const variant of variants.slice(0, 2)) {
          const ours = await observeEngine(engine, source, variant);
          expect(transcript(source, ours), `seed ${seed}, ${variant.name}`).toBe(transcript(source, theirs));
          entered += ours.runs;
        }
      }
      // Packets ran, and tail calls entered further programs.
      expect(ran).toBeGreaterThan(RUNS);
      expect(entered).toBeGreaterThan(2 * ran);
    },
    RUNS * 2_000 + 60_000,
  );
});
