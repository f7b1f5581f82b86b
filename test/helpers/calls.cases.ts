/** An object's programs here and in the kernel, with checks and without: what the tests of helpers have in common. */
import { test } from 'vitest';
import { Engine, type EngineOptions } from '../../src/engine.ts';
import { Both, type CompareOptions, openObject } from '../kernel/sides.ts';

/** One test for each program, checked and unchecked; `options` by program. */
export function compareAll(
  topic: string,
  progs: Readonly<Record<string, CompareOptions>>,
  engineOptions: () => EngineOptions = () => ({}),
): void {
  for (const checked of [false, true]) {
    for (const [prog, options] of Object.entries(progs)) {
      test(`${prog}, ${checked ? 'checked' : 'unchecked'}`, async () => {
        const engine = await Engine.create(engineOptions());
        const sides = new Both(engine);
        try {
          const edit = (object: { progs: readonly { name: string; autoload: boolean }[] }) => {
            for (const one of object.progs) one.autoload = one.name === prog;
          };
          await sides.load(openObject(`test/data/helpers/${topic}`, edit), { checked });
          sides.compare(prog, options);
        } finally {
          sides.close();
          engine.close();
        }
      });
    }
  }
}
