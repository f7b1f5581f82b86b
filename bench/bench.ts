// `npm run bench`: ns a packet of this engine and of the kernel's JIT, measured in one run. bench/README.md explains the figures.

import { type BenchArgs, filtered, HELP, parseBenchArgs } from './args.ts';
import { CASES, FIXED_COST } from './cases.ts';
import { ENGINES } from './engine.ts';
import { table } from './report.ts';
import { runBench } from './run.ts';
import { writeFigures } from './store.ts';
import { summaryOf, summaryText } from './summary.ts';

const WARM_UP_SECONDS = 0.12;

function progress(done: number, of: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(done === of ? '\r\x1b[K' : `\rround ${done} of ${of}`);
}

async function main(args: BenchArgs): Promise<void> {
  if (args.help) {
    process.stdout.write(HELP);
    return;
  }
  const cases = [...new Set([...CASES.filter(({ name }) => name === FIXED_COST), ...filtered(CASES, args.filter)])];
  const { figures, refusal, seconds } = await runBench({
    ...args,
    cases,
    warmUpSeconds: WARM_UP_SECONDS,
    onRound: progress,
  });
  if (refusal !== undefined) console.warn(`the kernel does not take part: ${refusal}`);
  console.log(table(figures));
  console.log(`\nloaded and compared in ${seconds.load.toFixed(0)} s, measured in ${seconds.measure.toFixed(0)} s`);
  const ours = Object.keys(ENGINES).filter((engine) => figures.some((figure) => figure.engine === engine));
  for (const engine of ours) console.log(`\n${summaryText(summaryOf(figures, engine))}`);
  writeFigures(args, { figures, ending: '' });
}

try {
  await main(parseBenchArgs(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
