/** ALU insns (RFC 9669 section 4.1-4.2): arithmetic, moves, byte swaps, with the RFC's answers to division by zero and wide shifts. */
import type { Op } from '../isa/op.ts';
import { type FuncEnv, pushReg, pushReg32, setReg, setReg32 } from './env.ts';
import * as w from './opcodes.ts';

type Alu = Op & { kind: 'alu' };
type AluOp = Alu['op'];

const OPCODE_64: Partial<Record<AluOp, number>> = {
  add: w.I64_ADD,
  sub: w.I64_SUB,
  mul: w.I64_MUL,
  or: w.I64_OR,
  and: w.I64_AND,
  xor: w.I64_XOR,
  lsh: w.I64_SHL,
  rsh: w.I64_SHR_U,
  arsh: w.I64_SHR_S,
  div: w.I64_DIV_U,
  mod: w.I64_REM_U,
  sdiv: w.I64_DIV_S,
  smod: w.I64_REM_S,
};
const OPCODE_32: Partial<Record<AluOp, number>> = {
  add: w.I32_ADD,
  sub: w.I32_SUB,
  mul: w.I32_MUL,
  or: w.I32_OR,
  and: w.I32_AND,
  xor: w.I32_XOR,
  lsh: w.I32_SHL,
  rsh: w.I32_SHR_U,
  arsh: w.I32_SHR_S,
  div: w.I32_DIV_U,
  mod: w.I32_REM_U,
  sdiv: w.I32_DIV_S,
  smod: w.I32_REM_S,
};

/** The pieces that differ between the two widths. */
interface Width {
  readonly type: number;
  readonly opcode: Partial<Record<AluOp, number>>;
  readonly eqz: number;
  readonly add: number;
  readonly sub: number;
  readonly leU: number;
  readonly push: (f: FuncEnv, reg: number) => void;
  readonly constant: (f: FuncEnv, value: number) => void;
  readonly set: (f: FuncEnv, reg: number) => void;
}

const W64: Width = {
  type: w.I64,
  opcode: OPCODE_64,
  eqz: w.I64_EQZ,
  add: w.I64_ADD,
  sub: w.I64_SUB,
  leU: w.I64_LE_U,
  push: pushReg,
  constant: (f, value) => f.code.i64(value),
  set: setReg,
};
const W32: Width = {
  type: w.I32,
  opcode: OPCODE_32,
  eqz: w.I32_EQZ,
  add: w.I32_ADD,
  sub: w.I32_SUB,
  leU: w.I32_LE_U,
  push: pushReg32,
  constant: (f, value) => f.code.i32(value),
  set: setReg32,
};

function pushSource(f: FuncEnv, op: Alu, width: Width): void {
  if (op.src === undefined) return;
  if (op.src.kind === 'reg') width.push(f, op.src.reg);
  else width.constant(f, op.src.value);
}

/** x / 0 = 0; the smallest number / -1 is itself, where Wasm would trap. */
function signedDiv(f: FuncEnv, op: Alu, width: Width): void {
  const { code } = f;
  // b is 0 or -1 exactly when b + 1 <= 1 unsigned.
  pushSource(f, op, width);
  width.constant(f, 1);
  code.op(width.add);
  width.constant(f, 1);
  code.op(width.leU);
  code.block(w.IF, width.type);
  width.constant(f, 0);
  width.constant(f, 0);
  width.push(f, op.dst);
  code.op(width.sub);
  pushSource(f, op, width);
  code.op(width.eqz, w.SELECT, w.ELSE);
  width.push(f, op.dst);
  pushSource(f, op, width);
  code.op(width.opcode.sdiv as number, w.END);
}

/** x / 0 = 0 and x % 0 = x, where Wasm would trap. */
function guarded(f: FuncEnv, op: Alu, width: Width): void {
  const { code } = f;
  pushSource(f, op, width);
  code.op(width.eqz);
  code.block(w.IF, width.type);
  if (op.op === 'div') width.constant(f, 0);
  else width.push(f, op.dst);
  code.op(w.ELSE);
  width.push(f, op.dst);
  pushSource(f, op, width);
  code.op(width.opcode[op.op] as number, w.END);
}

