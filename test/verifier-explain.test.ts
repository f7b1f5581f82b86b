/** What is said of each mistake in test/data/verify/refused.c: the source, the way there, what the register held, the check that is missing. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Btf } from '../src/btf/types.ts';
import { link } from '../src/link/link.ts';
import { findProg } from '../src/object/edit.ts';
import { loadObject } from '../src/object/load.ts';
import { type Explanation, explain } from '../src/verifier/explain.ts';
import { adviceFor } from '../src/verifier/explain-advice.ts';
import { messageRows } from '../src/verifier/messages.ts';
import { Verifier } from '../src/verifier/verify.ts';
import { buildCase } from './verifier/asm.ts';

const verifier = new Verifier();
const object = loadObject(new Uint8Array(readFileSync('test/data/verify/refused.o')));

function explained(name: string): Explanation {
  const verdict = verifier.judge(link(object, findProg(object, name)));
  if (verdict.ok) throw new Error(`${name} is accepted`);
  return explain(verdict.error);
}

function mistake(name: string): Explanation {
  const mistakes = loadObject(new Uint8Array(readFileSync('test/data/verify/mistakes.o')));
  const verdict = verifier.judge(link(mistakes, findProg(mistakes, name)));
  if (verdict.ok) throw new Error(`${name} is accepted`);
  return explain(verdict.error);
}

describe('explain', () => {
  test('pointers that a call made stale', () => {
    const said = mistake('stale');
    expect(said.missing).toContain('until line 13: if (bpf_xdp_adjust_head(ctx, 4)), which may move the packet');
    expect(said.fix).toContain('data = (void *)(long)ctx->data;');
  });

  test('an access behind a cast', () => {
    expect(mistake('cast')).toMatchObject({
      expression: 'data',
      fix: 'if ((void *)data + 31 > data_end)\n    return XDP_PASS;',
    });
  });

  test('a CO-RE relocation that the target cannot answer', () => {
    const target = loadObject(new Uint8Array(readFileSync('test/data/object/core-target.o'))).btf as Btf;
    const object = loadObject(new Uint8Array(readFileSync('test/data/object/core-relo.o')));
    const verdict = verifier.judge(link(object, findProg(object, 'off_nowhere'), { core: target }));
    expect(verdict.ok ? '' : explain(verdict.error).missing).toMatch(/nothing for <byte_off> .*struct nowhere\.x/);
  });

  test('a packet access without its comparison', () => {
    const said = explained('no_bounds_check');
    expect(said).toMatchObject({
      at: { func: 'no_bounds_check', source: 'return ip->protocol == 6 ? XDP_DROP : XDP_PASS;' },
      expression: 'ip->protocol',
      register: {
        name: 'R1',
        holds: 'a pointer into the packet, of which 14 bytes from its base on are shown to be there',
      },
      history: [{ source: 'void *data = (void *)(long)ctx->data;' }],
      path: [{ source: 'if ((void *)(eth + 1) > data_end)', taken: false }],
      fix: 'if ((void *)(ip + 1) > data_end)\n    return XDP_PASS;',
    });
    expect(said.at.line).toBe(
      readFileSync('test/data/verify/refused.c', 'utf8')
        .split('\n')
        .findIndex((l) => l.includes('ip->protocol')) + 1,
    );
    expect(said.text).toContain('The way there:\n  line ');
  });

  test('a lookup that may find nothing', () => {
    expect(explained('no_null_check')).toMatchObject({
      expression: 'count',
      register: { holds: 'a value of map hits (8 bytes), or NULL' },
      fix: 'if (!count)\n    return XDP_PASS;',
    });
  });

  test('an index without bounds', () => {
    expect(explained('no_index_check')).toMatchObject({
      expression: 'table[i]',
      fix: 'if (i >= sizeof(table) / sizeof(table[0]))\n    return XDP_PASS;',
    });
  });

  test('a reference that is kept', () => {
    const said = explained('leaked_reference');
    expect(said.missing).toContain('bpf_ringbuf_reserve(&events, sizeof(*event), 0); (insn 5) is not given back');
    expect(said.path.map(({ taken }) => taken)).toEqual([false, true]);
  });

  test('a helper of another program type: which types may call it', () => {
    expect(explained('wrong_helper').missing).toBe(
      'Programs of type xdp may not call bpf_skb_vlan_pop. Of packet programs, these may: sched_cls, sched_act.',
    );
  });

  test('without debug information: insns', () => {
    const { prog } = buildCase({
      name: 'p',
      verdict: 'refuse',
      insns: 'r6 = r1\nr7 = r6\nr0 = *(u8 *)(r7 + 99)\nexit',
    });
    const verdict = verifier.judge(prog);
    const said = verdict.ok ? undefined : explain(verdict.error);
    expect(said?.at).toEqual({ pc: 2, insn: 'r0 = *(u8 *)(r7 +99)', func: 'main' });
    expect(said?.text).toContain('insn 2: r0 = *(u8 *)(r7 +99)');
  });
});

test('there is advice for every message, and most have a row of their own', () => {
  const { prog } = buildCase({ name: 'p', verdict: 'refuse', insns: 'exit' });
  const plain = new Set<string>();
  for (const { text, class: kind } of Object.values(messageRows())) {
    const one = {
      text: text.replace(/%\d(:\w+)?/g, '1'),
      prog,
      name: 'ptr',
      index: undefined,
      isMember: true,
      giveUp: 'return 0;',
      at: String,
    };
    const { missing } = adviceFor(one, kind);
    expect(missing).toMatch(/\.$/);
    if (missing === adviceFor({ ...one, text: '' }, kind).missing) plain.add(text);
  }
  expect(plain.size).toBeLessThan(Object.keys(messageRows()).length / 8);
});
