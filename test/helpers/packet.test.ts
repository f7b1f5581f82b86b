/** Packet helpers in subprograms, callbacks and behind tail calls, here and in the kernel. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { describeKernel } from '../kernel/available.ts';
import { Both, openObject, PACKETS } from '../kernel/sides.ts';

const LARGE = [2000, 3500, 3520].map((size) => Uint8Array.from({ length: size }, (_, i) => (i * 7) & 0xff));

describeKernel('packet helpers', () => {
  describe.each([false, true])('checked: %s', (checked) => {
    test('from subprograms, callbacks and tail calls; of packet memory', async () => {
      const sides = new Both(await Engine.create());
      try {
        await sides.load(openObject('test/data/helpers/packet'), { checked });
        for (const metadata of [0, 8]) {
          const packets = [...PACKETS, ...LARGE].filter(({ length }) => length >= 14 + metadata);
          for (const entry of ['subprogs', 'callbacks', 'tails', 'sums', 'state']) {
            const redirects: unknown[] = [];
            sides.compare(entry, { packets, metadata, each: (ours) => redirects.push(ours.redirect?.ifindex) });
            if (entry === 'tails') expect(redirects).toContain(7);
          }
        }
        for (const linear of [0, 14, 50]) sides.compare('callbacks', { packets: [...PACKETS, ...LARGE], linear });
      } finally {
        sides.close();
      }
    });
  });
});
