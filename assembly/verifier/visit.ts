// Prune points: is the state the path has come with covered by one that was walked before? If not, it is stored for those to come.
import { EINVAL, ENOMEM } from '../isa';
import {
  AUXF_CALLS_CALLBACK,
  AUXF_FORCE_CHECKPOINT,
  AUXF_ITER_NEXT,
  AUXF_JMP_POINT,
  IN_TEST_STATE_FREQ,
  LS_ROUND,
  LS_ROUND_BEFORE,
  NOT_INIT,
  STACK_ITER,
} from './abi';
import { isMayGoto } from './cfg';
import { Env } from './env';
import {
  differsAgain,
  EXACT,
  framePc,
  ITER_ACTIVE,
  iterDepthsDiffer,
  maybeLooping,
  NOT_EXACT,
  RANGE_WITHIN,
  sameCallsites,
  statesEqual,
} from './equal';
import { FRAME_IN_ASYNC, Frame } from './frame';
import { handOverHistory } from './history';
import { liveSlots } from './liveness';
import { fail } from './log';
import { logFrameOf } from './log-state';
import { MSG_INFINITE_LOOP, MSG_NO_MEMORY } from './messages/core';
import { propagatePrecision, pushHistory } from './precision';
import { addBackedge, enterScc, exitScc, inOpenLoop } from './scc-visit';
import { copyState, freeState, newState, State } from './state';
import { forgetTraced } from './traced';

/** `visit`: the path goes on, or is known to be safe. */
export const GO_ON: i32 = 0;
export const PRUNED: i32 = 1;

// A path stores a state when it has come this far since the last one.
const MIN_JMPS: u32 = 2;
const MIN_INSNS: u32 = 8;
/** In a loop states are stored more rarely. */
const LOOP_JMPS: u32 = 20;
const LOOP_INSNS: u32 = 100;
const MAX_HISTORY: u32 = 40;
/** Without CAP_BPF: so many states of one insn. */
const MAX_STATES_UNPRIVILEGED: u32 = 64;

// What comparing with one stored state says.
const MISS: u32 = 0;
const HIT: u32 = 1;
const HIT_IN_LOOP: u32 = 2;
const MISS_IN_PROGRESS: u32 = 3;
const ENDLESS: u32 = 4;

function forced(env: Env, pc: u32): bool {
  return (
    (env.auxOf(pc).flags & AUXF_FORCE_CHECKPOINT) != 0 ||
    env.cur.historyCount > MAX_HISTORY ||
    env.input.has(IN_TEST_STATE_FREQ)
  );
}

/** Linux counts the states of an insn with those of others: of insn and call site of the frame, it keeps as many lists as there are insns. */
function bucketOf(env: Env, pc: u32, state: State): usize {
  return env.buckets + ((<usize>((pc ^ <u32>state.cur.callsite) % env.input.insnCount)) << 2);
}

/** PRUNED, GO_ON, or -errno. */
export function visit(env: Env, pc: u32): i32 {
  const cur = env.cur;
  const force = forced(env, pc);
  let store =
    force ||
    (env.jmpsProcessed - env.prevJmpsProcessed >= MIN_JMPS && env.insnProcessed - env.prevInsnProcessed >= MIN_INSNS);
  cleanStates(env, pc, cur);
  const aux = env.auxOf(pc);
  const callsite = cur.cur.callsite;
  let before: usize = 0;
  const states = load<u32>(bucketOf(env, pc, cur));
  for (let at = aux.explored; at != 0; ) {
    const old = changetype<State>(at);
    const next = old.next;
    // Called from elsewhere: says nothing of this path, and comparing is no miss.
    if (old.callsite != callsite) {
      before = at;
      at = next;
      continue;
    }
    const found = compare(env, old, cur, pc);
    if (found == HIT || found == HIT_IN_LOOP) return prune(env, old, cur, pc, found == HIT_IN_LOOP);
    if (found == ENDLESS) return refuseEndless(env, old, cur, pc);
    if (found == MISS_IN_PROGRESS && !force) {
      if (
        env.jmpsProcessed - env.prevJmpsProcessed < LOOP_JMPS &&
        env.insnProcessed - env.prevInsnProcessed < LOOP_INSNS
      )
        store = false;
    }
    if (store) old.misses++;
    if (evict(env, old, pc)) unlink(env, pc, before, old);
    else before = at;
    at = next;
  }
  env.maxStatesPerInsn = max(env.maxStatesPerInsn, states);
  if (!env.capable && states > MAX_STATES_UNPRIVILEGED) return GO_ON;
  return store ? storeState(env, pc) : GO_ON;
}

