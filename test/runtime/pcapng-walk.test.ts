// The walk over enhanced packet blocks: what it takes, and that it stops at everything else, whose turn it is then in JavaScript.
import { describe, expect, test } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { block, concat, payload, pcapng } from '../data/captures/build.ts';
import { type Harness, harness, prng } from './harness.ts';
import { readRecord } from './records.ts';

const FACTORS = [1000, 1, 0];

function walk(h: Harness, bytes: Uint8Array, little: boolean, max = 100, shift = 0n) {
  const [piece, ctx, state] = [h.bytes(bytes), h.alloc(max * abi.CTX_SIZE), h.alloc(abi.WALK_SIZE)];
  const factors = h.alloc(4 * FACTORS.length);
  for (const [i, factor] of FACTORS.entries()) h.mem.setU32(factors + 4 * i, factor);
  h.mem.setU64(state + abi.WALK_SHIFT, shift);
  const flags = little ? 0 : abi.PCAP_SWAP;
  const count = h.rt.pcapng_walk(piece, bytes.length, flags, ctx, max, 7, state, factors, FACTORS.length);
  const found = Array.from({ length: count }, (_, i) => readRecord(h, ctx + i * abi.CTX_SIZE));
  const result = {
    found,
    consumed: h.mem.u32(state + abi.WALK_CONSUMED),
    bytes: h.mem.u32(state + abi.WALK_BYTES),
    latest: h.mem.u64(state + abi.WALK_LATEST),
  };
  for (const at of [piece, ctx, state, factors]) h.rt.free(at);
  return result;
}

const recordOf = (bytes: Uint8Array, time: bigint, cut = 0) => ({
  bytes,
  meta: 0,
  ifindex: 7,
  hard: [0, 0],
  time,
  cut,
  zero: true,
});

describe.each([true, false])('little-endian: %s', (little) => {
  const ng = pcapng(little);

  test('blocks of interfaces with different units', async () => {
    const h = await harness();
    const blocks = [
      ng.epb(payload(60), { time: 5n }),
      ng.epb(payload(61, 3), { id: 1, time: 1_700_000_000_000_000_000n, origLen: 100 }),
      ng.epb(payload(0), { time: 0n }),
      ng.epb(payload(4), { id: 1, time: 2n, origLen: 2 }),
    ];
    const bytes = concat(...blocks);
    const { found, consumed, bytes: size, latest } = walk(h, bytes, little, 100, 7n);
    expect(found).toEqual([
      recordOf(payload(60), 5007n),
      recordOf(payload(61, 3), 1_700_000_000_000_000_007n, 39),
      recordOf(payload(0), 0n),
      recordOf(payload(4), 9n),
    ]);
    expect([consumed, size, latest]).toEqual([bytes.length, 125, 1_700_000_000_000_000_007n]);
    const two = walk(h, bytes, little, 2);
    expect([two.found.length, two.consumed]).toEqual([2, blocks[0].length + blocks[1].length]);
    for (let length = 0; length < blocks[0].length; length++) {
      expect(walk(h, bytes.subarray(0, length), little).consumed).toBe(0);
    }
  });

  const good = ng.epb(payload(60), { time: 5n });
  const changed = (at: number, value: number) => {
    const bytes = good.slice();
    new DataView(bytes.buffer).setUint32(at, value, little);
    return bytes;
  };
  test.each([
    ['another block', block(little, 5, new Uint8Array(20))],
    ['a block without a packet', block(little, 6, new Uint8Array(16))],
    ['a section', ng.shb()],
    ['an interface that is not known', ng.epb(payload(60), { id: 3 })],
    ['an interface that is for the parser', ng.epb(payload(60), { id: 2 })],
    ['a length that is no multiple of four', changed(4, good.length - 1)],
    ['a length that is too large', changed(4, 0xfffffffc)],
    ['a second length that is another one', changed(good.length - 4, 8)],
    ['more captured bytes than the block has', changed(20, 65)],
    ['more captured bytes than a packet may have', changed(20, 0xffffffff)],
    ['a time of more than 64 bits', changed(12, 4294968)],
  ])('%s ends it', async (_name, bad) => {
    const h = await harness();
    const { found, consumed } = walk(h, concat(good, bad, good), little);
    expect([found.length, consumed]).toEqual([1, good.length]);
  });
});

test('random bytes: every packet lies inside the piece', async () => {
  const h = await harness();
  const random = prng(0xb10c);
  const ng = pcapng();
  let taken = 0;
  for (let i = 0; i < 2000; i++) {
    const bytes = concat(...Array.from({ length: 4 }, () => ng.epb(payload(random() % 9))));
    for (let n = random() % 3; n > 0; n--) bytes[random() % bytes.length] = random() % 3 ? random() % 64 : 255;
    const length = random() % (bytes.length + 1);
    const { found, consumed, bytes: size } = walk(h, bytes.subarray(0, length), true);
    expect(consumed).toBeLessThanOrEqual(length);
    expect(found.reduce((sum, one) => sum + one.bytes.length, 0)).toBe(size);
    taken += found.length;
  }
  expect(taken).toBeGreaterThan(1000);
});
