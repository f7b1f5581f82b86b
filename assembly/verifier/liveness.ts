// Which stack slots are still read: found while paths are walked, for each chain of calls on its own. Once all paths behind a stored state
// have been walked, slots that none of them read are dropped from it, so that later states need not agree on them.
import { BPF_CALL, BPF_JMP, BPF_ST, BPF_STX } from '../isa';
import { alloc, allocZeroed } from './arena';
import { Block } from './block';
import { Env } from './env';
import { Frame } from './frame';
import { Insn } from './insn';
import { State } from './state';
import { branch, fallthrough } from './successors';

const MAX_FRAMES: u32 = 8;
const ALL: u64 = u64.MAX_VALUE;

/** Slots of one frame at one insn, a bit each: slot i covers fp-8*(i+1). */
@unmanaged
class Slots {
  mayRead: u64;
  /** Slots that every walk of the insn has overwritten. All ones until it is walked. */
  mustWrite: u64;
  liveBefore: u64;
}
const SLOTS_SIZE: usize = offsetof<Slots>();

/** A function as one chain of calls reaches it. */
@unmanaged
export class Instance {
  parent: usize;
  callsite: i32;
  subprog: u32;
  depth: u32;
  start: u32;
  length: u32;
  /** Those with the highest call sites come first: a walk goes forward, so that a new one is known to be new at once. */
  firstChild: usize;
  nextSibling: usize;
  /** Something was added since `liveBefore` was computed, */
  stale: bool;
  /** to insns between these two. */
  staleFrom: u32;
  staleTo: u32;
  /** Some jump goes back: one round over the insns, last first, may not be enough. */
  loops: bool;
  frame0: usize;
  frame1: usize;
  frame2: usize;
  frame3: usize;
  frame4: usize;
  frame5: usize;
  frame6: usize;
  frame7: usize;

  @inline at(frame: u32, pc: u32): Slots {
    const table = load<usize>(changetype<usize>(this) + offsetof<Instance>('frame0') + ((<usize>frame) << 2));
    return changetype<Slots>(table + <usize>(pc - this.start) * SLOTS_SIZE);
  }
}

function mayWriteStack(insn: Insn): bool {
  const cls = insn.cls;
  return cls == BPF_ST || cls == BPF_STX || insn.code == (BPF_JMP | BPF_CALL);
}

/** Fills `Aux.firstJump`. */
export function findFirstJumps(env: Env): void {
  for (let pc = env.input.insnCount; pc-- > 0; ) {
    const aux = env.auxOf(pc);
    if (aux.firstJump == 0) aux.firstJump = pc;
    const target = branch(env.insn(pc), pc);
    if (target >= 0) env.auxOf(target).firstJump = pc;
  }
}

function newInstance(env: Env, parent: usize, callsite: i32, subprog: u32, depth: u32): Instance {
  const it = changetype<Instance>(allocZeroed(offsetof<Instance>()));
  if (changetype<usize>(it) == 0) return it;
  const func = env.subprog(subprog);
  it.parent = parent;
  it.callsite = callsite;
  it.subprog = subprog;
  it.depth = depth;
  it.start = func.start;
  it.length = func.end - func.start;
  it.staleFrom = u32.MAX_VALUE;
  for (let f: u32 = 0; f <= depth; f++) {
    const table = alloc(<usize>it.length * SLOTS_SIZE);
    if (table == 0) return changetype<Instance>(0);
    store<usize>(changetype<usize>(it) + offsetof<Instance>('frame0') + ((<usize>f) << 2), table);
    for (let i: u32 = 0; i < it.length; i++) {
      const slots = it.at(f, it.start + i);
      slots.mayRead = 0;
      slots.mustWrite = mayWriteStack(env.insn(it.start + i)) ? ALL : 0;
      slots.liveBefore = 0;
    }
  }
  for (let pc = func.start; pc < func.end; pc++) {
    const target = branch(env.insn(pc), pc);
    if (target >= 0 && <u32>target <= pc) it.loops = true;
  }
  return it;
}

/** Instance of a function that nothing calls: the program, a global function, an asynchronous callback. */
function rootOf(env: Env, subprog: u32): usize {
  for (let root = env.rootInstance; root != 0; root = changetype<Instance>(root).nextSibling) {
    if (changetype<Instance>(root).subprog == subprog) return root;
  }
  const it = newInstance(env, 0, -1, subprog, 0);
  if (changetype<usize>(it) == 0) return 0;
  it.nextSibling = env.rootInstance;
  env.rootInstance = changetype<usize>(it);
  return env.rootInstance;
}

/** Gives frame number `frameno` of `state` its instance. False when memory has run out. */
export function bindInstance(env: Env, state: State, frameno: u32): bool {
  const frame = state.frame(frameno);
  if (frameno == 0) {
    frame.instance = rootOf(env, frame.subprog);
    return frame.instance != 0;
  }
  const parent = changetype<Instance>(state.frame(frameno - 1).instance);
  let before: usize = 0;
  let child = parent.firstChild;
  while (child != 0 && changetype<Instance>(child).callsite >= frame.callsite) {
    const it = changetype<Instance>(child);
    if (it.callsite == frame.callsite && it.subprog == frame.subprog) {
      frame.instance = child;
      return true;
    }
    before = child;
    child = it.nextSibling;
  }
  const it = newInstance(env, changetype<usize>(parent), frame.callsite, frame.subprog, frameno);
  if (changetype<usize>(it) == 0) return false;
  it.nextSibling = child;
  if (before != 0) changetype<Instance>(before).nextSibling = changetype<usize>(it);
  else parent.firstChild = changetype<usize>(it);
  frame.instance = changetype<usize>(it);
  return true;
}

