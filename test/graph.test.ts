/** The graph of tail calls: which slots a call reaches, in each form it is shown. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Graph, graphOf, indexText, siteText } from '../src/cli/graph-data.ts';
import { dotText } from '../src/cli/graph-dot.ts';
import { svgText } from '../src/cli/graph-svg.ts';
import { parseSetting } from '../src/cli/set.ts';
import { link } from '../src/link/link.ts';
import { loadObject } from '../src/object/load.ts';
import { Verifier } from '../src/verifier/verify.ts';
import { fixture } from './data/patch.ts';
import { buildCase } from './verifier/asm.ts';

const example = () => loadObject(readFileSync('examples/tail_call.o'));
const settings = ['prog_array[0]=port8080_prog', 'prog_array[1]=port22_prog'].map(parseSetting);
const bare = (graph: Graph) => graph.edges.map(({ from, map, slot, to }) => `${from} ${map}[${slot}] ${to}`);

describe('edges', () => {
  test('a variable index reaches the slots of its range', () => {
    const graph = graphOf(example(), { settings });
    expect(bare(graph)).toEqual(['main_prog prog_array[0] port8080_prog', 'main_prog prog_array[1] port22_prog']);
    expect(graph.programs[0].calls).toEqual([
      { pc: 40, where: 'main_prog tail_call.c:65', map: 'prog_array', lo: 0, hi: 1 },
    ]);
    expect(bare(graphOf(example(), { settings: settings.slice(1) }))).toEqual(['main_prog prog_array[1] port22_prog']);
  });

  test('a constant index reaches one slot, also one that a declaration tag fills', () => {
    const graph = graphOf(loadObject(fixture('object/tagged.o'), { name: 'tagged' }), { settings: [] });
    expect(bare(graph)).toEqual(['entry calls[5] tail_five']);
    expect(graph.arrays).toEqual([
      {
        name: 'calls',
        entries: 8,
        slots: [
          { slot: 2, program: 'tail_two' },
          { slot: 5, program: 'tail_five' },
        ],
      },
    ]);
  });

  test('a program that is refused says why', () => {
    const object = loadObject(fixture('verify/refused.o'), { name: 'refused' });
    const { programs } = graphOf(object, { settings: [] });
    expect(programs.find(({ name }) => name === 'no_null_check')).toMatchObject({
      calls: [],
      error: { code: 'VERIFIER_REFUSED' },
    });
  });
});

describe('ranges', () => {
  const range = (text: string, tailCallRanges = true) => {
    const { prog } = buildCase({
      name: 'range',
      maps: { jumps: { type: 'prog_array', key: 4, value: 4, entries: 100 } },
      insns: `r6 = r1\ncall bpf_get_prandom_u32\nr3 = r0\n${text}\nr1 = r6\nr2 = map[jumps]\ncall bpf_tail_call\nr0 = 0\nexit`,
      verdict: 'accept',
    });
    const verdict = new Verifier().judge(prog, { tailCallRanges });
    if (!verdict.ok) throw verdict.error;
    const pc = verdict.prog.ops.findIndex((op) => op?.kind === 'call' && op.helper === 12);
    return verdict.prog.proof.tailCallRange(pc);
  };
  test.each([
    ['r3 &= 7', 0, 7],
    ['r3 &= 7\nr3 += 3', 3, 10],
    ['r3 = 5', 5, 5],
    // Two paths that would be taken for one where nobody relied on the index.
    ['r7 = r0\nr3 = 2\nif r7 > 9 goto +1\nr3 = 40', 2, 40],
    ['w3 = w3', 0, 0xffffffff],
  ])('%s', (text, lo, hi) => expect(range(text)).toEqual({ lo, hi }));

  test('are found out on request only: it is not what Linux walks', () => {
    expect(range('r3 &= 7', false)).toBeUndefined();
  });
});

describe('forms', () => {
  const counts = () => ({ taken: 314, missed: 2 });
  const graph = graphOf(example(), { settings, counts });
  const [site] = graph.programs[0].calls;

  test('text of a call', () => {
    expect(siteText(site, graph.arrays)).toBe('pc 40: prog_array[any] taken 314 missed 2');
    expect(indexText({ ...site, lo: 1, hi: 4 }, 8)).toBe('1..4');
    expect(indexText({ ...site, lo: 1, hi: 400 }, 8)).toBe('1..7');
    expect(indexText({ ...site, lo: 3, hi: 3 }, 8)).toBe('3');
  });

  test('Graphviz', () => {
    const text = dotText(graph);
    expect(text).toMatch(/^digraph tail_calls \{\n[\s\S]*\}\n$/);
    expect(text).toContain(
      '"prog main_prog" -> "map prog_array":s0 [label="pc 40: prog_array[any] taken 314 missed 2"];',
    );
    expect(text).toContain('"map prog_array":s1 -> "prog port22_prog";');
  });

  test('a picture has a box for each program and array, and a line for each way', () => {
    const text = svgText(graph);
    expect(text.match(/<rect [^>]*class="prog"/g)).toHaveLength(3);
    expect(text.match(/<rect [^>]*class="map"/g)).toHaveLength(1);
    expect(text.match(/marker-end/g)).toHaveLength(4);
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('circles and an object without tail calls can be drawn', () => {
    const circle = graphOf(example(), { settings: ['prog_array[0]=main_prog'].map(parseSetting) });
    expect(bare(circle)).toEqual(['main_prog prog_array[0] main_prog']);
    expect(svgText(circle)).not.toMatch(/NaN/);
    expect(svgText({ programs: [], arrays: [], edges: [] })).toContain('</svg>');
  });
});

test('the whole is what was linked', () => {
  const object = example();
  expect(graphOf(object, { settings }).programs.map(({ name }) => name)).toEqual(
    object.progs.map((prog) => link(object, prog).name),
  );
});
