// The lines at the end of a bench: arithmetic on figures that are made up.

import { describe, expect, test } from 'vitest';
import type { Figure } from '../bench/report.ts';
import { geometricMean, summaryOf, summaryText } from '../bench/summary.ts';

const figure = (program: string, engine: string, medianNs: number): Figure => {
  return { program, engine, packetBytes: 64, medianNs, minNs: medianNs, p90Ns: medianNs, samples: 3 };
};

/** Program, kernel, this engine, clang's Wasm where it takes part. */
const ROWS: readonly (readonly [string, number, number, number?])[] = [
  ['pass', 5, 1, 0.5],
  ['small', 10, 3],
  ['dear', 20, 25],
  ['edge', 99, 33],
  ['hash', 105, 51, 100],
  ['sum', 205, 401, 200],
  ['chain/33-self', 38, 67],
  ['chain/33-computed', 995, 166],
];
const FIGURES = ROWS.flatMap(([program, kernel, ours, clang]) => [
  figure(program, 'kernel-jit', kernel),
  figure(program, 'bpf2wasm', ours),
  ...(clang === undefined ? [] : [figure(program, 'clang-wasm', clang)]),
]);

const names = (ratios: readonly { readonly program: string }[]) => ratios.map(({ program }) => program);

describe('summary of a bench', () => {
  const summary = summaryOf(FIGURES, 'bpf2wasm');

  test('the geometric mean', () => {
    expect(geometricMean([4, 1])).toBeCloseTo(2);
    expect(geometricMean([0.5])).toBeCloseTo(0.5);
  });

  test('gross ratios of all, and of those that are short in the kernel', () => {
    expect(names(summary.gross)).toEqual(ROWS.map(([program]) => program));
    expect(summary.gross[2]!.ratio).toBeCloseTo(1.25);
    expect(names(summary.short)).toEqual(['pass', 'small', 'dear', 'edge', 'chain/33-self']);
  });

  test('net ratios are less the empty program on both sides, of the long ones', () => {
    expect(names(summary.net)).toEqual(['hash', 'sum', 'chain/33-computed']);
    expect(summary.net.map(({ ratio }) => ratio)).toEqual([0.5, 2, 1 / 6]);
  });

  test('tail calls are what a chain costs more than the empty program, by 33', () => {
    expect(summary.hops).toEqual([
      { program: 'chain/33-self', ns: 2, kernelNs: 1 },
      { program: 'chain/33-computed', ns: 5, kernelNs: 30 },
    ]);
  });

  test('clang takes part where it did', () => {
    expect(summary.clang).toEqual([
      { program: 'pass', ratio: 2 },
      { program: 'hash', ratio: 0.51 },
      { program: 'sum', ratio: 2.005 },
    ]);
  });

  test('the lines', () => {
    const lines = summaryText(summary).split('\n');
    const line = (label: string) =>
      lines
        .find((one) => one.trim().startsWith(label))
        ?.trim()
        .split(/ {2,}/)[1];
    expect(lines[0]).toBe('bpf2wasm');
    expect(line('cost more than the kernel')).toBe('3 of 8: sum 1.96, chain/33-self 1.76, dear 1.25');
    // A third is not more than a third.
    expect(line('under 100 ns there')).toBe('2 of 5: chain/33-self 1.76, dear 1.25');
    expect(line('over 100 ns there')).toBe('geometric mean 0.55, most 2.00 (sum)');
    expect(line('net above the kernel')).toBe('1 of 3: sum 2.00');
    expect(line('a tail call, computed slot')).toBe('5.00 ns, kernel 30.0');
    expect(line("cost more than clang's Wasm")).toBe('2 of 3: sum 2.00, pass 2.00');
  });

  test('without the kernel there is no line that needs it', () => {
    const alone = FIGURES.filter(({ engine }) => engine !== 'kernel-jit');
    const text = summaryText(summaryOf(alone, 'bpf2wasm'));
    expect(text).not.toMatch(/kernel/);
    expect(text).toMatch(/a tail call, to itself +2\.00 ns\n/);
  });
});
