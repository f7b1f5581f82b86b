// Special fields of values: updates pass them by, and they are as new in a new, replaced or deleted element.
import { describe, expect, test } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import * as isa from '../../assembly/isa.ts';
import { FIELD_KPTR_UNREF, FIELD_SPIN_LOCK, FIELD_TIMER } from '../../assembly/verifier/abi/input.ts';
import { setMapFields } from '../../src/runtime/map-fields.ts';
import { type Harness, harness } from './harness.ts';

const VALUE = 40;
const FIELDS = [
  { kind: FIELD_SPIN_LOCK, offset: 0, bytes: 4 },
  { kind: FIELD_TIMER, offset: 8, bytes: 16 },
  { kind: FIELD_KPTR_UNREF, offset: 32, bytes: 8 },
];
const PLAIN = Array.from({ length: VALUE }, (_, i) => (i >= 4 && i < 8) || (i >= 24 && i < 32));
const all = (byte: number): Uint8Array => new Uint8Array(VALUE).fill(byte);
/** As a program leaves it that writes to everything; the timer was never initialized: its first word is the address of one. */
const used = all(9).fill(0, 8, 12);
const mixed = (special: number, plain: number): number[] => PLAIN.map((isPlain) => (isPlain ? plain : special));

async function open(type: number, cpus = 1): Promise<{ h: Harness; map: number }> {
  const h = await harness();
  const map = h.map({ type, value: VALUE, max: 2, cpus });
  setMapFields({ memory: h.mem, runtime: h.rt }, map, FIELDS);
  return { h, map };
}

describe.each([
  ['array', isa.BPF_MAP_TYPE_ARRAY],
  ['per-CPU array', isa.BPF_MAP_TYPE_PERCPU_ARRAY],
  ['hash', isa.BPF_MAP_TYPE_HASH],
])('%s', (_, type) => {
  test('an update writes around them and ends what the old value held', async () => {
    const { h, map } = await open(type);
    const update = (byte: number) => h.rt.map_update(map, h.key(1), h.value(all(byte)), 0);
    const at = () => h.rt.map_lookup_elem(map, h.key(1)) >>> 0;
    expect(update(1)).toBe(0);
    expect([...h.mem.read(at(), VALUE)]).toEqual(mixed(0, 1));
    // As a program does that starts its timer.
    h.mem.write(at(), used);
    const before = at();
    expect(update(2)).toBe(0);
    expect([...h.mem.read(at(), VALUE)]).toEqual(mixed(0, 2));
    // What a program still holds of a replaced element has no timer any more.
    expect(before === at() || [...h.mem.read(before, VALUE)].join() === mixed(0, 9).join()).toBe(true);
  });
});

test('a deleted element lets go, and so does the whole map', async () => {
  const { h, map } = await open(isa.BPF_MAP_TYPE_HASH);
  const before = h.rt.mem_used();
  for (const key of [1, 2]) h.rt.map_update(map, h.key(key), h.value(all(key)), 0);
  const [one, two] = [1, 2].map((key) => h.rt.map_lookup_elem(map, h.key(key)) >>> 0);
  for (const at of [one, two]) h.mem.write(at, used);
  h.rt.map_delete(map, h.key(1));
  expect([...h.mem.read(one, VALUE)]).toEqual(mixed(0, 9));
  expect([...h.mem.read(two, VALUE)]).toEqual([...used]);
  h.rt.map_user_gone(map);
  const timerGone = [...used].map((byte, i) => (i >= 8 && i < 24 ? 0 : byte));
  expect([...h.mem.read(two, VALUE)]).toEqual(timerGone);
  h.rt.map_destroy(map);
  expect(h.rt.mem_used()).toBeLessThan(before);
  expect(h.mem.u32(abi.VM_BASE)).toBe(0);
});
