// One state of the machine: its frames, the references and locks it holds, and how it came about (struct bpf_verifier_state).
import { STATE_CURFRAME, STATE_FRAMES } from './abi';
import { alloc, allocDense, free } from './arena';
import { Block } from './block';
import { Frame, freeFrame, newFrameCopy, StackSlot } from './frame';
import { freeHistory } from './history';
import { RegState } from './reg-state';

// Reference kinds.
export const REF_PTR: u32 = 1;
export const REF_IRQ: u32 = 2;
export const REF_LOCK: u32 = 4;
export const REF_RES_LOCK: u32 = 8;
export const REF_RES_LOCK_IRQ: u32 = 16;
export const REF_LOCKS: u32 = 28;

/** Something acquired that must be given back. */
@unmanaged
export class Ref {
  kind: u32;
  id: u32;
  /** Pc that acquired it. */
  pc: u32;
  /** What the lock protects: the map (index + 1) or the object. */
  ptr: u32;
}
export const REF_SIZE: usize = offsetof<Ref>();

/*
 * What looking through stored states reads is one line of the processor's cache, and the one in front of it where numbers differ:
 *
 *    0                             64                          104    108                         128
 *   +-----------------------------+---------------------------+------+---------------------------+--------
 *   | seen: its bits and ranges   | its type and what follows | next | branches ... callsite     | frames
 *   +-----------------------------+---------------------------+------+---------------------------+--------
 */
@unmanaged
export class State {
  /** Of stored states: a copy of the register or stack slot that differed in the last comparison (`seenSlot`). */
  seen: u64;
  seen1: u64;
  seen2: u64;
  seen3: u64;
  seen4: u64;
  seen5: u64;
  seen6: u64;
  seen7: u64;
  seen8: u64;
  seen9: u64;
  seen10: u64;
  seen11: u64;
  seen12: u64;
  /** Of stored states: the next one of the same insn, and how often comparing with it helped. Of a path put aside: the one below it. */
  next: usize;
  /** Paths still to be walked from here; a state whose branches are 0 is known to be safe. */
  branches: u32;
  hits: u32;
  misses: u32;
  /** Which one `seen` is: the next comparison looks there first (equal.ts). */
  differed: u32;
  /** Of the innermost frame of a stored state. */
  callsite: i32;
  frame0: usize;
  frame1: usize;
  frame2: usize;
  frame3: usize;
  frame4: usize;
  frame5: usize;
  frame6: usize;
  frame7: usize;
  curframe: u32;
  /** Pc where the state stands. */
  pc: u32;
  /** Stored state this one descends from; 0 for the first. */
  parent: usize;
  /** The next one of the same insn that may have something to forget (visit.ts). */
  nextUncleaned: usize;
  firstPc: u32;
  lastPc: u32;
  /** This path is walked only because a mispredicted branch might take it (unprivileged programs). */
  speculative: bool;
  inSleepable: bool;
  cleaned: bool;
  /** Removed from the list of its insn; its memory goes when no path needs it. */
  inFreeList: bool;
  dfsDepth: u32;
  callbackUnrollDepth: u32;
  mayGotoDepth: u32;
  activeLocks: u32;
  activePreemptLocks: u32;
  activeRcuLocks: u32;
  activeIrqId: u32;
  activeLockId: u32;
  activeLockPtr: u32;
  refs: usize;
  refCount: u32;
  refCapacity: u32;
  /** Jumps and stack accesses since the parent (history.ts). */
  history: usize;
  historyCount: u32;
  historyCapacity: u32;
  /** For a back edge: the stored state it was found equal to. */
  equalTo: usize;
  // Of a path put aside (paths.ts): where it goes on, and the bytes of the log when it was put aside: the log of the path until there.
  resumePc: u32;
  resumePrevPc: u32;
  logAt: u32;

