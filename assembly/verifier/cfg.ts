// The control flow of each function, walked once before any state is: unreachable insns, back edges, and the points where states are
// stored and compared (prune points) or where history must be kept (jump points).
import { BPF_JCOND, BPF_JMP, EINVAL, ENOMEM } from '../isa';
import {
  AUXF_CALLS_CALLBACK,
  AUXF_FORCE_CHECKPOINT,
  AUXF_ITER_NEXT,
  AUXF_JMP_POINT,
  AUXF_PRUNE_POINT,
  SPX_CHANGES_PACKET,
  SPX_MIGHT_SLEEP,
} from './abi';
import { alloc, allocZeroed, free } from './arena';
import {
  CALL_ASYNC_CALLBACK,
  CALL_CHANGES_PACKET,
  CALL_ITER_NEXT,
  CALL_MIGHT_SLEEP,
  CALL_SYNC_CALLBACK,
  callEffects,
} from './call/effects';
import { Env } from './env';
import { Insn } from './insn';
import { fail } from './log';
import { MSG_BACK_EDGE, MSG_JUMP_INTO_LDDW, MSG_NO_MEMORY, MSG_UNREACHABLE } from './messages/core';
import { isExit, isGoto, isJump, jumpTarget } from './successors';

// Depth first search: how far an insn has been walked. The first step of an insn is its fall-through edge, the second its branch.
const UNSEEN: u8 = 0;
const DISCOVERED: u8 = 1;
const EXPLORED: u8 = 2;

export function isMayGoto(insn: Insn): bool {
  return insn.code == (BPF_JMP | BPF_JCOND);
}

@unmanaged
class Walk {
  state: usize;
  /** Edges of each insn that have been followed. */
  step: usize;
  stack: usize;
  depth: u32;
  /** Insns finished so far, in order. */
  done: u32;
}

function mark(env: Env, pc: i32, flags: u32): void {
  if (<u32>pc < env.input.insnCount) env.auxOf(<u32>pc).flags |= flags;
}

/** Walks everything the entry and the exception callback reach. Leaves `env.postorder`. */
export function checkCfg(env: Env): i32 {
  const count = <usize>env.input.insnCount;
  const walk = changetype<Walk>(alloc(offsetof<Walk>()));
  if (changetype<usize>(walk) == 0) return fail(env, ENOMEM, MSG_NO_MEMORY);
  walk.state = allocZeroed(count);
  walk.step = allocZeroed(count);
  walk.stack = alloc(count << 2);
  env.postorder = alloc(count << 2);
  if (walk.state == 0 || walk.step == 0 || walk.stack == 0 || env.postorder == 0)
    return fail(env, ENOMEM, MSG_NO_MEMORY);
  walk.depth = 0;
  walk.done = 0;
  let err = walkFrom(env, walk, 0);
  if (err == 0 && env.exceptionCb != 0) err = walkFrom(env, walk, env.subprog(env.exceptionCb).start);
  if (err == 0) err = checkReached(env, walk);
  free(walk.state, count);
  free(walk.step, count);
  free(walk.stack, count << 2);
  free(changetype<usize>(walk), offsetof<Walk>());
  return err;
}

function enter(walk: Walk, pc: u32): void {
  store<u8>(walk.state + pc, DISCOVERED);
  store<u32>(walk.stack + ((<usize>walk.depth) << 2), pc);
  walk.depth++;
}

function walkFrom(env: Env, walk: Walk, start: u32): i32 {
  enter(walk, start);
  while (walk.depth > 0) {
    const pc = load<u32>(walk.stack + ((<usize>(walk.depth - 1)) << 2));
    const step = load<u8>(walk.step + pc);
    if (step == 0) markPoints(env, pc);
    const next = edge(env, pc, step);
    store<u8>(walk.step + pc, step + 1);
    if (next >= 0) {
      const err = follow(env, walk, pc, <u32>next);
      if (err != 0) return err;
    } else if (next == NO_MORE) {
      store<u8>(walk.state + pc, EXPLORED);
      store<u32>(env.postorder + ((<usize>walk.done) << 2), pc);
      walk.done++;
      walk.depth--;
      mergeEffects(env, walk, pc);
    }
  }
  return 0;
}

/** `edge`: this insn has no edge of this number, but may have a later one; or none any more. */
const NO_EDGE: i32 = -1;
const NO_MORE: i32 = -2;

