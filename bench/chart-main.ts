// `npm run bench:chart -- bench/results/NAME.json [FILE.svg]`: the chart of a stored run, docs/bench.svg unless a file is given.

import { readFileSync, writeFileSync } from 'node:fs';
import { chart } from './chart.ts';
import type { Machine } from './machine.ts';
import { projectPath } from './project.ts';
import type { Figure } from './report.ts';

const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

try {
  const [results, svg = projectPath('docs/bench.svg')] = process.argv.slice(2);
  if (results === undefined || !results.endsWith('.json')) {
    throw new TypeError('usage: npm run bench:chart -- bench/results/NAME.json [FILE.svg]');
  }
  const machine = read(results.replace(/\.json$/, '.machine.json')) as Machine;
  writeFileSync(svg, chart(read(results) as Figure[], machine));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
