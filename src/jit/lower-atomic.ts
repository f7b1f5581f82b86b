/**
 * Atomics (RFC 9669 section 5.3). One thread runs on an engine's memory, so load, compute and store is already indivisible; the order
 * that load-acquire and store-release ask for holds by itself.
 */
import type { Op } from '../isa/op.ts';
import type { RegFact } from '../verifier/facts.ts';
import { type FuncEnv, pushReg, pushReg32, setReg } from './env.ts';
import { loadOpcode, pushChecked, storeOpcode } from './lower-mem.ts';
import * as w from './opcodes.ts';

type Atomic = Op & { kind: 'atomic' };

const COMPUTE: Partial<Record<Atomic['op'], number>> = { add: w.I64_ADD, or: w.I64_OR, and: w.I64_AND, xor: w.I64_XOR };

const UNKNOWN: RegFact = { kind: 'unknown' };

export function lowerAtomic(f: FuncEnv, op: Atomic, pc: number): void {
  const { code } = f;
  const load = op.op === 'load_acq';
  const reg = load ? op.src : op.dst;
  const fact = f.prog.facts.base[pc] ?? UNKNOWN;
  const offset = pushChecked(f, { pc, reg, off: op.off, size: op.size, write: !load, fact });
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

/** Stores `src` if memory equals R0 (in the access's width); R0 becomes what was there, zero-extended. */
function compareExchange(f: FuncEnv, op: Atomic, base: number, old: number, offset: number): void {
  const { code } = f;
  code.get(old);
  if (op.size === 8) {
    pushReg(f, 0);
  } else {
    pushReg32(f, 0);
    code.op(w.I64_EXTEND_I32_U);
  }
  code.op(w.I64_EQ);
  code.block(w.IF);
  code.get(base);
  pushReg(f, op.src);
  code.mem(storeOpcode(op.size), offset);
  code.op(w.END);
  code.get(old);
  setReg(f, 0);
}
