// Figures of the verifier's bench as a table.

import type { VerifierFigure } from './run.ts';

const HEAD = [
  'program',
  'insns',
  'processed',
  'states',
  'load',
  'kernel',
  'warm',
  'cold',
  'instance',
  'warm/load',
  'cold/load',
  'peak KiB',
];

const us = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(0));
const ratio = (value: number, kernel: number | undefined): string =>
  kernel === undefined ? '-' : (value / kernel).toFixed(2);

/** Times are microseconds; ratios are to the kernel's load, and below 1 this verifier is faster. */
export function verifierTable(figures: readonly VerifierFigure[]): string {
  const rows = figures.map((f) => [
    f.program,
    String(f.insns),
    String(f.processed),
    String(f.states),
    us(f.kernelUs),
    us(f.kernelVerifierUs),
    us(f.warmUs),
    us(f.coldUs),
    us(f.instanceUs),
    ratio(f.warmUs, f.kernelUs),
    ratio(f.coldUs, f.kernelUs),
    String(Math.round(f.peakMemory / 1024)),
  ]);
  const widths = HEAD.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  return [HEAD, ...rows].map(line).join('\n');
}