/** Edge 0 falls through (or is JA's), edge 1 goes to the jump's target or to the function that is called or whose address is taken. */
function edge(env: Env, pc: u32, step: u32): i32 {
  const insn = env.insn(pc);
  if (step == 0) {
    if (isExit(insn)) return NO_EDGE;
    if (isGoto(insn)) return jumpTarget(insn, pc);
    return <i32>pc + (insn.isLddw ? 2 : 1);
  }
  if (step > 1) return NO_MORE;
  if (insn.isSubprogCall || insn.isFuncAddress) return <i32>pc + insn.imm + 1;
  if (isJump(insn) && !isGoto(insn)) return jumpTarget(insn, pc);
  return NO_MORE;
}

function follow(env: Env, walk: Walk, from: u32, to: u32): i32 {
  if (to >= env.input.insnCount) {
    env.pc = from;
    return fail(env, EINVAL, MSG_UNREACHABLE, to);
  }
  const state = load<u8>(walk.state + to);
  if (state == UNSEEN) enter(walk, to);
  else if (state == DISCOVERED && !env.capable) {
    env.pc = from;
    return fail(env, EINVAL, MSG_BACK_EDGE, from, to);
  }
  return 0;
}

function markPoints(env: Env, pc: u32): void {
  const insn = env.insn(pc);
  if (isExit(insn)) return;
  if (insn.isSubprogCall || insn.isFuncAddress) {
    mark(env, pc, AUXF_PRUNE_POINT);
    mark(env, <i32>pc + (insn.isLddw ? 2 : 1), AUXF_PRUNE_POINT | AUXF_JMP_POINT);
    mark(env, <i32>pc + insn.imm + 1, AUXF_PRUNE_POINT | AUXF_JMP_POINT);
    return;
  }
  if (insn.isCall) {
    markCall(env, insn, pc);
    return;
  }
  if (!isJump(insn)) return;
  mark(env, jumpTarget(insn, pc), AUXF_PRUNE_POINT | AUXF_JMP_POINT);
  if (isGoto(insn)) return;
  mark(env, pc, isMayGoto(insn) ? AUXF_PRUNE_POINT | AUXF_FORCE_CHECKPOINT : AUXF_PRUNE_POINT);
}

/** Calls of helpers and kfuncs: those that run callbacks or step iterators are loops, and need states to compare with. */
function markCall(env: Env, insn: Insn, pc: u32): void {
  const effects = callEffects(env, insn);
  if (effects & CALL_ASYNC_CALLBACK) mark(env, pc, AUXF_PRUNE_POINT);
  if (effects & CALL_SYNC_CALLBACK)
    mark(env, pc, AUXF_CALLS_CALLBACK | AUXF_FORCE_CHECKPOINT | AUXF_PRUNE_POINT | AUXF_JMP_POINT);
  if (effects & CALL_ITER_NEXT) mark(env, pc, AUXF_ITER_NEXT | AUXF_PRUNE_POINT | AUXF_FORCE_CHECKPOINT);
  const func = env.subprog(env.auxOf(pc).func);
  if (effects & CALL_CHANGES_PACKET) func.found |= SPX_CHANGES_PACKET;
  if (effects & CALL_MIGHT_SLEEP) func.found |= SPX_MIGHT_SLEEP;
  mark(env, pc + 1, AUXF_PRUNE_POINT | AUXF_JMP_POINT);
}

/** What a function does, those that call it do: known when the call insn is left, because the callee was left before. */
function mergeEffects(env: Env, walk: Walk, pc: u32): void {
  const insn = env.insn(pc);
  if (!insn.isSubprogCall && !insn.isFuncAddress) return;
  const callee = env.subprog(env.auxOf(<u32>(<i32>pc + insn.imm + 1)).func);
  const caller = env.subprog(env.auxOf(pc).func);
  caller.found |= callee.found & (SPX_CHANGES_PACKET | SPX_MIGHT_SLEEP);
}

function checkReached(env: Env, walk: Walk): i32 {
  const count = env.input.insnCount;
  for (let pc: u32 = 0; pc < count; pc++) {
    env.pc = pc;
    if (load<u8>(walk.state + pc) != EXPLORED) return fail(env, EINVAL, MSG_UNREACHABLE, pc);
    if (env.insn(pc).isLddw) {
      pc++;
      if (pc < count && load<u8>(walk.state + pc) != UNSEEN) return fail(env, EINVAL, MSG_JUMP_INTO_LDDW, pc - 1);
    }
  }
  return 0;
}
