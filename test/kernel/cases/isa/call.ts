// Subprograms and may_goto: kept registers, separate frames, depth. RFC 9669 section 4.3, and Linux for may_goto.

import type { Item } from '../asm.ts';
import { alu64, alu64r, callSubprog, exit, ja, jmp, label, ldx, mayGoto, mov, movr, stx } from '../asm.ts';
import type { IsaCase } from '../types.ts';
import { DST, SRC, singles, wrap } from './operands.ts';

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** Adds its two arguments, after spoiling r6-r9 and its own frame. */
const addSubprog: Item[] = [
  label('add'),
  mov(6, 1),
  mov(7, 2),
  mov(8, 3),
  mov(9, 4),
  stx('dw', 10, 6, -8),
  stx('dw', 10, 7, -16),
  movr(0, 1),
  alu64r('add', 0, 2),
  exit(),
];

/** f(x) at depth n stores x in its frame, calls depth n + 1 with x + 1, and adds its frame's x to what comes back. */
const depthSubprogs = (depth: number): Item[] =>
  Array.from({ length: depth }, (_, i): Item[] => [
    label(`depth${i}`),
    stx('dw', 10, 1, -8),
    ...(i === depth - 1 ? [mov(0, 0)] : [alu64('add', 1, 1), callSubprog(`depth${i + 1}`)]),
    ldx('dw', 1, 10, -8),
    alu64r('add', 0, 1),
    exit(),
  ]).flat();

const five: Item[] = [
  label('five'),
  movr(0, 1),
  alu64('mul', 0, 3),
  alu64r('add', 0, 2),
  alu64('mul', 0, 3),
  alu64r('add', 0, 3),
  alu64('mul', 0, 3),
  alu64r('add', 0, 4),
  alu64('mul', 0, 3),
  alu64r('add', 0, 5),
  exit(),
];

/** A loop of (r7 & mask) turns, each adding r8 to r9. */
const loop = (mask: number, head: Item[], exits: string): Item[] => [
  alu64('and', DST, mask),
  mov(9, 0),
  label('loop'),
  ...head,
  jmp('jeq', DST, 0, exits),
  alu64r('add', 9, SRC),
  alu64('sub', DST, 1),
  ja('loop'),
  label('end'),
  movr(DST, 9),
];

export const callCases: readonly IsaCase[] = [
  {
    name: 'call: r0 is the result, r6-r9 and the frame are kept',
    group: 'other',
    insns: wrap(
      [
        mov(9, 99),
        stx('dw', 10, SRC, -8),
        stx('dw', 10, 9, -16),
        movr(1, DST),
        movr(2, SRC),
        callSubprog('add'),
        ldx('dw', 1, 10, -8),
        alu64r('add', 0, 1),
        ldx('dw', 1, 10, -16),
        alu64r('add', 0, 1),
        alu64r('add', 0, 9),
        alu64r('add', DST, 0),
      ],
      addSubprog,
    ),
    inputs: singles,
    model: (dst, src) => u64(dst + (dst + src) + src + 99n + 99n),
  },
  {
    name: 'call: twice, with one result feeding the other',
    group: 'other',
    insns: wrap(
      [movr(1, DST), movr(2, SRC), callSubprog('add'), movr(1, 0), movr(2, 0), callSubprog('add'), movr(DST, 0)],
      addSubprog,
    ),
    inputs: singles,
    model: (dst, src) => u64((dst + src) * 2n),
  },
  {
    name: 'call: five arguments',
    group: 'other',
    insns: wrap(
      [movr(1, DST), movr(2, SRC), movr(3, DST), movr(4, SRC), mov(5, -5), callSubprog('five'), movr(DST, 0)],
      five,
    ),
    inputs: singles,
    model: (dst, src) => u64(dst * 81n + src * 27n + dst * 9n + src * 3n - 5n),
  },
  ...[1, 2, 7].map(
    (depth): IsaCase => ({
      name: `call: ${depth} frames deep, each with its own stack`,
      group: 'other',
      insns: wrap([movr(1, DST), callSubprog('depth0'), movr(DST, 0)], depthSubprogs(depth)),
      inputs: singles,
      model: (dst) => u64(BigInt(depth) * dst + BigInt((depth * (depth - 1)) / 2)),
    }),
  ),
  {
    name: 'a loop of a known bound',
    group: 'other',
    insns: wrap(loop(31, [], 'end')),
    inputs: singles,
    model: (dst, src) => u64((dst & 31n) * src),
  },
  {
    name: 'may_goto in a loop that ends by itself',
    group: 'other',
    insns: wrap(loop(0xffff, [mayGoto('end')], 'end')),
    inputs: singles,
    model: (dst, src) => u64((dst & 0xffffn) * src),
  },
];