  @inline frame(i: u32): Frame {
    return changetype<Frame>(load<usize>(changetype<usize>(this) + ((<usize>i) << 2), STATE_FRAMES));
  }
  @inline setFrame(i: u32, frame: Frame): void {
    store<usize>(changetype<usize>(this) + ((<usize>i) << 2), changetype<usize>(frame), STATE_FRAMES);
  }
  /** What differed: a register, or a slot. */
  @inline get seenSlot(): StackSlot {
    return changetype<StackSlot>(changetype<usize>(this) + offsetof<State>('seen'));
  }
  @inline get cur(): Frame {
    return this.frame(this.curframe);
  }
  /** Register of the current frame. */
  @inline reg(i: u32): RegState {
    return this.cur.reg(i);
  }
  @inline ref(i: u32): Ref {
    return changetype<Ref>(this.refs + <usize>i * REF_SIZE);
  }
}
if (offsetof<State>('frame0') != STATE_FRAMES) ERROR('State.frame0 drifted from abi.ts');
if (offsetof<State>('curframe') != STATE_CURFRAME) ERROR('State.curframe drifted from abi.ts');
/** Whole lines of the processor's cache. */
export const STATE_SIZE: usize = (offsetof<State>() + 63) & ~63;

export function newState(): State {
  const ptr = allocDense(STATE_SIZE);
  if (ptr != 0) Block.clearLong(ptr, STATE_SIZE);
  return changetype<State>(ptr);
}

/** Gives back all memory of a state, the state's own included. */
export function freeState(state: State): void {
  for (let i: u32 = 0; i <= state.curframe; i++) freeFrame(state.frame(i));
  free(state.refs, <usize>state.refCapacity * REF_SIZE);
  freeHistory(state);
  free(changetype<usize>(state), STATE_SIZE);
}

function copyRefs(dst: State, src: State): bool {
  if (src.refCount == 0) return true;
  dst.refs = alloc(<usize>src.refCount * REF_SIZE);
  if (dst.refs == 0) return false;
  dst.refCapacity = src.refCount;
  dst.refCount = src.refCount;
  Block.copyLong(dst.refs, src.refs, <usize>src.refCount * REF_SIZE);
  return true;
}

/** Makes `dst`, which is new, hold what `src` holds; everything but the history, which a copy begins anew. False when memory has run out. */
export function copyState(dst: State, src: State): bool {
  if (!copyRefs(dst, src)) return false;
  copyFields(dst, src);
  for (let i: u32 = 0; i <= src.curframe; i++) {
    const frame = newFrameCopy(src.frame(i));
    if (changetype<usize>(frame) == 0) return false;
    dst.setFrame(i, frame);
  }
  return true;
}

function copyFields(dst: State, src: State): void {
  dst.curframe = src.curframe;
  dst.parent = src.parent;
  dst.branches = src.branches;
  dst.pc = src.pc;
  dst.firstPc = src.firstPc;
  dst.lastPc = src.lastPc;
  dst.speculative = src.speculative;
  dst.inSleepable = src.inSleepable;
  dst.cleaned = src.cleaned;
  dst.dfsDepth = src.dfsDepth;
  dst.callbackUnrollDepth = src.callbackUnrollDepth;
  dst.mayGotoDepth = src.mayGotoDepth;
  dst.activeLocks = src.activeLocks;
  dst.activePreemptLocks = src.activePreemptLocks;
  dst.activeRcuLocks = src.activeRcuLocks;
  dst.activeIrqId = src.activeIrqId;
  dst.activeLockId = src.activeLockId;
  dst.activeLockPtr = src.activeLockPtr;
  dst.equalTo = src.equalTo;
}

/** Forgets the reference; false when there is none of this id. */
export function removeRef(state: State, id: u32): bool {
  for (let i: u32 = 0; i < state.refCount; i++) {
    if (state.ref(i).kind != REF_PTR || state.ref(i).id != id) continue;
    // Those behind it move up: the order is the order in which they were acquired.
    memory.copy(
      changetype<usize>(state.ref(i)),
      changetype<usize>(state.ref(i)) + REF_SIZE,
      <usize>(state.refCount - i - 1) * REF_SIZE,
    );
    state.refCount--;
    return true;
  }
  return false;
}
