// Batches of context records and the walk over pcap records, against a DataView walk and over damaged input.
import { describe, expect, test } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { type Harness, harness, prng } from './harness.ts';

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

function walk(h: Harness, bytes: Uint8Array, flags: number, max = 100) {
  const chunk = h.bytes(bytes);
  const [offsets, lengths, wires, times, out] = [4, 4, 4, 8, 8].map((size) => h.alloc(size * max));
  const count = h.rt.pcap_walk(chunk, bytes.length, flags, offsets, lengths, wires, times, max, out);
  const found = Array.from({ length: count }, (_, i) => ({
    time: h.mem.u64(times + 8 * i),
    wire: h.mem.u32(wires + 4 * i),
    bytes: h.mem.read(chunk + h.mem.u32(offsets + 4 * i), h.mem.u32(lengths + 4 * i)),
  }));
  return {
    found,
    consumed: h.mem.u32(out + abi.PCAP_WALK_CONSUMED),
    error: h.mem.u32(out + abi.PCAP_WALK_ERROR),
    arrays: { chunk, offsets, lengths, wires, times },
  };
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
    const { found, consumed, error } = walk(h, bytes, flags);
    expect({ consumed, error }).toEqual({ consumed: bytes.length, error: abi.PCAP_OK });
    expect(found).toEqual(
      records.map((r) => ({
        time: BigInt(r.seconds) * 1_000_000_000n + BigInt(r.fraction) * unit,
        wire: r.wire,
        bytes: r.bytes,
      })),
    );
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
      const { found, consumed, error } = walk(h, bytes.subarray(0, length), flags);
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
    const { found, consumed, error } = walk(h, bytes, 0);
    expect([found.length, consumed, error]).toEqual([3, at, abi.PCAP_ERROR_LENGTH]);
  },
);

test('a walk stops at its limit and goes on from there', async () => {
  const h = await harness();
  const bytes = pcap(sample(prng(3), 10), false);
  const first = walk(h, bytes, 0, 4);
  expect([first.found.length, first.error]).toEqual([4, abi.PCAP_OK]);
  expect(walk(h, bytes.subarray(first.consumed), 0).found.length).toBe(6);
});

test('random bytes: every packet lies inside the chunk', async () => {
  const h = await harness();
  const random = prng(0xfeed);
  for (let i = 0; i < Number(process.env.BPF2WASM_FUZZ_RUNS ?? 2000); i++) {
    const bytes = Uint8Array.from({ length: random() % 200 }, () => (random() % 3 ? 0 : random() % 64));
    const { found, consumed, arrays } = walk(h, bytes, random() % 4);
    expect(consumed).toBeLessThanOrEqual(bytes.length);
    expect(found.reduce((n, r) => n + 16 + r.bytes.length, 0)).toBe(consumed);
    for (const at of Object.values(arrays)) h.rt.free(at);
  }
});

describe('batches', () => {
  const records = sample(prng(8), 12);

  test('in place: records point into the chunk', async () => {
    const h = await harness();
    const { arrays, found } = walk(h, pcap(records, false), 0);
    const ctx = h.alloc(found.length * abi.CTX_SIZE);
    h.mem.fill(ctx, found.length * abi.CTX_SIZE, 0xff);
    h.rt.batch_in_place(ctx, found.length, arrays.chunk, arrays.offsets, arrays.lengths, arrays.times, arrays.wires, 7);
    for (const [i, packet] of found.entries()) {
      const at = ctx + i * abi.CTX_SIZE;
      const [data, end] = [h.mem.u32(at), h.mem.u32(at + abi.XDP_MD_DATA_END)];
      expect(h.mem.read(data, end - data)).toEqual(packet.bytes);
      expect([abi.XDP_MD_DATA_META, abi.CTX_HARD_START, abi.CTX_HARD_END].map((o) => h.mem.u32(at + o))).toEqual([
        data,
        data,
        end,
      ]);
      expect(h.mem.u64(at + abi.CTX_TIME)).toBe(packet.time);
      expect(h.mem.u32(at + abi.CTX_WIRE_LENGTH)).toBe(packet.wire);
      expect(h.mem.u32(at + abi.XDP_MD_INGRESS_IFINDEX)).toBe(7);
      const zero = [abi.XDP_MD_RX_QUEUE_INDEX, abi.XDP_MD_EGRESS_IFINDEX, abi.CTX_VERDICT, abi.CTX_STATUS, abi.CTX_SKB];
      expect(zero.map((o) => h.mem.u32(at + o))).toEqual([0, 0, 0, 0, 0]);
    }
  });

  test('copied: each in a frame of its own, clean head room, stops at one too long', async () => {
    const h = await harness();
    const { arrays, found } = walk(h, pcap(records, false), 0);
    const stride = 1024;
    const ctx = h.alloc(found.length * abi.CTX_SIZE);
    const frames = h.alloc(found.length * stride);
    h.mem.fill(frames, found.length * stride, 0xcc);
    const copy = (base: number, size: number) =>
      h.rt.batch_copy(ctx, found.length, base, arrays.offsets, arrays.lengths, arrays.times, 0, 1, frames, size);
    expect(copy(arrays.chunk, stride)).toBe(found.length);
    for (const [i, packet] of found.entries()) {
      const at = ctx + i * abi.CTX_SIZE;
      const frame = frames + i * stride;
      const [data, end] = [h.mem.u32(at), h.mem.u32(at + abi.XDP_MD_DATA_END)];
      expect(data).toBe(frame + abi.XDP_PACKET_HEADROOM);
      expect(h.mem.read(data, end - data)).toEqual(packet.bytes);
      expect(h.mem.read(frame, abi.XDP_PACKET_HEADROOM).every((b) => b === 0)).toBe(true);
      expect(h.mem.u32(at + abi.CTX_HARD_START)).toBe(frame + abi.XDP_FRAME_HEADER);
      expect(h.mem.u32(at + abi.CTX_HARD_END)).toBe(frame + stride - abi.XDP_TAILROOM);
      expect(h.mem.u32(at + abi.CTX_WIRE_LENGTH)).toBe(packet.bytes.length);
    }
    const longest = Math.max(...found.map((p) => p.bytes.length));
    const first = found.findIndex((p) => p.bytes.length === longest);
    expect(copy(arrays.chunk, abi.XDP_PACKET_HEADROOM + longest - 1 + abi.XDP_TAILROOM)).toBe(first);
    expect(copy(arrays.chunk, 100)).toBe(found.findIndex((p) => p.bytes.length > 0));
  });

  test('verdicts are added up by kind', async () => {
    const h = await harness();
    const verdicts = [0, 1, 2, 3, 4, 5, 6, 2, 2, 0xffffffff, 4];
    const ctx = h.alloc(verdicts.length * abi.CTX_SIZE);
    for (const [i, v] of verdicts.entries()) h.mem.setU32(ctx + i * abi.CTX_SIZE + abi.CTX_VERDICT, v);
    const out = h.alloc(48);
    h.rt.verdict_count(ctx, verdicts.length, out);
    h.rt.verdict_count(ctx, 1, out);
    expect([0, 1, 2, 3, 4, 5].map((v) => h.mem.u64Number(out + 8 * v))).toEqual([2, 1, 3, 1, 2, 3]);
  });
});
