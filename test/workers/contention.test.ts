/** What several threads write to at once: nothing is lost, nothing is counted twice, no map is damaged. */
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { Engine, type Loaded, loadObject, replay } from '../../src/index.ts';
import type { RingBuf } from '../../src/runtime/ringbuf.ts';
import { packetsOf, pcapOf } from './captures.ts';

const object = loadObject(new Uint8Array(readFileSync(new URL('../data/workers/workers.o', import.meta.url))));
const PACKETS = 40000;
const packets = packetsOf({ packets: PACKETS, flows: 2000, payload: 20 });
const capture = pcapOf(packets);
const WORKERS = 3;

const engines: Engine[] = [];
afterEach(() => {
  for (const engine of engines.splice(0)) engine.close();
});

async function load(checked = true): Promise<{ engine: Engine; loaded: Loaded }> {
  const engine = await Engine.create({ seed: 1, workers: WORKERS });
  engines.push(engine);
  return { engine, loaded: await engine.load(object, { checked }) };
}

test.each([true, false])('atomics lose nothing, with checks: %s', async (checked) => {
  const { engine, loaded } = await load(checked);
  const { verdicts } = await replay(engine, loaded.prog('atomics'), capture, { workers: WORKERS });
  const n = BigInt(PACKETS);
  expect(loaded.map('shared').get(0)).toMatchObject({
    added: n,
    fetched: 2n * n,
    // Each fetch saw another value: 0, 2, 4, ...
    sum: n * (n - 1n),
    exchanged: BigInt(verdicts.XDP_PASS),
    or: 0xffffffff,
    xor: packets.reduce((xor, _, i) => xor ^ (i + 1), 0),
    small: 3 * PACKETS,
  });
  expect(verdicts.XDP_PASS + verdicts.XDP_DROP).toBe(PACKETS);
});

test('what a spin lock guards is changed by one at a time', async () => {
  const { engine, loaded } = await load();
  await replay(engine, loaded.prog('locks'), capture, { workers: WORKERS });
  const n = BigInt(PACKETS);
  expect(loaded.map('locked').get(0)).toMatchObject({ a: PACKETS, b: (n * (n + 1n)) / 2n });
});

test('the main thread changes a map that the others use', async () => {
  const { engine, loaded } = await load();
  const coming = loaded.map('coming');
  let written = 0;
  await replay(engine, loaded.prog('crowds'), capture, {
    workers: WORKERS,
    onProgress: () => {
      for (let key = 0; key < 256; key += 16) coming.set(key, BigInt(key + 256 * written++));
    },
  });
  expect(written).toBeGreaterThan(0);
  for (const [key, value] of coming.entries() as Iterable<[number, bigint]>) expect(Number(value & 255n)).toBe(key);
});

test('a ring has every record once, of every thread', async () => {
  const { engine, loaded } = await load();
  const ring = loaded.map('ring') as RingBuf;
  const seen: number[] = [];
  const reading = (async () => {
    for await (const record of ring as AsyncIterable<Uint8Array>) {
      const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
      const number = view.getUint32(0, true);
      expect(view.getUint32(4, true)).toBe(packets[number - 1].length);
      expect(record.subarray(8, 32).every((byte) => byte === (number & 255))).toBe(true);
      seen.push(number);
    }
  })();
  const report = await replay(engine, loaded.prog('rings'), capture, { workers: WORKERS });
  loaded.close();
  await reading;
  expect(report.lost.map(({ lost }) => lost)).toEqual([0]);
  const expected = packets.flatMap((_, i) => ((i + 1) % 16 === 15 ? [] : [i + 1]));
  expect(seen.sort((a, b) => a - b)).toEqual(expected);
});
