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

/** Ends this function with the i64 on the stack as R0. */
export function leave(f: FuncEnv): void {
  const { code, exit } = f;
  if (exit !== undefined) {
    // Nothing looks at the budget again: the next packet starts with a full one.
    code.set(exit.result);
    code.br(w.BR, code.depth - exit.depth);
    return;
  }
  saveBudget(f);
  code.op(w.RETURN);
}
