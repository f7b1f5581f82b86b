/** bpf_map_push_elem, bpf_map_pop_elem and bpf_map_peek_elem of queues, stacks and bloom filters, here and in the kernel. */
import { expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import type { BloomFilter } from '../../src/runtime/bloom-filter.ts';
import type { Queue } from '../../src/runtime/queue.ts';
import { describeKernel } from '../kernel/available.ts';
import { lookupElem, peekElem, popElem } from '../kernel/bpf.ts';
import { Both, openObject, PACKETS } from '../kernel/sides.ts';

const VALUE = 16;
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

describeKernel('maps without keys', () => {
  for (const checked of [false, true]) {
    test(`push, pop and peek, ${checked ? 'checked' : 'unchecked'}`, async () => {
      const sides = new Both(await Engine.create());
      try {
        await sides.load(openObject('test/data/helpers/keyless'), { checked });
        for (const entry of ['queue_cycle', 'stack_cycle', 'filter', 'empty', 'queue_cycle', 'push_length'])
          sides.compare(entry);
        const [loaded] = sides.loaded;
        for (const name of ['queue', 'stack']) {
          const map = loaded.map(name) as Queue;
          const fd = sides.kernel.maps.get(name) as number;
          expect(map.size).toBe(5);
          for (let left = 5; left > 0; left--) {
            expect(hex(map.peek({ raw: true }))).toBe(hex(lookupElem(fd, undefined, VALUE)));
            expect(hex(map.pop({ raw: true }))).toBe(hex(popElem(fd, VALUE)));
          }
          expect(map.pop()).toBe(undefined);
        }
        // What a program pushed is found from outside.
        const bloom = loaded.map('bloom') as BloomFilter;
        const lengths = [...new Set(PACKETS.map((packet) => packet.length))];
        for (const number of lengths) {
          const value = new Uint8Array(VALUE);
          new DataView(value.buffer).setUint32(0, number, true);
          value[7] = number * 7;
          expect(bloom.peek(value)).toBe(true);
          peekElem(sides.kernel.maps.get('bloom') as number, value);
        }
        expect(bloom.size).toBe(lengths.length);
      } finally {
        sides.close();
      }
    });
  }
});
