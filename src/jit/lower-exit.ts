/** Leaving a function: what is kept in locals goes back where the rest of the invocation looks for it. */
import { STATS_RUNS, STATS_SITE_TAKEN, STATS_SITES, VM_BUDGET, VM_TAIL_COUNT } from '../../assembly/abi.ts';
import type { Code } from './code.ts';
import { addStat, type FuncEnv, type ProgEnv, pushBase } from './env.ts';
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

/** Before a call of a function that may tail-call: the count belongs to the whole invocation. */
function saveTailCount(f: FuncEnv): void {
  const { code, exit, prog } = f;
  if (exit?.hops === undefined || !prog.tailCallsBelow) return;
  const offset = pushBase(code, prog.vm);
  code.get(exit.hops.count);
  code.mem(w.I32_STORE, offset + VM_TAIL_COUNT);
}

function loadTailCount(f: FuncEnv): void {
  const { code, exit, prog } = f;
  if (exit?.hops === undefined || !prog.tailCallsBelow) return;
  code.mem(w.I32_LOAD, pushBase(code, prog.vm) + VM_TAIL_COUNT);
  code.set(exit.hops.count);
  if (exit.hops.again === undefined) return;
  // What was called in between are not calls of this program.
  code.get(exit.hops.count);
  code.set(exit.hops.again.settled);
}

/** Everything that a called function, or what it calls, may ask for. */
export function beforeCall(f: FuncEnv): void {
  saveBudget(f);
  saveTailCount(f);
  settlePending(f);
}

export function afterCall(f: FuncEnv): void {
  loadBudget(f);
  loadTailCount(f);
}

/** Brings the program's calls of itself into its statistics: wherever its code is left, and before calls that may end the run. */
export function settlePending(f: FuncEnv): void {
  const hops = f.exit?.hops;
  if (hops?.again !== undefined) addPending(f.code, f.prog, hops.count, hops.again.settled);
}

/** The calls from `settled` on, a local as `count` is, were the program's one tail call, of itself. */
export function addPending(code: Code, prog: ProgEnv, taken: number, settled: number): void {
  const push = () => {
    code.get(taken);
    code.get(settled);
    code.op(w.I32_SUB, w.I64_EXTEND_I32_U);
  };
  code.get(taken);
  code.get(settled);
  code.op(w.I32_NE);
  code.block(w.IF);
  addStat(code, prog, STATS_RUNS, push);
  addStat(code, prog, STATS_SITES + STATS_SITE_TAKEN, push);
  code.get(taken);
  code.set(settled);
  code.op(w.END);
}

/** Ends this function with the i64 on the stack as R0; in a batch loop `to` is the `Code.depth` inside what is left. */
export function leave(f: FuncEnv, to = f.exit?.depth): void {
  const { code, exit } = f;
  if (exit !== undefined) {
    // Nothing looks at the budget again: the next packet starts with a full one.
    code.set(exit.result);
    settlePending(f);
    code.br(w.BR, code.depth - (to as number));
    return;
  }
  saveBudget(f);
  code.op(w.RETURN);
}
