// ALU and ALU64: every operation, register and immediate form, on corner operands. RFC 9669 section 4.1 and 4.2.

import type { AluOp } from '../asm.ts';
import { alu32, alu32r, alu64, alu64r, classes, lddw, raw } from '../asm.ts';
import type { IsaCase } from '../types.ts';
import type { ModelOp, Width } from './model.ts';
import { alu, byteOrder, movsx, neg } from './model.ts';
import { DST, immediates, operands, pairs, SRC, singles, wrap } from './operands.ts';

const widths: readonly Width[] = [64, 32];
const name = (width: Width, op: string): string => `${width === 64 ? 'alu64' : 'alu32'} ${op}`;

/** The insn that carries a model operation: sdiv and smod are div and mod with off 1. */
const carriers: readonly (readonly [op: ModelOp, insn: AluOp, off: number])[] = [
  ...(['add', 'sub', 'mul', 'div', 'or', 'and', 'lsh', 'rsh', 'mod', 'xor', 'mov', 'arsh'] as const).map(
    (op) => [op, op, 0] as const,
  ),
  ['sdiv', 'div', 1],
  ['smod', 'mod', 1],
];

const registerForms: readonly IsaCase[] = widths.flatMap((width) =>
  carriers.map(([op, insn, off]): IsaCase => {
    const encode = width === 64 ? alu64r : alu32r;
    return {
      name: `${name(width, op)} reg`,
      group: 'alu',
      insns: wrap([encode(insn, DST, SRC, off)]),
      inputs: pairs,
      model: (dst, src) => alu(op, width, dst, src),
    };
  }),
);

/** dst and src are one register. */
const sameRegister: readonly IsaCase[] = widths.flatMap((width) =>
  carriers.map(([op, insn, off]): IsaCase => {
    const encode = width === 64 ? alu64r : alu32r;
    return {
      name: `${name(width, op)} same reg`,
      group: 'alu',
      insns: wrap([encode(insn, DST, DST, off)]),
      inputs: singles,
      model: (dst) => alu(op, width, dst, dst),
    };
  }),
);

/** The kernel's verifier refuses a division by imm 0 and a shift by an imm that is not below the width. */
export function refusedImmediate(op: ModelOp, width: Width, imm: number): boolean {
  if (op === 'lsh' || op === 'rsh' || op === 'arsh') return imm < 0 || imm >= width;
  return imm === 0 && (op === 'div' || op === 'mod' || op === 'sdiv' || op === 'smod');
}

const immediateForms: readonly IsaCase[] = widths.flatMap((width) =>
  carriers.flatMap(([op, insn, off]) =>
    immediates
      .filter((imm) => !refusedImmediate(op, width, imm))
      .map((imm): IsaCase => {
        const encode = width === 64 ? alu64 : alu32;
        return {
          name: `${name(width, op)} imm ${imm}`,
          group: 'alu',
          insns: wrap([encode(insn, DST, imm, off)]),
          inputs: singles,
          model: (dst) => alu(op, width, dst, BigInt(imm)),
        };
      }),
  ),
);

const moves: readonly IsaCase[] = widths.flatMap((width) =>
  [8, 16, 32]
    .filter((bits) => bits < width)
    .map((bits): IsaCase => {
      const encode = width === 64 ? alu64r : alu32r;
      return {
        name: `${name(width, `movsx${bits}`)} reg`,
        group: 'alu',
        insns: wrap([encode('mov', DST, SRC, bits)]),
        inputs: pairs.filter(({ dst }) => dst === operands[2] || dst === operands[0]),
        model: (_dst, src) => movsx(bits, width, src),
      };
    }),
);

const negations: readonly IsaCase[] = widths.map((width) => ({
  name: name(width, 'neg'),
  group: 'alu',
  insns: wrap([width === 64 ? alu64('neg', DST, 0) : alu32('neg', DST, 0)]),
  inputs: singles,
  model: (dst) => neg(width, dst),
}));

const swaps: readonly IsaCase[] = (
  [
    ['le', classes.ALU | 0xd0, false],
    ['be', classes.ALU | 0xd8, true],
    ['bswap', classes.ALU64 | 0xd0, true],
  ] as const
).flatMap(([op, code, swap]) =>
  [16, 32, 64].map(
    (bits): IsaCase => ({
      name: `${op}${bits}`,
      group: 'alu',
      insns: wrap([raw(code, DST, 0, 0, bits)]),
      inputs: singles,
      model: (dst) => byteOrder(bits, swap, dst),
    }),
  ),
);

const wideImmediates: readonly IsaCase[] = operands.map((value) => ({
  name: `lddw 0x${value.toString(16)}`,
  group: 'alu',
  insns: wrap([lddw(DST, value)]),
  inputs: [{ dst: 0n, src: 0n }],
  model: () => value,
}));

export const aluCases: readonly IsaCase[] = [
  ...registerForms,
  ...sameRegister,
  ...immediateForms,
  ...moves,
  ...negations,
  ...swaps,
  ...wideImmediates,
];
