// What a path did since its last stored state: jumps taken and stack slots accessed, in order, so that precision can be traced back.
import { alloc, free } from './arena';
import { State } from './state';

/** HistoryEntry.flags: the insn reads or writes stack slot `spi` of frame `frameno`. */
export const HIST_STACK_ACCESS: u32 = 1 << 9;
/** The jump's operand was a stack pointer. */
export const HIST_DST_STACK: u32 = 1 << 10;
export const HIST_SRC_STACK: u32 = 1 << 11;
export const HIST_FRAME_MASK: u32 = 7;
export const HIST_SPI_SHIFT: u32 = 3;
export const HIST_SPI_MASK: u32 = 0x3f;

@unmanaged
export class HistoryEntry {
  pc: u32;
  prevPc: u32;
  flags: u32;
  pad: u32;
  /** Registers and slots whose bounds the insn changed together (linked.ts), packed; 0 for none. */
  linked: u64;
}
export const HISTORY_SIZE: usize = offsetof<HistoryEntry>();

export function historyEntry(state: State, i: u32): HistoryEntry {
  return changetype<HistoryEntry>(state.history + <usize>i * HISTORY_SIZE);
}

/** Appends an entry that is all zeros; null when memory has run out. */
export function appendHistory(state: State): HistoryEntry {
  if (state.historyCount == state.historyCapacity) {
    const capacity = max<u32>(8, state.historyCapacity * 2);
    const grown = alloc(<usize>capacity * HISTORY_SIZE);
    if (grown == 0) return changetype<HistoryEntry>(0);
    if (state.historyCount != 0) memory.copy(grown, state.history, <usize>state.historyCount * HISTORY_SIZE);
    free(state.history, <usize>state.historyCapacity * HISTORY_SIZE);
    state.history = grown;
    state.historyCapacity = capacity;
  }
  const entry = historyEntry(state, state.historyCount++);
  memory.fill(changetype<usize>(entry), 0, HISTORY_SIZE);
  return entry;
}

export function freeHistory(state: State): void {
  free(state.history, <usize>state.historyCapacity * HISTORY_SIZE);
  state.history = 0;
  state.historyCount = 0;
  state.historyCapacity = 0;
}

/** Gives `dst`, which has no history, a copy of `src`'s. False when memory has run out. */
export function copyHistory(dst: State, src: State): bool {
  if (src.historyCount == 0) return true;
  dst.history = alloc(<usize>src.historyCount * HISTORY_SIZE);
  if (dst.history == 0) return false;
  dst.historyCapacity = src.historyCount;
  dst.historyCount = src.historyCount;
  memory.copy(dst.history, src.history, <usize>src.historyCount * HISTORY_SIZE);
  return true;
}
