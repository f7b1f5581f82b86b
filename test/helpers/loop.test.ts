/** bpf_loop and the markers of sections, here and in the kernel. */
import { test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { describeKernel } from '../kernel/available.ts';
import { Both, openObject } from '../kernel/sides.ts';

describeKernel('bpf_loop', () => {
  for (const checked of [false, true]) {
    test(`calls, sums and refusals, ${checked ? 'checked' : 'unchecked'}`, async () => {
      const sides = new Both(await Engine.create());
      try {
        await sides.load(openObject('test/data/helpers/loop'), { checked });
        sides.compare('loops');
      } finally {
        sides.close();
      }
    });
  }
});
