// Emits lines of a generated program: one method for each form of insn.

import { type FuzzMap, type Item, type Line, mapIndex, PSEUDO } from './verifier-item.ts';

export const ALU_OPS = {
  ...{ add: 0x00, sub: 0x10, mul: 0x20, div: 0x30, or: 0x40, and: 0x50, lsh: 0x60, rsh: 0x70 },
  ...{ neg: 0x80, mod: 0x90, xor: 0xa0, mov: 0xb0, arsh: 0xc0, end: 0xd0 },
} as const;
export type AluOp = keyof typeof ALU_OPS;

export const JMP_OPS = {
  ...{ eq: 0x10, gt: 0x20, ge: 0x30, set: 0x40, ne: 0x50, sgt: 0x60, sge: 0x70 },
  ...{ lt: 0xa0, le: 0xb0, slt: 0xc0, sle: 0xd0 },
} as const;
export type JmpOp = keyof typeof JMP_OPS;

const X = 8;
const SIZE_BITS: Readonly<Record<number, number>> = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 };

/** An operand: a register or a constant. */
export type Operand = { readonly reg: number } | { readonly imm: number };

const fields = (operand: Operand): { readonly bit: number; readonly src: number; readonly imm: number } =>
  'reg' in operand ? { bit: X, src: operand.reg, imm: 0 } : { bit: 0, src: 0, imm: operand.imm | 0 };

export class Emit {
  readonly lines: Line[] = [];
  private labels = 0;

  newLabel(): number {
    return this.labels++;
  }

  place(label: number): void {
    this.lines.push({ label });
  }

  raw(item: Partial<Item> & { readonly op: number }): void {
    this.lines.push({ dst: 0, src: 0, off: 0, imm: 0, ...item });
  }

  alu(op: AluOp, dst: number, operand: Operand, width: 32 | 64 = 64, off = 0): void {
    const { bit, src, imm } = fields(operand);
    this.raw({ op: (width === 64 ? 7 : 4) | ALU_OPS[op] | bit, dst, src, off, imm });
  }

  mov(dst: number, operand: Operand, width: 32 | 64 = 64): void {
    this.alu('mov', dst, operand, width);
  }

  jmp(op: JmpOp, dst: number, operand: Operand, to: number, width: 32 | 64 = 64): void {
    const { bit, src, imm } = fields(operand);
    this.raw({ op: (width === 64 ? 5 : 6) | JMP_OPS[op] | bit, dst, src, imm, to });
  }

  goto(to: number): void {
    this.raw({ op: 0x05, to });
  }

  mayGoto(to: number): void {
    this.raw({ op: PSEUDO.mayGoto, to });
  }

  load(dst: number, src: number, off: number, size: number, signed = false): void {
    this.raw({ op: (signed && size < 8 ? 0x81 : 0x61) | (SIZE_BITS[size] as number), dst, src, off });
  }

  store(dst: number, off: number, size: number, operand: Operand): void {
    const { bit, src, imm } = fields(operand);
    this.raw({ op: (bit === 0 ? 0x62 : 0x63) | (SIZE_BITS[size] as number), dst, src, off, imm });
  }

  atomic(kind: number, dst: number, off: number, size: number, src: number): void {
    this.raw({ op: size === 8 ? 0xdb : 0xc3, dst, src, off, imm: kind });
  }

  wide(dst: number, low: number, high: number): void {
    this.raw({ op: 0x18, dst, imm: low | 0, high: high | 0 });
  }

  map(dst: number, name: FuzzMap): void {
    this.raw({ op: 0x18, dst, src: 5, imm: mapIndex(name) });
  }

  mapValue(dst: number, name: FuzzMap, offset: number): void {
    this.raw({ op: 0x18, dst, src: 6, imm: mapIndex(name), high: offset });
  }

  func(dst: number, to: number): void {
    this.raw({ op: 0x18, dst, src: PSEUDO.func, to });
  }

  helper(id: number): void {
    this.raw({ op: 0x85, imm: id });
  }

  call(to: number): void {
    this.raw({ op: 0x85, src: PSEUDO.call, to });
  }

  exit(): void {
    this.raw({ op: 0x95 });
  }
}
