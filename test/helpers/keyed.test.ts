/** Per-CPU and LRU hashes and LPM tries from programs, here and in the kernel. */
import { test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { describeKernel } from '../kernel/available.ts';
import { Both, openObject } from '../kernel/sides.ts';

describeKernel('keyed maps from programs', () => {
  for (const checked of [false, true]) {
    test(checked ? 'checked' : 'unchecked', async () => {
      const sides = new Both(await Engine.create({ cpus: 2 }));
      try {
        await sides.load(openObject('test/data/helpers/keyed'), { checked });
        sides.compare('keyed');
      } finally {
        sides.close();
      }
    });
  }
});
