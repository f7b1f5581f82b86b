/** What programs do to a value after its element was deleted, and updates with BPF_F_LOCK: beside the kernel, and what is left behind. */
import { expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { describeKernel } from '../kernel/available.ts';
import { openObject, PACKETS } from '../kernel/sides.ts';
import { compareAll } from './calls.cases.ts';

describeKernel('deleted elements', () => {
  const once = { packets: PACKETS.slice(2, 3) };
  // What a kptr or a timer looks like is nobody's business.
  const opaque = { ...once, without: ['hash', 'no_prealloc', 'lru', 'percpu', 'timers'] };
  compareAll('deleted', {
    reuse_hash: opaque,
    reuse_no_prealloc: opaque,
    reuse_lru: opaque,
    reuse_percpu: opaque,
    late_timer: opaque,
    update_locked: once,
  });
});

for (const checked of [false, true]) {
  const how = checked ? 'checked' : 'unchecked';

  test(`timers of deleted elements end with their map, ${how}`, async () => {
    const engine = await Engine.create({ clock: () => 0n });
    const loaded = await engine.load(openObject('test/data/helpers/deleted').object, { checked });
    loaded.prog('late_timer').run(new Uint8Array(60));
    expect(engine.pendingTimers).toBe(1);
    loaded.close();
    expect(engine.pendingTimers).toBe(0);
    expect(engine.runTimers(1n << 60n)).toEqual({ ran: 0, violations: [] });
    engine.close();
  });

  test(`objects in deleted elements end with their map, ${how}`, async () => {
    const engine = await Engine.create();
    const { object } = openObject('test/data/helpers/deleted');
    const used: number[] = [];
    for (let round = 0; round < 3; round++) {
      const loaded = await engine.load(object, { checked });
      for (let i = 0; i < 20; i++)
        expect(loaded.prog('leave_objects').run(new Uint8Array(60)).verdict).toBe('XDP_PASS');
      loaded.close();
      used.push(engine.runtime.mem_used());
    }
    expect(used).toEqual([used[0], used[0], used[0]]);
    engine.close();
  });
}
