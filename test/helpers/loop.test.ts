/** bpf_loop and the markers of sections, here and in the kernel. */
import { expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { describeKernel } from '../kernel/available.ts';
import { openObject, PACKETS } from '../kernel/sides.ts';
import { compareAll } from './calls.cases.ts';

describeKernel('bpf_loop', () => {
  const packets = PACKETS.slice(0, 5);
  compareAll('loop', { loops: {} });
  // Maps are compared behind the last packet: each is one.
  for (const packet of packets) compareAll('loop', { limits: { packets: [packet] }, wide: { packets: [packet] } });
});

for (const checked of [false, true]) {
  test(`loops of loops run out of their budget, ${checked ? 'checked' : 'unchecked'}`, async () => {
    const engine = await Engine.create({ insnBudget: 100_000 });
    const { object } = openObject('test/data/helpers/loop');
    const loaded = await engine.load(object, { checked, progs: ['endless', 'endless_inlined'] });
    for (const name of ['endless', 'endless_inlined']) {
      const { verdict, violation } = loaded.prog(name).run(new Uint8Array(60));
      expect([verdict, violation?.code]).toEqual(['XDP_ABORTED', 'budget']);
    }
    engine.close();
  });
}