function needsGuard(op: Alu): boolean {
  if (op.op !== 'div' && op.op !== 'mod' && op.op !== 'smod') return false;
  return op.src?.kind !== 'imm' || op.src.value === 0;
}

export function lowerAlu(f: FuncEnv, op: Alu, pc: number): void {
  const width = op.width === 64 ? W64 : W32;
  const rotate = f.rotates.joins.get(pc);
  if (rotate !== undefined) {
    f.code.get(savedOperand(f, rotate.save, op.width));
    width.constant(f, rotate.bits);
    f.code.op(op.width === 64 ? w.I64_ROTL : w.I32_ROTL);
  } else if (op.op === 'mov') {
    pushSource(f, op, width);
  } else if (op.op === 'neg') {
    width.constant(f, 0);
    width.push(f, op.dst);
    f.code.op(width.sub);
  } else if (op.op === 'sdiv') {
    signedDiv(f, op, width);
  } else if (needsGuard(op)) {
    guarded(f, op, width);
  } else {
    // Wasm takes shift counts modulo the width, as BPF does.
    width.push(f, op.dst);
    if (f.rotates.saves.has(pc)) f.code.tee(savedOperand(f, pc, op.width));
    pushSource(f, op, width);
    f.code.op(width.opcode[op.op] as number);
  }
  width.set(f, op.dst);
}

/** The local that keeps what the shift at `pc` shifts; if nothing else reads the shift's result, engines drop the shift. */
function savedOperand(f: FuncEnv, pc: number, width: 32 | 64): number {
  return f.code.local(`operand of ${pc}`, width === 64 ? 'i64' : 'i32');
}

export function lowerMovsx(f: FuncEnv, op: Op & { kind: 'movsx' }): void {
  if (op.width === 64) {
    pushReg(f, op.src);
    f.code.op(op.bits === 8 ? w.I64_EXTEND8_S : op.bits === 16 ? w.I64_EXTEND16_S : w.I64_EXTEND32_S);
    setReg(f, op.dst);
  } else {
    pushReg32(f, op.src);
    f.code.op(op.bits === 8 ? w.I32_EXTEND8_S : w.I32_EXTEND16_S);
    setReg32(f, op.dst);
  }
}

/** Memory is little-endian, so `le` only cuts off; `be` and `bswap` are the same. */
export function lowerSwap(f: FuncEnv, op: Op & { kind: 'swap' }): void {
  if (op.to === 'le') {
    if (op.bits === 64) return;
    pushReg(f, op.dst);
    f.code.i64parts(op.bits === 16 ? 0xffff : -1, 0);
    f.code.op(w.I64_AND);
    setReg(f, op.dst);
  } else if (op.bits === 64) {
    swap64(f, op.dst);
  } else {
    pushReg32(f, op.dst);
    swapped32(f);
    if (op.bits === 16) {
      f.code.i32(16);
      f.code.op(w.I32_SHR_U);
    }
    setReg32(f, op.dst);
  }
}

/** Reverses the four bytes of the i32 on the stack. */
export function swapped32(f: FuncEnv): void {
  const { code } = f;
  const x = code.local('swap32', 'i32');
  code.tee(x);
  code.i32(8);
  code.op(w.I32_ROTL);
  code.i32(0x00ff00ff);
  code.op(w.I32_AND);
  code.get(x);
  code.i32(8);
  code.op(w.I32_ROTR);
  code.i32(0xff00ff00 | 0);
  code.op(w.I32_AND, w.I32_OR);
}

function exchange(f: FuncEnv, x: number, mask: number, shift: number): void {
  const { code } = f;
  code.get(x);
  code.i64parts(mask, mask);
  code.op(w.I64_AND);
  code.i64(shift);
  code.op(w.I64_SHL);
  code.get(x);
  code.i64(shift);
  code.op(w.I64_SHR_U);
  code.i64parts(mask, mask);
  code.op(w.I64_AND, w.I64_OR);
}

function swap64(f: FuncEnv, reg: number): void {
  const { code } = f;
  const x = f.regs[reg];
  exchange(f, x, 0x00ff00ff, 8);
  code.set(x);
  exchange(f, x, 0x0000ffff, 16);
  code.i64(32);
  code.op(w.I64_ROTL);
  code.set(x);
}
