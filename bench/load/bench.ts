// `npm run bench:load`: milliseconds from bytes to programs that are ready to run, cold and warm. bench/README.md explains the figures.

import { commonHelp, filtered, parseCommonArgs } from '../args.ts';
import { kernelRefusal } from '../kernel.ts';
import { writeFigures } from '../store.ts';
import { LOAD_CASES } from './cases.ts';
import { loadTable } from './report.ts';
import { runLoadBench } from './run.ts';

const HELP = commonHelp('bench:load', 'program, insns, coldMs, firstMs, repeatMs, ...', 'load');

async function main(): Promise<void> {
  const args = parseCommonArgs(process.argv.slice(2));
  if (args.help) {
    process.stdout.write(HELP);
    return;
  }
  const refusal = kernelRefusal();
  if (refusal !== undefined) console.warn(`the kernel does not take part: ${refusal}`);
  const cases = filtered(LOAD_CASES, args.filter);
  const figures = await runLoadBench({ cases, samples: args.samples, kernel: refusal === undefined, cold: true });
  console.log(loadTable(figures));
  writeFigures(args, { figures, ending: '.load' });
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
