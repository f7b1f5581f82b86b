// `npm run bench:chart -- bench/results/NAME.json [FILE.svg]`: the chart of a stored run, docs/bench.svg unless a file is given.

import { readFileSync, writeFileSync } from 'node:fs';
import { chart } from './chart.ts';
import type { Machine } from './machine.ts';
import { projectPath } from './project.ts';
import type { Figure } from './report.ts';

const USAGE = 'usage: npm run bench:chart -- bench/results/NAME.json [FILE.svg], where NAME.machine.json is beside it';

/** @throws TypeError that names the file which is not there, or is no JSON */
function read(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new TypeError(`${file} cannot be read: ${error instanceof Error ? error.message : error}; ${USAGE}`);
  }
}

try {
  const [results, svg = projectPath('docs/bench.svg')] = process.argv.slice(2);
  if (results === undefined || !results.endsWith('.json')) {
    throw new TypeError(USAGE);
  }
  const figures = read(results) as Figure[];
  const machine = read(results.replace(/\.json$/, '.machine.json')) as Machine;
  writeFileSync(svg, chart(figures, machine));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
