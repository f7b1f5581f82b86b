/** ALU insns (RFC 9669 section 4.1-4.2): arithmetic, moves, byte swaps, with the RFC's answers to division by zero and wide shifts. */
import type { Op } from '../isa/op.ts';
import { type FuncEnv, fits32, pushReg, pushReg32, type Round, setReg, setReg32 } from './env.ts';
import { lowerKept } from './lower-kept.ts';
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

/** Operations whose low 32 bits of the result depend on nothing but those of the operands. */
const LOW_BY_LOW: readonly AluOp[] = ['mov', 'add', 'sub', 'mul', 'or', 'and', 'xor', 'neg'];
/** Operations that are the same in 32 bits when the upper halves of both operands are zero. */
const SAME_OF_SHORT: readonly AluOp[] = ['rsh', 'arsh', 'div', 'mod'];

const isShort = (f: FuncEnv, op: Alu): boolean =>
  fits32(f, op.dst) && (op.src?.kind === 'reg' ? fits32(f, op.src.reg) : (op.src?.value ?? 0) >= 0);

/** Whether a 64-bit operation can be done in 32 bits, where these are all that is kept of its result. */
function isNarrow(f: FuncEnv, op: Alu): boolean {
  if (!f.regs.makesLow()) return false;
  if (LOW_BY_LOW.includes(op.op)) return true;
  const isShift = op.op === 'lsh' || op.op === 'rsh' || op.op === 'arsh';
  if (isShift && (op.src?.kind !== 'imm' || (op.src.value & 63) >= 32)) return false;
  if (op.op === 'lsh') return true;
  return SAME_OF_SHORT.includes(op.op) && isShort(f, op);
}

/** Of values below 2^32 the sign is zero. */
function unsignedOf(op: Alu): Alu {
  return op.width === 64 && op.op === 'arsh' ? { ...op, op: 'rsh' } : op;
}

export function lowerAlu(f: FuncEnv, given: Alu, pc: number): void {
  const joined = f.plan.wide.joins.get(pc);
  if (joined !== undefined) {
    lowerKept(f, given.dst, joined);
    return;
  }
  const rotate = f.plan.rotates.joins.get(pc);
  const isWide = given.width === 64 && (rotate !== undefined || !isNarrow(f, given));
  const width = isWide ? W64 : W32;
  const op = isWide ? given : unsignedOf(given);
  if (f.round?.unroll.sums.has(pc)) {
    addUp(f, op, pc, width);
    return;
  }
  const step = f.round?.unroll.counters.get(pc);
  if (step !== undefined) {
    goOn(f, op, pc, width, step);
    return;
  }
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
  } else if (f.plan.rotates.saves.has(pc) && f.regs.isDead()) {
    (op.width === 64 ? pushReg : pushReg32)(f, op.dst);
    f.code.set(savedOperand(f, pc, op.width));
    return;
  } else {
    // Wasm takes shift counts modulo the width, as BPF does.
    width.push(f, op.dst);
    if (f.plan.rotates.saves.has(pc)) saveOperand(f, op, pc, width);
    pushSource(f, op, width);
    f.code.op(width.opcode[op.op] as number);
  }
  width.set(f, op.dst);
}

/**
 * A sum over the rounds of a loop, of which the processor can add any first: waiting for one number after the other is what such loops take their time
 * for. Of four rounds at a time, the first three keep what they would add.
 */
function addUp(f: FuncEnv, op: Alu, pc: number, width: Width): void {
  const { code } = f;
  const { index } = f.round as Round;
  const turn = index % 4;
  const type = width === W64 ? 'i64' : 'i32';
  const part = code.local(`part ${turn < 2 ? 0 : 1} of ${pc}`, type);
  if (turn === 1) code.get(part);
  pushSource(f, op, width);
  if (turn === 1) code.op(width.opcode.add as number);
  if (turn < 3) {
    code.set(part);
    return;
  }
  code.get(part);
  code.op(width.opcode.add as number);
  code.get(code.local(`part 0 of ${pc}`, type));
  code.op(width.opcode.add as number);
  width.push(f, op.dst);
  code.op(width.opcode.add as number);
  width.set(f, op.dst);
}

/** A counter of several rounds at a time: each time from where the first of them began, so that rounds do not wait for each other. */
function goOn(f: FuncEnv, op: Alu, pc: number, width: Width, step: number): void {
  const { code } = f;
  const { index } = f.round as Round;
  const start = code.local(`begin of ${pc}`, width === W64 ? 'i64' : 'i32');
  if (index === 0) {
    width.push(f, op.dst);
    code.tee(start);
  } else {
    code.get(start);
  }
  width.constant(f, step * (index + 1));
  code.op(width.opcode.add as number);
  width.set(f, op.dst);
}

/** Keeps the shift's operand, of which `width` is on the stack. */
function saveOperand(f: FuncEnv, op: Alu, pc: number, width: Width): void {
  const saved = savedOperand(f, pc, op.width);
  if ((width === W64) === (op.width === 64)) {
    f.code.tee(saved);
    return;
  }
  pushReg(f, op.dst);
  f.code.set(saved);
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
export function lowerSwap(f: FuncEnv, op: Op & { kind: 'swap' }, pc: number): void {
  if (op.to === 'le' || f.plan.swaps.left.has(pc)) {
    if (op.bits === 64) return;
    pushReg32(f, op.dst);
    if (op.bits === 16 && f.regs.maxNow(op.dst) > 0xffff) {
      f.code.i32(0xffff);
      f.code.op(w.I32_AND);
    }
    setReg32(f, op.dst);
  } else if (op.bits === 64) {
    swap64(f, op.dst);
  } else {
    pushReg32(f, op.dst);
    if (op.bits === 16) swapped16(f, f.regs.maxNow(op.dst));
    else swapped32(f);
    setReg32(f, op.dst);
  }
}

/** Exchanges the two low bytes of the i32 on the stack, whose largest value is `max`, and clears the others. */
export function swapped16({ code }: FuncEnv, max = 0xffff_ffff): void {
  const x = code.local('swap32', 'i32');
  code.tee(x);
  code.i32(8);
  code.op(w.I32_SHL);
  code.get(x);
  if (max > 0xffff) {
    code.i32(0xffff);
    code.op(w.I32_AND);
  }
  code.i32(8);
  code.op(w.I32_SHR_U, w.I32_OR);
  code.i32(0xffff);
  code.op(w.I32_AND);
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
  const x = code.local('swap64', 'i64');
  pushReg(f, reg);
  code.set(x);
  exchange(f, x, 0x00ff00ff, 8);
  code.set(x);
  exchange(f, x, 0x0000ffff, 16);
  code.i64(32);
  code.op(w.I64_ROTL);
  setReg(f, reg);
}
