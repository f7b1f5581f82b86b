// `npm run bench`: ns a packet of this engine and of the kernel's JIT, measured in one run. bench/README.md explains the figures.

import { writeFileSync } from 'node:fs';
import { type BenchArgs, HELP, parseBenchArgs } from './args.ts';
import { CASES, FIXED_COST } from './cases.ts';
import { machine } from './machine.ts';
import { table } from './report.ts';
import { runBench } from './run.ts';

const WARM_UP_SECONDS = 0.15;

function progress(done: number, of: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(done === of ? '\r\x1b[K' : `\rround ${done} of ${of}`);
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

async function main(args: BenchArgs): Promise<void> {
  if (args.help) {
    process.stdout.write(HELP);
    return;
  }
  const cases = CASES.filter(({ name }) => name === FIXED_COST || name.includes(args.filter));
  const { figures, refusal } = await runBench({ ...args, cases, warmUpSeconds: WARM_UP_SECONDS, onRound: progress });
  if (refusal !== undefined) console.warn(`the kernel does not take part: ${refusal}`);
  console.log(table(figures));
  if (args.json !== undefined) writeFileSync(args.json, json(figures));
  if (args.meta !== undefined) writeFileSync(args.meta, json(machine()));
}

try {
  await main(parseBenchArgs(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
