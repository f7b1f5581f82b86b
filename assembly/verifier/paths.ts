// The paths still to be walked: a stack of states, each with the insn where it goes on.
import { E2BIG, ENOMEM } from '../isa';
import { alloc, free } from './arena';
import { Env } from './env';
import { newFrame } from './frame';
import { copyHistory } from './history';
import { fail, logPosition, logReset } from './log';
import { MSG_NO_MEMORY, MSG_TOO_MANY_PENDING } from './messages/core';
import { copyState, freeState, newState, State } from './state';
import { forgetTraced } from './traced';

/** As many paths may wait at once (BPF_COMPLEXITY_LIMIT_JMP_SEQ). */
const MAX_PENDING: u32 = 8192;

@unmanaged
class Pending {
  state: State;
  pc: u32;
  prevPc: u32;
  /** Bytes of the log when it was put aside: the log of the path until here. */
  logAt: u32;
  next: usize;
}

function noMemory(env: Env): State {
  fail(env, ENOMEM, MSG_NO_MEMORY);
  return changetype<State>(0);
}

/** Puts a copy of the current state aside, to go on at `pc`; the caller then changes it. Null after `fail`. */
export function pushPath(env: Env, pc: u32, prevPc: u32, speculative: bool): State {
  const state = newState();
  const pending = changetype<Pending>(alloc(offsetof<Pending>()));
  if (changetype<usize>(state) == 0 || changetype<usize>(pending) == 0) return noMemory(env);
  if (!copyState(state, env.cur) || !copyHistory(state, env.cur)) return noMemory(env);
  state.speculative = state.speculative || speculative;
  pending.state = state;
  pending.pc = pc;
  pending.prevPc = prevPc;
  pending.logAt = logPosition(env);
  pending.next = env.pending;
  env.pending = changetype<usize>(pending);
  env.pendingCount++;
  if (env.pendingCount > MAX_PENDING) {
    fail(env, E2BIG, MSG_TOO_MANY_PENDING, env.pendingCount);
    return changetype<State>(0);
  }
  if (state.parent != 0) changetype<State>(state.parent).branches++;
  return state;
}

/** Puts a state with one empty frame aside, to begin at `pc`: nothing leads there from the current one. Null after `fail`. */
export function pushFresh(env: Env, pc: u32, prevPc: u32): State {
  const state = newState();
  const frame = newFrame();
  const pending = changetype<Pending>(alloc(offsetof<Pending>()));
  if (changetype<usize>(state) == 0 || changetype<usize>(frame) == 0 || changetype<usize>(pending) == 0)
    return noMemory(env);
  state.setFrame(0, frame);
  state.branches = 1;
  pending.state = state;
  pending.pc = pc;
  pending.prevPc = prevPc;
  pending.logAt = logPosition(env);
  pending.next = env.pending;
  env.pending = changetype<usize>(pending);
  env.pendingCount++;
  if (env.pendingCount <= MAX_PENDING) return state;
  fail(env, E2BIG, MSG_TOO_MANY_PENDING, env.pendingCount, 1);
  return changetype<State>(0);
}

/** The path put aside last becomes the current one. False when there is none. */
export function popPath(env: Env): bool {
  if (env.pending == 0) return false;
  const pending = changetype<Pending>(env.pending);
  freeState(env.cur);
  env.cur = pending.state;
  forgetTraced(env);
  env.pc = pending.pc;
  env.prevPc = pending.prevPc;
  // At level 2 the log keeps every path, below it only the one that is walked.
  if ((env.input.logLevel & 2) == 0) logReset(env, pending.logAt);
  env.pending = pending.next;
  env.pendingCount--;
  free(changetype<usize>(pending), offsetof<Pending>());
  return true;
}
