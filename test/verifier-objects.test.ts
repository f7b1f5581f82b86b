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
