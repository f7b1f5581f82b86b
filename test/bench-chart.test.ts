// The picture of a stored run: it is well-formed, and shows each program once.

import { describe, expect, test } from 'vitest';
import { barsOf, chart, place } from '../bench/chart.ts';
import type { Machine } from '../bench/machine.ts';
import type { Figure } from '../bench/report.ts';

const MACHINE: Machine = {
  ...{ date: '2026-11-26', cpu: 'A & B <C>', cpus: 2, memoryGiB: 8, platform: 'linux/x64', kernel: '6.18.0' },
  ...{ node: '20.20.2', v8: '11.3', version: '0.1.0', binaryen: '132.0.0', load: 1 },
};
const figure = (program: string, engine: string, medianNs: number): Figure => {
  return { program, engine, packetBytes: 64, medianNs, minNs: medianNs, p90Ns: medianNs, samples: 3 };
};
const FIGURES = [
  ...[figure('pass', 'kernel-jit', 20), figure('pass', 'bpf2wasm', 1), figure('pass', 'bpf2wasm-checked', 2)],
  ...[figure('slow', 'kernel-jit', 1000), figure('slow', 'bpf2wasm', 2500)],
  ...[figure('half', 'kernel-jit', 10), figure('half', 'bpf2wasm', 5)],
  figure('prints', 'bpf2wasm', 7),
];

/** Opens and closes every element in turn; the names of all of them. */
function elements(xml: string): string[] {
  const open: string[] = [];
  const all: string[] = [];
  for (const [, close, name, end] of xml.matchAll(
    /<(\/?)([a-z]+)(?:\s+[a-zA-Z:-]+[0-9]?="[^"<&]*(?:&\w+;[^"<&]*)*")*\s*(\/?)>/g,
  )) {
    if (close === '/') expect(open.pop()).toBe(name);
    else {
      all.push(name!);
      if (end !== '/') open.push(name!);
    }
  }
  expect(open).toEqual([]);
  return all;
}

describe('chart of a bench', () => {
  const svg = chart(FIGURES, MACHINE);

  test('bars are of programs that both sides ran, the most gained first', () => {
    expect(barsOf(FIGURES).map(({ program, ratio }) => [program, ratio])).toEqual([
      ['pass', 0.05],
      ['half', 0.5],
      ['slow', 2.5],
    ]);
  });

  test('is well-formed: elements close, and no < or & is left in its texts', () => {
    const all = elements(svg);
    expect(all[0]).toBe('svg');
    // As many tags were read as there are.
    expect(svg.match(/<[a-z]/g)).toHaveLength(all.length);
    expect(svg.replaceAll(/<[^>]*>/g, '')).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;)/);
    expect(svg).toContain('A &amp; B &lt;C&gt;, 2 CPUs, Linux 6.18.0, Node 20.20.2 (V8 11.3), 2026-11-26');
  });

  test('one bar a program, on its side of the line, with its figures', () => {
    const bars = [...svg.matchAll(/<rect class="(faster|slower)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)];
    expect(bars.map(([, side]) => side)).toEqual(['faster', 'faster', 'slower']);
    const [pass, half, slow] = bars.map(([, , x, width]) => [Number(x), Number(x) + Number(width)]);
    // Beyond the scale's end it is cut.
    expect(pass![0]).toBe(place(1 / 16));
    expect(half![0]).toBe(place(0.5));
    expect(half![1]).toBeCloseTo(place(1));
    expect(slow![0]).toBe(place(1));
    expect(slow![1]).toBeCloseTo(place(2.5));
    for (const wanted of ['pass', '1.0', '20', '0.05', '2,500', '1,000', '2.50'])
      expect(svg).toContain(`>${wanted}</text>`);
    expect(svg).not.toContain('prints');
  });

  test('has colours of its own for both schemes', () => {
    expect(svg).toMatch(/\.ground \{ fill: #ffffff/);
    expect(svg).toMatch(/prefers-color-scheme: dark[\s\S]*\.ground \{ fill: #0d1117/);
  });
});
