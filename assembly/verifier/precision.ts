// Precision: which scalars' exact values the verdict rests on. Found by walking the history of a path backwards from where a value mattered.
import { ENOMEM } from '../isa';
import { LP_ALL, LP_INSN, LP_PARENT, LP_PROPAGATE, LP_STATE, LS_PRECISE, SCALAR, STACK_SPILL } from './abi';
import { Backtrack, STEP_UNKNOWN, stepBack } from './backtrack';
import { Env } from './env';
import { Frame, StackSlot } from './frame';
import { appendHistory, HistoryEntry, historyEntry } from './history';
import { fail } from './log';
import { logFrameOf, logPrecise } from './log-state';
import { MSG_NO_MEMORY } from './messages/core';
import { REG_PRECISE, RegState } from './reg-state';
import { State } from './state';
import { Traced } from './traced';

const NO_INSN: i32 = -1;

function btOf(env: Env): Backtrack {
  return changetype<Backtrack>(env.backtrack);
}

/** The value of register `regno` of the current frame mattered: it and all it was computed from become precise. 0, or -errno. */
export function markChainPrecision(env: Env, regno: u32): i32 {
  if (!env.capable) return 0;
  const bt = btOf(env);
  bt.reset(env.cur.curframe);
  if (env.reg(regno).type == SCALAR) bt.addReg(regno);
  backtrack(env, env.cur);
  return 0;
}

/** The same for a spilled scalar: slot `spi` of frame `frameno`. */
export function markSlotPrecision(env: Env, frameno: u32, spi: u32): i32 {
  if (!env.capable) return 0;
  const bt = btOf(env);
  bt.reset(env.cur.curframe);
  bt.setSlots(frameno, (<u64>1) << spi);
  backtrack(env, env.cur);
  return 0;
}

/** Adds to the current path's history: this insn was a jump, or touched a stack slot (flags: history.ts), or changed linked registers. */
export function pushHistory(env: Env, state: State, flags: u32, linked: u64): i32 {
  if (env.hist != 0) {
    const last = historyEntry(state, state.historyCount - 1);
    last.addFlags(flags);
    if (linked != 0) last.linked = linked;
    return 0;
  }
  const entry = appendHistory(state);
  if (changetype<usize>(entry) == 0) return fail(env, ENOMEM, MSG_NO_MEMORY);
  entry.begin(env.pc, env.prevPc, flags, linked);
  env.hist = 1;
  return 0;
}

/**
 * `cur` was found equal to `old`: what is precise in `old` becomes precise in `cur`'s past. True when that changed anything.
 */
export function propagatePrecision(env: Env, old: State, cur: State): bool {
  if (!env.capable) return false;
  const bt = btOf(env);
  bt.reset(old.curframe);
  for (let f: u32 = 0; f <= old.curframe; f++) {
    bt.setRegs(f, old.frame(f).preciseRegs);
    bt.setSlots(f, old.frame(f).preciseSlots);
    if ((env.input.logLevel & 2) != 0 && (bt.regs(f) != 0 || bt.slots(f) != 0))
      logPrecise(env, LP_PROPAGATE, f, bt.regs(f), bt.slots(f));
  }
  return backtrack(env, cur);
}

export function isSpilled(slot: StackSlot): bool {
  return slot.typeAt(7) == STACK_SPILL;
}

export function isSpilledScalar(slot: StackSlot): bool {
  return slot.typeAt(7) == STACK_SPILL && slot.type == SCALAR;
}

// How walking back over one state's insns ended.
const AT_START: u32 = 0;
const NOTHING_WANTED: u32 = 1;
const UNKNOWN: u32 = 2;

/** From the insn at `pc` of `st` to the first one behind its parent. `next` as for `stepBack`; NO_INSN: the walk begins before `pc`. */
function walkBack(env: Env, bt: Backtrack, st: State, pc: i32, next: i32, traced: Traced): u32 {
  const loud = isLoud(env);
  let count = st.historyCount;
  let begin = next == NO_INSN;
  do {
    const last = count != 0 ? historyEntry(st, count - 1) : changetype<HistoryEntry>(0);
    const entry = count != 0 && last.pc == pc ? last : changetype<HistoryEntry>(0);
    if (loud && !begin) logPrecise(env, LP_INSN, bt.frame, bt.regs(bt.frame), bt.slots(bt.frame), pc);
    if (begin) begin = false;
    else if (changetype<usize>(entry) != 0 || !bt.passes(env.insn(pc))) {
      if (stepBack(env, bt, pc, next, entry) == STEP_UNKNOWN) return UNKNOWN;
      if (bt.empty) return NOTHING_WANTED;
    }
    const before = changetype<usize>(entry) != 0 ? count - 1 : count;
    if (changetype<usize>(traced) != 0 && traced.ends(bt, pc, before)) return NOTHING_WANTED;
    if (pc == st.firstPc && before == 0) return AT_START;
    next = pc;
    pc = changetype<usize>(entry) != 0 ? <i32>entry.prevPc : pc - 1;
    count = before;
  } while (pc >= 0);
  return AT_START;
}

