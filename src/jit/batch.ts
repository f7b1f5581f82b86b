/**
 * The batch loop of a program: runs it over an array of context records and writes each verdict. It is a function of the program's own
 * module, so that the call is direct; JavaScript calls it once per batch. Progress is in vm.ctx, so that after a violation
 * the engine can go on behind the packet that caused it.
 */
import {
  CTX_SIZE,
  CTX_VERDICT,
  VM_BATCH_END,
  VM_BATCH_SCANNED,
  VM_BUDGET,
  VM_BUDGET_LIMIT,
  VM_CTX,
  VM_FRAME_TOP,
  VM_TAIL_COUNT,
} from '../../assembly/abi.ts';
import type { Cfg } from '../ir/cfg.ts';
import { BPF_FUNC_tail_call, BPF_FUNC_timer_start } from '../isa/helpers.ts';
import type { CheckedProg } from '../verifier/structural.ts';
import { withViolations } from './check.ts';
import { Code } from './code.ts';
import type { WasmWriter } from './encoder.ts';
import { type ProgEnv, pushBase } from './env.ts';
import { inlineEntry } from './lower.ts';
import * as w from './opcodes.ts';

/** Entries of more insns than this are called: inlining them would compile them twice for little. */
const INLINE_MAX_INSNS = 1024;

/** Body of (ctx: i32, end: i32) -> (). Small entries are inlined: a call costs as much as a small program. */
export function batchLoop(prog: ProgEnv, cfg: Cfg): WasmWriter {
  const code = new Code(2);
  const ctx = 0;
  const end = 1;
  const fp = code.addLocal('i32');
  const { vm } = prog;
  const entry = prog.checked.funcs[0];
  const storeCell = (cell: number, push: () => void) => {
    const offset = pushBase(code, vm);
    push();
    code.mem(w.I32_STORE, offset + cell);
  };
  const loadCell = (cell: number) => code.mem(w.I32_LOAD, pushBase(code, vm) + cell);
  loadCell(VM_FRAME_TOP);
  code.set(fp);
  const stops = stopsEarly(prog.checked);
  if (stops) {
    storeCell(VM_BATCH_END, () => code.get(end));
    storeCell(VM_BATCH_SCANNED, () => code.i32(0));
  }
  withViolations(prog, code, (violation) => {
    code.block(w.BLOCK);
    code.block(w.LOOP);
    code.get(ctx);
    if (stops) loadCell(VM_BATCH_END);
    else code.get(end);
    code.op(w.I32_GE_U);
    code.br(w.BR_IF, 1);
    storeCell(VM_CTX, () => code.get(ctx));
    storeCell(VM_TAIL_COUNT, () => code.i32(0));
    storeCell(VM_BUDGET, () => loadCell(VM_BUDGET_LIMIT));
    code.get(ctx);
    if (isInlined(prog.checked)) {
      inlineEntry(prog, cfg, { code, ctx, fp, violation });
    } else {
      code.get(ctx);
      code.get(fp);
      code.call(prog.callee(entry.start));
    }
    code.mem(w.I64_STORE32, CTX_VERDICT);
    code.get(ctx);
    code.i32(CTX_SIZE);
    code.op(w.I32_ADD);
    code.set(ctx);
    code.br(w.BR, 0);
    code.op(w.END, w.END, w.RETURN);
  });
  code.op(w.END);
  return code.body();
}

/**
 * Whether the loop may end before its last packet: a timer or work that the program started, or one that it tail-calls, is due before it. VM_BATCH_END then
 * says where. The others keep the end in a register.
 */
export function stopsEarly(checked: CheckedProg): boolean {
  return checked.ops.some((op) => {
    if (op?.kind === 'call') return op.helper === BPF_FUNC_tail_call || op.helper === BPF_FUNC_timer_start;
    return op?.kind === 'call_kfunc' && checked.prog.kfuncs[op.id] === 'bpf_wq_start';
  });
}

/** Whether the batch loop holds a copy of the entry (and then does not count its runs). */
export function isInlined(checked: CheckedProg): boolean {
  const entry = checked.funcs[0];
  return entry.end - entry.start <= INLINE_MAX_INSNS;
}
