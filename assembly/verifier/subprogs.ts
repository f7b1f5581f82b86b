// Which functions a program has: its entry, every target of a call, and every function whose address is taken.
import { BPF_ABS, BPF_IND, BPF_LD, E2BIG, EEXIST, EINVAL, ENOENT, ENOMEM, EPERM } from '../isa';
import {
  AUX_SIZE,
  SP_SIZE,
  SPF_EXCEPTION_CB,
  SPF_MANY_HANDLERS,
  SPF_NO_HANDLER,
  SPF_RETURNS_OTHER,
  SPF_VOID,
  SPX_HAS_LD_ABS,
  SPX_HAS_TAIL_CALL,
  SPX_IS_EXCEPTION_CB,
} from './abi';
import { allocZeroed } from './arena';
import { Env } from './env';
import { Subprog } from './input';
import { Insn } from './insn';
import { fail } from './log';
import {
  MSG_CALL_TARGET,
  MSG_CALLS_NEED_CAP,
  MSG_JUMP_OUT_OF_RANGE,
  MSG_LAST_INSN,
  MSG_LD_ABS_NOT_INT,
  MSG_MANY_EXCEPTION_CBS,
  MSG_NO_EXCEPTION_CB,
  MSG_NO_MEMORY,
  MSG_TAIL_CALL_NOT_INT,
  MSG_TOO_MANY_SUBPROGS,
} from './messages/core';
import { isExit, isGoto, isJump, jumpTarget } from './successors';

const MAX_SUBPROGS: u32 = 256;
const HELPER_TAIL_CALL: i32 = 12;
/** Aux.func while the functions are being found: this insn starts one. */
const IS_START: u32 = 1;

/** Fills `env.subprogs` and `Aux.func`; checks that jumps stay in their function and that no function falls into the next. */
export function findSubprogs(env: Env): i32 {
  const input = env.input;
  const count = input.insnCount;
  env.auxOf(0).func = IS_START;
  let found: u32 = 1;
  for (let pc: u32 = 0; pc < count; pc++) {
    const insn = env.insn(pc);
    const isCall = insn.isSubprogCall || insn.isFuncAddress;
    if (!isCall && !insn.isKfuncCall) continue;
    if (!env.capable) {
      env.pc = pc;
      return fail(env, EPERM, MSG_CALLS_NEED_CAP);
    }
    if (!isCall) continue;
    const target = <i64>pc + <i64>insn.imm + 1;
    env.pc = pc;
    if (target < 0 || target >= <i64>count) return fail(env, EINVAL, MSG_CALL_TARGET, target);
    if (env.auxOf(<u32>target).func == IS_START) continue;
    env.auxOf(<u32>target).func = IS_START;
    if (++found > MAX_SUBPROGS) return fail(env, E2BIG, MSG_TOO_MANY_SUBPROGS);
  }
  for (let i: u32 = 0; i < input.subprogCount; i++) {
    const start = input.subprog(i).start;
    if (start < count && env.auxOf(start).func != IS_START) {
      env.auxOf(start).func = IS_START;
      found++;
    }
  }
  return listSubprogs(env, found);
}

function listSubprogs(env: Env, found: u32): i32 {
  const input = env.input;
  env.subprogs = allocZeroed(<usize>found * SP_SIZE);
  if (env.subprogs == 0) return fail(env, ENOMEM, MSG_NO_MEMORY);
  env.subprogCount = found;
  let next: u32 = 0;
  for (let pc: u32 = 0; pc < input.insnCount; pc++) {
    const aux = env.auxOf(pc);
    if (aux.func == IS_START) {
      if (next != 0) env.subprog(next - 1).end = pc;
      takeInput(env, next, pc);
      next++;
    }
    aux.func = next - 1;
  }
  env.subprog(found - 1).end = input.insnCount;
  for (let i: u32 = 0; i < found; i++) {
    const err = checkFunction(env, env.subprog(i));
    if (err != 0) return err;
  }
  if ((env.subprog(0).flags & SPF_NO_HANDLER) != 0) return fail(env, ENOENT, MSG_NO_EXCEPTION_CB);
  if ((env.subprog(0).flags & SPF_MANY_HANDLERS) != 0) return fail(env, EEXIST, MSG_MANY_EXCEPTION_CBS);
  for (let i: u32 = 1; i < found; i++) {
    const err = checkAbnormalReturn(env, env.subprog(i));
    if (err != 0) return err;
  }
  return 0;
}

/** A legacy load or a tail call may end a function with a number: its BTF must not promise something else. */
function checkAbnormalReturn(env: Env, func: Subprog): i32 {
  if ((func.flags & (SPF_VOID | SPF_RETURNS_OTHER)) == 0) return 0;
  if ((func.found & SPX_HAS_LD_ABS) != 0) return fail(env, EINVAL, MSG_LD_ABS_NOT_INT);
  return (func.found & SPX_HAS_TAIL_CALL) != 0 ? fail(env, EINVAL, MSG_TAIL_CALL_NOT_INT) : 0;
}

/** What TypeScript knows of the function that starts at `pc`. */
function takeInput(env: Env, index: u32, pc: u32): void {
  const row = env.subprog(index);
  for (let i: u32 = 0; i < env.input.subprogCount; i++) {
    const known = env.input.subprog(i);
    if (known.start == pc) memory.copy(changetype<usize>(row), changetype<usize>(known), SP_SIZE);
  }
  row.start = pc;
  if ((row.flags & SPF_EXCEPTION_CB) != 0) {
    row.found |= SPX_IS_EXCEPTION_CB;
    env.exceptionCb = index;
  }
}

function checkFunction(env: Env, func: Subprog): i32 {
  for (let pc = func.start; pc < func.end; pc++) {
    const insn = env.insn(pc);
    env.pc = pc;
    noteInsn(func, insn);
    if (isJump(insn)) {
      const target = jumpTarget(insn, pc);
      if (target < <i32>func.start || target >= <i32>func.end)
        return fail(env, EINVAL, MSG_JUMP_OUT_OF_RANGE, pc, target);
    }
    if (pc == func.end - 1 && !isExit(insn) && !isGoto(insn)) return fail(env, EINVAL, MSG_LAST_INSN);
  }
  return 0;
}

function noteInsn(func: Subprog, insn: Insn): void {
  if (insn.isHelperCall && insn.imm == HELPER_TAIL_CALL) func.found |= SPX_HAS_TAIL_CALL;
  if (insn.cls == BPF_LD && (insn.mode == BPF_ABS || insn.mode == BPF_IND)) func.found |= SPX_HAS_LD_ABS;
}

/** Index of the function that starts at `pc`, or -1. */
export function subprogAt(env: Env, pc: i64): i32 {
  if (pc < 0 || pc >= <i64>env.input.insnCount) return -1;
  const index = env.auxOf(<u32>pc).func;
  return env.subprog(index).start == <u32>pc ? <i32>index : -1;
}

/** Bytes of the table of Aux rows. */
export function auxBytes(insnCount: u32): usize {
  return <usize>insnCount * AUX_SIZE;
}