function addedAt(it: Instance, pc: u32): void {
  it.staleFrom = min<u32>(it.staleFrom, pc);
  it.staleTo = max<u32>(it.staleTo, pc);
}

function stale(it: Instance, pc: u32): void {
  addedAt(it, pc);
  // What a callee reads of its callers' slots is read at the call: the callers' tables depend on it.
  for (let i = changetype<usize>(it); i != 0; i = changetype<Instance>(i).parent) changetype<Instance>(i).stale = true;
}

/** The insn being walked, at `pc`, reads slots `mask` of `frame`. */
export function markStackRead(env: Env, frame: Frame, pc: u32, mask: u64): void {
  const it = changetype<Instance>(env.cur.cur.instance);
  const slots = it.at(frame.frameno, pc);
  if ((slots.mayRead & mask) == mask) return;
  slots.mayRead |= mask;
  stale(it, pc);
}

/** It overwrites all of slots `mask` of `frame`. */
export function markStackWrite(env: Env, frame: Frame, mask: u64): void {
  const at = env.stackWrites + ((<usize>frame.frameno) << 3);
  store<u64>(at, load<u64>(at) | mask);
}

/** Before an insn is walked. */
export function beginStackWrites(env: Env): void {
  Block.clear(env.stackWrites, MAX_FRAMES << 3);
}

/** Behind it: `instance` is the frame's that walked it. */
export function commitStackWrites(env: Env, instance: usize, pc: u32): void {
  const it = changetype<Instance>(instance);
  for (let f: u32 = 0; f <= it.depth; f++) {
    const slots = it.at(f, pc);
    const written = slots.mustWrite & load<u64>(env.stackWrites + ((<usize>f) << 3));
    if (written == slots.mustWrite) continue;
    slots.mustWrite = written;
    stale(it, pc);
  }
}

export function writesStack(insn: Insn): bool {
  return mayWriteStack(insn);
}

function update(env: Env, it: Instance): void {
  if (!it.stale) return;
  it.stale = false;
  for (let child = it.firstChild; child != 0; child = changetype<Instance>(child).nextSibling) {
    const callee = changetype<Instance>(child);
    update(env, callee);
    for (let f: u32 = 0; f <= it.depth; f++) {
      const call = it.at(f, callee.callsite);
      const read = call.mayRead | callee.at(f, callee.start).liveBefore;
      if (read == call.mayRead) continue;
      call.mayRead = read;
      addedAt(it, callee.callsite);
    }
  }
  const last = it.start + it.length - 1;
  for (let f: u32 = 0; f <= it.depth; f++) {
    // What comes behind the last change is as it was, unless a jump goes back in front of it.
    let changed = pass(env, it, f, it.staleFrom, it.staleTo);
    while (changed && it.loops) changed = pass(env, it, f, it.start, last);
  }
  it.staleFrom = u32.MAX_VALUE;
  it.staleTo = 0;
}

/** One round over insns `first` to `last` of the function, last first, and as far in front of them as something changes. True when it did. */
function pass(env: Env, it: Instance, f: u32, first: u32, last: u32): bool {
  let changed = false;
  for (let pc = last + 1; pc-- > first; ) {
    const insn = env.insn(pc);
    const next = fallthrough(insn, pc);
    const target = branch(insn, pc);
    let after: u64 = 0;
    if (<u32>next < it.start + it.length) after |= it.at(f, next).liveBefore;
    if (target >= 0) after |= it.at(f, target).liveBefore;
    const slots = it.at(f, pc);
    const live = slots.mayRead | (after & ~slots.mustWrite);
    if (live != slots.liveBefore) {
      slots.liveBefore = live;
      changed = true;
      // The one in front of it and the first one that jumps here depend on it.
      if (pc != it.start) first = min<u32>(first, min<u32>(pc - 1, env.auxOf(pc).firstJump));
    }
  }
  return changed;
}

/** Slots of frame `frameno` that are read after `state`: in the frames above it, or in it once they have returned. */
export function liveSlots(env: Env, state: State, frameno: u32): u64 {
  const top = changetype<Instance>(state.cur.instance);
  update(env, changetype<Instance>(state.frame(0).instance));
  let live = top.at(frameno, state.pc).liveBefore;
  for (let i = frameno; i < state.curframe; i++) {
    const callsite = state.frame(i + 1).callsite;
    const it = changetype<Instance>(state.frame(i).instance);
    const insn = env.insn(callsite);
    // A callback goes back to the call itself, a function to the insn behind it.
    live |= insn.isSubprogCall ? it.at(frameno, callsite + 1).liveBefore : it.at(frameno, callsite).liveBefore;
    if (!insn.isSubprogCall) live |= it.at(frameno, callsite + 1).liveBefore;
  }
  return live;
}
