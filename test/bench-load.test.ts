// The load bench as a smoke run: every stage of every object runs, the kernel takes the same programs. Nothing is timed.
import { expect, test } from 'vitest';
import { kernelRefusal } from '../bench/kernel.ts';
import { LOAD_CASES } from '../bench/load/cases.ts';
import { loadTable } from '../bench/load/report.ts';
import { runLoadBench } from '../bench/load/run.ts';

const refusal = kernelRefusal();
if (refusal !== undefined) console.warn(`SKIPPED: the kernel loads nothing (${refusal})`);

test('every object is loaded, by the engine and by the kernel', async () => {
  const figures = await runLoadBench({ cases: LOAD_CASES, samples: 1, kernel: refusal === undefined, cold: false });
  expect(figures.map(({ program }) => program)).toEqual(LOAD_CASES.map(({ name }) => name));
  expect(figures.find(({ program }) => program === 'parser')?.insns).toBeGreaterThan(3900);
  for (const { kernelMs, firstMs, repeatMs, verifyMs, compileMs, wasmMs } of figures) {
    for (const ms of [firstMs, repeatMs, verifyMs, compileMs, wasmMs]) expect(ms).toBeGreaterThan(0);
    expect(kernelMs === undefined).toBe(refusal !== undefined);
  }
  expect(loadTable(figures).split('\n')).toHaveLength(LOAD_CASES.length + 1);
});
