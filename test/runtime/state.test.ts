// The clock, random numbers and the CPU's number.
import { expect, test } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { harness } from './harness.ts';

test('the clock is the packet time, else the engine time', async () => {
  const h = await harness();
  h.mem.setU64(abi.VM_BASE + abi.VM_TIME, 5_000_000_000n);
  expect(h.rt.ktime_get_ns()).toBe(5_000_000_000n);
  const { ctx } = h.packet(new Uint8Array(14));
  expect(h.rt.ktime_get_ns()).toBe(5_000_000_000n);
  h.mem.setU64(ctx + abi.CTX_TIME, 1_700_000_000_123_456_789n);
  expect(h.rt.ktime_get_ns()).toBe(1_700_000_000_123_456_789n);
});

test('the CPU number', async () => {
  const h = await harness();
  h.mem.setU32(abi.VM_BASE + abi.VM_CPU, 3);
  expect(h.rt.get_smp_processor_id()).toBe(3n);
});

test('random numbers: 32 bits, from the seed alone, every bit near half the time', async () => {
  const draw = async (seed: number, count: number) => {
    const h = await harness();
    h.rt.seed(seed, 0);
    return Array.from({ length: count }, () => h.rt.get_prandom_u32());
  };
  const numbers = await draw(1, 4096);
  expect(await draw(1, 64)).toEqual(numbers.slice(0, 64));
  expect(await draw(2, 64)).not.toEqual(numbers.slice(0, 64));
  expect(numbers.every((n) => n >= 0n && n <= 0xffffffffn)).toBe(true);
  expect(new Set(numbers).size).toBeGreaterThan(4090);
  for (let bit = 0n; bit < 32n; bit++) {
    const ones = numbers.filter((n) => (n >> bit) & 1n).length;
    expect(Math.abs(ones - 2048), `bit ${bit}`).toBeLessThan(200);
  }
});
