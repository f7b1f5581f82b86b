// Random loads and stores, asked of our verifier and of the kernel: verdict, message and insns processed are the same.
// BPF2WASM_FUZZ_RUNS and BPF2WASM_FUZZ_SEED choose how many and which.

import { afterAll, expect, test } from 'vitest';
import { VerifierInstance } from '../src/verifier/instance.ts';
import { describeKernel } from './kernel/available.ts';
import { accessProgram } from './verifier/access-gen.ts';
import { judgeOptions, ourAnswer } from './verifier/answer.ts';
import { buildCase } from './verifier/asm.ts';
import { Kernel } from './verifier/kernel.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 300);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);
const kernel = new Kernel();
const instance = new VerifierInstance();

afterAll(() => kernel.close());

describeKernel('random loads and stores', () => {
  test(`${RUNS} programs from seed ${SEED}`, () => {
    let accepted = 0;
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      const one = accessProgram(seed);
      const built = buildCase(one);
      const { verdict, message, processed } = kernel.ask(built);
      const ours = ourAnswer(instance, built.prog, judgeOptions());
      if (verdict === 'accept') accepted++;
      const answer = { verdict: ours.verdict, message: ours.message, processed: ours.processed };
      expect(answer, `seed ${seed}\n${one.insns}`).toEqual({ verdict, message, processed });
    }
    expect(accepted).toBeGreaterThan(RUNS / 10);
  }, 600_000);
});
