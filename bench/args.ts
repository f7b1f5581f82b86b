// The command lines of the benches.

import { parseArgs } from 'node:util';

/** Everybody who may take part: the running kernel, this engine as users have programs compiled, and clang's own Wasm of the same C. */
export const CONTENDERS = ['kernel-jit', 'bpf2wasm', 'bpf2wasm-checked', 'bpf2wasm-optimized', 'clang-wasm'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** What every bench may be told. */
export interface CommonArgs {
  readonly help: boolean;
  readonly filter: string;
  readonly samples: number;
  readonly json: string | undefined;
  readonly meta: string | undefined;
  readonly store: string | undefined;
}

export interface BenchArgs extends CommonArgs {
  readonly engines: readonly ContenderName[];
  readonly against: string | undefined;
  readonly kernelTrace: boolean;
}

export const HELP = `npm run bench -- [options]

  --filter TEXT    only programs whose name contains TEXT (the empty program always runs: it is the fixed cost)
  --engines LIST   only these, by commas, of ${CONTENDERS.join(', ')}
  --samples N      samples of each engine and program (default 20)
  --kernel-trace   time the kernel on programs that print, too: each packet puts a line into the machine's trace buffer
  --against DIR    also the engine of another build, DIR being its dist folder: before and after a change, in one run
  --json FILE      write [{ program, engine, packetBytes, medianNs, minNs, p90Ns, samples }]
  --meta FILE      write what it was measured on: processor, kernel, versions, date
  --store NAME     both, as bench/results/NAME.json and NAME.machine.json
  --help
`;

/** Help of a bench that has the common options alone: its script, the columns of its JSON, the ending of what it stores. */
export function commonHelp(script: string, fields: string, ending: string): string {
  return `npm run ${script} -- [options]

  --filter TEXT    only programs whose name contains TEXT
  --samples N      samples of each program (default ${DEFAULT_SAMPLES})
  --json FILE      write [{ ${fields} }]
  --meta FILE      write what it was measured on: processor, kernel, versions, date
  --store NAME     both, as bench/results/NAME.${ending}.json and NAME.${ending}.machine.json
  --help
`;
}

/** What `--filter` picks. @throws TypeError that lists what there is, when that is nothing */
export function filtered<T extends { readonly name: string }>(all: readonly T[], filter: string): T[] {
  const found = all.filter(({ name }) => name.includes(filter));
  if (found.length > 0) return found;
  throw new TypeError(`--filter ${filter}: there is ${all.map(({ name }) => name).join(', ')}`);
}

const DEFAULT_SAMPLES = '20';
const MAX_SAMPLES = 100_000;

function samplesOf(text: string): number {
  const samples = Number(text);
  if (!Number.isInteger(samples) || samples < 1 || samples > MAX_SAMPLES) {
    throw new TypeError(`--samples ${text}: an integer from 1 to ${MAX_SAMPLES} is wanted`);
  }
  return samples;
}

function enginesOf(text: string | undefined): readonly ContenderName[] {
  if (text === undefined) return CONTENDERS;
  return text.split(',').map((name) => {
    const found = CONTENDERS.find((one) => one === name);
    if (found === undefined) throw new TypeError(`--engines: ${name} is none of ${CONTENDERS.join(', ')}`);
    return found;
  });
}

/** A file name, and nothing else. */
function storeOf(name: string | undefined): string | undefined {
  if (name !== undefined && !/^[\w][\w.-]*$/.test(name)) throw new TypeError(`--store ${name}: a name is wanted`);
  return name;
}

const COMMON = {
  help: { type: 'boolean', default: false },
  filter: { type: 'string', default: '' },
  samples: { type: 'string', default: DEFAULT_SAMPLES },
  json: { type: 'string' },
  meta: { type: 'string' },
  store: { type: 'string' },
} as const;

/** @throws TypeError that names the option */
export function parseCommonArgs(argv: readonly string[]): CommonArgs {
  const { values } = parseArgs({ args: [...argv], options: COMMON });
  const { help, filter, json, meta } = values;
  return { help, filter, json, meta, samples: samplesOf(values.samples), store: storeOf(values.store) };
}

/** @throws TypeError that names the option */
export function parseBenchArgs(argv: readonly string[]): BenchArgs {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...COMMON,
      engines: { type: 'string' },
      'kernel-trace': { type: 'boolean', default: false },
      against: { type: 'string' },
    },
  });
  const { help, filter, against, json, meta } = values;
  return {
    ...{ help, filter, against, json, meta },
    engines: enginesOf(values.engines),
    samples: samplesOf(values.samples),
    store: storeOf(values.store),
    kernelTrace: values['kernel-trace'],
  };
}
