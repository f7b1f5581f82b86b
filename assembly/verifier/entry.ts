// The first state of a root: the program's entry with its context, or a global function with what its BTF says of the arguments.
import { EINVAL, ENOMEM } from '../isa';
import {
  IN_SLEEPABLE,
  MEM_RDONLY,
  PTR_MAYBE_NULL,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_MEM,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
  SA_ARENA,
  SA_BTF_ID,
  SA_CTX,
  SA_DYNPTR,
  SA_MEM,
  SA_SCALAR,
  SAF_NULLABLE,
  SAF_RDONLY,
  SAF_TRUSTED,
  SAF_UNTRUSTED,
  SPF_HAS_BTF,
  SPF_RETURNS_OTHER,
  SPF_VOID,
} from './abi';
import { initDynptrArg } from './call/global-args';
import { Env } from './env';
import { newFrame } from './frame';
import { initFrame } from './functions';
import { SubprogArg } from './input';
import { bindInstance } from './liveness';
import { fail } from './log';
import { MSG_EXCEPTION_CB_ARGS, MSG_GLOBAL_ARG_TYPE, MSG_GLOBAL_RETURN_TYPE, MSG_NO_MEMORY } from './messages/core';
import { markPointer, RegState } from './reg-state';
import { setUnknown } from './regs';
import { freeState, newState, State } from './state';
import { forgetTraced } from './traced';

/** Makes `env.cur` the first state of function `root`. */
export function initEntry(env: Env, root: u32): i32 {
  if (changetype<usize>(env.cur) != 0) freeState(env.cur);
  const state = newState();
  const frame = newFrame();
  if (changetype<usize>(state) == 0 || changetype<usize>(frame) == 0) return fail(env, ENOMEM, MSG_NO_MEMORY);
  env.cur = state;
  forgetTraced(env);
  state.setFrame(0, frame);
  state.branches = 1;
  state.inSleepable = env.input.has(IN_SLEEPABLE);
  initFrame(frame, -1, 0, root);
  env.pc = env.subprog(root).start;
  env.prevPc = <u32>-1;
  state.firstPc = env.pc;
  state.pc = env.pc;
  env.rootInstance = 0;
  forgetStates(env);
  if (!bindInstance(env, state, 0)) return fail(env, ENOMEM, MSG_NO_MEMORY);
  if (root == 0) {
    markPointer(frame.reg(1), PTR_TO_CTX);
    return 0;
  }
  return initArgs(env, root);
}

/** States of another root are not comparable: their frames have other callers. The statistics go on counting them, as Linux's do. */
function forgetStates(env: Env): void {
  memory.fill(env.buckets, 0, (<usize>env.input.insnCount) << 2);
  for (let pc: u32 = 0; pc < env.input.insnCount; pc++) {
    let at = env.auxOf(pc).explored;
    env.auxOf(pc).explored = 0;
    env.auxOf(pc).uncleaned = 0;
    while (at != 0) {
      const state = changetype<State>(at);
      at = state.next;
      freeState(state);
    }
  }
}

function initArgs(env: Env, root: u32): i32 {
  const subprog = env.subprog(root);
  if ((subprog.flags & SPF_HAS_BTF) == 0) return fail(env, EINVAL, MSG_GLOBAL_ARG_TYPE, root, 0);
  if ((subprog.flags & (SPF_VOID | SPF_RETURNS_OTHER)) != 0) return fail(env, EINVAL, MSG_GLOBAL_RETURN_TYPE, root);
  if (root == env.exceptionCb && (subprog.argCount != 1 || subprog.arg(0).kind != SA_SCALAR))
    return fail(env, EINVAL, MSG_EXCEPTION_CB_ARGS);
  for (let i: u32 = 0; i < subprog.argCount; i++) {
    const err = initArg(env, root, subprog.arg(i), i);
    if (err != 0) return err;
  }
  return 0;
}

function initArg(env: Env, root: u32, arg: SubprogArg, i: u32): i32 {
  const reg = env.reg(i + 1);
  switch (arg.kind) {
    case SA_SCALAR:
      setUnknown(env, reg);
      return 0;
    case SA_CTX:
      markPointer(reg, PTR_TO_CTX);
      return 0;
    case SA_MEM:
      markPointer(reg, PTR_TO_MEM);
      // How far untrusted memory goes is nobody's concern: reading it cannot fault.
      reg.aux = (arg.flags & SAF_UNTRUSTED) != 0 ? 0 : arg.size;
      break;
    case SA_ARENA:
      markPointer(reg, PTR_TO_ARENA);
      reg.setUnknown();
      return 0;
    case SA_DYNPTR:
      return initDynptrArg(env, arg, reg);
    case SA_BTF_ID:
      markPointer(reg, PTR_TO_BTF_ID);
      reg.aux = arg.size;
      reg.id = env.newId();
      break;
    default:
      return fail(env, EINVAL, MSG_GLOBAL_ARG_TYPE, root, i);
  }
  return flagArg(env, reg, arg);
}

function flagArg(env: Env, reg: RegState, arg: SubprogArg): i32 {
  if ((arg.flags & SAF_RDONLY) != 0) reg.type |= MEM_RDONLY;
  if ((arg.flags & SAF_TRUSTED) != 0) reg.type |= PTR_TRUSTED;
  if ((arg.flags & SAF_UNTRUSTED) != 0) reg.type |= arg.kind == SA_BTF_ID ? PTR_UNTRUSTED : PTR_UNTRUSTED | MEM_RDONLY;
  if ((arg.flags & SAF_NULLABLE) != 0) {
    reg.type |= PTR_MAYBE_NULL;
    if (reg.id == 0) reg.id = env.newId();
  }
  return 0;
}
