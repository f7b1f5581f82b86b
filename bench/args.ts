// The bench's command line.

import { parseArgs } from 'node:util';

export interface BenchArgs {
  readonly help: boolean;
  readonly filter: string;
  readonly samples: number;
  readonly against: string | undefined;
  readonly json: string | undefined;
  readonly meta: string | undefined;
  readonly optimized: boolean;
  readonly kernelTrace: boolean;
}

export const HELP = `npm run bench -- [options]

  --filter TEXT    only programs whose name contains TEXT (the empty program always runs: it is the fixed cost)
  --samples N      samples of each engine and program (default 60)
  --optimized      also code that binaryen has optimised
  --kernel-trace   time the kernel on programs that print, too: each packet puts a line into the machine's trace buffer
  --against DIR    also the engine of another build, DIR being its dist folder: before and after a change, in one run
  --json FILE      write [{ program, engine, packetBytes, medianNs, minNs, p90Ns, samples }]
  --meta FILE      write what it was measured on: processor, kernel, versions, date
  --help
`;

const DEFAULT_SAMPLES = '60';
const MAX_SAMPLES = 100_000;

/** @throws TypeError that names the option */
export function parseBenchArgs(argv: readonly string[]): BenchArgs {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', default: false },
      filter: { type: 'string', default: '' },
      samples: { type: 'string', default: DEFAULT_SAMPLES },
      optimized: { type: 'boolean', default: false },
      'kernel-trace': { type: 'boolean', default: false },
      against: { type: 'string' },
      json: { type: 'string' },
      meta: { type: 'string' },
    },
  });
  const samples = Number(values.samples);
  if (!Number.isInteger(samples) || samples < 1 || samples > MAX_SAMPLES) {
    throw new TypeError(`--samples ${values.samples}: an integer from 1 to ${MAX_SAMPLES} is wanted`);
  }
  const { help, filter, optimized, against, json, meta } = values;
  return { help, filter, samples, optimized, kernelTrace: values['kernel-trace'], against, json, meta };
}