function refuseEndless(env: Env, old: State, cur: State, pc: u32): i32 {
  const err = fail(env, EINVAL, MSG_INFINITE_LOOP, pc);
  if (env.input.logLevel == 0) return err;
  logFrameOf(env, cur, LS_ROUND, cur.cur, pc, true);
  logFrameOf(env, old, LS_ROUND_BEFORE, old.cur, pc, true);
  return err;
}

function compare(env: Env, old: State, cur: State, pc: u32): u32 {
  if (old.branches != 0) return compareOpen(env, old, cur, pc);
  if (differsAgain(env, old, cur)) return MISS;
  const loop = inOpenLoop(env, old);
  if (!statesEqual(env, old, cur, loop ? RANGE_WITHIN : NOT_EXACT)) return MISS;
  return loop ? HIT_IN_LOOP : HIT;
}

/** The stored state's paths are still walked, and this is one of them: the path has come round a loop. */
function compareOpen(env: Env, old: State, cur: State, pc: u32): u32 {
  const flags = env.auxOf(pc).flags;
  const frame = old.cur;
  // Another entry into the same asynchronous callback is no loop.
  if ((frame.flags & FRAME_IN_ASYNC) != 0 && frame.asyncEntry != cur.cur.asyncEntry) return MISS_IN_PROGRESS;
  if ((flags & AUXF_ITER_NEXT) != 0) {
    if (iteratorActive(cur) && statesEqual(env, old, cur, RANGE_WITHIN)) return HIT_IN_LOOP;
    return MISS_IN_PROGRESS;
  }
  if (isMayGoto(env.insn(pc))) {
    if (old.mayGotoDepth != cur.mayGotoDepth && statesEqual(env, old, cur, RANGE_WITHIN)) return HIT_IN_LOOP;
  }
  if ((flags & AUXF_CALLS_CALLBACK) != 0) {
    return statesEqual(env, old, cur, RANGE_WITHIN) ? HIT_IN_LOOP : MISS_IN_PROGRESS;
  }
  if (
    maybeLooping(env, old, cur) &&
    statesEqual(env, old, cur, EXACT) &&
    !iterDepthsDiffer(old, cur) &&
    old.mayGotoDepth == cur.mayGotoDepth &&
    old.callbackUnrollDepth == cur.callbackUnrollDepth
  )
    return ENDLESS;
  return MISS_IN_PROGRESS;
}

/** The iterator that R1 points to has not ended. */
function iteratorActive(state: State): bool {
  const reg = state.reg(1);
  const off = reg.off + <i32>reg.value;
  const frame = state.frame(reg.frameno);
  const spi = <u32>(-off - 1) >> 3;
  if (off >= 0 || spi >= frame.slots) return false;
  const slot = frame.slot(spi);
  return slot.typeAt(7) == STACK_ITER && (slot.aux2 & 0xff) == ITER_ACTIVE;
}

function prune(env: Env, old: State, cur: State, pc: u32, loop: bool): i32 {
  old.hits++;
  if ((env.auxOf(pc).flags & AUXF_JMP_POINT) != 0) {
    const err = pushHistory(env, cur, 0, 0);
    if (err != 0) return err;
  }
  propagatePrecision(env, old, cur);
  if (loop && !addBackedge(env, old, cur, pc)) return fail(env, ENOMEM, MSG_NO_MEMORY);
  return PRUNED;
}

/** A state that keeps missing is only in the way. Those at forced points are kept longer while their loop is walked. */
function evict(env: Env, old: State, pc: u32): bool {
  const n: u32 = (env.auxOf(pc).flags & AUXF_FORCE_CHECKPOINT) != 0 && old.branches > 0 ? 64 : 3;
  return old.misses > old.hits * n + n;
}

function unlink(env: Env, pc: u32, before: usize, old: State): void {
  const bucket = bucketOf(env, pc, old);
  store<u32>(bucket, load<u32>(bucket) - 1);
  if (before != 0) changetype<State>(before).next = old.next;
  else env.auxOf(pc).explored = old.next;
  if (!old.cleaned) dropUncleaned(env, pc, old);
  old.inFreeList = true;
  env.evictedStates++;
  env.exploredStates--;
  freeEvicted(env, old);
}

