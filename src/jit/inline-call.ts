/** Functions of a program written where they are called: engines of Wasm do not inline, and a call costs as much as a small function. */
import { MAX_BPF_STACK } from '../../assembly/isa.ts';
import { BPF_FUNC_tail_call, HELPER_BY_ID } from '../isa/helpers.ts';
import type { FuncEnv, ProgEnv } from './env.ts';
import * as w from './opcodes.ts';

/** Larger functions are called: what a call costs is little beside them, and each copy is compiled again. */
const INLINE_MAX_INSNS = 48;

/**
 * Whether the function that starts at `target` is small and calls nothing of the program: so copies do not multiply, and nothing in it asks for what a
 * function of its own would keep in memory. With checks a call takes from the budget, and a violation in the callee is told apart by its own code.
 */
export function isInlinable({ checked, checks }: ProgEnv, target: number): boolean {
  const func = checked.funcs.find(({ start }) => start === target);
  if (checks || func === undefined || func.end - func.start > INLINE_MAX_INSNS) return false;
  for (let pc = func.start; pc < func.end; pc++) {
    const op = checked.ops[pc];
    if (op?.kind === 'call_local' || op?.kind === 'call_kfunc') return false;
    if (op?.kind !== 'call') continue;
    if (op.helper === BPF_FUNC_tail_call || HELPER_BY_ID.get(op.helper)?.callsBack !== false) return false;
  }
  return true;
}

/** The code of an inlinable function, with what `args` put on the stack in R1 and on; the others are zero. Returns the i64 local of its result. */
export function inlineCall(f: FuncEnv, target: number, args: readonly (() => void)[]): number {
  const { code } = f;
  const first = code.addLocal('i64');
  for (let i = 1; i < 5; i++) code.addLocal('i64');
  const fp = code.addLocal('i32');
  const result = code.addLocal('i64');
  for (const push of args) push();
  for (let i = args.length; i < 5; i++) code.i64(0);
  for (let i = 4; i >= 0; i--) code.set(first + i);
  code.get(f.fp);
  code.i32(MAX_BPF_STACK);
  code.op(w.I32_SUB);
  code.set(fp);
  code.block(w.BLOCK);
  const exit = { depth: code.depth, result, hops: undefined };
  f.prog.inline(target, { code, fp, args: first, exit, violation: f.violation });
  code.op(w.END);
  return result;
}
