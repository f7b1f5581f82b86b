/** Tasks and control groups that do not exist, here and in the kernel, and signals that reach nobody. */
import { expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { describeKernel } from '../kernel/available.ts';
import { openObject } from '../kernel/sides.ts';
import { compareAll } from './calls.cases.ts';

describeKernel('tasks and control groups that are not there', () => {
  compareAll('nobody', { tasks: {}, groups: {} });
});

test('no signal is delivered: EPERM, as for a task that may not be signalled', async () => {
  const engine = await Engine.create();
  const { object } = openObject('test/data/helpers/nobody');
  for (const checked of [false, true]) {
    using loaded = await engine.load(object, { checked, progs: ['signals'] });
    expect(loaded.prog('signals').run(new Uint8Array(60)).returnValue).toBe(0xffff);
  }
  engine.close();
});