function freeEvicted(env: Env, state: State): void {
  if (!state.inFreeList || state.branches != 0 || inOpenLoop(env, state)) return;
  env.evictedStates--;
  freeState(state);
}

function storeState(env: Env, pc: u32): i32 {
  const cur = env.cur;
  const stored = newState();
  if (changetype<usize>(stored) == 0) return fail(env, ENOMEM, MSG_NO_MEMORY);
  env.totalStates++;
  env.exploredStates++;
  env.notePeak();
  env.prevJmpsProcessed = env.jmpsProcessed;
  env.prevInsnProcessed = env.insnProcessed;
  if (!copyState(stored, cur) || !handOverHistory(stored, cur)) return fail(env, ENOMEM, MSG_NO_MEMORY);
  stored.pc = pc;
  stored.branches = 1;
  stored.callsite = cur.cur.callsite;
  if (!enterScc(env, stored)) return fail(env, ENOMEM, MSG_NO_MEMORY);
  cur.parent = changetype<usize>(stored);
  cur.firstPc = pc;
  forgetTraced(env);
  cur.dfsDepth = stored.dfsDepth + 1;
  env.hist = 0;
  const bucket = bucketOf(env, pc, stored);
  store<u32>(bucket, load<u32>(bucket) + 1);
  const aux = env.auxOf(pc);
  stored.next = aux.explored;
  aux.explored = changetype<usize>(stored);
  stored.nextUncleaned = aux.uncleaned;
  aux.uncleaned = changetype<usize>(stored);
  return GO_ON;
}

/** The current path has ended: its stored states have one branch less each, up to the first that has others. */
export function endPath(env: Env): void {
  let at = changetype<usize>(env.cur);
  while (at != 0) {
    const state = changetype<State>(at);
    state.branches--;
    if (state.branches != 0) break;
    at = state.parent;
    if (state == env.cur) continue;
    exitScc(env, state);
    freeEvicted(env, state);
  }
}

/** Stored states whose paths have all been walked forget what none of them read. Only those that have not yet are looked at: few of many. */
function cleanStates(env: Env, pc: u32, cur: State): void {
  let before: usize = 0;
  for (let at = env.auxOf(pc).uncleaned; at != 0; ) {
    const state = changetype<State>(at);
    const next = state.nextUncleaned;
    if (state.branches != 0 || !sameCallsites(state, cur) || inOpenLoop(env, state)) before = at;
    else {
      state.cleaned = true;
      // What differed may be among what is forgotten.
      state.differed = 0;
      unlinkUncleaned(env, pc, before, next);
      for (let f: u32 = 0; f <= state.curframe; f++) cleanFrame(env, state, state.frame(f), f);
    }
    at = next;
  }
}

function unlinkUncleaned(env: Env, pc: u32, before: usize, next: usize): void {
  if (before != 0) changetype<State>(before).nextUncleaned = next;
  else env.auxOf(pc).uncleaned = next;
}

/** The state is no longer among those of its insn. */
function dropUncleaned(env: Env, pc: u32, state: State): void {
  let before: usize = 0;
  for (let at = env.auxOf(pc).uncleaned; at != 0; at = changetype<State>(at).nextUncleaned) {
    if (at == changetype<usize>(state)) return unlinkUncleaned(env, pc, before, state.nextUncleaned);
    before = at;
  }
}

function cleanFrame(env: Env, state: State, frame: Frame, f: u32): void {
  const liveRegs = env.auxOf(framePc(state, f)).liveRegs;
  for (let dead = ~liveRegs & 0x3ff; dead != 0; dead &= dead - 1) frame.reg(ctz(dead)).type = NOT_INIT;
  frame.preciseRegs &= liveRegs;
  if (frame.slots == 0) return;
  const live = liveSlots(env, state, f);
  frame.preciseSlots &= live;
  for (let i: u32 = 0; i < frame.slots; i++) {
    if (((live >> i) & 1) != 0) continue;
    const slot = frame.slot(i);
    slot.type = NOT_INIT;
    slot.types = 0;
  }
}

/**
 * The state of the last round of the loop that `state` walks at `pc`: the newest stored one that is its ancestor. Null in the first round.
 */
export function previousRound(env: Env, state: State, pc: u32): State {
  for (let at = env.auxOf(pc).explored; at != 0; at = changetype<State>(at).next) {
    const old = changetype<State>(at);
    if (old.branches != 0 && old.dfsDepth < state.dfsDepth && sameCallsites(old, state)) return old;
  }
  return changetype<State>(0);
}
