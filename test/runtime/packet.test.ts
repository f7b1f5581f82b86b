// Helpers on packets: moving the ends against what the kernel allows, copying bytes, checksums, redirects.
import { describe, expect, test } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { EACCES, EFAULT, EINVAL, XDP_ABORTED, XDP_REDIRECT } from '../../assembly/isa.ts';
import { adjustModel, csumDiff } from '../kernel/cases/helper-model.ts';
import { type Harness, harness, prng } from './harness.ts';
import { placeRecords } from './records.ts';

const counting = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i % 255) + 1);

/** A packet in a frame as batch_copy makes it; the first `meta` bytes of `bytes` are metadata and lie in the head room. */
function framed(h: Harness, bytes: Uint8Array, meta = 0) {
  const { ctx } = placeRecords(h, [{ bytes: bytes.subarray(meta) }]);
  const frame = h.alloc(abi.XDP_FRAME_SIZE);
  expect(h.rt.batch_copy(ctx, 1, frame, abi.XDP_FRAME_SIZE, abi.XDP_FRAME_SIZE)).toBe(1);
  h.mem.setU32(ctx + abi.XDP_MD_DATA_META, h.mem.u32(ctx) - meta);
  h.mem.write(h.mem.u32(ctx) - meta, bytes.subarray(0, meta));
  h.mem.setU32(abi.VM_BASE + abi.VM_CTX, ctx);
  return { ctx, frame };
}

function ends(h: Harness, ctx: number) {
  const [data, end, meta] = [abi.XDP_MD_DATA, abi.XDP_MD_DATA_END, abi.XDP_MD_DATA_META].map((o) => h.mem.u32(ctx + o));
  return { data, end, meta, packet: h.mem.read(data, end - data), metadata: h.mem.read(meta, data - meta) };
}

const ERRNO: Record<string, bigint> = { '0': 0n, '-EINVAL': BigInt(-EINVAL), '-EACCES': BigInt(-EACCES) };
const BIG = [4096, 65536, 0x7fffffff, 0x80000000, 0x100000000, 0x100000004, -0x80000000, -4096, -65536];

describe.each(['xdp_adjust_head', 'xdp_adjust_tail', 'xdp_adjust_meta'] as const)('%s', (kind) => {
  test.each([
    [64, 0],
    [14, 0],
    [1500, 0],
    [72, 8],
    [3520, 0],
  ])('packet of %i bytes with %i of metadata allows what the kernel allows', async (size, meta) => {
    const h = await harness();
    // The end of a packet is limited by its own length: metadata lies before it.
    const fresh = kind === 'xdp_adjust_tail' ? { size: size - meta, meta: 0 } : { size, meta };
    const deltas = Array.from({ length: 600 }, (_, i) => i - 300);
    for (const base of [-size, size, 3520 - size]) deltas.push(...[-15, -14, -13, -1, 0, 1].map((d) => base + d));
    for (const delta of [...deltas, ...BIG]) {
      const bytes = counting(size);
      const { ctx, frame } = framed(h, bytes, meta);
      const before = ends(h, ctx);
      const result = h.rt[kind](ctx, BigInt.asUintN(64, BigInt(delta)));
      expect(result, `delta ${delta}`).toBe(ERRNO[adjustModel[kind](fresh, delta)]);
      const after = ends(h, ctx);
      const d = delta | 0;
      if (result !== 0n) expect(after).toEqual(before);
      else if (kind === 'xdp_adjust_tail') {
        expect(after.packet).toEqual(Uint8Array.from({ length: size - meta + d }, (_, i) => before.packet[i] ?? 0));
      } else if (kind === 'xdp_adjust_meta') {
        expect(after).toEqual({ ...before, meta: before.meta + d, metadata: after.metadata });
      } else {
        expect([after.data, after.end]).toEqual([before.data + d, before.end]);
        expect(after.metadata).toEqual(before.metadata);
      }
      h.rt.free(frame);
      h.rt.free(ctx);
    }
  });
});

