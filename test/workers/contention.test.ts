/** What several threads write to at once: nothing is lost, nothing is counted twice, no map is damaged. */
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { BPF_F_NO_PREALLOC } from '../../assembly/isa.ts';
import { Engine, type Loaded, type LoadOptions, loadObject, replay } from '../../src/index.ts';
import type { RingBuf } from '../../src/runtime/ringbuf.ts';
import { buildCase } from '../verifier/asm.ts';
import type { CaseMap } from '../verifier/case.ts';
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

async function load(options: LoadOptions = {}): Promise<{ engine: Engine; loaded: Loaded }> {
  const engine = await Engine.create({ seed: 1, workers: WORKERS });
  engines.push(engine);
  return { engine, loaded: await engine.load(object, { checked: true, ...options }) };
}

test.each([
  { checked: true },
  { checked: false },
  { checked: true, optimize: true },
  { checked: false, optimize: true },
])('atomics lose nothing: %o', async (options) => {
  const { engine, loaded } = await load(options);
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

test('a hash that all write to: no element is lost, and none is there twice', async () => {
  const { engine, loaded } = await load();
  for (let round = 0; round < 3; round++) {
    const { verdicts } = await replay(engine, loaded.prog('crowds'), capture, { workers: WORKERS });
    // A value that was read when its element had gone and been used again for another key is none of the map's doing: TX says so.
    expect(verdicts.XDP_ABORTED).toBe(0);
    const crowd = [...loaded.map('crowd').entries()] as [number, bigint][];
    expect(crowd.map(([key]) => key).sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => i));
    const before = round === 0 ? 0n : BigInt(round) * BigInt(PACKETS);
    expect(crowd.reduce((sum, [, value]) => sum + value, 0n)).toBe(before + BigInt(PACKETS));
    const coming = [...loaded.map('coming').entries()] as [number, bigint][];
    expect(new Set(coming.map(([key]) => key)).size).toBe(coming.length);
    for (const [key, value] of coming) expect(Number(value & 255n)).toBe(key);
  }
  // All of it can be used as if one thread had made it.
  const coming = loaded.map('coming');
  for (let key = 0; key < 256; key++) coming.set(key, BigInt(key));
  expect([...coming.entries()].length).toBe(256);
  for (let key = 0; key < 256; key++) expect(coming.delete(key)).toBe(true);
  expect([...coming.entries()]).toEqual([]);
});

// CPU 0 tries to put key 1000 into a full map again and again; the others take out key 5 and put it back. That may fail, when 1000 took its room, and then goes on
// failing until 1000 is taken out, which nobody but this program does. XDP_ABORTED: there was no room once, and then there was.
const CROWDED = `
  call 8
  r7 = r0
  *(u64 *)(r10 -16) = 1
  r6 = 64
  if r7 == 0 goto other
again:
  *(u32 *)(r10 -4) = 5
  r2 = r10
  r2 += -4
  r1 = map[full]
  call 3
  r2 = r10
  r2 += -4
  r3 = r10
  r3 += -16
  r4 = 0
  r1 = map[full]
  call 2
  if r0 == 0 goto next
  r8 = 4
more:
  r2 = r10
  r2 += -4
  r3 = r10
  r3 += -16
  r4 = 0
  r1 = map[full]
  call 2
  if r0 == 0 goto wrong
  r8 += -1
  if r8 != 0 goto more
  *(u32 *)(r10 -4) = 1000
  r2 = r10
  r2 += -4
  r1 = map[full]
  call 3
next:
  r6 += -1
  if r6 != 0 goto again
  r0 = 2
  exit
wrong:
  r0 = 0
  exit
other:
  *(u32 *)(r10 -4) = 1000
tries:
  r2 = r10
  r2 += -4
  r3 = r10
  r3 += -16
  r4 = 1
  r1 = map[full]
  call 2
  r6 += -1
  if r6 != 0 goto tries
  r0 = 2
  exit`;

test.each([
  { type: 'hash', flags: 0 },
  { type: 'hash', flags: BPF_F_NO_PREALLOC },
  { type: 'percpu_hash', flags: 0 },
] as const)('who fails for want of room takes none from others: %o', async ({ type, flags }) => {
  const engine = await Engine.create({ seed: 1, workers: 2 });
  engines.push(engine);
  const full: CaseMap = { type, key: 4, value: 8, entries: 64, flags };
  const { prog } = buildCase({ name: 'crowded', insns: CROWDED, verdict: 'accept', maps: { full } });
  const map = engine.createMap(prog.maps[0]);
  const loaded = await engine.loadLinked([prog], new Map([[prog.maps[0], map]]), { checked: true });
  const value = new Uint8Array(8);
  for (let key = 0; key < 64; key++) map.set(Uint8Array.of(key, 0, 0, 0), type === 'hash' ? value : [value, value]);
  const { verdicts } = await replay(engine, loaded.prog(prog.name), capture.subarray(0, capture.length >> 2), {
    workers: 2,
  });
  expect(verdicts.XDP_PASS).toBeGreaterThan(PACKETS >> 3);
  expect(verdicts.XDP_ABORTED).toBe(0);
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
