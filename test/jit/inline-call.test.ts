/** Small functions are written where they are called: their registers, frame and ways out are their own in each copy. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import {
  alu64,
  alu64r,
  asm,
  call,
  callSubprog,
  exit,
  type Item,
  jmp,
  label,
  ldx,
  mov,
  movr,
  st,
  stx,
} from '../kernel/cases/asm.ts';

interface Case {
  readonly name: string;
  readonly insns: readonly Item[];
  readonly r0: number;
}

/** r6..r9 and a slot of the caller's frame live over both calls; the function uses the same names for its own. */
const OWN: readonly Item[] = [
  mov(6, 3),
  mov(7, 5),
  st('dw', 10, -8, 1000),
  movr(1, 6),
  movr(2, 7),
  callSubprog('f'),
  movr(8, 0),
  movr(1, 8),
  movr(2, 6),
  callSubprog('f'),
  ldx('dw', 1, 10, -8),
  alu64r('add', 0, 1),
  alu64r('add', 0, 6),
  alu64r('add', 0, 7),
  alu64r('add', 0, 8),
  exit(),
  label('f'),
  movr(6, 1),
  alu64('mul', 6, 2),
  stx('dw', 10, 6, -8),
  movr(7, 2),
  ldx('dw', 0, 10, -8),
  alu64r('add', 0, 7),
  exit(),
];

/** One function, called in every round of a loop, leaves in three places. */
const EXITS: readonly Item[] = [
  mov(6, 0),
  mov(7, 0),
  label('again'),
  movr(1, 6),
  callSubprog('kind'),
  alu64('mul', 7, 3),
  alu64r('add', 7, 0),
  alu64('add', 6, 1),
  jmp('jne', 6, 6, 'again'),
  movr(0, 7),
  exit(),
  label('kind'),
  jmp('jgt', 1, 1, 'middle'),
  mov(0, 0),
  exit(),
  label('middle'),
  jmp('jgt', 1, 3, 'high'),
  mov(0, 1),
  exit(),
  label('high'),
  mov(0, 2),
  exit(),
];

/** Through a pointer to the caller's frame. */
const POINTER: readonly Item[] = [
  st('dw', 10, -16, 7),
  st('dw', 10, -8, 1),
  movr(1, 10),
  alu64('add', 1, -16),
  callSubprog('twice'),
  movr(1, 10),
  alu64('add', 1, -8),
  callSubprog('twice'),
  ldx('dw', 0, 10, -16),
  ldx('dw', 1, 10, -8),
  alu64r('sub', 0, 1),
  exit(),
  label('twice'),
  movr(6, 1),
  // A helper reads the function's own frame: so it is in memory, where it must not be its caller's.
  st('dw', 10, -8, 99),
  movr(1, 10),
  alu64('add', 1, -8),
  mov(2, 8),
  mov(3, 0),
  mov(4, 0),
  mov(5, 0),
  call('csum_diff'),
  ldx('dw', 2, 6, 0),
  alu64('lsh', 2, 1),
  stx('dw', 6, 2, 0),
  mov(0, 0),
  exit(),
];

/** A function that is called is not inlined where it calls another, which is. */
const NESTED: readonly Item[] = [
  mov(1, 4),
  callSubprog('outer'),
  exit(),
  label('outer'),
  movr(6, 1),
  callSubprog('inner'),
  movr(7, 0),
  movr(1, 7),
  callSubprog('inner'),
  alu64r('add', 0, 7),
  alu64r('add', 0, 6),
  exit(),
  label('inner'),
  movr(0, 1),
  alu64('mul', 0, 3),
  exit(),
];

const f = (a: number, b: number): number => 2 * a + b;
const cases: Case[] = [
  { name: 'registers and frames', insns: OWN, r0: f(f(3, 5), 3) + 1000 + 3 + 5 + f(3, 5) },
  { name: 'several exits', insns: EXITS, r0: [0, 0, 1, 1, 2, 2].reduce((sum, kind) => sum * 3 + kind, 0) },
  { name: "the caller's frame", insns: POINTER, r0: 14 - 2 },
  { name: 'calls in a function', insns: NESTED, r0: 36 + 12 + 4 },
];

describe.each([{ checked: false }, { checked: true }, { optimize: true }])('%o', (how) => {
  test.each(cases)('$name', async ({ insns, r0 }) => {
    using engine = await Engine.create();
    const prog = await engine.loadInsns(asm(insns), { type: 'xdp', ...how });
    // The second run finds locals as the first one left them.
    const run = prog.run(new Uint8Array(64), { repeat: 2 });
    expect(run.violation).toBeUndefined();
    expect(run.returnValue).toBe(r0);
  });
});
