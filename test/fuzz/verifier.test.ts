// Generated programs are accepted and refused as the running kernel does. BPF2WASM_FUZZ_RUNS sets how many of each generator,
// BPF2WASM_FUZZ_SEED where they start. What disagrees is printed as the YAML of a case.

import { afterAll, expect, test } from 'vitest';
import { describeKernel } from '../kernel/available.ts';
import { closeFd } from '../kernel/bpf.ts';
import { campaign, GENERATORS, type GeneratorName } from './verifier-campaign.ts';
import { asCase, Differ, SPECS, shrink } from './verifier-diff.ts';
import { generateAware, generatePure } from './verifier-gen-aware.ts';
import { Runner } from './verifier-run.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 300);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 618);
/** Percent of verdicts that must be the kernel's. */
const AGREEMENT = 99.5;

describeKernel('generated programs', () => {
  const differ = new Differ();
  afterAll(() => differ.close());
  for (const name of Object.keys(GENERATORS) as GeneratorName[]) {
    test(`${name}: ${RUNS} programs from seed ${SEED}`, { timeout: 3_600_000 }, () => {
      const { classes, groups, accepted } = campaign(differ, name, SEED, RUNS);
      console.info(`${name} programs from seed ${SEED}, ${accepted} accepted: ${JSON.stringify(classes)}`);
      const shown = groups.filter(
        (group) => group.class === 'unsound' || group.class === 'strict' || group.class === 'crash',
      );
      const cases = shown.slice(0, 10).map((group) => {
        const small = shrink(differ, group.generated, group.diff);
        return asCase(small, differ.compare(small), `${group.class} x${group.count}, seed ${group.seed}`);
      });
      if (cases.length > 0) console.warn(cases.join('\n'));
      expect(classes.unsound ?? 0, 'accepted here, refused by the kernel').toBe(0);
      expect(classes.crash ?? 0).toBe(0);
      expect(classes.strict ?? 0).toBeLessThanOrEqual((RUNS * (100 - AGREEMENT)) / 100);
    });
  }

  test(`accepted programs run as proven: ${RUNS} from seed ${SEED}`, { timeout: 3_600_000 }, async () => {
    let runner = await Runner.create(SPECS);
    let runs = 0;
    const wrong: string[] = [];
    for (let seed = SEED; seed < SEED + RUNS; seed++) {
      // Programs that tail-call stay in V8's memory for as long as their engine.
      if ((seed - SEED) % 2000 === 1999) {
        runs += runner.runs;
        runner.engine.close();
        runner = await Runner.create(SPECS);
      }
      const pure = seed % 2 === 0;
      const { diff, prog, fd } = differ.load(pure ? generatePure(seed) : generateAware(seed));
      const kernel = fd !== undefined && pure ? { kernel: differ.kernel, fd } : undefined;
      const found = diff.ours?.verdict === 'accept' ? await runner.check(prog, seed, kernel) : undefined;
      if (fd !== undefined) closeFd(fd);
      // A may_goto loop may run for longer than a test can wait.
      if (found !== undefined && !found.includes('insn budget')) wrong.push(`seed ${seed}: ${found}`);
    }
    expect(wrong).toEqual([]);
    expect(runs + runner.runs).toBeGreaterThan(RUNS);
  });
});
