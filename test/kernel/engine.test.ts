// Our engine against the running kernel: the same case, both at once, over every table. Nothing is taken from transcripts.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from '../../src/engine.ts';
import type { Prog } from '../../src/runtime/prog.ts';
import { Bench, newEngine, sample, type Variant, variants } from '../engines.cases.ts';
import { comparableStep, incomparable, observeEngine } from './adapter.ts';
import { describeKernel } from './available.ts';
import { closeFd, createMap, testRun } from './bpf.ts';
import { caseTables } from './cases/index.ts';
import { isaCases, isaMaps, isaPacket } from './cases/isa/index.ts';
import { printkCase, printkSpecs, vprintkCase, vprintkLengthCases, vprintkSpecs } from './cases/printk.ts';
import { transcript } from './cases/transcript.ts';
import type { Case, IsaCase } from './cases/types.ts';
import { loadCaseProg, observe } from './run.ts';

const [checked, unchecked] = variants as readonly [Variant, Variant];

/** A transcript without the lines of steps that one side has no call for. */
function lines(source: Case, observation: Parameters<typeof transcript>[1]): string {
  const all = transcript(source, observation).split('\n').slice(1);
  const kept = all.filter((_, i) => source.steps[i] === undefined || comparableStep(source.steps[i]!));
  const isFilter = source.progs[0]?.type === 'socket_filter';
  return kept.map((line) => (isFilter ? line.replace(/ data .*/, '') : line)).join('\n');
}

/** A program the kernel's verifier refuses: our structural check has no opinion on it. */
const refusedProgram = (source: Case, refused: string | undefined): boolean =>
  refused !== undefined && source.progs.length > 0;

describeKernel('our engine and the kernel agree', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await newEngine();
  });
  afterAll(() => engine.close());

  async function compare(cases: readonly Case[], variant: Variant) {
    const differences: string[] = [];
    let runs = 0;
    let kernelRuns = 0;
    let refused = 0;
    for (const source of cases) {
      if (incomparable(source) !== undefined) continue;
      const kernel = observe(source);
      if (refusedProgram(source, kernel.refused)) {
        refused++;
        continue;
      }
      const ours = await observeEngine(engine, source, variant);
      runs += ours.runs;
      kernelRuns += kernel.steps.filter((step) => 'retval' in step).length;
      const [a, b] = [lines(source, ours), lines(source, kernel)];
      if (a !== b) differences.push(`${source.name}\n${a}\n  kernel:\n${b}`);
    }
    return { differences, runs, kernelRuns, refused };
  }

  for (const [table, cases] of Object.entries(caseTables)) {
    const runSteps = cases.reduce((sum, one) => sum + one.steps.filter((step) => step.op === 'run').length, 0);
    test(`${table}: ${cases.length} cases, ${runSteps} runs`, async () => {
      const { differences, runs, kernelRuns } = await compare(cases, checked);
      expect(differences).toEqual([]);
      // Tail calls enter more programs than runs do.
      expect(runs).toBeGreaterThanOrEqual(kernelRuns);
      const again = await compare(cases, unchecked);
      expect(again.differences).toEqual([]);
    });
  }

  test('trace_printk and trace_vprintk: return values', async () => {
    const cases = [...printkSpecs.map(printkCase), ...vprintkSpecs.map(vprintkCase), ...vprintkLengthCases];
    const { differences, runs, refused } = await compare(cases, checked);
    expect(differences).toEqual([]);
    expect(runs + refused).toBe(cases.length);
  });

  /** Runs of one ISA program whose packet or return value is not the kernel's. */
  function differing(one: IsaCase, prog: Prog, fd: number): string[] {
    return one.inputs.flatMap((input) => {
      const data = isaPacket(input);
      const kernel = testRun(fd, { data });
      const ours = prog.run(data);
      const same = Buffer.compare(ours.packet, kernel.data) === 0 && ours.returnValue === kernel.retval;
      return same && ours.violation === undefined ? [] : [`${one.name} (${input.dst}, ${input.src})`];
    });
  }

  test.each(variants)('the ISA table: $name', async (variant) => {
    const cases = sample(isaCases, variant);
    const fds = isaMaps.map((map) => createMap(map));
    const different: string[] = [];
    let runs = 0;
    for (let from = 0; from < cases.length; from += 50) {
      const some = cases.slice(from, from + 50);
      const bench = new Bench(engine, isaMaps);
      const loaded = await bench.load(
        some.map((one, i) => ({ name: `isa${i}`, insns: one.insns })),
        variant.options,
      );
      some.forEach((one, i) => {
        const fd = loadCaseProg({ name: 'isa', type: 'xdp', insns: one.insns }, fds);
        different.push(...differing(one, loaded.prog(`isa${i}`), fd));
        runs += loaded.prog(`isa${i}`).stats.runs;
        closeFd(fd);
      });
      bench.close();
    }
    for (const fd of fds) closeFd(fd);
    expect(different.slice(0, 20)).toEqual([]);
    expect(runs).toBe(cases.reduce((sum, one) => sum + one.inputs.length, 0));
  });
});