test('a tail grown over old bytes is zero, metadata survives a push of its own length', async () => {
  const h = await harness();
  const { ctx } = framed(h, counting(64));
  expect(h.rt.xdp_adjust_tail(ctx, BigInt.asUintN(64, -20n))).toBe(0n);
  expect(h.rt.xdp_adjust_tail(ctx, 20n)).toBe(0n);
  expect([...ends(h, ctx).packet.slice(44)]).toEqual(Array(20).fill(0));
  expect(h.rt.xdp_adjust_meta(ctx, BigInt.asUintN(64, -8n))).toBe(0n);
  h.mem.write(ends(h, ctx).meta, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  expect(h.rt.xdp_adjust_head(ctx, 4n)).toBe(0n);
  expect([...ends(h, ctx).metadata]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a packet that runs in place cannot be pushed or grown, but popped and cut', async () => {
  const h = await harness();
  const { ctx } = placeRecords(h, [{ bytes: counting(64) }]);
  expect(h.rt.xdp_adjust_head(ctx, BigInt.asUintN(64, -1n))).toBe(BigInt(-EINVAL));
  expect(h.rt.xdp_adjust_tail(ctx, 1n)).toBe(BigInt(-EINVAL));
  expect(h.rt.xdp_adjust_head(ctx, 14n)).toBe(0n);
  expect(h.rt.xdp_adjust_tail(ctx, BigInt.asUintN(64, -14n))).toBe(0n);
  expect(h.rt.xdp_get_buff_len(ctx)).toBe(36n);
});

test.each([
  [0n, 64, 0],
  [63n, 1, 0],
  [64n, 1, -EINVAL],
  [0n, 65, -EINVAL],
  [0xffffn, 1, -EINVAL],
  [0x10000n, 1, -EFAULT],
  [0n, 0x10000, -EFAULT],
  [0xffffffffn, 1, -EFAULT],
  [0x100000000n, 4, 0],
  [0n, 0xffffffff, -EFAULT],
])('xdp_load_bytes and xdp_store_bytes at %i, %i bytes: %i', async (offset, size, expected) => {
  const h = await harness();
  const { ctx } = framed(h, counting(64));
  const { data } = ends(h, ctx);
  const buffer = h.alloc(64);
  expect(h.rt.xdp_load_bytes(ctx, offset, buffer, size)).toBe(BigInt(expected));
  const got = h.mem.read(buffer, Math.min(size, 64));
  const at = Number(offset & 0xffffffffn);
  if (expected === 0) expect(got).toEqual(h.mem.read(data + at, size));
  else expect(got.every((b) => b === 0)).toBe(true);
  h.mem.fill(buffer, 64, 0xaa);
  expect(h.rt.xdp_store_bytes(ctx, offset, buffer, size)).toBe(BigInt(expected));
  expect(h.mem.read(data, 64).filter((b) => b === 0xaa).length).toBe(expected === 0 ? size : 0);
});

test('redirect notes its target; a flag means XDP_ABORTED', async () => {
  const h = await harness();
  const { ctx } = framed(h, counting(64));
  expect(h.rt.redirect(9999n, 0n)).toBe(BigInt(XDP_REDIRECT));
  expect(h.mem.u32(ctx + abi.CTX_REDIRECT_IFINDEX)).toBe(9999);
  expect(h.rt.redirect(5n, 1n)).toBe(BigInt(XDP_ABORTED));
  expect(h.rt.redirect(5n, 1n << 40n)).toBe(BigInt(XDP_ABORTED));
  expect(h.mem.u32(ctx + abi.CTX_REDIRECT_IFINDEX)).toBe(9999);
});

describe('csum_diff', () => {
  test.each([0, 1, 0xffff, 0xffffffff])('corners with seed %i', async (seed) => {
    const h = await harness();
    const cases = [[], [0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], [1], [1, 2, 3], [0, 0, 0xff, 0xff, 1]];
    for (const from of cases) {
      for (const to of cases) {
        const [f, t] = [Uint8Array.from(from), Uint8Array.from(to)];
        const got = h.rt.csum_diff(
          f.length ? h.bytes(f) : 0,
          f.length,
          t.length ? h.bytes(t) : 0,
          t.length,
          BigInt(seed),
        );
        expect(got, `${from} -> ${to}`).toBe(csumDiff(f, t, seed));
      }
    }
  });

  test('random bytes, sizes, alignments and seeds', async () => {
    const h = await harness();
    const random = prng(99);
    const at = h.alloc(8192);
    for (let i = 0; i < 2000; i++) {
      const bytes = () =>
        Uint8Array.from({ length: random() % (random() % 8 ? 40 : 1500) }, () => (random() % 4 ? random() : 255));
      const [f, t] = [bytes(), bytes()];
      const seed = random();
      const [fromAt, toAt] = [at + (random() % 8), at + 4096 + (random() % 8)];
      h.mem.write(fromAt, f);
      h.mem.write(toAt, t);
      const got = h.rt.csum_diff(fromAt, f.length, toAt, t.length, BigInt(seed) | 0x5500000000n);
      expect(got, `step ${i}`).toBe(csumDiff(f, t, seed));
    }
  });
});
