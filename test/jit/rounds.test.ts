/** Loops that are run several rounds at a time do what they do one by one: packets of all lengths, in every engine and in the kernel. */
import { beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { Bench } from '../engines.cases.ts';
import { bytesOf } from '../fuzz/assemble-text.ts';
import { prng } from '../fuzz/generate.ts';
import { describeKernel } from '../kernel/available.ts';
import { closeFd, loadProg, testRun } from '../kernel/bpf.ts';

interface Loop {
  readonly name: string;
  readonly text: string;
  /** R0 and the bytes that are left. */
  readonly model: (packet: Uint8Array) => number;
}

const HEAD = `r7 = *(u32 *)(r1 +0)
  r8 = *(u32 *)(r1 +4)
  r0 = 0
  r6 = 0`;

interface Shape {
  readonly size: 1 | 2 | 4;
  readonly step: number;
  readonly rounds: number;
  readonly width: 32 | 64;
  readonly test: string;
  readonly store: boolean;
}

/** Sums up fields of the packet, and changes them where `store` says so. */
function indexed({ size, step, rounds, width, test, store }: Shape): Loop {
  const r = width === 64 ? 'r' : 'w';
  const bound = rounds * step;
  const stay: Record<string, string> = {
    ne: `if ${r}6 != ${bound} goto again`,
    lt: `if ${r}6 < ${bound} goto again`,
    sle: `if ${r}6 s<= ${bound - 1} goto again`,
    top: 'goto again',
  };
  const text = `${HEAD}
  again: ${test === 'top' ? `if r6 > ${bound - 1} goto out` : 'r3 = 1'}
  r4 = r7
  r4 += r6
  r5 = r4
  r5 += ${size}
  ${step % 2 === 0 ? 'if r5 > r8 goto out' : 'if r8 < r5 goto out'}
  r2 = *(u${8 * size} *)(r4 +0)
  ${r}0 += ${r}2
  ${store ? `r2 ^= 0x5a\n*(u8 *)(r4 +${size - 1}) = r2` : 'r3 = 2'}
  ${r}6 += ${step}
  ${stay[test]}
  out: exit`;
  const model = (packet: Uint8Array): number => {
    const view = new DataView(packet.buffer);
    let sum = 0;
    for (let at = 0; at < bound && at + size <= packet.length; at += step) {
      const field = size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
      sum = (sum + field) >>> 0;
      if (store) packet[at + size - 1] = (field & 0xff) ^ 0x5a;
    }
    return sum;
  };
  return { name: `${JSON.stringify({ size, step, rounds, width, test, store })}`, text, model };
}

/** Two sums, one of them of both halves, and a pointer that goes on itself; the count goes down. */
const POINTER: Loop = {
  name: 'a pointer and a count down',
  text: `${HEAD}
  r6 = 100
  r4 = r7
  r1 = 0
  again: r5 = r4
  r5 += 5
  if r5 > r8 goto out
  r2 = *(u16 *)(r4 +3)
  r3 = *(u8 *)(r4 +0)
  r0 += r2
  r1 += r3
  r1 += r2
  r4 += 3
  r6 += -1
  if r6 s> 0 goto again
  out: r1 <<= 3
  r0 += r1
  w0 += w6
  exit`,
  model: (packet) => {
    const view = new DataView(packet.buffer);
    let [a, b, left] = [0, 0, 100];
    for (let at = 0; left > 0 && at + 5 <= packet.length; at += 3, left--) {
      a += view.getUint16(at + 3, true);
      b += view.getUint8(at) + view.getUint16(at + 3, true);
    }
    return (a + 8 * b + left) >>> 0;
  },
};

/** What is stored is what the next round loads. */
const CARRIED: Loop = {
  name: 'stores that the next round loads',
  text: `${HEAD}
  again: r4 = r7
  r4 += r6
  r5 = r4
  r5 += 2
  if r5 > r8 goto out
  r2 = *(u8 *)(r4 +0)
  r2 += 7
  *(u8 *)(r4 +1) = r2
  r0 += r2
  r6 += 1
  if r6 != 90 goto again
  out: exit`,
  model: (packet) => {
    let sum = 0;
    for (let at = 0; at < 90 && at + 2 <= packet.length; at++) {
      const value = (packet[at] as number) + 7;
      packet[at + 1] = value;
      sum += value;
    }
    return sum;
  },
};

/** The frame, filled and read by index, as often as the packet's first byte says. */
const FRAME: Loop = {
  name: 'an index into the frame',
  text: `${HEAD}
  r5 = r7
  r5 += 14
  if r5 > r8 goto out
  r9 = *(u8 *)(r7 +0)
  r9 &= 63
  fill: r4 = r10
  r4 += -64
  r4 += r6
  *(u8 *)(r4 +0) = r6
  r6 += 1
  if r6 != 64 goto fill
  r6 = 0
  if r9 == 0 goto out
  again: r4 = r10
  r4 += r6
  r2 = *(u8 *)(r4 -64)
  r0 += r2
  r6 += 1
  if r6 < r9 goto again
  out: exit`,
  model: (packet) => {
    const count = packet.length < 14 ? 0 : (packet[0] as number) & 63;
    return (count * (count - 1)) / 2;
  },
};

function* shapes(): Generator<Shape> {
  let n = 0;
  for (const size of [1, 2, 4] as const)
    for (const step of [1, 2, 5])
      for (const width of [32, 64] as const)
        for (const test of ['ne', 'lt', 'sle', 'top']) {
          n++;
          yield { size, step, width, test, store: n % 3 === 0, rounds: [40, 17, 64][n % 3] as number };
        }
}

const LOOPS: readonly Loop[] = [...[...shapes()].map(indexed), POINTER, CARRIED, FRAME];
const random = prng(9);
const PACKETS = [14, 15, 16, 17, 21, 22, 23, 24, 29, 30, 31, 32, 33, 39, 40, 41, 63, 64, 65, 100, 200, 333].map(
  (length) => Uint8Array.from({ length }, random),
);

describe.each([{ checked: false }, { checked: true }, { optimize: true }])('%o', (how) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.create();
    return () => engine.close();
  });

  test.each(LOOPS.filter((_, i) => !('optimize' in how) || i % 8 === 0 || i > 71))('$name', async ({ text, model }) => {
    const prog = await engine.loadInsns(bytesOf(text), { type: 'xdp', ...how });
    for (const packet of PACKETS) {
      const wanted = packet.slice();
      const returnValue = model(wanted);
      const found = prog.run(packet);
      expect([found.violation, found.returnValue], `${packet.length} bytes`).toEqual([undefined, returnValue]);
      expect(Buffer.compare(found.packet, wanted), `${packet.length} bytes`).toBe(0);
    }
    prog.close();
  });
});

