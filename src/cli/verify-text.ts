/** What `bpf2wasm verify` prints: logs, why programs are refused, and a table in veristat's words. */
import { table } from './output.ts';
import type { ProgVerdict } from './verify.ts';

const TITLES = [
  'File',
  'Program',
  'Verdict',
  '>Duration (us)',
  '>Insns',
  '>States',
  '>Peak states',
  '>Program size',
  '>Stack depth',
  '>Peak memory',
];

function row({ file, program, verdict, stats }: ProgVerdict): string[] {
  const own = [file.slice(file.lastIndexOf('/') + 1), program, verdict];
  if (stats === undefined) return [...own, ...TITLES.slice(own.length).map(() => '-')];
  const { durationUs, insns, totalStates, peakStates, size, stackDepth, peakMemory } = stats;
  const depth = stackDepth.length === 0 ? '-' : stackDepth.join('+');
  return [...own, ...[durationUs, insns, totalStates, peakStates, size].map(String), depth, String(peakMemory)];
}

function details({ program, verdict, log, error, explanation }: ProgVerdict): string[] {
  const lines: string[] = [];
  if (log !== undefined)
    lines.push(`-- BEGIN PROG LOAD LOG: ${program} --`, log.replace(/\n$/, ''), '-- END PROG LOAD LOG --', '');
  if (explanation !== undefined) lines.push(`${program} is refused: ${explanation.text}`);
  else if (verdict === 'skipped') lines.push(`${program} is skipped: ${error?.message}`, '');
  else if (error !== undefined) {
    const more = error.code === 'VERIFIER_REFUSED' ? ' (--explain says more)' : '';
    lines.push(`${program} is refused: ${error.message}${more}`, '');
  }
  return lines;
}

export function verdictLines(verdicts: readonly ProgVerdict[]): string[] {
  return [...verdicts.flatMap(details), ...table(TITLES, verdicts.map(row)), ''];
}
