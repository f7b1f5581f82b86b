/** One row for each thing the structural check refuses, with the text; and that it refuses nothing else of the kind. */
import { describe, expect, test } from 'vitest';
import { BpfError } from '../src/errors/index.ts';
import { VERIFIER_ERRORS } from '../src/errors/verifier.ts';
import { checkStructure } from '../src/verifier/structural.ts';
import { type BareProg, linkedProg, mapSpec, newEngine } from './engines.cases.ts';
import {
  asm,
  callSubprog,
  exit,
  type Item,
  ja,
  jmp,
  label,
  lddw,
  lddwMap,
  lddwMapValue,
  ldx,
  mov,
  movr,
  raw,
  stx,
} from './kernel/cases/asm.ts';

interface Row {
  readonly code: string;
  readonly text: string;
  readonly items?: readonly Item[];
  readonly prog?: Partial<BareProg>;
}

/** Functions that each call the next one. */
const chain = (length: number): Item[] =>
  Array.from({ length }, (_, i): Item[] => [
    label(`f${i}`),
    ...(i + 1 < length ? [callSubprog(`f${i + 1}`)] : []),
    exit(),
  ]).flat();

const rows: readonly Row[] = [
  {
    code: 'VERIFIER_EMPTY',
    items: [],
    text: 'program p: function p has no insns, or its range lies outside the program',
  },
  {
    code: 'VERIFIER_EMPTY',
    items: [exit()],
    prog: { funcs: [{ name: 'main', start: 0, end: 9 }] },
    text: 'program p: function main has no insns, or its range lies outside the program',
  },
  {
    code: 'VERIFIER_JUMP_RANGE',
    items: [ja(5), exit()],
    text: 'program p: jump out of range from insn 0 to 6: a jump must stay inside its function (main)',
  },
  {
    code: 'VERIFIER_JUMP_RANGE',
    items: [jmp('jeq', 0, 0, -9), exit()],
    text: 'program p: jump out of range from insn 0 to -8: a jump must stay inside its function (main)',
  },
  {
    code: 'VERIFIER_JUMP_RANGE',
    items: [callSubprog('s'), ja('s'), label('s'), exit()],
    text: 'program p: jump out of range from insn 1 to 2: a jump must stay inside its function (main)',
  },
  {
    code: 'VERIFIER_JUMP_MIDDLE',
    items: [ja(1), lddw(0, 1n), exit()],
    text: 'program p: jump from insn 0 into the middle of ldimm64 insn 2',
  },
  {
    code: 'VERIFIER_FRAME_POINTER',
    items: [mov(10, 1), exit()],
    text: 'program p: insn 0: frame pointer is read only',
  },
  {
    code: 'VERIFIER_FRAME_POINTER',
    items: [ldx('dw', 10, 1, 0), exit()],
    text: 'program p: insn 0: frame pointer is read only',
  },
  {
    code: 'VERIFIER_FRAME_POINTER',
    items: [lddw(10, 1n), exit()],
    text: 'program p: insn 0: frame pointer is read only',
  },
  {
    code: 'VERIFIER_FRAME_POINTER',
    items: [raw(0xdb, 1, 10, 0, 0x01), exit()],
    text: 'program p: insn 0: frame pointer is read only',
  },
  {
    code: 'VERIFIER_HELPER',
    items: [raw(0x85, 0, 0, 0, 4242), exit()],
    text: 'program p: insn 0: helper #4242 is unknown, or this engine does not implement it',
  },
  {
    code: 'VERIFIER_KFUNC',
    items: [raw(0x85, 0, 2, 0, 3), exit()],
    text: 'program p: insn 0: kfunc #3 is unknown, or this engine does not implement it',
  },
  {
    code: 'VERIFIER_KSYM',
    items: [{ ...raw(0x18, 1, 3, 0, 12), high: 0 }, exit()],
    text: 'program p: insn 0: kernel variable with BTF id 12: there is no kernel here to take it from',
  },
  {
    code: 'VERIFIER_MAP_INDEX',
    items: [lddwMap(1, 2), exit()],
    text: 'program p: insn 0 refers to map 2, but the program has 2 maps',
  },
  {
    code: 'VERIFIER_MAP_INDEX',
    items: [lddwMapValue(1, -1), exit()],
    text: 'program p: insn 0 refers to map -1, but the program has 2 maps',
  },
  {
    code: 'VERIFIER_MAP_VALUE',
    items: [lddwMapValue(1, 1), exit()],
    text: 'program p: insn 0 takes the address of a value of map h: only an array map has one that is known beforehand',
  },
  {
    code: 'VERIFIER_CALL_TARGET',
    items: [callSubprog(1), exit(), mov(0, 1), exit()],
    prog: { funcs: [{ name: 'main', start: 0, end: 4 }] },
    text: 'program p: insn 0 calls 2, where no function starts',
  },
  {
    code: 'VERIFIER_CALL_TARGET',
    items: [{ ...raw(0x18, 1, 4, 0, 2), high: 0 }, mov(0, 0), exit()],
    prog: { funcs: [{ name: 'main', start: 0, end: 4 }] },
    text: 'program p: insn 0 calls 3, where no function starts',
  },
  {
    code: 'VERIFIER_FALLS_OFF',
    items: [exit(), mov(0, 1)],
    text: 'program p: last insn of main (1) is not an exit or jmp: control would fall off the end',
  },
  {
    code: 'VERIFIER_FALLS_OFF',
    items: [jmp('jeq', 0, 0, -1)],
    text: 'program p: last insn of main (0) is not an exit or jmp: control would fall off the end',
  },
  {
    code: 'VERIFIER_RECURSION',
    items: [label('f0'), callSubprog('f0'), exit()],
    text: 'program p: recursive call: function main reaches itself',
  },
  {
    code: 'VERIFIER_RECURSION',
    items: [callSubprog('a'), exit(), label('a'), callSubprog('b'), exit(), label('b'), callSubprog('a'), exit()],
    text: 'program p: recursive call: function sub2 reaches itself',
  },
  {
    code: 'VERIFIER_CALL_DEPTH',
    items: chain(9),
    text: 'program p: the call stack of 9 frames is too deep; the limit is 8',
  },
  {
    code: 'VERIFIER_TYPE',
    items: [exit()],
    prog: { type: 'kprobe' },
    text: 'program p has type kprobe, which this engine cannot run; it runs xdp and socket_filter',
  },
];

