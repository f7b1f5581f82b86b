/** Leaving a function: what is kept in locals goes back where the rest of the invocation looks for it. */
import { VM_BUDGET } from '../../assembly/abi.ts';
import { type FuncEnv, pushBase } from './env.ts';
import * as w from './opcodes.ts';

/** Writes the local copy of the budget back: before calls, tail calls and returns. */
export function saveBudget(f: FuncEnv): void {
  if (f.budget === undefined) return;
  const offset = pushBase(f.code, f.prog.vm);
  f.code.get(f.budget);
  f.code.mem(w.I32_STORE, offset + VM_BUDGET);
}

/** Reads it again: at the entry and after calls. */
export function loadBudget(f: FuncEnv): void {
  if (f.budget === undefined) return;
  f.code.mem(w.I32_LOAD, pushBase(f.code, f.prog.vm) + VM_BUDGET);
  f.code.set(f.budget);
}

/** Returns the i64 on the stack from this function. */
export function leave(f: FuncEnv): void {
  saveBudget(f);
  f.code.op(w.RETURN);
}
