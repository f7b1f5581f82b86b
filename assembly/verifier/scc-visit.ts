// Loops being walked: the state that entered each, and the back edges found to converge. What is precise inside a loop is only known when
// all of its paths have been walked; then it is carried over the back edges until nothing changes.
import { LC_BACKEDGE, LC_ENTER, LC_EXIT, LOG_LOOP } from './abi';
import { alloc, free } from './arena';
import { Env } from './env';
import { framePc } from './equal';
import { logRecord } from './log';
import { markAllPrecise, propagatePrecision } from './precision';
import { copyState, freeState, newState, State } from './state';

/** Beyond so many back edges, or rounds over them, everything in the loop becomes precise. */
const MAX_BACKEDGES: u32 = 64;
const MAX_ROUNDS: u32 = 64;

@unmanaged
class Visit {
  /** Call insns of the frames below the one the loop is in; unused ones are 0. */
  site0: u32;
  site1: u32;
  site2: u32;
  site3: u32;
  site4: u32;
  site5: u32;
  site6: u32;
  site7: u32;
  scc: u32;
  entry: usize;
  backedges: usize;
  count: u32;
  next: usize;
}
const KEY_SIZE: usize = offsetof<Visit>('entry');

/** One of the frames is in a loop. Most states are in none. */
function inLoop(env: Env, state: State): bool {
  if (env.sccCount == 0) return false;
  for (let i: u32 = 0; i <= state.curframe; i++) if (env.auxOf(framePc(state, i)).scc != 0) return true;
  return false;
}

/** Fills the key of `visit`: the outermost frame that is in a loop. False when none is. */
function callchain(env: Env, state: State, visit: Visit): bool {
  if (!inLoop(env, state)) return false;
  memory.fill(changetype<usize>(visit), 0, KEY_SIZE);
  for (let i: u32 = 0; i <= state.curframe; i++) {
    const pc = framePc(state, i);
    const scc = env.auxOf(pc).scc;
    if (scc != 0) {
      visit.scc = scc;
      return true;
    }
    store<u32>(changetype<usize>(visit) + ((<usize>i) << 2), pc);
  }
  return false;
}

/** Level 2 tells of the loop that `state` is in. */
function logLoop(env: Env, what: u32, state: State): void {
  if ((env.input.logLevel & 2) == 0) return;
  let calls: u32 = 0;
  while (calls < state.curframe && env.auxOf(framePc(state, calls)).scc == 0) calls++;
  const at = logRecord(env, LOG_LOOP, 8 + (calls << 2));
  if (at == 0) return;
  store<u32>(at, what);
  store<u32>(at + 4, env.auxOf(framePc(state, calls)).scc);
  for (let i: u32 = 0; i < calls; i++) store<u32>(at + 8 + (i << 2), framePc(state, i));
}

function find(env: Env, key: Visit): Visit {
  for (let at = load<usize>(env.sccs + ((<usize>key.scc) << 2)); at != 0; at = changetype<Visit>(at).next) {
    if (memory.compare(at, changetype<usize>(key), KEY_SIZE) == 0) return changetype<Visit>(at);
  }
  return changetype<Visit>(0);
}

function lookup(env: Env, state: State): Visit {
  const key = changetype<Visit>(env.sccKey);
  return callchain(env, state, key) ? find(env, key) : changetype<Visit>(0);
}

/** Bytes of the scratch that `env.sccKey` points to. */
export const SCC_KEY_SIZE: usize = offsetof<Visit>();

/** A state has been stored: it may be the first one inside a loop. False when memory has run out. */
export function enterScc(env: Env, state: State): bool {
  const key = changetype<Visit>(env.sccKey);
  if (!callchain(env, state, key)) return true;
  let visit = find(env, key);
  if (changetype<usize>(visit) == 0) {
    visit = changetype<Visit>(alloc(offsetof<Visit>()));
    if (changetype<usize>(visit) == 0) return false;
    memory.fill(changetype<usize>(visit), 0, offsetof<Visit>());
    memory.copy(changetype<usize>(visit), changetype<usize>(key), KEY_SIZE);
    const head = env.sccs + ((<usize>key.scc) << 2);
    visit.next = load<usize>(head);
    store<usize>(head, changetype<usize>(visit));
  }
  if (visit.entry == 0) {
    visit.entry = changetype<usize>(state);
    logLoop(env, LC_ENTER, state);
  }
  return true;
}

/** All paths behind `state` have been walked: if it entered a loop, the loop is done. */
export function exitScc(env: Env, state: State): void {
  const visit = lookup(env, state);
  if (changetype<usize>(visit) == 0 || visit.entry != changetype<usize>(state)) return;
  visit.entry = 0;
  logLoop(env, LC_EXIT, state);
  propagateBackedges(env, visit);
}

/** Marks inside `state` may still grow: the loop it is in has back edges waiting. */
export function inOpenLoop(env: Env, state: State): bool {
  const visit = lookup(env, state);
  return changetype<usize>(visit) != 0 && visit.backedges != 0;
}

/** The current state equals `old`, which is in a loop that is still walked. False when memory has run out. */
export function addBackedge(env: Env, old: State, cur: State, pc: u32): bool {
  const visit = lookup(env, old);
  if (changetype<usize>(visit) == 0) return true;
  const copy = newState();
  if (changetype<usize>(copy) == 0 || !copyState(copy, cur)) return false;
  moveHistory(copy, cur);
  copy.pc = pc;
  copy.equalTo = changetype<usize>(old);
  copy.next = visit.backedges;
  visit.backedges = changetype<usize>(copy);
  visit.count++;
  env.backedgeCount++;
  logLoop(env, LC_BACKEDGE, old);
  env.notePeak();
  return true;
}

/** The current path ends here: its history is needed only by the copy. */
function moveHistory(to: State, from: State): void {
  to.history = from.history;
  to.historyCount = from.historyCount;
  to.historyCapacity = from.historyCapacity;
  from.history = 0;
  from.historyCount = 0;
  from.historyCapacity = 0;
}

function propagateBackedges(env: Env, visit: Visit): void {
  let rounds: u32 = 0;
  let changed = visit.count <= MAX_BACKEDGES;
  if (!changed) makeAllPrecise(visit);
  while (changed) {
    changed = false;
    for (let at = visit.backedges; at != 0; at = changetype<State>(at).next) {
      const edge = changetype<State>(at);
      if (propagatePrecision(env, changetype<State>(edge.equalTo), edge)) changed = true;
    }
    if (++rounds > MAX_ROUNDS) {
      makeAllPrecise(visit);
      break;
    }
  }
  freeBackedges(env, visit);
}

function makeAllPrecise(visit: Visit): void {
  for (let at = visit.backedges; at != 0; at = changetype<State>(at).next) markAllPrecise(changetype<State>(at));
}

function freeBackedges(env: Env, visit: Visit): void {
  let at = visit.backedges;
  while (at != 0) {
    const edge = changetype<State>(at);
    at = edge.next;
    freeState(edge);
  }
  env.backedgeCount -= visit.count;
  visit.backedges = 0;
  visit.count = 0;
}