const maps = [
  mapSpec('m', { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 }),
  mapSpec('h', { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 1 }),
];

describe('refused', () => {
  test.each(rows)('$code: $text', async ({ code, text, items, prog }) => {
    const engine = await newEngine();
    const linked = linkedProg({ name: 'p', insns: asm(items ?? []), ...prog }, maps);
    const live = new Map(maps.map((spec) => [spec, engine.createMap(spec)]));
    const error = await engine.loadLinked([linked], live, { unverified: true, checked: true }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(BpfError);
    expect((error as BpfError).code).toBe(code);
    expect((error as BpfError).message).toBe(text);
    engine.close();
  });

  test('every code of the table has a row', () => {
    // Those of the verifier proper are tested with it.
    const thrownElsewhere = /REFUSED|OPTION|MEMORY|INTERNAL|PROG_TYPE|RIGHTS|ATTACH_TYPE|FLAGS|CAPABILIT/;
    const codes = Object.keys(VERIFIER_ERRORS).filter((code) => !thrownElsewhere.test(code));
    expect(new Set(rows.map((row) => row.code))).toEqual(new Set(codes));
  });
});

describe('taken', () => {
  const fine: readonly (readonly [string, readonly Item[]])[] = [
    ['eight frames', chain(8)],
    ['R10 as a source', [movr(1, 10), stx('dw', 10, 10, -8), exit()]],
    ['cmpxchg and store-release from R10', [raw(0xdb, 1, 10, 0, 0xf1), raw(0xdb, 1, 10, 0, 0x110), exit()]],
    ['code that nothing reaches', [exit(), mov(0, 1), exit()]],
    ['a last insn that jumps back', [mov(0, 1), ja(-2)]],
  ];
  test.each(fine)('%s', (_name, items) => {
    expect(checkStructure(linkedProg({ name: 'p', insns: asm(items) })).ops.length).toBeGreaterThan(0);
  });
});