/** The upper half of the sum of the packet's first 40 bytes and its last eight, which is made in 32 bits or in 64; the program in the slot goes on, if there is one. */
const summing = (width: 'r' | 'w', slot: number): string => `r9 = r1
  r7 = *(u32 *)(r1 +0)
  r6 = 0
  r5 = *(u64 *)(r7 +56)
  again: r4 = r7
  r4 += r6
  r2 = *(u8 *)(r4 +0)
  ${width}5 += ${width}2
  ${width}6 += 1
  if r6 < 40 goto again
  *(u64 *)(r10 -8) = r5
  r1 = r9
  r2 = 0 ll
  r3 = ${slot}
  call 12
  r0 = *(u32 *)(r10 -4)
  exit`;

test.each([{ checked: true }, { checked: false }])('several programs in one loop over packets, %o', async (how) => {
  const engine = await Engine.create();
  const bench = new Bench(engine, [{ type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 4 }]);
  const widths = ['r', 'w', 'r'] as const;
  const insns = widths.map((width, i) => {
    const bytes = bytesOf(summing(width, i + 1));
    // BPF_PSEUDO_MAP_IDX
    bytes[12 * 8 + 1] |= 5 << 4;
    return { name: `sum${i}`, insns: bytes };
  });
  const { progs } = await bench.load(insns, { ...how, unverified: true });
  for (let slot = 1; slot < 3; slot++) bench.maps[0]!.set(slot, progs.get(`sum${slot}`));
  const packet = new Uint8Array(64).fill(255, 0, 60);
  expect(['sum0', 'sum1', 'sum2'].map((name) => progs.get(name)!.run(packet).returnValue)).toEqual([1, 1, 1]);
  for (let slot = 1; slot < 3; slot++) bench.maps[0]!.delete(slot);
  expect(['sum0', 'sum1', 'sum2'].map((name) => progs.get(name)!.run(packet).returnValue)).toEqual([1, 0, 1]);
  bench.close();
  engine.close();
});

describeKernel('loops in the kernel', () => {
  test.each(LOOPS)('$name', ({ text, model }) => {
    const { fd } = loadProg({ type: 'xdp', insns: bytesOf(text), license: 'GPL' });
    try {
      for (const packet of PACKETS) {
        const wanted = packet.slice();
        const { retval, data } = testRun(fd, { data: packet });
        expect(retval).toBe(model(wanted));
        expect(Buffer.compare(data, wanted)).toBe(0);
      }
    } finally {
      closeFd(fd);
    }
  });
});