/** Entries of a state's history in front of the insn it stands at. */
function entriesBefore(st: State): u32 {
  const count = st.historyCount;
  return count != 0 && historyEntry(st, count - 1).pc == st.pc ? count - 1 : count;
}

function isLoud(env: Env): bool {
  return (env.input.logLevel & 2) != 0;
}

/** What earlier walks of this path have done already, null where it may not be used: at level 2 the log shows all of every walk. */
function tracedOf(env: Env, from: State): Traced {
  return from == env.cur && !isLoud(env) ? changetype<Traced>(env.traced) : changetype<Traced>(0);
}

/** Walks back from `from`, where the masks hold, until nothing is wanted any more. True when a scalar became precise. */
function backtrack(env: Env, from: State): bool {
  const bt = btOf(env);
  if (bt.empty) return false;
  let changed = false;
  let st = from;
  let last = <i32>from.pc;
  let next: i32 = NO_INSN;
  let traced = tracedOf(env, from);
  if (changetype<usize>(traced) != 0 && traced.begin(bt, from, entriesBefore(from))) return false;
  for (;;) {
    if (last < 0) {
      markEntryArgs(bt, st);
      return true;
    }
    if (isLoud(env)) logPrecise(env, LP_STATE, bt.frame, 0, 0, last, st.firstPc, next);
    const end = walkBack(env, bt, st, last, next, traced);
    if (end == NOTHING_WANTED) return changed;
    if (end == UNKNOWN) break;
    traced = changetype<Traced>(0);
    next = <i32>st.firstPc;
    if (st.parent == 0) break;
    st = changetype<State>(st.parent);
    if (bt.frame != st.curframe) break;
    if (markWanted(bt, st)) changed = true;
    if (isLoud(env)) logPreciseParent(env, bt, st);
    if (bt.empty) return changed;
    last = <i32>st.lastPc;
  }
  giveUp(env, from);
  return true;
}

/** Where a value came from cannot be told. */
function giveUp(env: Env, from: State): void {
  if ((env.input.logLevel & 2) != 0) logPrecise(env, LP_ALL, from.curframe, 0, 0);
  markAllPrecise(from);
}

function logPreciseParent(env: Env, bt: Backtrack, st: State): void {
  for (let f = <i32>bt.frame; f >= 0; f--) {
    logPrecise(env, LP_PARENT, f, bt.regs(f), bt.slots(f));
    logFrameOf(env, st, LS_PRECISE, st.frame(f), st.pc, true);
  }
}

/** What is wanted of a stored state: scalars become precise and are wanted of its past; what was precise already, or is no scalar, is done. */
function markWanted(bt: Backtrack, st: State): bool {
  let changed = false;
  for (let f: u32 = 0; f <= bt.frame; f++) {
    const frame = st.frame(f);
    let regs = bt.regs(f);
    for (let rest = regs; rest != 0; rest &= rest - 1) {
      const i = ctz(rest);
      if (setPreciseReg(frame, i)) changed = true;
      else regs &= ~(1 << i);
    }
    bt.setRegs(f, regs);
    let slots = bt.slots(f);
    for (let rest = slots; rest != 0; rest &= rest - 1) {
      const i = <u32>ctz(rest);
      if (setPreciseSlot(frame, i)) changed = true;
      else slots &= ~((<u64>1) << i);
    }
    bt.setSlots(f, slots);
  }
  return changed;
}

/** True when it was an imprecise scalar. */
function setPrecise(reg: RegState): bool {
  if (reg.type != SCALAR || reg.precise) return false;
  reg.flags |= REG_PRECISE;
  return true;
}

// Only stored states become precise, and their frames know of what.

function setPreciseReg(frame: Frame, i: u32): bool {
  if (!setPrecise(frame.reg(i))) return false;
  frame.preciseRegs |= 1 << i;
  return true;
}

function setPreciseSlot(frame: Frame, i: u32): bool {
  if (i >= frame.slots || !isSpilledScalar(frame.slot(i)) || !setPrecise(frame.slot(i))) return false;
  frame.preciseSlots |= (<u64>1) << i;
  return true;
}

/** The walk has come to the entry of a global function: its scalar arguments are where the values come from. */
function markEntryArgs(bt: Backtrack, st: State): void {
  for (let i: u32 = 1; i < 6; i++) {
    if ((bt.regs(0) >> i) & 1) setPreciseReg(st.frame(0), i);
  }
}

/** All scalars of the stored states that lead to `st`. */
export function markAllPrecise(st: State): void {
  for (let s = st.parent; s != 0; s = changetype<State>(s).parent) {
    const state = changetype<State>(s);
    for (let f: u32 = 0; f <= state.curframe; f++) {
      const frame = state.frame(f);
      for (let i: u32 = 0; i < 10; i++) setPreciseReg(frame, i);
      for (let i: u32 = 0; i < frame.slots; i++) setPreciseSlot(frame, i);
    }
  }
}
