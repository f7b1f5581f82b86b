// Files that a bench writes: figures, and what they were measured on.

import { writeFileSync } from 'node:fs';
import type { CommonArgs } from './args.ts';
import { machine } from './machine.ts';
import { projectPath } from './project.ts';

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export interface Figures {
  readonly figures: readonly unknown[];
  /** Of the stored files' names, between NAME and `.json`; '' for the main bench. */
  readonly ending: string;
}

/** What `--json`, `--meta` and `--store` ask for. */
export function writeFigures({ json: file, meta, store, samples }: CommonArgs, { figures, ending }: Figures): void {
  const name = store === undefined ? undefined : projectPath(`bench/results/${store}${ending}`);
  for (const path of [file, name && `${name}.json`]) if (path !== undefined) writeFileSync(path, json(figures));
  for (const path of [meta, name && `${name}.machine.json`])
    if (path !== undefined) writeFileSync(path, json(machine(samples)));
}
