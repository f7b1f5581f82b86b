// Generated programs are accepted and refused as the running kernel does. BPF2WASM_FUZZ_RUNS sets how many of each generator,
// BPF2WASM_FUZZ_SEED where they start. What disagrees is printed as the YAML of a case.

import { afterAll, expect, test } from 'vitest';
import { describeKernel } from '../kernel/available.ts';
import { campaign, GENERATORS, type GeneratorName } from './verifier-campaign.ts';
import { asCase, Differ, shrink } from './verifier-diff.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 300);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 618);
/** Percent of verdicts that must be the kernel's. */
const AGREEMENT = 99.5;

describeKernel('generated programs', () => {
  const differ = new Differ();
  afterAll(() => differ.close());
  for (const name of Object.keys(GENERATORS) as GeneratorName[]) {
    test(`${name}: ${RUNS} programs from seed ${SEED}`, { timeout: 3_600_000 }, () => {
      const { classes, groups } = campaign(differ, name, SEED, RUNS);
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
});
