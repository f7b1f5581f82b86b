// Batches of context records and the walk over pcap records, against a DataView walk and over damaged input.
import { describe, expect, test } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { type Harness, harness, prng } from './harness.ts';
import { placeRecords, readRecord } from './records.ts';

interface Record {
  seconds: number;
  fraction: number;
  wire: number;
  bytes: Uint8Array;
}

function pcap(records: readonly Record[], swap: boolean): Uint8Array {
  const out = new Uint8Array(records.reduce((n, r) => n + 16 + r.bytes.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const r of records) {
    for (const [i, word] of [r.seconds, r.fraction, r.bytes.length, r.wire].entries())
      view.setUint32(at + 4 * i, word, !swap);
    out.set(r.bytes, at + 16);
    at += 16 + r.bytes.length;
  }
  return out;
}

interface WalkOptions {
  readonly max?: number;
  readonly shift?: bigint;
}

/** Runs `walk` on a piece that holds `bytes`. */
function walked(h: Harness, bytes: Uint8Array, options: WalkOptions, walk: (piece: number, to: WalkTo) => number) {
  const { max = 100, shift = 0n } = options;
  const piece = h.bytes(bytes);
  const ctx = h.alloc(max * abi.CTX_SIZE);
  const state = h.alloc(abi.WALK_SIZE);
  h.mem.fill(ctx, max * abi.CTX_SIZE, 0xff);
  h.mem.setU64(state + abi.WALK_SHIFT, shift);
  const count = walk(piece, { ctx, max, walk: state });
  const found = Array.from({ length: count }, (_, i) => readRecord(h, ctx + i * abi.CTX_SIZE));
  const word = (offset: number) => h.mem.u32(state + offset);
  const [consumed, error, size] = [abi.WALK_CONSUMED, abi.WALK_ERROR, abi.WALK_BYTES].map(word);
  const latest = h.mem.u64(state + abi.WALK_LATEST);
  for (const at of [piece, ctx, state]) h.rt.free(at);
  return { found, consumed, error, bytes: size, latest };
}

interface WalkTo {
  readonly ctx: number;
  readonly max: number;
  readonly walk: number;
}

const walkPcap = (h: Harness, bytes: Uint8Array, flags: number, options: WalkOptions = {}) =>
  walked(h, bytes, options, (piece, { ctx, max, walk }) =>
    h.rt.pcap_walk(piece, bytes.length, flags, ctx, max, 7, walk),
  );

/** The record of a packet in place. */
function recordOf(bytes: Uint8Array, time: bigint, wire: number) {
  return { bytes, meta: 0, ifindex: 7, hard: [0, 0], time, cut: Math.max(0, wire - bytes.length), zero: true };
}

const sample = (random: () => number, count: number): Record[] =>
  Array.from({ length: count }, () => ({
    seconds: random(),
    fraction: random() % 1_000_000,
    wire: random() % 2000,
    bytes: Uint8Array.from({ length: random() % 100 }, random),
  }));

describe.each([
  [0, 'microseconds'],
  [abi.PCAP_SWAP, 'microseconds, swapped'],
  [abi.PCAP_NANO, 'nanoseconds'],
  [abi.PCAP_SWAP | abi.PCAP_NANO, 'nanoseconds, swapped'],
])('pcap_walk, flags %i: %s', (flags) => {
  const unit = flags & abi.PCAP_NANO ? 1n : 1000n;
  const records = sample(prng(flags + 5), 20);
  const bytes = pcap(records, (flags & abi.PCAP_SWAP) !== 0);

  test('all records', async () => {
    const h = await harness();
    for (const shift of [0n, 5_000_000_000n]) {
      const { found, latest, ...rest } = walkPcap(h, bytes, flags, { shift });
      const size = records.reduce((sum, r) => sum + r.bytes.length, 0);
      expect(rest).toEqual({ consumed: bytes.length, error: abi.PCAP_OK, bytes: size });
      const times = records.map((r) => BigInt(r.seconds) * 1_000_000_000n + BigInt(r.fraction) * unit + shift);
      expect(found).toEqual(records.map((r, i) => recordOf(r.bytes, times[i], r.wire)));
      expect(latest).toBe(times.reduce((most, time) => (time > most ? time : most)));
    }
  });

  test('cut at every byte: the whole records, and no error', async () => {
    const h = await harness();
    let whole = 0;
    let at = 0;
    for (let length = 0; length <= bytes.length; length++) {
      if (whole < records.length && length === at + 16 + records[whole].bytes.length) {
        at = length;
        whole++;
      }
      const { found, consumed, error } = walkPcap(h, bytes.subarray(0, length), flags);
      expect([found.length, consumed, error]).toEqual([whole, at, abi.PCAP_OK]);
    }
    expect(whole).toBe(records.length);
  });
});

test.each([abi.PCAP_MAX_SNAPLEN + 1, 0x7fffffff, 0xfffffff0, 0xffffffff])(
  'a captured length of %i is damage, found where it begins',
  async (length) => {
    const h = await harness();
    const bytes = pcap([...sample(prng(1), 3), { seconds: 0, fraction: 0, wire: 0, bytes: new Uint8Array(40) }], false);
    const at = bytes.length - 56;
    new DataView(bytes.buffer).setUint32(at + 8, length, true);
    const { found, consumed, error } = walkPcap(h, bytes, 0);
    expect([found.length, consumed, error]).toEqual([3, at, abi.PCAP_ERROR_LENGTH]);
  },
);

test('a walk stops at its limit and goes on from there', async () => {
  const h = await harness();
  const bytes = pcap(sample(prng(3), 10), false);
  const first = walkPcap(h, bytes, 0, { max: 4 });
  expect([first.found.length, first.error]).toEqual([4, abi.PCAP_OK]);
  expect(walkPcap(h, bytes.subarray(first.consumed), 0).found.length).toBe(6);
});

test('random bytes: every packet lies inside the chunk', async () => {
  const h = await harness();
  const random = prng(0xfeed);
  for (let i = 0; i < Number(process.env.BPF2WASM_FUZZ_RUNS ?? 2000); i++) {
    const bytes = Uint8Array.from({ length: random() % 200 }, () => (random() % 3 ? 0 : random() % 64));
    const { found, consumed } = walkPcap(h, bytes, random() % 4);
    expect(consumed).toBeLessThanOrEqual(bytes.length);
    expect(found.reduce((n, r) => n + 16 + r.bytes.length, 0)).toBe(consumed);
  }
});

test('a time stamp of 0 is none, and is not shifted', async () => {
  const h = await harness();
  const none = { seconds: 0, fraction: 0, wire: 1, bytes: Uint8Array.of(1) };
  const { found } = walkPcap(h, pcap([none, { ...none, fraction: 1 }], false), 0, { shift: 10n });
  expect(found.map(({ time }) => time)).toEqual([0n, 1010n]);
});

describe('batches', () => {
  const packets = sample(prng(8), 12).map((r) => ({ bytes: r.bytes, time: BigInt(r.seconds), wire: r.wire }));
  const addresses = (ctx: number) => packets.map((_, i) => ctx + i * abi.CTX_SIZE);

  test('in place: records point to where the packets lie', async () => {
    const h = await harness();
    const { ctx, walk } = placeRecords(h, packets, 7, 100n);
    const wanted = packets.map(({ bytes, time, wire }) => recordOf(bytes, time + 100n, wire));
    expect(addresses(ctx).map((at) => readRecord(h, at))).toEqual(wanted);
    const latest = wanted.reduce((most, { time }) => (time > most ? time : most), 0n);
    expect(h.mem.u64(walk + abi.WALK_LATEST)).toBe(latest);
  });

  test('untimed: the times are elsewhere', async () => {
    const h = await harness();
    const { ctx } = placeRecords(h, packets);
    const times = h.alloc(8 * packets.length);
    h.rt.batch_untimed(ctx, packets.length, times);
    expect(packets.map((_, i) => h.mem.u64(times + 8 * i))).toEqual(packets.map(({ time }) => time));
    expect(addresses(ctx).map((at) => h.mem.u64(at + abi.CTX_TIME))).toEqual(packets.map(() => 0n));
  });

  test('copied: each in a frame of its own, clean head room, stops at one too long', async () => {
    const h = await harness();
    const [size, pitch] = [1024, 1088];
    const frames = h.alloc(packets.length * pitch);
    const copy = (most: number) => {
      h.mem.fill(frames, packets.length * pitch, 0xcc);
      const { ctx } = placeRecords(h, packets, 7);
      return { ctx, count: h.rt.batch_copy(ctx, packets.length, frames, pitch, most) };
    };
    const { ctx, count } = copy(size);
    expect(count).toBe(packets.length);
    for (const [i, { bytes, time, wire }] of packets.entries()) {
      const at = ctx + i * abi.CTX_SIZE;
      const frame = frames + i * pitch;
      const room = size - abi.XDP_PACKET_HEADROOM - abi.XDP_TAILROOM - bytes.length;
      const hard = [abi.XDP_FRAME_HEADER - abi.XDP_PACKET_HEADROOM, room];
      expect(readRecord(h, at)).toEqual({ ...recordOf(bytes, time, wire), hard: hard.map((n) => n | 0) });
      expect(h.mem.u32(at)).toBe(frame + abi.XDP_PACKET_HEADROOM);
      expect(h.mem.read(frame, abi.XDP_PACKET_HEADROOM).every((b) => b === 0)).toBe(true);
    }
    const longest = Math.max(...packets.map((p) => p.bytes.length));
    const first = packets.findIndex((p) => p.bytes.length === longest);
    expect(copy(abi.XDP_PACKET_HEADROOM + longest - 1 + abi.XDP_TAILROOM).count).toBe(first);
    expect(copy(100).count).toBe(packets.findIndex((p) => p.bytes.length > 0));
  });

  test('verdicts are added up by kind', async () => {
    const h = await harness();
    const verdicts = [0, 1, 2, 3, 4, 5, 6, 2, 2, 0xffffffff, 4];
    const ctx = h.alloc(verdicts.length * abi.CTX_SIZE);
    for (const [i, v] of verdicts.entries()) h.mem.setU32(ctx + i * abi.CTX_SIZE + abi.CTX_VERDICT, v);
    const out = h.alloc(48);
    const counts = () => [0, 1, 2, 3, 4, 5].map((v) => h.mem.u64Number(out + 8 * v));
    h.rt.verdict_count(ctx, verdicts.length, out);
    h.rt.verdict_count(ctx, 1, out);
    expect(counts()).toEqual([2, 1, 3, 1, 2, 3]);
    // More of a kind than are summed up at a time.
    const many = h.alloc(2500 * abi.CTX_SIZE);
    for (let i = 0; i < 2500; i++) h.mem.setU32(many + i * abi.CTX_SIZE + abi.CTX_VERDICT, i < 2400 ? 2 : 9);
    h.rt.verdict_count(many, 2500, out);
    expect(counts()).toEqual([2, 1, 2403, 1, 2, 103]);
  });
});
