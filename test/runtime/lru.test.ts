// What an LRU hash promises: inserts never fail, it holds no more than it may, and what is in use stays.
import { describe, expect, test } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import * as isa from '../../assembly/isa.ts';
import { type Harness, harness, prng } from './harness.ts';

const MAX = 1000;

describe.each([
  ['lru_hash', isa.BPF_MAP_TYPE_LRU_HASH],
  ['lru_percpu_hash', isa.BPF_MAP_TYPE_LRU_PERCPU_HASH],
])('%s', (_, type) => {
  const put = (h: Harness, map: number, key: number) => h.rt.map_update_elem(map, h.key(key), h.value(key), 0n);

  test('what is looked up stays, however many others come and go', async () => {
    const h = await harness();
    const map = h.map({ type, max: MAX });
    const used = 400;
    for (let key = 0; key < MAX; key++) expect(put(h, map, key)).toBe(0n);
    for (let key = MAX; key < 20 * MAX; key++) {
      if (key % 100 === 0) for (let k = 0; k < used; k++) expect(h.rt.map_lookup_elem(map, h.key(k))).not.toBe(0);
      expect(put(h, map, key)).toBe(0n);
    }
    expect(h.mem.u32(map + abi.MAP_COUNT)).toBe(MAX);
    // The newest is there, what was used once long ago is not; a look from outside is no use.
    expect(h.rt.map_lookup(map, h.key(20 * MAX - 1))).not.toBe(0);
    expect(h.rt.map_lookup(map, h.key(MAX))).toBe(0);
  });

  test('half of it, used once, outlives a scan', async () => {
    const h = await harness();
    const map = h.map({ type, max: MAX });
    for (let key = 0; key < MAX; key++) put(h, map, key);
    for (let key = 0; key < MAX / 2; key++) h.rt.map_lookup_elem(map, h.key(key));
    for (let key = MAX; key < 4 * MAX; key++) put(h, map, key);
    const left = Array.from({ length: MAX / 2 }, (_, key) => h.rt.map_lookup(map, h.key(key)) !== 0);
    expect(left.filter(Boolean).length).toBe(MAX / 2);
  });

  test('random use: values are right, it never holds more, and all of it can be freed', async () => {
    const h = await harness();
    const random = prng(7);
    const before = h.rt.mem_used();
    const map = h.map({ type, max: 64, flags: isa.BPF_F_NO_COMMON_LRU, cpus: 2 });
    for (let i = 0; i < 20000; i++) {
      h.mem.setU32(abi.VM_BASE + abi.VM_CPU, random() & 1);
      const key = random() % 200;
      if (random() % 5 === 0) h.rt.map_delete_elem(map, h.key(key));
      else expect(put(h, map, key)).toBe(0n);
      const at = h.rt.map_lookup_elem(map, h.key(random() % 200)) >>> 0;
      if (at !== 0) expect(h.rt.check_mem(BigInt(at), 8, 1)).toBe(1);
      expect(h.mem.u32(map + abi.MAP_COUNT)).toBeLessThanOrEqual(64);
    }
    let keys = 0;
    for (let from = 0; h.rt.map_next_key(map, from, h.outAt) === 0; from = h.key(h.mem.u32(h.outAt))) keys++;
    expect(keys).toBe(h.mem.u32(map + abi.MAP_COUNT));
    h.rt.map_destroy(map);
    expect(h.rt.mem_used() - before).toBeLessThan(4096);
  });
});
