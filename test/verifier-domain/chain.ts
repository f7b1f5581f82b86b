// Random chains of insns on four scalars: as insns for the kernel, as transfers for the domains, as arithmetic on concrete numbers.

import * as isa from '../../assembly/isa.ts';
import type { Insn } from '../../src/isa/insn.ts';

export type Operand = { readonly reg: number } | { readonly imm: number };

export type Step =
  | { readonly kind: 'load'; readonly dst: number; readonly size: number; readonly signed: boolean }
  | { readonly kind: 'const'; readonly dst: number; readonly value: bigint }
  | { readonly kind: 'alu'; readonly op: number; readonly is64: boolean; readonly dst: number; readonly src: Operand }
  | { readonly kind: 'end'; readonly dst: number; readonly size: number; readonly opcode: number }
  | { readonly kind: 'move'; readonly dst: number; readonly src: number; readonly is64: boolean; readonly bits: number }
  | { readonly kind: 'jump'; readonly op: number; readonly is32: boolean; readonly dst: number; readonly src: Operand };

export const JUMPS = [
  isa.BPF_JEQ,
  isa.BPF_JNE,
  isa.BPF_JSET,
  isa.BPF_JGT,
  isa.BPF_JGE,
  isa.BPF_JLT,
  isa.BPF_JLE,
  isa.BPF_JSGT,
  isa.BPF_JSGE,
  isa.BPF_JSLT,
  isa.BPF_JSLE,
];
export const ALU_OPS = [
  isa.BPF_ADD,
  isa.BPF_SUB,
  isa.BPF_MUL,
  isa.BPF_OR,
  isa.BPF_AND,
  isa.BPF_XOR,
  isa.BPF_LSH,
  isa.BPF_RSH,
  isa.BPF_ARSH,
  isa.BPF_NEG,
  isa.BPF_DIV,
  isa.BPF_MOD,
];
export const REGS = [6, 7, 8, 9];
const SIZES = new Map([
  [1, isa.BPF_B],
  [2, isa.BPF_H],
  [4, isa.BPF_W],
  [8, isa.BPF_DW],
]);

type Random = (below: number) => number;
const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)];
const isShift = (op: number): boolean => op === isa.BPF_LSH || op === isa.BPF_RSH || op === isa.BPF_ARSH;

/** Numbers where ranges meet: small ones, powers of two and their neighbours, the ends of each width, noise of any length. */
export function edge64(random: Random): bigint {
  const noise = (BigInt(random(0x10000)) << 48n) | (BigInt(random(0x1000000)) << 24n) | BigInt(random(0x1000000));
  const near = BigInt(random(5)) - 2n;
  switch (random(5)) {
    case 0:
      return BigInt(random(20)) - 4n;
    case 1:
      return BigInt.asIntN(64, (1n << BigInt(random(64))) + near);
    case 2:
      return BigInt.asIntN(64, -(1n << BigInt(random(64))) + near);
    case 3:
      return BigInt.asIntN(64, noise) >> BigInt(random(64));
    default:
      return (
        pick(random, [0xffffffffn, 0x7fffffffn, -0x80000000n, 0x100000000n, (1n << 63n) - 1n, -(1n << 63n)]) + near
      );
  }
}

const imm32 = (random: Random): number => Number(BigInt.asIntN(32, edge64(random) >> BigInt(random(2) * random(33))));

function operand(random: Random): Operand {
  return random(2) === 0 ? { reg: pick(random, REGS) } : { imm: imm32(random) };
}

function aluStep(random: Random, dst: number): Step {
  const op = pick(random, ALU_OPS.slice(0, random(8) === 0 ? ALU_OPS.length : -2));
  const is64 = random(2) === 0;
  let src = operand(random);
  if (isShift(op) && (random(8) !== 0 || 'imm' in src))
    src = { imm: random(3) === 0 && is64 ? 32 : random(is64 ? 64 : 32) };
  if (op === isa.BPF_NEG) src = { imm: 0 };
  if ((op === isa.BPF_DIV || op === isa.BPF_MOD) && 'imm' in src && src.imm === 0) src = { imm: 3 };
  return { kind: 'alu', op, is64, dst, src };
}

export function randomStep(random: Random): Step {
  const dst = pick(random, REGS);
  switch (random(16)) {
    case 0: {
      const size = pick(random, [1, 2, 4, 8, 8, 8]);
      return { kind: 'load', dst, size, signed: size < 8 && random(2) === 0 };
    }
    case 1:
      return random(3) === 0
        ? { kind: 'const', dst, value: BigInt.asUintN(64, edge64(random)) }
        : { kind: 'load', dst, size: 8, signed: false };
    case 2: {
      const is64 = random(2) === 0;
      return { kind: 'move', dst, src: pick(random, REGS), is64, bits: pick(random, is64 ? [8, 16, 32] : [0, 8, 16]) };
    }
    case 3:
      if (random(6) === 0) {
        return { kind: 'end', dst, size: pick(random, [16, 32, 64]), opcode: pick(random, [0xd4, 0xdc, 0xd7]) };
      }
      return aluStep(random, dst);
    case 4:
    case 5:
    case 6:
    case 7:
      return aluStep(random, dst);
    default:
      return { kind: 'jump', op: pick(random, JUMPS), is32: random(2) === 0, dst, src: operand(random) };
  }
}

function withSource(opcode: number, dst: number, src: Operand, off = 0): Insn {
  return 'reg' in src
    ? { opcode: opcode | isa.BPF_X, dst, src: src.reg, off, imm: 0 }
    : { opcode, dst, src: 0, off, imm: src.imm };
}

/** The step's insns; the first one is the step, and `off` is where a jump goes. R0 points to 64 bytes of unknown content. */
export function insnsOf(step: Step, off: number): Insn[] {
  switch (step.kind) {
    case 'load': {
      const mode = step.signed ? isa.BPF_MEMSX : isa.BPF_MEM;
      const opcode = isa.BPF_LDX | mode | (SIZES.get(step.size) as number);
      return [{ opcode, dst: step.dst, src: 0, off: 8, imm: 0 }];
    }
    case 'const':
      return [
        { opcode: 0x18, dst: step.dst, src: 0, off: 0, imm: Number(BigInt.asIntN(32, step.value)) },
        { opcode: 0, dst: 0, src: 0, off: 0, imm: Number(BigInt.asIntN(32, step.value >> 32n)) },
      ];
    case 'alu':
      return [withSource((step.is64 ? isa.BPF_ALU64 : isa.BPF_ALU) | step.op, step.dst, step.src)];
    case 'end':
      return [{ opcode: step.opcode, dst: step.dst, src: 0, off: 0, imm: step.size }];
    case 'move':
      return [
        withSource((step.is64 ? isa.BPF_ALU64 : isa.BPF_ALU) | isa.BPF_MOV, step.dst, { reg: step.src }, step.bits),
        // Takes the link to the source away, and changes nothing.
        { opcode: isa.BPF_ALU64 | isa.BPF_XOR, dst: step.dst, src: 0, off: 0, imm: 0 },
      ];
    default:
      return [withSource((step.is32 ? isa.BPF_JMP32 : isa.BPF_JMP) | step.op, step.dst, step.src, off)];
  }
}
