// Figures of the load bench as a table.

import type { LoadFigure } from './run.ts';

const COLUMNS: readonly (readonly [head: string, value: (figure: LoadFigure) => number | undefined])[] = [
  ['insns', (f) => f.insns],
  ['cold', (f) => f.coldMs],
  ['import', (f) => f.importMs],
  ['engine', (f) => f.createMs],
  ['load', (f) => f.loadMs],
  ['first', (f) => f.firstMs],
  ['min', (f) => f.minMs],
  ['per 1000', (f) => (f.firstMs * 1000) / f.insns],
  ['repeat', (f) => f.repeatMs],
  ['min', (f) => f.repeatMinMs],
  ['parse', (f) => f.parseMs],
  ['link', (f) => f.linkMs],
  ['verify', (f) => f.verifyMs],
  ['compile', (f) => f.compileMs],
  ['wasm', (f) => f.wasmMs],
  ['kernel', (f) => f.kernelMs],
];

const text = (value: number | undefined): string => {
  if (value === undefined) return '-';
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
};

/** Milliseconds. */
export function loadTable(figures: readonly LoadFigure[]): string {
  const head = ['program', ...COLUMNS.map(([name]) => name)];
  const rows = figures.map((figure) => [figure.program, ...COLUMNS.map(([, value]) => text(value(figure)))]);
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  return [head, ...rows].map(line).join('\n');
}
