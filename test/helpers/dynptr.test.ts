/** Dynptrs, here and in the kernel. */
import { test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { describeKernel } from '../kernel/available.ts';
import { Both, openObject, PACKETS } from '../kernel/sides.ts';

const PROGS = ['local', 'refused', 'narrowed', 'packet', 'moved', 'passed'];

describeKernel('dynptrs', () => {
  for (const checked of [false, true]) {
    test(`of map values and packets, ${checked ? 'checked' : 'unchecked'}`, async () => {
      const sides = new Both(await Engine.create());
      try {
        await sides.load(openObject('test/data/helpers/dynptr'), { checked });
        // Packet after packet, so that what each note says is compared.
        for (const entry of PROGS) for (const packet of PACKETS) sides.compare(entry, { packets: [packet] });
      } finally {
        sides.close();
      }
    });
  }
});
