// The allocator: alignment, zeros, no overlap, everything comes back, and 0 instead of a trap when memory ends.
import { expect, test } from 'vitest';
import { harness, prng } from './harness.ts';

test('random allocations never overlap, are aligned and zero, and all come back', async () => {
  const seed = 4711;
  const random = prng(seed);
  const h = await harness();
  const before = h.rt.mem_used();
  const live: { at: number; size: number; mark: number }[] = [];
  const runs = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 4000);
  for (let i = 0; i < runs; i++) {
    if (live.length > 40 || (live.length > 0 && random() % 2 === 0)) {
      const [gone] = live.splice(random() % live.length, 1);
      const bytes = h.mem.read(gone.at, gone.size);
      expect(
        bytes.every((b) => b === gone.mark),
        `seed ${seed} step ${i}`,
      ).toBe(true);
      h.rt.free(gone.at);
    } else {
      const size = random() % (random() % 8 === 0 ? 300_000 : 700);
      const at = h.alloc(size);
      expect(at).toBeGreaterThan(0);
      expect(at % 64).toBe(0);
      expect(
        h.mem.read(at, size).every((b) => b === 0),
        `seed ${seed} step ${i}`,
      ).toBe(true);
      const mark = 1 + (random() % 255);
      h.mem.fill(at, size, mark);
      live.push({ at, size, mark });
    }
  }
  for (const { at } of live) h.rt.free(at);
  expect(h.rt.mem_used()).toBe(before);
  // Freed neighbours have merged: the space serves one large piece without growing.
  const pages = h.mem.raw.buffer.byteLength;
  expect(h.alloc(pages - 500_000)).toBeGreaterThan(0);
  expect(h.mem.raw.buffer.byteLength).toBe(pages);
});

test('the end of memory gives 0, and what is freed can be had again', async () => {
  const h = await harness(64);
  const all: number[] = [];
  for (let at = h.alloc(100_000); at; at = h.alloc(100_000)) all.push(at);
  expect(all.length).toBeGreaterThan(20);
  expect(h.alloc(100_000)).toBe(0);
  h.rt.free(all[3]);
  expect(h.alloc(100_000)).toBe(all[3]);
});

test.each([0xffffffff, 0xfffffff0, 0xffff0000, 0xfffb0000, 0x80000000])('%i bytes are refused', async (size) => {
  const h = await harness(1024);
  expect(h.alloc(size)).toBe(0);
  expect(h.alloc(64)).toBeGreaterThan(0);
});

test('memory grows with need, not by doubling', async () => {
  const h = await harness();
  const before = h.mem.raw.buffer.byteLength;
  h.alloc(200 << 20);
  expect(h.mem.raw.buffer.byteLength - before).toBeLessThan(201 << 20);
  h.alloc(1 << 20);
  expect(h.mem.raw.buffer.byteLength - before).toBeLessThan(240 << 20);
});

test('memory that the host grows in between is left alone', async () => {
  const h = await harness();
  const own = h.mem.raw.grow(16) * 65536;
  h.mem.fill(own, 16 * 65536, 0xee);
  const at = Array.from({ length: 20 }, () => h.alloc(200_000));
  for (const a of at) h.mem.fill(a, 200_000, 1);
  expect(h.mem.read(own, 16 * 65536).every((b) => b === 0xee)).toBe(true);
  for (const a of at) h.rt.free(a);
  expect(h.alloc(0)).toBeGreaterThan(0);
});

test('freeing what is not an allocation changes nothing', async () => {
  const h = await harness();
  const at = h.alloc(100);
  const used = h.rt.mem_used();
  for (const bad of [0, 1, at + 1, at + 64, 0xffffffc0, 65536, 262144]) h.rt.free(bad);
  expect(h.rt.mem_used()).toBe(used);
  h.rt.free(at);
  h.rt.free(at);
  expect(h.rt.mem_used()).toBeLessThan(used);
  expect(used - h.rt.mem_used()).toBe(128);
});
