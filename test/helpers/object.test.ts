/** Objects that programs make, lists, trees and kptrs: sequences of random steps here and in the kernel, and nothing is left behind. */
import { expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { Random } from '../fuzz/verifier-item.ts';
import { describeKernel } from '../kernel/available.ts';
import { Both, openObject } from '../kernel/sides.ts';

const PROGS = ['one', 'list', 'tree', 'refcounted', 'kept', 'held', 'percpu', 'irq'];
const STEPS = Math.min(Number(process.env.BPF2WASM_FUZZ_RUNS ?? 50), 20000);

/** Of a list's head the kernel shows addresses. */
const WITHOUT = ['.data.A', '.data.B', '.data.C', 'holders'];

/** Steps are compared one by one, so that a failure names its seed and place. */
function steps(seed: number): Uint8Array[] {
  const random = new Random(seed);
  return Array.from({ length: STEPS }, () => Uint8Array.from({ length: 60 }, () => random.below(256)));
}

async function run(engine: Engine, checked: boolean): Promise<void> {
  const sides = new Both(engine);
  try {
    await sides.load(openObject('test/data/helpers/object'), { checked });
    for (const entry of PROGS)
      for (const packet of steps(7)) sides.compare(entry, { packets: [packet], without: WITHOUT });
  } finally {
    sides.close();
  }
}

describeKernel('objects of programs', () => {
  for (const checked of [false, true]) {
    test(`lists, trees and kptrs, ${checked ? 'checked' : 'unchecked'}`, async () => {
      await run(await Engine.create(), checked);
    });
  }

  test('what maps and programs own goes with them', async () => {
    const engine = await Engine.create();
    const { object } = openObject('test/data/helpers/object');
    const cycle = async (): Promise<number> => {
      const loaded = await engine.load(object);
      for (const entry of PROGS) for (const packet of steps(3)) loaded.prog(entry).run(packet);
      const most = engine.runtime.mem_used();
      loaded.close();
      return most;
    };
    await cycle();
    const before = engine.runtime.mem_used();
    expect(await cycle()).toBeGreaterThan(before);
    expect(engine.runtime.mem_used()).toBe(before);
  });
});
