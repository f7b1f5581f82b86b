// trace_printk and trace_vprintk in the running kernel: return values, and where the trace can be read the text as well.
// `observed/printk.jsonl` keeps both, a case a line. Text that a boot's hash key makes (`%p`) is kept as "hashed".

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeKernel } from './available.ts';
import { pinned } from './bpf.ts';
import { printkCase, printkSpecs, vprintkCase, vprintkLengthCases, vprintkSpecs } from './cases/printk.ts';
import type { Case } from './cases/types.ts';
import { returnName } from './errno.ts';
import { observe } from './run.ts';
import { printedBetween, readTrace } from './trace.ts';

interface Printed {
  readonly name: string;
  readonly returns: string;
  /** Each printed record, or null when the trace could not be read. */
  readonly text: readonly string[] | null;
}

const file = new URL('./observed/printk.jsonl', import.meta.url);

/** `%p` and `%pK` of something else than 0 are a hash. */
const isHashed = (name: string): boolean => /%pK?[ .,"]/.test(name) && !name.endsWith(', 0)');

function returned(one: Case): string {
  const { refused, steps } = observe(one);
  const [step] = steps;
  if (step === undefined || !('retval' in step)) return refused ?? 'error';
  return returnName((step.retval as number) | 0);
}

/** Print a line that says where a case's own text begins or ends. */
const mark = (text: string): string => returned(printkCase({ format: text, args: [] }));

/** The trace's ring buffer may be as small as a page, so it is read after every case. */
function runOne(one: Case, marker: string): Printed {
  const { name } = one;
  mark(`${marker} begins`);
  const returns = returned(one);
  mark(`${marker} ends`);
  const trace = readTrace();
  if ('reason' in trace) return { name, returns, text: null };
  const text = printedBetween(trace.text, `${marker} begins`, `${marker} ends`);
  return { name, returns, text: isHashed(name) ? text.map(() => 'hashed') : text };
}

function runAll(cases: readonly Case[]): Printed[] {
  const trace = readTrace();
  if ('reason' in trace) console.warn(`SKIPPED: the text of trace_printk is not compared: ${trace.reason}`);
  const run = `kernel-table-${process.pid}`;
  return pinned(() => cases.map((one, i) => runOne(one, `${run}-${i}`)));
}

describeKernel('trace_printk in the kernel', () => {
  const cases = [...printkSpecs.map(printkCase), ...vprintkSpecs.map(vprintkCase), ...vprintkLengthCases];

  test(`${cases.length} formats return and print what observed/printk.jsonl says`, async () => {
    expect(new Set(cases.map((one) => one.name)).size).toBe(cases.length);
    const printed = runAll(cases);
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    const known = lines.map((line) => JSON.parse(line) as Printed);
    const records = printed.map((one, i) => (one.text === null ? { ...one, text: known[i]?.text ?? null } : one));
    const text = records.map((one) => `${JSON.stringify(one)}\n`).join('');
    await expect(text).toMatchFileSnapshot(file.pathname);
  });
});
