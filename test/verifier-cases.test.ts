// Every case of test/verifier/*.yaml: our verifier says what the file expects, and so does the kernel. BPF2WASM_BLESS=1 writes the kernel's
// answers into the files. Cases where ours is known to answer otherwise are listed in test/verifier/known.ts; the list is held both ways.

import { afterAll, describe, expect, test } from 'vitest';
import { VerifierInstance } from '../src/verifier/instance.ts';
import { describeKernel, referenceKernelAvailable } from './kernel/available.ts';
import { type Answer, judgeOptions, ourAnswer } from './verifier/answer.ts';
import { buildCase } from './verifier/asm.ts';
import { bless, caseFiles, type VerifierCase } from './verifier/case.ts';
import { Kernel } from './verifier/kernel.ts';
import { KNOWN } from './verifier/known.ts';

const files = caseFiles();
const kernel = new Kernel();
const instance = new VerifierInstance();

const askKernel = (one: VerifierCase): Answer =>
  kernel.ask({
    ...buildCase(one),
    ...(one.license === undefined ? {} : { license: one.license }),
    ...(one.flags === undefined ? {} : { flags: one.flags }),
  });

const askOurs = (one: VerifierCase): Answer =>
  ourAnswer(instance, buildCase(one).prog, judgeOptions(one.flags, one.limit));

/** Rules that the kernel cannot be asked about by a privileged process. */
const oursOnly = (one: VerifierCase): boolean =>
  one.limit !== undefined || one.flags?.includes('unprivileged') === true;

/** An answer in the words of a case. */
function expected(answer: Answer): Partial<VerifierCase> {
  const { verdict, message, processed } = answer;
  return { verdict, message, ...(processed === undefined ? {} : { processed }) };
}

if (process.env.BPF2WASM_BLESS !== undefined && referenceKernelAvailable().ok)
  for (const file of files)
    bless(
      file,
      file.cases.map((one) => (oursOnly(one) ? one : expected(askKernel(one)))),
    );

/** How an answer differs from what the case expects; undefined when it does not. */
function difference(one: VerifierCase, answer: Answer): string | undefined {
  if (answer.verdict !== one.verdict) return `${answer.verdict}: ${answer.message}`;
  if (answer.message !== (one.message ?? '')) return `message: ${answer.message}`;
  if (one.processed !== undefined && (answer.processed ?? 0) !== one.processed) return `processed ${answer.processed}`;
  return undefined;
}

const fresh = process.env.BPF2WASM_BLESS === undefined ? files : caseFiles();

afterAll(() => kernel.close());

for (const { file, cases } of fresh) {
  describe(file, () => {
    test.each(cases.map((one) => [one.name, one] as const))('%s', (name, one) => {
      const known = KNOWN.get(file)?.has(name) === true;
      const differs = difference(one, askOurs(one));
      if (known) expect(differs, 'is listed as known to differ, and does not').toBeDefined();
      else expect(differs).toBeUndefined();
    });
  });
  describeKernel(`${file}: the kernel agrees`, () => {
    test(`${cases.length} cases`, () => {
      const asked = cases.filter((one) => !oursOnly(one));
      const differ = asked.flatMap((one) => {
        const differs = difference(one, askKernel(one));
        return differs === undefined ? [] : [`${one.name}: ${differs}`];
      });
      expect(differ).toEqual([]);
    });
  });
}

test('what is known to differ exists, names are unique', () => {
  for (const { file, cases } of fresh) expect(new Set(cases.map((one) => one.name)).size, file).toBe(cases.length);
  for (const [file, names] of KNOWN) {
    const cases = fresh.find((one) => one.file === file)?.cases ?? [];
    for (const name of names)
      expect(
        cases.some((one) => one.name === name),
        `${file}: ${name}`,
      ).toBe(true);
  }
});
