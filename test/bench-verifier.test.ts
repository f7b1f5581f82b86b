// The verifier's bench as a smoke run: its programs build, both sides walk the same insns, memory stays. Nothing is timed.

import { describe, expect, test } from 'vitest';
import { kernelRefusal } from '../bench/kernel.ts';
import { VERIFIER_CASES, verifierCase } from '../bench/verifier/cases.ts';
import { verifierTable } from '../bench/verifier/report.ts';
import { runVerifierBench, type VerifierFigure } from '../bench/verifier/run.ts';
import { coldTime } from '../bench/verifier/sides.ts';
import { VerifierInstance } from '../src/verifier/instance.ts';
import { judge } from '../src/verifier/judge.ts';

const refusal = kernelRefusal();
if (refusal !== undefined) console.warn(`SKIPPED: the verifier is not compared with the kernel (${refusal})`);

const kernel = refusal === undefined;
/** Half a million insns and more take a second where others work as well. */
const QUICK = VERIFIER_CASES.filter(({ name }) => !/900k|sums/.test(name));
const FIELDS = ['program', 'insns', 'processed', 'states', 'kernelUs', 'kernelVerifierUs', 'warmUs', 'coldUs'];
const MiB = 1 << 20;

describe('bench of the verifier', () => {
  test('every program is accepted with the kernel, after as many insns and states', { timeout: 60_000 }, () => {
    const figures = runVerifierBench({ cases: QUICK, samples: 1, kernel, cold: (_, built) => coldTime(built) });
    expect(figures.map(({ program }) => program)).toEqual(QUICK.map(({ name }) => name));
    for (const figure of figures) {
      const wanted = FIELDS.filter((field) => kernel || !field.startsWith('kernel'));
      expect(Object.keys(figure)).toEqual([...wanted, 'instanceUs', 'peakMemory', 'samples']);
      expect(figure.processed).toBeGreaterThan(4000);
      expect(figure.peakMemory).toBeLessThan(32 * MiB);
    }
  });

  test('close to a million insns stay in bounded memory, and all of it is used again', { timeout: 60_000 }, () => {
    const instance = new VerifierInstance();
    const pages = (): number => instance.exports.memory.buffer.byteLength;
    const { prog } = verifierCase('loops/900k').build();
    const { stats } = judge(instance, prog);
    expect(stats.insns).toBeGreaterThan(850_000);
    expect(stats.peakMemory).toBeLessThan(32 * MiB);
    const after = pages();
    const small = QUICK.map((one) => one.build().prog);
    for (let round = 0; round < 3; round++) for (const one of small) judge(instance, one);
    judge(instance, prog);
    expect(pages()).toBe(after);
  });

  test('what is given up stays in bounded memory', { timeout: 60_000 }, () => {
    const instance = new VerifierInstance();
    const { prog } = verifierCase('parser').build();
    const limits = { processed: 20_000 };
    const first = judge(instance, prog, { limits });
    expect(first.refusal?.message).toBe('BPF program is too large. Processed 20001 insn');
    const after = instance.exports.memory.buffer.byteLength;
    for (let i = 0; i < 20; i++) judge(instance, prog, { limits });
    expect(instance.exports.memory.buffer.byteLength).toBe(after);
    const tight = judge(instance, prog, { memoryLimit: MiB });
    expect(tight.ok).toBe(false);
    expect(instance.exports.memory.buffer.byteLength).toBe(after);
  });

  test('the table', () => {
    const figure: VerifierFigure = {
      ...{ program: 'x', insns: 10, processed: 20, states: 3, kernelUs: 100, kernelVerifierUs: 80, warmUs: 50 },
      ...{ coldUs: 120, instanceUs: 7, peakMemory: 2048, samples: 1 },
    };
    const { kernelUs: _, ...alone } = figure;
    expect(verifierTable([figure]).split('\n')[1]?.split(/ +/)).toEqual(
      'x 10 20 3 100 80 50 120 7 0.50 1.20 2'.split(' '),
    );
    expect(verifierTable([alone]).split('\n')[1]?.split(/ +/)).toEqual('x 10 20 3 - 80 50 120 7 - - 2'.split(' '));
  });

  test('names are unique, and unknown ones are refused', () => {
    expect(new Set(VERIFIER_CASES.map(({ name }) => name)).size).toBe(VERIFIER_CASES.length);
    expect(() => verifierCase('none')).toThrow(/no case is named none/);
  });
});
