// The paths still to be walked: a stack of states, each with the insn where it goes on.
import { E2BIG, ENOMEM } from '../isa';
import { Env } from './env';
import { newFrame } from './frame';
import { copyHistory } from './history';
import { fail, logPosition, logReset } from './log';
import { MSG_NO_MEMORY, MSG_TOO_MANY_PENDING } from './messages/core';
import { copyState, freeState, newState, State } from './state';
import { forgetTraced } from './traced';

/** As many paths may wait at once (BPF_COMPLEXITY_LIMIT_JMP_SEQ). */
const MAX_PENDING: u32 = 8192;

function noMemory(env: Env): State {
  fail(env, ENOMEM, MSG_NO_MEMORY);
  return changetype<State>(0);
}

/** On the stack of paths, to go on at `pc`. Null after `fail`: there are too many. */
function putAside(env: Env, state: State, pc: u32, prevPc: u32, limited: u32): State {
  state.resumePc = pc;
  state.resumePrevPc = prevPc;
  state.logAt = logPosition(env);
  state.next = env.pending;
  env.pending = changetype<usize>(state);
  if (++env.pendingCount <= MAX_PENDING) return state;
  fail(env, E2BIG, MSG_TOO_MANY_PENDING, env.pendingCount, limited);
  return changetype<State>(0);
}

/** Puts a copy of the current state aside, to go on at `pc`; the caller then changes it. Null after `fail`. */
export function pushPath(env: Env, pc: u32, prevPc: u32, speculative: bool): State {
  const state = newState();
  if (changetype<usize>(state) == 0) return noMemory(env);
  if (!copyState(state, env.cur) || !copyHistory(state, env.cur)) return noMemory(env);
  state.speculative = state.speculative || speculative;
  const aside = putAside(env, state, pc, prevPc, 0);
  if (changetype<usize>(aside) != 0 && state.parent != 0) changetype<State>(state.parent).branches++;
  return aside;
}

/** Puts a state with one empty frame aside, to begin at `pc`: nothing leads there from the current one. Null after `fail`. */
export function pushFresh(env: Env, pc: u32, prevPc: u32): State {
  const state = newState();
  const frame = newFrame();
  if (changetype<usize>(state) == 0 || changetype<usize>(frame) == 0) return noMemory(env);
  state.setFrame(0, frame);
  state.branches = 1;
  return putAside(env, state, pc, prevPc, 1);
}

/** The path put aside last becomes the current one. False when there is none. */
export function popPath(env: Env): bool {
  if (env.pending == 0) return false;
  const state = changetype<State>(env.pending);
  freeState(env.cur);
  env.cur = state;
  forgetTraced(env);
  env.pc = state.resumePc;
  env.prevPc = state.resumePrevPc;
  // At level 2 the log keeps every path, below it only the one that is walked.
  if ((env.input.logLevel & 2) == 0) logReset(env, state.logAt);
  env.pending = state.next;
  env.pendingCount--;
  return true;
}
