// What the tables taught, asserted apart from the transcripts: tail-call counts, csum_diff, xdp_adjust_*.

import { expect, test } from 'vitest';
import { describeKernel } from './available.ts';
import { adjustCases, adjustKinds } from './cases/adjust.ts';
import { words } from './cases/bytes.ts';
import { adjustModel, csumDiff } from './cases/helper-model.ts';
import { csumCases, csumInputs } from './cases/packet-bytes.ts';
import { indexForms, orderHash, tailCallCases } from './cases/tail-call.ts';
import { tracePlaces } from './cases/tail-graph.ts';
import { hierarchies, hierarchyCases } from './cases/tail-hierarchy.ts';
import type { Case, Observation, StepResult } from './cases/types.ts';
import { returnName } from './errno.ts';
import { observe } from './run.ts';

const LIMIT = 33;

/** name -> return values of the runs, runs of program 0, 1, 2 in all. */
const tailCalls: readonly (readonly [name: string, retvals: number[], counts: number[]])[] = [
  ['slot 0', [41], [1, 1]],
  ['empty slot', [100], [1]],
  ['index == max_entries', [100], [1]],
  ['index -1 as s64', [100], [1]],
  ['index with high bits over slot 0', [41], [1, 1]],
  ['index with high bits over slot 2', [42], [1, 0, 1]],
  ['set, replaced, deleted between runs', [100, 41, 42, 42, 100, 43], [6, 1, 2, 1]],
  ['self call', [7, 7], [2 * (LIMIT + 1)]],
  ['self call, 5 empty slots first each time', [7, 7], [2 * (LIMIT + 1)]],
  ['self call, 5 out-of-range indices first each time', [7, 7], [2 * (LIMIT + 1)]],
  ['40 empty slots, then a full one', [41], [1, 1]],
  ['at the limit every further call falls through', [7], [LIMIT + 1]],
  ['chain of 34 programs', [1033], [1, 1, 1]],
  ['chain of 35 programs', [1033], [1, 1, 1]],
  ["from a subprogram, the target returns to the subprogram's caller", [42], [1, 1]],
  ['from a subprogram, empty slot falls through in the subprogram', [51], [1]],
  ['40 calls from subprograms in one run', [LIMIT * 41 + 7 * 50 + 1], [1, LIMIT]],
  ['hierarchy, the subprogram called twice re-enters main (shared count)', [1784], [LIMIT + 1]],
  ['diamond of two subprograms through two programs back to main', [39], [17, 17]],
  ['main uses up the count in the subprogram, then its own tail call', [9], [1, LIMIT]],
  ["caller's registers and frame live through the subprogram's tail call", [41 + 700 + 800 + 900 + 900 + 800], [1, 1]],
];

const retvals = (steps: readonly StepResult[]): number[] =>
  steps.flatMap((step) => ('retval' in step ? [step.retval as number] : []));
const traceWords = (observed: Observation): bigint[] => words(observed.maps[0]![0]![1]);
const named = (cases: readonly Case[], name: string): Case => {
  const found = cases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  return found;
};

describeKernel('tail calls in the kernel', () => {
  for (const form of indexForms) {
    test.each(tailCalls)(`${form} index: %s`, (name, wanted, counts) => {
      const observed = observe(named(tailCallCases, `${form} index: ${name}`));
      expect(retvals(observed.steps)).toEqual(wanted);
      const trace = traceWords(observed);
      // The chains count several programs in one word; what is listed is the beginning.
      expect(trace.slice(0, counts.length)).toEqual(counts.map(BigInt));
    });
  }

  test('both forms of the index behave alike, and a chain runs in its order', () => {
    for (const one of tailCallCases.filter(
      ({ name }) => name.startsWith('constant') && !name.includes('bytes of stack'),
    )) {
      const constant = observe(one);
      const computed = observe(named(tailCallCases, one.name.replace('constant', 'computed')));
      expect(computed.steps, one.name).toEqual(constant.steps);
      expect(computed.maps[0], one.name).toEqual(constant.maps[0]);
    }
    const chain = observe(named(tailCallCases, 'constant index: chain of 10 programs'));
    expect(traceWords(chain)[15]).toBe(orderHash([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  });
});

describeKernel('hierarchies of tail calls in the kernel', () => {
  test.each(hierarchies.map((one, i) => [one.name, one, hierarchyCases[i]!] as const))('%s', (_, one, source) => {
    const trace = traceWords(observe(source)).map(Number);
    const { places } = tracePlaces(one.progs);
    const runs = places.map(({ func }, i) => trace.slice(func, func + one.progs[i]!.length));
    const taken = places.map(({ site, sites }) =>
      Array.from({ length: sites }, (_, i) => trace[site + 2 * i]! - trace[site + 2 * i + 1]!),
    );
    expect({ runs, taken }).toEqual({ runs: one.runs, taken: one.taken });
  });
});

describeKernel('csum_diff in the kernel', () => {
  test(`${csumCases.length} pairs of sizes follow the one's complement model`, () => {
    for (const one of csumCases) {
      const [from, to] = one.name.match(/\d+/g)!.map(Number) as [number, number];
      const results = observe(one).steps.flatMap((step) => ('value' in step ? [step.value as Uint8Array] : []));
      const inputs = csumInputs([from, to]);
      expect(results.length).toBe(inputs.length);
      const found = results.map((value) => new BigUint64Array(value.slice().buffer)[1]);
      expect(found, one.name).toEqual(inputs.map((input) => csumDiff(input.from, input.to, input.seed)));
    }
  });
});

describeKernel('xdp_adjust_* in the kernel', () => {
  for (const kind of adjustKinds) {
    const cases = adjustCases.filter(({ name }) => name.startsWith(kind));
    test(`${kind}: ${cases.length} scans follow the model`, () => {
      for (const one of cases) {
        const [size, meta = 0] = one.name.match(/\d+/g)!.map(Number) as [number, number?];
        const deltas = one.steps.flatMap((step) =>
          step.op === 'update' ? [Number(new BigInt64Array(step.value.slice().buffer)[0])] : [],
        );
        const found = retvals(observe(one).steps).map((value) => returnName(value | 0));
        expect(found, one.name).toEqual(deltas.map((delta) => adjustModel[kind]({ size, meta }, delta)));
      }
    });
  }
});
