/**
 * Random programs that compilers could have made (generate-bytes.ts) do the same in the kernel and here: with checks, without, and optimised.
 * BPF2WASM_FUZZ_RUNS sets how many, BPF2WASM_FUZZ_SEED where they start.
 */
import { expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { assemble } from '../../src/isa/asm.ts';
import { encodeInsns } from '../../src/isa/decode.ts';
import { describeKernel } from '../kernel/available.ts';
import { closeFd, loadProg, testRun } from '../kernel/bpf.ts';
import { KernelError } from '../kernel/errno.ts';
import { prng } from './generate.ts';
import { generateBytes } from './generate-bytes.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 120);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);
const LENGTHS = [64, 65, 79, 128, 1000];
/** binaryen takes its time. */
const OPTIMIZED = 40;

function packetOf(seed: number): Uint8Array {
  const random = prng(seed);
  const length = LENGTHS[seed % LENGTHS.length] as number;
  return Uint8Array.from({ length }, () => (random() % 4 === 0 ? 0xff * (random() % 2) : random()));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describeKernel('programs that put bytes together', () => {
  test(`${RUNS} from seed ${SEED}: the kernel and our engine do the same`, { timeout: 36_000_000 }, async () => {
    using engine = await Engine.create();
    let accepted = 0;
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      const text = generateBytes(seed);
      const insns = encodeInsns(assemble(text));
      let fd: number;
      try {
        fd = loadProg({ type: 'xdp', insns, license: 'GPL' }).fd;
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        continue;
      }
      accepted++;
      const data = packetOf(seed);
      const wanted = testRun(fd, { data });
      closeFd(fd);
      const ways = [{ checked: true }, {}, ...(seed % OPTIMIZED === 0 ? [{ optimize: true }] : [])];
      for (const way of ways) {
        const prog = await engine.loadInsns(insns, { type: 'xdp', license: 'GPL', ...way });
        const found = prog.run(data);
        prog.close();
        const as = `seed ${seed}, ${JSON.stringify(way)}\n${text}`;
        expect(found.violation, as).toBeUndefined();
        expect(found.returnValue >>> 0, as).toBe(wanted.retval);
        expect(hex(found.packet), as).toBe(hex(wanted.data));
      }
    }
    // The generator makes what verifiers take.
    expect(accepted).toBeGreaterThan(RUNS * 0.8);
  });
});
