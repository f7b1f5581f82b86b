// struct __sk_buff of socket filters: what our engine and the kernel's BPF_PROG_TEST_RUN answer for each field, and writes of cb.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { assemble } from '../../src/isa/asm.ts';
import { encodeInsns } from '../../src/isa/decode.ts';
import type { SkbMeta } from '../../src/runtime/skb.ts';
import { describeKernel } from './available.ts';
import { closeFd, loadProg, testRun } from './bpf.ts';

const FIELDS = [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 68, 84, 164, 176];
const CB = 48;

function frame(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => 0x80 + i);
  bytes.set([8, 0], 12);
  change(bytes);
  return bytes;
}

const frames: Readonly<Record<string, Uint8Array>> = {
  IPv4: frame(() => {}),
  broadcast: frame((bytes) => bytes.fill(0xff, 0, 6)),
  multicast: frame((bytes) => bytes.fill(1, 0, 1)),
  'to the loopback device': frame((bytes) => bytes.fill(0, 0, 6)),
  'a VLAN tag in the packet': frame((bytes) => bytes.set([0x81, 0], 12)),
  '802.2': frame((bytes) => bytes.set([0, 50, 0x42, 0x42], 12)),
  'Novell 802.3': frame((bytes) => bytes.set([0, 50, 0xff, 0xff], 12)),
  'the smallest type': frame((bytes) => bytes.set([6, 0], 12)),
};

describeKernel('struct __sk_buff of socket filters', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.create();
  });
  afterAll(() => engine.close());

  async function both(text: string, data: Uint8Array, skb: SkbMeta = {}, ctx?: Uint8Array): Promise<[number, number]> {
    const insns = encodeInsns(assemble(text));
    const { fd } = loadProg({ type: 'socket_filter', insns });
    using prog = await engine.loadInsns(insns, { type: 'socket_filter', checked: true });
    const ours = prog.run(data, { skb });
    expect(ours.violation).toBeUndefined();
    const { retval } = testRun(fd, ctx === undefined ? { data } : { data, ctx });
    closeFd(fd);
    return [ours.returnValue, retval];
  }

  test.each(Object.entries(frames))('%s', async (_, data) => {
    for (const field of FIELDS) {
      for (const size of ['u32', 'u16', 'u8']) {
        const [ours, kernel] = await both(`r0 = *(${size} *)(r1 +${field})\nexit`, data);
        expect({ field, size, answer: ours }).toEqual({ field, size, answer: kernel });
      }
    }
  });

  test('sk is NULL for us, and never an address that a program could use unchecked', async () => {
    const [ours] = await both(
      'r0 = *(u64 *)(r1 +168)\nif r0 == 0 goto l0\nr0 = 1\nl0: exit',
      frames.IPv4 as Uint8Array,
    );
    expect(ours).toBe(0);
  });

  test('cb is written and read, in every width', async () => {
    const text = `*(u64 *)(r1 +${CB}) = 0x11223344
      r2 = 0x5566
      *(u16 *)(r1 +${CB + 2}) = r2
      *(u8 *)(r1 +${CB + 19}) = 7
      r0 = *(u32 *)(r1 +${CB})
      r3 = *(u32 *)(r1 +${CB + 16})
      r0 += r3
      exit`;
    const [ours, kernel] = await both(text, frames.IPv4 as Uint8Array);
    expect(ours).toBe(kernel);
  });

  test('mark, priority, ifindex and cb as they are given', async () => {
    const ctx = new Uint8Array(192);
    const view = new DataView(ctx.buffer);
    view.setUint32(8, 0x1234, true);
    view.setUint32(32, 7, true);
    view.setUint32(40, 1, true);
    view.setUint32(CB + 16, 99, true);
    const skb = { mark: 0x1234, priority: 7, ifindex: 1, cb: ctx.slice(CB, CB + 20) };
    for (const field of [8, 32, 40, CB, CB + 16]) {
      const [ours, kernel] = await both(`r0 = *(u32 *)(r1 +${field})\nexit`, frames.IPv4 as Uint8Array, skb, ctx);
      expect([field, ours]).toEqual([field, kernel]);
    }
  });
});
