/**
 * Our engine against what the kernel did (test/kernel/observed): the same transcripts, on any machine. Cases that cannot be compared are
 * listed by their reason, and how many there are is part of the test.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engine.ts';
import { Bench, newEngine, sample, variants } from '../engines.cases.ts';
import { comparableStep, incomparable, observeEngine } from '../kernel/adapter.ts';
import { caseTables } from '../kernel/cases/index.ts';
import { transcript } from '../kernel/cases/transcript.ts';
import type { Case } from '../kernel/cases/types.ts';

/** The committed transcript of a table, by case. */
function readObserved(table: string): Map<string, string[]> {
  const text = readFileSync(new URL(`../kernel/observed/${table}.txt`, import.meta.url), 'utf8');
  const cases = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.trimEnd().split('\n')) {
    if (line.startsWith('  ')) lines.push(line);
    else {
      lines = [];
      cases.set(line, lines);
    }
  }
  return cases;
}

/** Programs that only a verifier can refuse: the structural check lets them pass, and checks stop them as they run. */
const needsVerifier = (lines: readonly string[], source: Case): boolean =>
  lines[0]?.startsWith('  refused:') === true && source.progs.length > 0;

/** Lines that can be compared: those of steps the engine has no call for are left out on both sides. */
function comparableLines(source: Case, lines: readonly string[]): string[] {
  const kept = lines.filter((_, i) => source.steps[i] === undefined || comparableStep(source.steps[i]!));
  // What BPF_PROG_TEST_RUN gives back of a socket filter's packet is the kernel's own affair; such a program cannot write to it.
  const isFilter = source.progs[0]?.type === 'socket_filter';
  return kept.map((line) => (isFilter ? line.replace(/ data .*/, '') : line).trimEnd());
}

describe.each(variants)('what the kernel did, our engine does: $name', (variant) => {
  let engine: Engine;
  let used: number;
  beforeAll(async () => {
    engine = await newEngine();
    // What an engine keeps for good: buffers for keys, values and packets, and the table of maps.
    engine.scratch(1 << 20);
    engine.frames(1 << 14);
    new Bench(engine, [{ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 }]).close();
    used = engine.runtime.mem_used();
  });
  afterAll(() => engine.close());

  test.each(Object.keys(caseTables))('%s', async (table) => {
    const observed = readObserved(table);
    const differences: string[] = [];
    let compared = 0;
    let runs = 0;
    let expectedRuns = 0;
    for (const source of sample(caseTables[table]!, variant)) {
      const wanted = observed.get(source.name) ?? [];
      if (incomparable(source) !== undefined || needsVerifier(wanted, source)) continue;
      const found = await observeEngine(engine, source, variant);
      runs += found.runs;
      expectedRuns += wanted.filter((line) => /^ {2}run .* data /.test(line)).length;
      const lines = transcript(source, found).trimEnd().split('\n').slice(1);
      const [a, b] = [comparableLines(source, lines).join('\n'), comparableLines(source, wanted).join('\n')];
      if (a !== b) differences.push(`${source.name}\n${a}\n  kernel:\n${b}`);
      compared++;
    }
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThan(0);
    expect(runs).toBeGreaterThanOrEqual(expectedRuns);
    expect(engine.runtime.mem_used()).toBe(used);
    expect(engine.table.used).toBe(0);
  });
});

test('what is not compared, and why', () => {
  const reasons: Record<string, number> = {};
  for (const [table, cases] of Object.entries(caseTables)) {
    const observed = readObserved(table);
    for (const source of cases) {
      const verifier = needsVerifier(observed.get(source.name) ?? [], source)
        ? 'only a verifier refuses it'
        : undefined;
      const reason = incomparable(source) ?? verifier;
      if (reason !== undefined) reasons[reason] = (reasons[reason] ?? 0) + 1;
    }
  }
  expect(reasons).toMatchInlineSnapshot(`
    {
      "devices of the machine are not known here": 1,
      "only a verifier refuses it": 4,
      "programs of type sched_cls are not run": 143,
    }
  `);
});
