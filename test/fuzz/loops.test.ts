/**
 * Random loops over a packet, most of which are run several rounds at a time, do here what they do in the kernel, with checks and without.
 * BPF2WASM_FUZZ_RUNS programs from seed BPF2WASM_FUZZ_SEED on; what the kernel refuses is left out.
 */
import { expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { describeKernel } from '../kernel/available.ts';
import { closeFd, loadProg, pinned, testRun } from '../kernel/bpf.ts';
import { KernelError } from '../kernel/errno.ts';
import { bytesOf } from './assemble-text.ts';
import { prng } from './generate.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 80);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);

/** Sums, what looks like sums, counters, and slots of the frame. */
const PLAIN = [
  'r0 += r2',
  'w0 += w2',
  'r1 ^= r2',
  'r1 += r6',
  'w1 += w2',
  'r3 = r6',
  'r0 += r3',
  'r3 <<= 2',
  'r1 += r3',
  'r9 += 3',
  'w9 += 5',
  'r9 += -1',
  'r0 += r9',
  'r1 *= 3',
  'r2 = be16 r2',
  'r0 -= r2',
  '*(u64 *)(r10 -8) = r0',
  'r3 = *(u64 *)(r10 -8)',
  'r3 = *(u32 *)(r10 -8)',
];

/** R6 counts bytes, R4 is the packet's byte it stands for, of which `size` are inside. */
function loopOf(seed: number): string {
  const random = prng(seed);
  const below = (n: number): number => random() % n;
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const [step, size, half] = [pick([1, 2, 3, 4, 8]), pick([1, 2, 4, 8]), pick(['r', 'w'])];
  const bound = step * (1 + below(90));
  const access = (): string => {
    const bytes = pick([1, 2, 4, 8].filter((n) => n <= size));
    const place = `*(u${8 * bytes} *)(r4 +${below(size - bytes + 1)})`;
    return below(2) === 0 ? `r2 = ${place}` : `${place} = r${pick([0, 1, 2, 6])}`;
  };
  const body = Array.from({ length: 2 + below(8) }, () => (below(3) === 0 ? access() : pick(PLAIN)));
  const isTestedFirst = below(3) === 0;
  const stay = pick([`!= ${bound}`, `< ${bound}`, `s< ${bound}`, `<= ${bound - 1}`]);
  return `r7 = *(u32 *)(r1 +0); r8 = *(u32 *)(r1 +4)
    r0 = 0; r1 = 0; r2 = 0; r3 = 0; r6 = 0; r9 = 0
    *(u64 *)(r10 -8) = 0
    again: ${isTestedFirst ? `if r6 > ${bound} goto out` : 'r5 = 0'}
    r4 = r7; r4 += r6; r5 = r4; r5 += ${size}
    ${pick(['if r5 > r8 goto out', 'if r8 < r5 goto out', 'if r5 > r8 goto end'])}
    ${body.join('\n')}
    ${half}6 += ${step}
    ${isTestedFirst ? 'goto again' : `if ${half}6 ${stay} goto again`}
    end: r0 += r9
    out: r0 += r1; r0 += r3; r0 += r6
    r2 = r0; r2 >>= 32; r0 ^= r2
    exit`;
}

const random = prng(SEED);
const PACKETS = [14, 15, 20, 30, 31, 32, 33, 47, 64, 100, 150, 271].map((length) =>
  Uint8Array.from({ length }, random),
);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The program's fd, unless the kernel refuses it. */
function kernelProg(insns: Uint8Array): number | undefined {
  try {
    return loadProg({ type: 'xdp', insns, license: 'GPL' }).fd;
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

describeKernel('random loops', () => {
  test(`${RUNS} from seed ${SEED} do the same here and in the kernel`, { timeout: 36_000_000 }, async () => {
    using engine = await Engine.create();
    let compared = 0;
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      const insns = bytesOf(loopOf(seed));
      const fd = kernelProg(insns);
      if (fd === undefined) continue;
      compared++;
      for (const checked of [false, true]) {
        const prog = await engine.loadInsns(insns, { type: 'xdp', checked });
        pinned(() => {
          for (const packet of PACKETS) {
            const { retval, data } = testRun(fd, { data: packet });
            const { returnValue, violation, packet: left } = prog.run(packet);
            const where = `seed ${seed}, checked: ${checked}, ${packet.length} bytes\n${loopOf(seed)}`;
            expect([returnValue, violation, hex(left)], where).toEqual([retval, undefined, hex(data)]);
          }
        });
        prog.close();
      }
      closeFd(fd);
    }
    expect(compared).toBeGreaterThan(RUNS / 2);
  });
});
