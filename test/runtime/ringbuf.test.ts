// The ring of ring buffers against a model: random reservations, commits out of order, reads; no record is torn, lost or given twice.
import { expect, test } from 'vitest';
import { BPF_MAP_TYPE_RINGBUF } from '../../assembly/isa.ts';
import { Random } from '../fuzz/verifier-item.ts';
import { harness } from './harness.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 4000);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);
const SIZE = 4096;

interface Held {
  readonly at: number;
  readonly length: number;
  readonly fill: number;
  state: 'busy' | 'submitted' | 'discarded';
}

const span = ({ length }: Held): number => (length + 8 + 7) & ~7;

test('random operations', async () => {
  const h = await harness();
  const map = h.map({ type: BPF_MAP_TYPE_RINGBUF, key: 0, value: 0, max: SIZE });
  const random = new Random(SEED);
  /** Unread records, oldest first. */
  const held: Held[] = [];
  let used = 0;
  for (let i = 0; i < RUNS; i++) {
    const where = `seed ${SEED}, operation ${i}`;
    const busy = held.filter((one) => one.state === 'busy');
    const kind = random.below(8);
    if (kind < 4) {
      const length = random.below(random.below(4) === 0 ? 2000 : 100);
      const record = { length, fill: i & 255, state: 'busy' as const };
      const at = h.rt.ringbuf_reserve(map, BigInt(length), 0n) >>> 0;
      const room = used + ((length + 15) & ~7) < SIZE;
      expect(at !== 0, where).toBe(room);
      if (at === 0) continue;
      h.mem.u8.fill(record.fill, at, at + length);
      held.push({ ...record, at });
      used += (length + 15) & ~7;
    } else if (kind < 6 && busy.length > 0) {
      const one = busy[random.below(busy.length)];
      one.state = random.below(4) === 0 ? 'discarded' : 'submitted';
      (one.state === 'submitted' ? h.rt.ringbuf_submit : h.rt.ringbuf_discard)(one.at, 0n);
    } else if (busy.length === 0) {
      // A reader comes when no program runs: nothing is reserved then.
      for (let left = random.below(4); left > 0; left--) {
        while (held[0]?.state === 'discarded') used -= span(held.shift() as Held);
        const header = h.rt.ringbuf_next(map) >>> 0;
        const next = held.shift();
        expect(header, where).toBe(next === undefined ? 0 : next.at - 8);
        if (next === undefined) break;
        const bytes = h.mem.u8.subarray(next.at, next.at + next.length);
        expect(
          bytes.every((byte) => byte === next.fill),
          where,
        ).toBe(true);
        h.rt.ringbuf_consume(map);
        used -= span(next);
      }
    }
    expect(h.rt.ringbuf_query(map, 0n), where).toBe(BigInt(used));
  }
});
