// `npm run bench:verifier`: microseconds of a verification here and of BPF_PROG_LOAD, in one run. bench/README.md explains the figures.

import { commonHelp, filtered, parseCommonArgs } from '../args.ts';
import { kernelRefusal } from '../kernel.ts';
import { writeFigures } from '../store.ts';
import { VERIFIER_CASES } from './cases.ts';
import { verifierTable } from './report.ts';
import { runVerifierBench } from './run.ts';

const HELP = commonHelp('bench:verifier', 'program, insns, processed, states, loadUs, ...', 'verifier');

function main(): void {
  const args = parseCommonArgs(process.argv.slice(2));
  if (args.help) {
    process.stdout.write(HELP);
    return;
  }
  const refusal = kernelRefusal();
  if (refusal !== undefined) console.warn(`the kernel does not take part: ${refusal}`);
  const cases = filtered(VERIFIER_CASES, args.filter);
  const onRound = (done: number, of: number): void => {
    if (process.stderr.isTTY) process.stderr.write(done === of ? '\r\x1b[K' : `\rround ${done} of ${of}`);
  };
  const figures = runVerifierBench({ cases, samples: args.samples, kernel: refusal === undefined, onRound });
  console.log(verifierTable(figures));
  writeFigures(args, { figures, ending: '.verifier' });
}

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
