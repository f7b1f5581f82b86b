// Samples to figures, figures to a table and to JSON.

import { FIXED_COST } from './cases.ts';
import { KERNEL } from './kernel.ts';
import type { Entry } from './measure.ts';

/** One line of the JSON file. */
export interface Figure {
  readonly program: string;
  readonly engine: string;
  readonly packetBytes: number;
  readonly medianNs: number;
  readonly minNs: number;
  readonly p90Ns: number;
  readonly samples: number;
}

/** The value that `share` of the sorted samples do not exceed, between its neighbours where it falls between two. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}

const round = (ns: number): number => Math.round(ns * 1000) / 1000;

export function figureOf({ source, contender, samples }: Entry): Figure {
  const sorted = samples.toSorted((a, b) => a - b);
  return {
    program: source.name,
    engine: contender.engine,
    packetBytes: source.packet.length,
    medianNs: round(quantile(sorted, 0.5)),
    minNs: round(sorted[0]!),
    p90Ns: round(quantile(sorted, 0.9)),
    samples: samples.length,
  };
}

const HEAD = ['program', 'engine', 'bytes', 'median', 'min', 'p90', 'spread', 'net', 'ratio', 'net ratio', 'min ratio'];

/** ns with as many digits as mean something. */
const ns = (value: number): string => value.toFixed(Math.abs(value) < 100 ? 2 : 0);

/**
 * The table. `net` is the median less that of the empty program on the same engine; ratios are to the kernel of the same program, and below
 * 1 this engine is faster.
 */
export function table(figures: readonly Figure[]): string {
  const find = (program: string, engine: string) => figures.find((f) => f.program === program && f.engine === engine);
  const net = (f: Figure) => f.medianNs - (find(FIXED_COST, f.engine)?.medianNs ?? Number.NaN);
  const ratio = (value: number, kernel: number) => (kernel > 0 && value > 0 ? (value / kernel).toFixed(2) : '-');
  const rows = figures.map((f) => {
    const kernel = f.engine === KERNEL ? undefined : find(f.program, KERNEL);
    return [
      f.program,
      f.engine,
      String(f.packetBytes),
      ns(f.medianNs),
      ns(f.minNs),
      ns(f.p90Ns),
      `${Math.round((100 * (f.p90Ns - f.minNs)) / f.medianNs)}%`,
      f.program === FIXED_COST ? '-' : ns(net(f)),
      kernel === undefined ? '-' : ratio(f.medianNs, kernel.medianNs),
      kernel === undefined || f.program === FIXED_COST ? '-' : ratio(net(f), net(kernel)),
      kernel === undefined ? '-' : ratio(f.minNs, kernel.minNs),
    ];
  });
  const widths = HEAD.map((head, i) => Math.max(head.length, ...rows.map((r) => r[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return [HEAD, ...rows].map(line).join('\n');
}
