// JMP and JMP32: every condition, register and immediate form, forward and backward. RFC 9669 section 4.3.

import type { Item, JmpOp } from '../asm.ts';
import { gotol, ja, jmp, jmp32, jmp32r, jmpOps, jmpr, label, mov } from '../asm.ts';
import type { IsaCase } from '../types.ts';
import type { Width } from './model.ts';
import { jmp as taken } from './model.ts';
import { DST, immediates, pairs, SRC, singles, wrap } from './operands.ts';

const widths: readonly Width[] = [64, 32];
const ops = Object.keys(jmpOps) as JmpOp[];
const name = (width: Width, op: string): string => `${width === 64 ? 'jmp' : 'jmp32'} ${op}`;

/** r7 = taken ? 1 : 0 */
const outcome = (jump: Item): Item[] => [jump, mov(DST, 0), ja('done'), label('taken'), mov(DST, 1), label('done')];

const bit = (value: boolean): bigint => (value ? 1n : 0n);

const registerForms: readonly IsaCase[] = widths.flatMap((width) =>
  ops.map(
    (op): IsaCase => ({
      name: `${name(width, op)} reg`,
      group: 'jmp',
      insns: wrap(outcome((width === 64 ? jmpr : jmp32r)(op, DST, SRC, 'taken'))),
      inputs: pairs,
      model: (dst, src) => bit(taken(op, width, dst, src)),
    }),
  ),
);

const sameRegister: readonly IsaCase[] = widths.flatMap((width) =>
  ops.map(
    (op): IsaCase => ({
      name: `${name(width, op)} same reg`,
      group: 'jmp',
      insns: wrap(outcome((width === 64 ? jmpr : jmp32r)(op, DST, DST, 'taken'))),
      inputs: singles,
      model: (dst) => bit(taken(op, width, dst, dst)),
    }),
  ),
);

const immediateForms: readonly IsaCase[] = widths.flatMap((width) =>
  ops.flatMap((op) =>
    immediates.map(
      (imm): IsaCase => ({
        name: `${name(width, op)} imm ${imm}`,
        group: 'jmp',
        insns: wrap(outcome((width === 64 ? jmp : jmp32)(op, DST, imm, 'taken'))),
        inputs: singles,
        model: (dst) => bit(taken(op, width, dst, BigInt(imm))),
      }),
    ),
  ),
);

/** Makes what a forward jump skips reachable: the kernel refuses dead code. Never taken: the inputs differ. */
const over: Item[] = [jmpr('jeq', DST, SRC, 'between')];

const unconditional: readonly IsaCase[] = (
  [
    [
      'ja forward',
      [...over, ja('taken'), label('between'), mov(DST, 0), ja('done'), label('taken'), mov(DST, 1), label('done')],
    ],
    ['ja +0', [ja(0), mov(DST, 1)]],
    [
      'gotol forward',
      [...over, gotol('taken'), label('between'), mov(DST, 0), ja('done'), label('taken'), mov(DST, 1), label('done')],
    ],
    ['gotol +0', [gotol(0), mov(DST, 1)]],
    [
      'gotol backward',
      [ja('enter'), label('back'), mov(DST, 1), ja('done'), label('enter'), gotol('back'), label('done')],
    ],
    ['ja backward', [ja('enter'), label('back'), mov(DST, 1), ja('done'), label('enter'), ja('back'), label('done')]],
  ] as const
).map(([title, body]) => ({
  name: title,
  group: 'jmp',
  insns: wrap(body),
  inputs: singles.slice(0, 3),
  model: () => 1n,
}));

export const jmpCases: readonly IsaCase[] = [...registerForms, ...sameRegister, ...immediateForms, ...unconditional];
