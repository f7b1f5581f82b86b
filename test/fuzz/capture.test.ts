// Captures cut, split and mutated: packets and a CaptureError or a clean end, nothing else, in bounded time.
// BPF2WASM_FUZZ_RUNS and BPF2WASM_FUZZ_SEED make a longer or another run.
import { describe, expect, test } from 'vitest';
import { CaptureError } from '../../src/errors/index.ts';
import type { CapturePacket } from '../../src/replay/capture.ts';
import { FIXTURES } from '../data/captures/fixtures.ts';
import { chunked, readAll } from '../data/captures/read.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 20_000);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 0xb9f2);

/** mulberry32: a 32-bit state, good enough to choose bytes. */
function prng(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** What the mutations of 20,000 runs reach. */
const EXPECTED_CODES = [
  'CAPTURE_BLOCK',
  'CAPTURE_INTERFACE',
  'CAPTURE_MAGIC',
  'CAPTURE_TIMESTAMP',
  'CAPTURE_TOO_LONG',
  'CAPTURE_TRUNCATED',
  'CAPTURE_VERSION',
];

const fixtures = Object.entries(FIXTURES);

/** Where a fixture may end without an error: found by reading, not by the parser's own idea of it. */
function cleanEnds(name: string, bytes: Uint8Array): Set<number> {
  const ends = new Set<number>();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (name.startsWith('pcapng')) {
    let little = true;
    for (let at = 0; at < bytes.length; ) {
      if (view.getUint32(at) === 0x0a0d0d0a) little = view.getUint8(at + 8) === 0x4d;
      at += view.getUint32(at + 4, little);
      ends.add(at);
    }
    return ends;
  }
  const little = name.includes('little');
  ends.add(24);
  for (let at = 24; at < bytes.length; ) {
    at += 16 + view.getUint32(at + 8, little);
    ends.add(at);
  }
  return ends;
}

describe.each(fixtures)('%s', (name, bytes) => {
  test('any way to split it into chunks gives the same packets', async () => {
    const whole = await readAll(bytes);
    expect(whole.error).toBeUndefined();
    expect(whole.packets.length).toBeGreaterThan(3);
    for (let size = 1; size <= bytes.length; size++) expect(await readAll(chunked(bytes, [size]))).toEqual(whole);
    const random = prng(SEED);
    for (let run = 0; run < 200; run++) {
      const sizes = Array.from({ length: 1 + random(12) }, () => 1 + random(random(2) === 0 ? 4 : 90));
      expect(await readAll(chunked(bytes, sizes)), `chunks of ${sizes}`).toEqual(whole);
    }
  });

  test('cut at every byte it gives the packets before the cut, and an error that counts', async () => {
    const whole = await readAll(bytes);
    const ends = cleanEnds(name, bytes);
    expect(ends.has(bytes.length)).toBe(true);
    let before = 0;
    for (let cut = 0; cut < bytes.length; cut++) {
      for (const input of [bytes.slice(0, cut), chunked(bytes.slice(0, cut), [5])]) {
        const { packets, error } = await readAll(input);
        expect(packets).toEqual(whole.packets.slice(0, packets.length));
        expect(packets.length).toBeGreaterThanOrEqual(before);
        before = packets.length;
        if (ends.has(cut)) {
          expect(error, `cut at ${cut}`).toBeUndefined();
          continue;
        }
        expect(error, `cut at ${cut}`).toBeInstanceOf(CaptureError);
        if (cut === 0) continue;
        const { code, fields } = error as CaptureError<'CAPTURE_TRUNCATED'>;
        expect(code).toBe('CAPTURE_TRUNCATED');
        expect(Number(fields.offset) + Number(fields.had)).toBe(cut);
        expect(Number(fields.needed)).toBeGreaterThan(Number(fields.had));
        expect(fields.offset === 0 || ends.has(Number(fields.offset))).toBe(true);
      }
    }
    expect(before).toBeGreaterThanOrEqual(whole.packets.length - 1);
  });
});

/** Sets bytes, words and extreme values; removes, repeats and inserts runs. */
function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const extremes = [0, 1, 3, 4, 0x7fffffff, 0x80000000, 0xffffffff, 262144, 262145, 16 << 20];
  let out = Uint8Array.from(bytes);
  for (let n = 1 + random(4); n > 0; n--) {
    const at = random(out.length);
    const length = Math.min(1 + random(40), out.length - at);
    switch (random(6)) {
      case 0:
        out[at] = random(256);
        break;
      case 1:
        out[at] ^= 1 << random(8);
        break;
      case 2:
        if (at + 4 <= out.length)
          new DataView(out.buffer).setUint32(at, extremes[random(extremes.length)], random(2) === 0);
        break;
      case 3:
        out = Uint8Array.from([...out.subarray(0, at), ...out.subarray(at + length)]);
        break;
      case 4:
        out = Uint8Array.from([...out.subarray(0, at + length), ...out.subarray(at)]);
        break;
      default:
        out = Uint8Array.from([
          ...out.subarray(0, at),
          ...Array.from({ length }, () => random(256)),
          ...out.subarray(at),
        ]);
    }
    if (out.length === 0) return out;
  }
  return out;
}

function summary(list: readonly CapturePacket[]): string {
  return list.map((p) => `${p.timestampNs} ${p.originalLength} ${p.interfaceId} ${p.data.length}`).join('\n');
}

test(`${RUNS} mutations, seed ${SEED}: only CaptureError escapes, whatever the chunks`, {
  timeout: 3_600_000,
}, async () => {
  const random = prng(SEED);
  const codes = new Set<string>();
  let slowest = 0;
  for (let run = 0; run < RUNS; run++) {
    const [name, bytes] = fixtures[random(fixtures.length)];
    const mutated = mutate(bytes, random);
    const started = performance.now();
    const whole = await readAll(mutated);
    slowest = Math.max(slowest, performance.now() - started);
    const where = `run ${run} of seed ${SEED} on ${name}`;
    if (whole.error !== undefined) {
      if (!(whole.error instanceof CaptureError))
        throw new Error(`${where}: ${String(whole.error)}`, { cause: whole.error });
      codes.add(whole.error.code);
    }
    const split = await readAll(chunked(mutated, [1 + random(60), 1 + random(9)]));
    if (summary(split.packets) !== summary(whole.packets) || String(split.error) !== String(whole.error)) {
      throw new Error(`${where}: in chunks ${String(split.error)}, whole ${String(whole.error)}`);
    }
  }
  expect(slowest).toBeLessThan(2000);
  // A fuzzer that reaches few of the errors tests little.
  if (RUNS >= 20_000) expect([...codes]).toEqual(expect.arrayContaining(EXPECTED_CODES));
});
