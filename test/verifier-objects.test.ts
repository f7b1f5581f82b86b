/** What the verifier says of compiled programs whose verdict rests on types: test/data/verify/structs.c. Each line is what Linux 6.18 said. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { link } from '../src/link/link.ts';
import { findProg } from '../src/object/edit.ts';
import { loadObject } from '../src/object/load.ts';
import { Verifier } from '../src/verifier/verify.ts';

const verifier = new Verifier();
const object = loadObject(new Uint8Array(readFileSync('test/data/verify/structs.o')));

test.each([
  ['shared_object', 'Possibly NULL pointer passed to trusted arg0', 17],
  ['pointer_to_number', '', 14],
  [
    'half_made',
    'kernel function bpf_ct_change_timeout args#0 expected pointer to STRUCT nf_conn but R1 has a pointer to STRUCT nf_conn___init',
    23,
  ],
  ['handled', '', 5],
  ['badly_handled', 'exception cb only supports single integer argument', 2],
  ['thrown_again', 'bpf_throw kfunc (insn 4) cannot be called from callback subprog 1', 3],
  ['calls', '', 21],
])('%s', (name, message, processed) => {
  const verdict = verifier.judge(link(object, findProg(object, name)));
  expect(verdict.ok ? '' : verdict.error.text).toBe(message);
  expect(verdict.stats.insns).toBe(processed);
});

test('functions are laid out depth first, handlers of exceptions last', () => {
  const names = (name: string): string[] => link(object, findProg(object, name)).funcs.map((func) => func.name);
  expect(names('calls')).toEqual(['calls', 'first', 'inner', 'second']);
  expect(names('handled')).toEqual(['handled', 'handler']);
});

test('tags of arguments: Linux takes these, and says of the others that the caller passes invalid args', () => {
  const tags = loadObject(new Uint8Array(readFileSync('test/data/verify/tags.o')));
  const taken = tags.progs.filter((spec) => {
    const verdict = verifier.judge(link(tags, spec));
    if (!verdict.ok) expect(verdict.error.text).toBe(`Caller passes invalid args into func#1 ('g_${spec.name}')`);
    return verdict.ok;
  });
  expect(tags.progs).toHaveLength(40);
  expect(taken.map(({ name }) => name)).toEqual([
    'ctx',
    'ctx_ctx',
    'mem_untrusted',
    'task_untrusted',
    'nothing_ctx',
    'nothing_untrusted',
  ]);
});

test('a program refers to 64 maps at most', () => {
  const lddw = (map: number): number[] => [0x18, 0x51, 0, 0, map, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const many = (count: number): boolean => {
    const own = link(object, findProg(object, 'calls'));
    const insns = Uint8Array.from([
      ...Array.from({ length: count }, (_, i) => lddw(i)).flat(),
      ...[0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0],
    ]);
    const maps = Array.from({ length: count }, () => ({ ...object.maps[0], btfKeyTypeId: 0, btfValueTypeId: 0 }));
    const funcs = [{ name: 'main', start: 0, end: insns.length / 8 }];
    const { btf: _btf, ...rest } = own;
    const verdict = verifier.judge({ ...rest, insns, maps, funcs, kfuncs: [], lines: [] });
    if (!verdict.ok) {
      expect(verdict.error.text).toBe('The total number of maps per program has reached the limit of 64');
    }
    return verdict.ok;
  };
  expect(many(64)).toBe(true);
  expect(many(65)).toBe(false);
});

test('a program with an arena is judged, and has ops', () => {
  const arena = loadObject(new Uint8Array(readFileSync('test/data/object/arena.o')));
  const verdict = verifier.judge(link(arena, arena.progs[0]));
  expect(verdict.ok).toBe(true);
  expect(verdict.ok && verdict.prog.ops.length).toBeGreaterThan(0);
});
