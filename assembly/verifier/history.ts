// What a path did since its last stored state: jumps taken and stack slots accessed, in order, so that precision can be traced back.
import { alloc, free } from './arena';
import { Block } from './block';
import { State } from './state';

/** HistoryEntry.flags: the insn reads or writes stack slot `spi` of frame `frameno`. */
export const HIST_STACK_ACCESS: u32 = 1 << 9;
/** The jump's operand was a stack pointer. */
export const HIST_DST_STACK: u32 = 1 << 10;
export const HIST_SRC_STACK: u32 = 1 << 11;
export const HIST_FRAME_MASK: u32 = 7;
export const HIST_SPI_SHIFT: u32 = 3;
export const HIST_SPI_MASK: u32 = 0x3f;
const FLAG_BITS: u32 = 12;
const FLAGS: u32 = 0xfff;

@unmanaged
export class HistoryEntry {
  /** The insn's pc, 20 bits, and 12 of flags: a state keeps dozens of entries, and programs thousands of states. */
  where: u32;
  prevPc: u32;
  /** Registers and slots whose bounds the insn changed together (linked.ts), packed; 0 for none. */
  linked: u64;

  @inline get pc(): u32 {
    return this.where >> FLAG_BITS;
  }
  @inline get flags(): u32 {
    return this.where & FLAGS;
  }
  @inline addFlags(flags: u32): void {
    this.where |= flags;
  }
  @inline begin(pc: u32, prevPc: u32, flags: u32, linked: u64): void {
    this.where = (pc << FLAG_BITS) | flags;
    this.prevPc = prevPc;
    this.linked = linked;
  }
}
export const HISTORY_SIZE: usize = offsetof<HistoryEntry>();
/** A path that goes on adds entries soon. */
const SPARE: u32 = 4;

export function historyEntry(state: State, i: u32): HistoryEntry {
  return changetype<HistoryEntry>(state.history + <usize>i * HISTORY_SIZE);
}

/** Appends an entry, to be filled; null when memory has run out. */
export function appendHistory(state: State): HistoryEntry {
  if (state.historyCount == state.historyCapacity) {
    const capacity = max<u32>(8, state.historyCapacity * 2);
    const grown = alloc(<usize>capacity * HISTORY_SIZE);
    if (grown == 0) return changetype<HistoryEntry>(0);
    Block.copyLong(grown, state.history, <usize>state.historyCount * HISTORY_SIZE);
    free(state.history, <usize>state.historyCapacity * HISTORY_SIZE);
    state.history = grown;
    state.historyCapacity = capacity;
  }
  return historyEntry(state, state.historyCount++);
}

export function freeHistory(state: State): void {
  free(state.history, <usize>state.historyCapacity * HISTORY_SIZE);
  state.history = 0;
  state.historyCount = 0;
  state.historyCapacity = 0;
}

/** Gives `dst`, which has no history, a copy of `src`'s with room for `spare` entries. False when memory has run out. */
export function copyHistory(dst: State, src: State, spare: u32 = SPARE): bool {
  if (src.historyCount == 0) return true;
  dst.history = alloc(<usize>(src.historyCount + spare) * HISTORY_SIZE);
  if (dst.history == 0) return false;
  dst.historyCapacity = src.historyCount + spare;
  dst.historyCount = src.historyCount;
  Block.copyLong(dst.history, src.history, <usize>src.historyCount * HISTORY_SIZE);
  return true;
}

/** `dst`, which has none, gets `src`'s history in no more memory than it needs; `src` goes on with an empty one. False when memory has run out. */
export function handOverHistory(dst: State, src: State): bool {
  if (!copyHistory(dst, src, 0)) return false;
  src.historyCount = 0;
  return true;
}
