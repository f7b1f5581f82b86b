/**
 * Expressions of tcpdump, optimised and not: the packets that match are those tcpdump let through. What tcpdump answered is committed
 * (`scripts/make-filter-cases.ts`), so that it need not be there.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filterCaptureBytes } from '../scripts/filter-frames.ts';
import { parseFilter } from '../src/cbpf/parse.ts';
import { Engine } from '../src/engine.ts';
import { type FilterReport, filterCapture } from '../src/replay/filter.ts';

interface Match {
  readonly count: number;
  readonly sha256: string;
}

type Matches = { readonly traffic: Match; readonly frames: Match };

interface ExpressionCase {
  readonly expression: string;
  readonly filter: string;
  readonly unoptimized: string;
  readonly matches: Matches;
  /** Where they differ: an optimiser leaves out loads that would refuse cut packets. */
  readonly unoptimizedMatches?: Matches;
}

const { cases } = JSON.parse(readFileSync('test/data/cbpf/expressions.json', 'utf8')) as { cases: ExpressionCase[] };
const captures = {
  traffic: new Uint8Array(readFileSync('examples/traffic.pcap')),
  frames: new Uint8Array(readFileSync('test/data/cbpf/frames.pcap')),
};

/** They jump backwards to walk headers, which Linux refuses as well. */
const REFUSED = ['ip protochain 17', 'ip6 protochain 17', 'ip6 protochain 6'];
const runnable = cases.filter(({ expression }) => !REFUSED.includes(expression));

const digest = (numbers: readonly number[]): Match => ({
  count: numbers.length,
  sha256: createHash('sha256').update(numbers.join()).digest('hex').slice(0, 16),
});

describe('matches what tcpdump matches', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.create();
  });
  afterAll(() => engine.close());

  async function matches(filter: string, checked: boolean): Promise<Record<string, Match>> {
    const prog = await engine.loadFilter(filter, { checked });
    const found: Record<string, Match> = {};
    for (const [name, bytes] of Object.entries(captures)) {
      const numbers: number[] = [];
      const report: FilterReport = await filterCapture(engine, prog, bytes, { onMatch: (m) => numbers.push(m.number) });
      expect(report.matched).toBe(numbers.length);
      expect(report.error).toBeUndefined();
      found[name] = digest(numbers);
    }
    prog.close();
    return found;
  }

  test('there are 200 of them at least, and most match something', () => {
    expect(runnable.length).toBeGreaterThanOrEqual(200);
    const idle = runnable.filter(({ matches: m }) => m.frames.count + m.traffic.count === 0);
    expect(idle.length).toBeLessThan(15);
    expect(new Set(cases.map((one) => one.expression)).size).toBe(cases.length);
  });

  test.each(runnable.map((one) => [one.expression, one] as const))('%s', async (_, one) => {
    expect(await matches(one.filter, false)).toEqual(one.matches);
    expect(await matches(one.unoptimized, true)).toEqual(one.unoptimizedMatches ?? one.matches);
  });

  test.each(REFUSED)('%s is refused', async (expression) => {
    const one = cases.find((each) => each.expression === expression);
    await expect(engine.loadFilter(one?.filter as string)).rejects.toMatchObject({ code: 'CBPF_JUMP' });
  });
});

test('the filters are as tcpdump prints them', () => {
  for (const { filter, unoptimized } of cases) {
    expect(parseFilter(filter)).toEqual(parseFilter(filter.replaceAll(',', '\n')));
    expect(parseFilter(unoptimized).length).toBeGreaterThanOrEqual(parseFilter(filter).length);
  }
});

test('the capture is what its script makes', () => {
  expect(Buffer.compare(filterCaptureBytes(), captures.frames)).toBe(0);
});
