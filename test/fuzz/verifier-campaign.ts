// Many generated programs through both verifiers: counts by class, one example of each group.

import type { Diff, DiffClass, Differ } from './verifier-diff.ts';
import { generateAware } from './verifier-gen-aware.ts';
import { generateBytes } from './verifier-gen-bytes.ts';
import { generateCorpus } from './verifier-gen-corpus.ts';
import { generateGrammar } from './verifier-gen-grammar.ts';
import type { Generated } from './verifier-item.ts';

export const GENERATORS = {
  aware: generateAware,
  grammar: generateGrammar,
  bytes: generateBytes,
  corpus: generateCorpus,
} as const;
export type GeneratorName = keyof typeof GENERATORS;

export interface Group {
  readonly class: DiffClass;
  readonly group: string;
  count: number;
  /** The shortest example. */
  generated: Generated;
  seed: number;
  diff: Diff;
}

export interface Tally {
  readonly runs: number;
  readonly accepted: number;
  readonly classes: Readonly<Partial<Record<DiffClass, number>>>;
  readonly groups: readonly Group[];
}

/** Programs of seeds first .. first + runs - 1. */
export function campaign(differ: Differ, name: GeneratorName, first: number, runs: number): Tally {
  const classes: Partial<Record<DiffClass, number>> = {};
  const groups = new Map<string, Group>();
  let taken = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const generated = GENERATORS[name](seed);
    const diff = differ.compare(generated);
    if (diff.kernel.verdict === 'accept') taken++;
    classes[diff.class] = (classes[diff.class] ?? 0) + 1;
    if (diff.class === 'same') continue;
    const key = `${diff.class} ${diff.group}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { class: diff.class, group: diff.group, count: 1, generated, seed, diff });
    else {
      known.count++;
      if (generated.lines.length < known.generated.lines.length) Object.assign(known, { generated, seed, diff });
    }
  }
  const sorted = [...groups.values()].sort((a, b) => b.count - a.count);
  return { runs, accepted: taken, classes, groups: sorted };
}
