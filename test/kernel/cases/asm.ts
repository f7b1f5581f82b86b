// A tiny assembler for the case tables, independent of the engine's own: RFC 9669 encoding, labels, map indices.

import { helpers } from '../uapi.ts';

/** One insn to encode. A string `off` (jumps) or `imm` (call, gotol) names a label. */
export interface Insn {
  readonly op: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number | string;
  readonly imm: number | string;
  /** The second slot's imm: only for `lddw`. */
  readonly high?: number;
}
export type Item = Insn | { readonly label: string };

export const label = (name: string): Item => ({ label: name });

export function raw(op: number, dst = 0, src = 0, off: number | string = 0, imm: number | string = 0): Insn {
  return { op, dst, src, off, imm };
}

export const classes = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 } as const;
export const sizes = { w: 0x00, h: 0x08, b: 0x10, dw: 0x18 } as const;
export type Size = keyof typeof sizes;
export const aluOps = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
  end: 0xd0,
} as const;
export type AluOp = keyof typeof aluOps;
export const jmpOps = {
  jeq: 0x10,
  jgt: 0x20,
  jge: 0x30,
  jset: 0x40,
  jne: 0x50,
  jsgt: 0x60,
  jsge: 0x70,
  jlt: 0xa0,
  jle: 0xb0,
  jslt: 0xc0,
  jsle: 0xd0,
} as const;
export type JmpOp = keyof typeof jmpOps;

const SRC_REG = 0x08;
const MODE_MEM = 0x60;
const MODE_MEMSX = 0x80;
const MODE_ATOMIC = 0xc0;

export const alu64 = (op: AluOp, dst: number, imm: number, off = 0): Insn =>
  raw(classes.ALU64 | aluOps[op], dst, 0, off, imm);
export const alu64r = (op: AluOp, dst: number, src: number, off = 0): Insn =>
  raw(classes.ALU64 | aluOps[op] | SRC_REG, dst, src, off);
export const alu32 = (op: AluOp, dst: number, imm: number, off = 0): Insn =>
  raw(classes.ALU | aluOps[op], dst, 0, off, imm);
export const alu32r = (op: AluOp, dst: number, src: number, off = 0): Insn =>
  raw(classes.ALU | aluOps[op] | SRC_REG, dst, src, off);

export const mov = (dst: number, imm: number): Insn => alu64('mov', dst, imm);
export const movr = (dst: number, src: number): Insn => alu64r('mov', dst, src);

export const ldx = (size: Size, dst: number, src: number, off = 0): Insn =>
  raw(classes.LDX | sizes[size] | MODE_MEM, dst, src, off);
export const ldxs = (size: Size, dst: number, src: number, off = 0): Insn =>
  raw(classes.LDX | sizes[size] | MODE_MEMSX, dst, src, off);
export const stx = (size: Size, dst: number, src: number, off = 0): Insn =>
  raw(classes.STX | sizes[size] | MODE_MEM, dst, src, off);
export const st = (size: Size, dst: number, off: number, imm: number): Insn =>
  raw(classes.ST | sizes[size] | MODE_MEM, dst, 0, off, imm);
export const atomic = (size: 'w' | 'dw', op: number, dst: number, src: number, off = 0): Insn =>
  raw(classes.STX | sizes[size] | MODE_ATOMIC, dst, src, off, op);

export const jmp = (op: JmpOp, dst: number, imm: number, target: number | string): Insn =>
  raw(classes.JMP | jmpOps[op], dst, 0, target, imm);
export const jmpr = (op: JmpOp, dst: number, src: number, target: number | string): Insn =>
  raw(classes.JMP | jmpOps[op] | SRC_REG, dst, src, target);
export const jmp32 = (op: JmpOp, dst: number, imm: number, target: number | string): Insn =>
  raw(classes.JMP32 | jmpOps[op], dst, 0, target, imm);
export const jmp32r = (op: JmpOp, dst: number, src: number, target: number | string): Insn =>
  raw(classes.JMP32 | jmpOps[op] | SRC_REG, dst, src, target);
export const ja = (target: number | string): Insn => raw(classes.JMP, 0, 0, target);
export const gotol = (target: number | string): Insn => raw(classes.JMP32, 0, 0, 0, target);
/** BPF_JCOND, src 0: `may_goto`. */
export const mayGoto = (target: number | string): Insn => raw(0xe5, 0, 0, target);
export const exit = (): Insn => raw(0x95);
export const call = (helper: keyof typeof helpers): Insn => raw(0x85, 0, 0, 0, helpers[helper]);
/** BPF_PSEUDO_CALL: to a label or by a relative number of slots. */
export const callSubprog = (target: number | string): Insn => raw(0x85, 0, 1, 0, target);

export function lddw(dst: number, value: bigint): Insn {
  const bits = BigInt.asUintN(64, value);
  return { ...raw(0x18, dst, 0, 0, Number(bits & 0xffff_ffffn) | 0), high: Number(bits >> 32n) | 0 };
}
/** BPF_PSEUDO_MAP_IDX: the case's map number `index`. */
export const lddwMap = (dst: number, index: number): Insn => ({ ...raw(0x18, dst, 5, 0, index), high: 0 });
/** BPF_PSEUDO_MAP_IDX_VALUE: the address of `offset` in the first value of the case's map number `index`. */
export const lddwMapValue = (dst: number, index: number, offset = 0): Insn => ({
  ...raw(0x18, dst, 6, 0, index),
  high: offset,
});

function resolve(value: number | string, labels: ReadonlyMap<string, number>, next: number): number {
  if (typeof value === 'number') return value;
  const target = labels.get(value);
  if (target === undefined) throw new Error(`no label ${value}`);
  return target - next;
}

/** Raw insns of `items`. */
export function asm(items: readonly Item[]): Uint8Array {
  const labels = new Map<string, number>();
  let pc = 0;
  for (const item of items) {
    if ('label' in item) labels.set(item.label, pc);
    else pc += item.high === undefined ? 1 : 2;
  }
  const bytes = new Uint8Array(pc * 8);
  const view = new DataView(bytes.buffer);
  pc = 0;
  for (const item of items) {
    if ('label' in item) continue;
    const at = pc * 8;
    view.setUint8(at, item.op);
    view.setUint8(at + 1, (item.src << 4) | item.dst);
    view.setInt16(at + 2, resolve(item.off, labels, pc + 1), true);
    view.setInt32(at + 4, resolve(item.imm, labels, pc + 1), true);
    if (item.high !== undefined) view.setInt32(at + 12, item.high, true);
    pc += item.high === undefined ? 1 : 2;
  }
  return bytes;
}
