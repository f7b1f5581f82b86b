/**
 * A stored run as a static picture: one bar a program, this engine's time to the kernel's on a logarithmic scale. Left of the line is faster.
 * It has a background of its own in both colour schemes, so that it can be read wherever it is shown.
 */
import type { Machine } from './machine.ts';
import type { Figure } from './report.ts';

const ENGINE = 'bpf2wasm';
const KERNEL = 'kernel-jit';

const WIDTH = 860;
const ROW = 19;
const TOP = 74;
const BOTTOM = 44;
/** Names end, times end, the bars' area. */
const NAMES = 160;
const OURS = 228;
const THEIRS = 300;
const LEFT = 330;
const RIGHT = WIDTH - 24;
/** Ratios that the scale begins and ends with; what is beyond is cut, its figure is not. */
const LOWEST = 1 / 16;
const HIGHEST = 4;
const TICKS: readonly (readonly [number, string])[] = [
  [1 / 16, '1/16'],
  [1 / 8, '1/8'],
  [1 / 4, '1/4'],
  [1 / 2, '1/2'],
  [1, 'the same'],
  [2, '2'],
  [4, '4'],
];

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .small { font-size: 11px; fill: #59636e }
  .number { text-anchor: end; font-variant-numeric: tabular-nums }
  .middle { text-anchor: middle }
  .ground { fill: #ffffff; stroke: #d1d9e0 }
  .grid { stroke: #d1d9e0 }
  .one { stroke: #59636e }
  .faster { fill: #2da44e }
  .slower { fill: #cf222e }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .small { fill: #9198a1 }
    .ground { fill: #0d1117; stroke: #3d444d }
    .grid { stroke: #3d444d }
    .one { stroke: #9198a1 }
    .faster { fill: #3fb950 }
    .slower { fill: #f85149 }
  }`;

export interface Bar {
  readonly program: string;
  readonly ns: number;
  readonly kernelNs: number;
  readonly ratio: number;
}

/** Programs that both were timed on, the most gained first. */
export function barsOf(figures: readonly Figure[]): Bar[] {
  const bars = figures.flatMap(({ program, engine, medianNs: ns }) => {
    if (engine !== ENGINE) return [];
    const kernel = figures.find((other) => other.program === program && other.engine === KERNEL);
    return kernel === undefined ? [] : [{ program, ns, kernelNs: kernel.medianNs, ratio: ns / kernel.medianNs }];
  });
  return bars.sort((a, b) => a.ratio - b.ratio);
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

function text(x: number, y: number, content: string, style?: string): string {
  return `<text x="${x}" y="${y}"${style === undefined ? '' : ` class="${style}"`}>${escaped(content)}</text>`;
}

/** Where a ratio is on the scale. */
export function place(ratio: number): number {
  const share = Math.log(ratio / LOWEST) / Math.log(HIGHEST / LOWEST);
  return Math.round((LEFT + Math.min(1, Math.max(0, share)) * (RIGHT - LEFT)) * 10) / 10;
}

const ns = (value: number): string => (value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en'));

function row({ program, ns: ours, kernelNs, ratio }: Bar, y: number): string[] {
  const [from, to] = [place(1), place(ratio)];
  const faster = ratio <= 1;
  const width = Math.max(1, Math.round(Math.abs(to - from) * 10) / 10);
  const base = y + ROW - 6;
  // Beside the bar's end, on the side of the line that has room.
  const label = faster ? text(from + 6, base, ratio.toFixed(2)) : text(from - 6, base, ratio.toFixed(2), 'number');
  return [
    text(NAMES, base, program, 'number'),
    text(OURS, base, ns(ours), 'number'),
    text(THEIRS, base, ns(kernelNs), 'number'),
    `<rect class="${faster ? 'faster' : 'slower'}" x="${Math.min(from, to)}" y="${y + 3}" width="${width}" height="${ROW - 6}" rx="2"><title>${escaped(program)}: ${ratio.toFixed(2)}</title></rect>`,
    label,
  ];
}

/** The picture. */
export function chart(figures: readonly Figure[], machine: Machine): string {
  const bars = barsOf(figures);
  const end = TOP + bars.length * ROW;
  const height = end + BOTTOM;
  const grid = TICKS.flatMap(([ratio, label]) => [
    `<line class="${ratio === 1 ? 'one' : 'grid'}" x1="${place(ratio)}" x2="${place(ratio)}" y1="${TOP}" y2="${end}"/>`,
    text(place(ratio), TOP - 6, label, 'small middle'),
  ]);
  const { cpu, cpus, kernel, node, v8, date } = machine;
  const where = `${cpu}, ${cpus} CPUs, Linux ${kernel}, Node ${node} (V8 ${v8}), ${date}. Medians; npm run bench`;
  const title = "Time of a packet: bpf2wasm to the kernel's JIT";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    text(20, 28, title, 'title'),
    text(20, 46, 'Green is faster than BPF_PROG_TEST_RUN, its cost of a run included.', 'small'),
    text(OURS, TOP - 6, 'ns here', 'small number'),
    text(THEIRS, TOP - 6, 'ns kernel', 'small number'),
    ...grid,
    ...bars.flatMap((bar, i) => row(bar, TOP + i * ROW)),
    text(20, height - 16, where, 'small'),
    '</svg>',
    '',
  ].join('\n');
}
