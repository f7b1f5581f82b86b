// A user ring buffer against a model: random reservations that end out of order, and drains that stop early.
import { expect, test } from 'vitest';
import { Engine, type UserRingBuf, type UserSample } from '../src/index.ts';
import { Random } from './fuzz/verifier-item.ts';
import { openObject } from './kernel/sides.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 2000);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);
const SIZE = 4096;

interface Held {
  readonly bytes: Uint8Array;
  readonly sample: UserSample;
  state: 'busy' | 'submitted' | 'discarded';
}

const span = (length: number): number => (length + 8 + 7) & ~7;

/** Takes what a drain takes until `stop` samples were seen: how many that is. */
function take(held: Held[], stop: number): number {
  let seen = 0;
  while (seen < stop && held.length > 0 && held[0].state !== 'busy') if (held.shift()?.state === 'submitted') seen++;
  return seen;
}

test('random operations', async () => {
  const engine = await Engine.create();
  const loaded = await engine.load(openObject('test/data/helpers/user_ringbuf').object);
  const map = loaded.map('commands') as UserRingBuf;
  const seen = loaded.map('seen');
  const drain = loaded.prog('drain');
  const random = new Random(SEED);
  const held: Held[] = [];
  const used = (): number => held.reduce((sum, one) => sum + span(one.bytes.length), 0);
  let full = 0;
  for (let i = 0; i < RUNS; i++) {
    const where = `seed ${SEED}, operation ${i}`;
    const busy = held.filter((one) => one.state === 'busy');
    const kind = random.below(8);
    if (kind < 4) {
      const bytes = new Uint8Array(random.below(random.below(4) === 0 ? 2000 : 100)).fill(i);
      const fits = used() + span(bytes.length) < SIZE;
      let sample: UserSample | undefined;
      try {
        sample = map.reserve(bytes.length);
      } catch (error) {
        expect(error, where).toMatchObject({ fields: { errno: 28 } });
        full++;
      }
      expect(sample !== undefined, where).toBe(fits);
      if (sample === undefined) continue;
      sample.bytes.set(bytes);
      held.push({ bytes, sample, state: 'busy' });
    } else if (kind < 7 && busy.length > 0) {
      const one = busy[random.below(busy.length)];
      one.state = random.below(4) === 0 ? 'discarded' : 'submitted';
      if (one.state === 'submitted') one.sample.submit();
      else one.sample.discard();
    } else {
      const stop = random.below(4);
      drain.run(new Uint8Array(64 + stop));
      const first = take(held, stop === 0 ? 1000 : stop);
      const rest = take(held, Number.POSITIVE_INFINITY);
      expect([seen.get(1), seen.get(4), seen.get(5)], where).toEqual([first, rest, first + rest].map(BigInt));
    }
    expect(map.size, where).toBe(used());
  }
  expect(full).toBeGreaterThan(RUNS / 100);
  expect([...map.entries()].every(([, bytes]) => bytes instanceof Uint8Array)).toBe(true);
  engine.close();
});
