/** A replay's report for people. */
import type { ProgReport, Report } from '../replay/replay.ts';
import { grouped, plural, scaled, table } from './output.ts';

/** Violations that are printed; `--json` has a hundred. */
const VIOLATIONS_SHOWN = 10;

export function reportLines(report: Report, entry: number): string[] {
  return [
    ...summary(report),
    '',
    ...verdicts(report),
    '',
    ...programs(report.programs, entry),
    ...tailCalls(report.programs),
    ...lost(report),
    ...violations(report),
    ...(report.written > 0 ? ['', `${plural(report.written, 'packet')} written`] : []),
  ];
}

function summary(report: Report): string[] {
  const { packets, bytes, seconds, wallSeconds, packetsPerSecond, bitsPerSecond } = report;
  const end = report.stopped ? ', interrupted' : report.error ? ', up to where the capture breaks off' : '';
  const lines = [`${plural(packets, 'packet')}, ${plural(bytes, 'byte')} (${report.layout})${end}`];
  if (packets === 0) return lines;
  const each = ((seconds * 1e9) / packets).toFixed(1);
  const rates = `${scaled(packetsPerSecond, 'packets/s')}, ${scaled(bitsPerSecond, 'bit/s')}`;
  return [...lines, `${time(seconds)} in programs, ${each} ns a packet: ${rates}; ${time(wallSeconds)} in all`];
}

function time(seconds: number): string {
  if (seconds >= 1) return `${seconds.toFixed(2)} s`;
  return seconds >= 1e-3 ? `${(seconds * 1e3).toFixed(2)} ms` : `${(seconds * 1e6).toFixed(0)} us`;
}

function verdicts(report: Report): string[] {
  const rows = Object.entries(report.verdicts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => [name, grouped(count), `${((100 * count) / report.packets).toFixed(1)} %`]);
  return table(['verdict', '>packets', '>share'], rows);
}

function programs(progs: readonly ProgReport[], entry: number): string[] {
  const rows = progs.map((prog) => [
    prog.name,
    String(prog.id),
    grouped(prog.runs),
    prog.id === entry ? time(prog.timeNs / 1e9) : '-',
  ]);
  return table(['program', '>id', '>runs', '>run time'], rows);
}

function tailCalls(progs: readonly ProgReport[]): string[] {
  const rows = progs.flatMap((prog) =>
    prog.tailCalls.map(({ pc, map, taken, missed }) => [
      `${prog.name} insn ${pc}`,
      map ?? '?',
      grouped(taken),
      grouped(missed),
    ]),
  );
  return rows.length === 0 ? [] : ['', ...table(['tail call', 'through', '>taken', '>missed'], rows)];
}

function lost({ lost }: Report): string[] {
  const rows = lost.map((ring) => [ring.map, grouped(ring.lost)]);
  return rows.length === 0 ? [] : ['', ...table(['events', '>lost'], rows)];
}

function violations({ violations: { count, first } }: Report): string[] {
  if (count === 0) return [];
  const shown = first.slice(0, VIOLATIONS_SHOWN).map((one) => `  packet ${one.packet}: ${one.message}`);
  const more = count > shown.length ? [`  and ${grouped(count - shown.length)} more`] : [];
  return ['', `${plural(count, 'violation')}, each ended with XDP_ABORTED`, ...shown, ...more];
}
