// What a run says, in a few lines: each of the project's goals with the figures that decide it.

import { FIXED_COST } from './cases.ts';
import type { Figure } from './report.ts';

/** Where the fixed cost of a test run stops to be most of the kernel's figure, ns. */
const LONG_NS = 100;
/** What a short program may cost of the kernel's time: most of that is the test run. */
const SHORT_RATIO = 1 / 3;
/** Tail calls of the chains. */
const HOPS = 33;
const CHAINS: Readonly<Record<string, string>> = {
  'chain/33-self': 'to itself',
  'chain/33-programs': 'constant slot',
  'chain/33-computed': 'computed slot',
  'chain/33-modules': 'to another module',
  'chain/33-from-map': 'slot read from an array',
};

/** A program with its ratio to somebody else's time. */
export interface Ratio {
  readonly program: string;
  readonly ratio: number;
}

export interface Summary {
  readonly engine: string;
  /** Median to the kernel's, of every program that the kernel was timed on. */
  readonly gross: readonly Ratio[];
  /** The same, of those that take the kernel less than LONG_NS. */
  readonly short: readonly Ratio[];
  /** Each side less its empty program, of those that take the kernel LONG_NS and more. */
  readonly net: readonly Ratio[];
  /** ns of one tail call: chains less the empty program. */
  readonly hops: readonly { readonly program: string; readonly ns: number; readonly kernelNs: number | undefined }[];
  /** Median to that of clang's Wasm. */
  readonly clang: readonly Ratio[];
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

export function summaryOf(figures: readonly Figure[], engine: string): Summary {
  const ns = (program: string, of: string): number | undefined =>
    figures.find((f) => f.program === program && f.engine === of)?.medianNs;
  const net = (program: string, of: string): number | undefined => {
    const [whole, fixed] = [ns(program, of), ns(FIXED_COST, of)];
    return whole === undefined || fixed === undefined ? undefined : whole - fixed;
  };
  const mine = figures.filter((f) => f.engine === engine).map(({ program }) => program);
  const ratios = (programs: readonly string[], other: string, of: typeof ns): Ratio[] =>
    programs.flatMap((program) => {
      const [a, b] = [of(program, engine), of(program, other)];
      return a === undefined || b === undefined || b <= 0 ? [] : [{ program, ratio: a / b }];
    });
  const kernelNs = (program: string) => ns(program, 'kernel-jit') ?? 0;
  return {
    engine,
    gross: ratios(mine, 'kernel-jit', ns),
    short: ratios(
      mine.filter((program) => kernelNs(program) < LONG_NS),
      'kernel-jit',
      ns,
    ),
    net: ratios(
      mine.filter((program) => kernelNs(program) >= LONG_NS),
      'kernel-jit',
      net,
    ),
    hops: Object.keys(CHAINS).flatMap((program) => {
      const own = net(program, engine);
      const other = net(program, 'kernel-jit');
      return own === undefined
        ? []
        : [{ program, ns: own / HOPS, kernelNs: other === undefined ? other : other / HOPS }];
    }),
    clang: ratios(mine, 'clang-wasm', ns),
  };
}

/** The worst first. */
const named = (ratios: readonly Ratio[]): string =>
  ratios
    .toSorted((a, b) => b.ratio - a.ratio)
    .map(({ program, ratio }) => `${program} ${ratio.toFixed(2)}`)
    .join(', ');

/** `2 of 9: a 1.20, b 1.10` */
function above(ratios: readonly Ratio[], limit: number): string {
  const over = ratios.filter(({ ratio }) => ratio > limit);
  return `${over.length} of ${ratios.length}${over.length === 0 ? '' : `: ${named(over)}`}`;
}

function spread(ratios: readonly Ratio[]): string {
  const mean = geometricMean(ratios.map(({ ratio }) => ratio)).toFixed(2);
  const [most] = ratios.toSorted((a, b) => b.ratio - a.ratio);
  return `geometric mean ${mean}, most ${most!.ratio.toFixed(2)} (${most!.program})`;
}

/** Lines of a label and what is found. */
export function summaryText(summary: Summary): string {
  const { gross, short, net, hops, clang } = summary;
  const lines: [string, string][] = [];
  if (gross.length > 0) lines.push(['cost more than the kernel', above(gross, 1)]);
  if (short.length > 0) lines.push([`under ${LONG_NS} ns there, more than a third`, above(short, SHORT_RATIO)]);
  if (net.length > 0) {
    lines.push([`over ${LONG_NS} ns there, net`, spread(net)]);
    lines.push(['net above the kernel', above(net, 1)]);
  }
  for (const { program, ns, kernelNs } of hops) {
    const kernel = kernelNs === undefined ? '' : `, kernel ${kernelNs.toFixed(1)}`;
    lines.push([`a tail call, ${CHAINS[program]}`, `${ns.toFixed(2)} ns${kernel}`]);
  }
  if (clang.length > 0) {
    lines.push(["to clang's Wasm", spread(clang)]);
    lines.push(["cost more than clang's Wasm", above(clang, 1)]);
  }
  const width = Math.max(...lines.map(([label]) => label.length));
  return [summary.engine, ...lines.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`)].join('\n');
}
