/**
 * Atomics (RFC 9669 section 5.3). Where one thread runs on an engine's memory, load, compute and store is already indivisible, and the order
 * that load-acquire and store-release ask for holds by itself. Where threads share it they are Wasm's atomics, which are sequentially consistent: more than
 * is asked for. Those want their natural alignment; so does the verifier of atomics, but not in an arena.
 */
import type { Op } from '../isa/op.ts';
import type { RegFact } from '../verifier/facts.ts';
import { type FuncEnv, pushReg, pushReg32, setReg } from './env.ts';
import { loadOpcode, pushChecked, storeOpcode } from './lower-mem.ts';
import * as w from './opcodes.ts';

type Atomic = Op & { kind: 'atomic' };

const COMPUTE: Partial<Record<Atomic['op'], number>> = { add: w.I64_ADD, or: w.I64_OR, and: w.I64_AND, xor: w.I64_XOR };

const RMW: Partial<Record<Atomic['op'], number>> = {
  add: w.ATOMIC_RMW_ADD,
  or: w.ATOMIC_RMW_OR,
  and: w.ATOMIC_RMW_AND,
  xor: w.ATOMIC_RMW_XOR,
  xchg: w.ATOMIC_RMW_XCHG,
};
/** From an operation's i32 form to the i64 ones of 64 and of 32 bits. */
const RMW_I64 = 1;
const RMW_I64_32 = 6;

const LOAD: Record<number, number> = {
  1: w.ATOMIC_I64_LOAD8_U,
  2: w.ATOMIC_I64_LOAD16_U,
  4: w.ATOMIC_I64_LOAD32_U,
  8: w.ATOMIC_I64_LOAD,
};
const STORE: Record<number, number> = {
  1: w.ATOMIC_I64_STORE8,
  2: w.ATOMIC_I64_STORE16,
  4: w.ATOMIC_I64_STORE32,
  8: w.ATOMIC_I64_STORE,
};

const UNKNOWN: RegFact = { kind: 'unknown' };

export function lowerAtomic(f: FuncEnv, op: Atomic, pc: number): void {
  const { code } = f;
  const load = op.op === 'load_acq';
  const reg = load ? op.src : op.dst;
  const fact = f.prog.facts.base[pc] ?? UNKNOWN;
  const offset = pushChecked(f, { pc, reg, off: op.off, size: op.size, write: !load, fact });
  if (f.prog.shared && f.prog.arena?.holds(pc) !== true) {
    lowerShared(f, op, offset);
    return;
  }
  if (load) {
    code.mem(loadOpcode(op.size), offset);
    setReg(f, op.dst);
    return;
  }
  if (op.op === 'store_rel') {
    pushReg(f, op.src);
    code.mem(storeOpcode(op.size), offset);
    return;
  }
  const base = code.local('atomic_base', 'i32');
  const old = code.local('atomic_old', 'i64');
  code.tee(base);
  code.mem(loadOpcode(op.size), offset);
  code.set(old);
  if (op.op === 'cmpxchg') {
    compareExchange(f, op, base, old, offset);
    return;
  }
  code.get(base);
  if (op.op === 'xchg') {
    pushReg(f, op.src);
  } else {
    code.get(old);
    pushReg(f, op.src);
    code.op(COMPUTE[op.op] as number);
  }
  code.mem(storeOpcode(op.size), offset);
  if (op.fetch || op.op === 'xchg') {
    code.get(old);
    setReg(f, op.src);
  }
}

/** The same with the base on the stack. */
function lowerShared(f: FuncEnv, op: Atomic, offset: number): void {
  const { code } = f;
  if (op.op === 'load_acq') {
    code.atomic(LOAD[op.size], op.size, offset);
    setReg(f, op.dst);
    return;
  }
  if (op.op === 'store_rel') {
    pushReg(f, op.src);
    code.atomic(STORE[op.size], op.size, offset);
    return;
  }
  const width = op.size === 8 ? RMW_I64 : RMW_I64_32;
  if (op.op === 'cmpxchg') {
    pushExpected(f, op);
    pushReg(f, op.src);
    code.atomic(w.ATOMIC_RMW_CMPXCHG + width, op.size, offset);
    setReg(f, 0);
    return;
  }
  pushReg(f, op.src);
  code.atomic((RMW[op.op] as number) + width, op.size, offset);
  if (op.fetch || op.op === 'xchg') setReg(f, op.src);
  else code.op(w.DROP);
}

/** R0 in the access's width. */
function pushExpected(f: FuncEnv, op: Atomic): void {
  if (op.size === 8) {
    pushReg(f, 0);
    return;
  }
  pushReg32(f, 0);
  f.code.op(w.I64_EXTEND_I32_U);
}

/** Stores `src` if memory equals R0 (in the access's width); R0 becomes what was there, zero-extended. */
function compareExchange(f: FuncEnv, op: Atomic, base: number, old: number, offset: number): void {
  const { code } = f;
  code.get(old);
  pushExpected(f, op);
  code.op(w.I64_EQ);
  code.block(w.IF);
  code.get(base);
  pushReg(f, op.src);
  code.mem(storeOpcode(op.size), offset);
  code.op(w.END);
  code.get(old);
  setReg(f, 0);
}
