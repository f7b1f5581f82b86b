/** bpf_loop as Linux makes a loop of it where its flags are 0 and its callback is the same whenever it is called: a direct call a round. */
import { TRAP_BUDGET, VM_BUDGET } from '../../assembly/abi.ts';
import { BPF_MAX_LOOPS, E2BIG, MAX_BPF_STACK } from '../../assembly/isa.ts';
import { HELPER_BY_ID } from '../isa/helpers.ts';
import type { CheckedProg } from '../verifier/structural.ts';
import { emitViolation } from './check.ts';
import { type FuncEnv, pushBase, pushReg, setReg } from './env.ts';
import { inlineCall, isInlinable } from './inline-call.ts';
import * as w from './opcodes.ts';
import { proofOf } from './proved.ts';

/** Start of the one callback that the bpf_loop at `pc` is given; undefined where Linux leaves the helper its call. */
export function loopCallback(checked: CheckedProg, pc: number): number | undefined {
  const proof = proofOf(checked);
  return proof?.loopFlags(pc) === false ? proof.key(pc) : undefined;
}

/** Ends the run when nothing is left of its budget: behind what may have run for very long. */
export function checkBudget(f: FuncEnv, pc: number): void {
  const { code, prog } = f;
  code.mem(w.I32_LOAD, pushBase(code, prog.vm) + VM_BUDGET);
  code.i32(0);
  code.op(w.I32_LT_S);
  code.block(w.IF);
  emitViolation(f, TRAP_BUDGET, { pc, reg: 10, off: 0, size: 0, write: false });
  code.op(w.END);
}

/** Whether the callback may take from the budget itself: then it is in memory all the time. */
function takesBudget({ checked, checks }: FuncEnv['prog'], callback: number): boolean {
  const func = checked.funcs.find(({ start }) => start === callback);
  if (func === undefined) return true;
  for (let pc = func.start; pc < func.end; pc++) {
    const op = checked.ops[pc];
    if (op?.kind === 'call_local' || op?.kind === 'call_kfunc') return true;
    if (op?.kind === 'call' && HELPER_BY_ID.get(op.helper)?.callsBack !== false) return true;
    // Checked loops pay for their rounds.
    if (checks && op !== undefined && 'target' in op && op.target <= pc) return true;
  }
  return false;
}

/** A round costs an insn of the budget, as a callback of a helper does: of the local with the budget, where there is one. */
function payRound(f: FuncEnv, budget: number | undefined, pc: number): void {
  const { code, prog } = f;
  if (budget !== undefined) {
    code.get(budget);
    code.i32(1);
    code.op(w.I32_SUB);
    code.tee(budget);
    code.i32(0);
    code.op(w.I32_LT_S);
    code.block(w.IF);
    emitViolation(f, TRAP_BUDGET, { pc, reg: 10, off: 0, size: 0, write: false });
    code.op(w.END);
    return;
  }
  const at = pushBase(code, prog.vm) + VM_BUDGET;
  code.mem(w.I32_LOAD, pushBase(code, prog.vm) + VM_BUDGET);
  code.i32(1);
  code.op(w.I32_SUB);
  code.mem(w.I32_STORE, at);
  checkBudget(f, pc);
}

/** callback(round, R3, 0, 0, 0): its result is left on the stack. */
function callBack(f: FuncEnv, round: number, callback: number): void {
  const { code } = f;
  const args = [() => code.get(round), () => pushReg(f, 3)];
  if (isInlinable(f.prog, callback)) {
    code.get(inlineCall(f, callback, args));
    return;
  }
  for (const push of args) push();
  for (let r = 3; r <= 5; r++) code.i64(0);
  code.get(f.fp);
  code.i32(MAX_BPF_STACK);
  code.op(w.I32_SUB);
  code.call(f.prog.callee(callback));
}

/**
 * R0 is the number of rounds. All of R1 is compared with the limit, and -E2BIG is a 32-bit one: this is where Linux's loop differs from its
 * helper. Nothing else is written before the end: R1 and R3 are read by every round.
 */
export function lowerLoop(f: FuncEnv, callback: number, pc: number): void {
  const { code } = f;
  const round = code.addLocal('i64');
  const budget = takesBudget(f.prog, callback) ? undefined : code.addLocal('i32');
  pushReg(f, 1);
  code.i64(BPF_MAX_LOOPS);
  code.op(w.I64_GT_U);
  code.block(w.IF);
  code.i64parts(-E2BIG, 0);
  setReg(f, 0);
  code.op(w.ELSE);
  code.i64(0);
  code.set(round);
  pushReg(f, 1);
  code.op(w.I64_EQZ, w.I32_EQZ);
  code.block(w.IF);
  if (budget !== undefined) {
    code.mem(w.I32_LOAD, pushBase(code, f.prog.vm) + VM_BUDGET);
    code.set(budget);
  }
  code.block(w.LOOP);
  payRound(f, budget, pc);
  callBack(f, round, callback);
  code.op(w.I64_EQZ);
  code.get(round);
  code.i64(1);
  code.op(w.I64_ADD);
  code.tee(round);
  pushReg(f, 1);
  code.op(w.I64_LT_U, w.I32_AND);
  code.br(w.BR_IF, 0);
  code.op(w.END);
  if (budget !== undefined) {
    const at = pushBase(code, f.prog.vm) + VM_BUDGET;
    code.get(budget);
    code.mem(w.I32_STORE, at);
  }
  code.op(w.END);
  code.get(round);
  setReg(f, 0);
  code.op(w.END);
}
