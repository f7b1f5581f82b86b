// One step of walking a path backwards: which registers and slots must be precise before an insn, given those that must be behind it.
import {
  BPF_ABS,
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_END,
  BPF_EXIT,
  BPF_IND,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MOV,
  BPF_NEG,
  BPF_REG_FP,
  BPF_ST,
  BPF_STX,
} from '../isa';
import { AUXF_CALLS_CALLBACK } from './abi';
import { Block } from './block';
import { Env } from './env';
import {
  HIST_DST_STACK,
  HIST_FRAME_MASK,
  HIST_SPI_MASK,
  HIST_SPI_SHIFT,
  HIST_SRC_STACK,
  HIST_STACK_ACCESS,
  HistoryEntry,
} from './history';
import { Insn } from './insn';
import { linkedCount, linkedFrame, linkedIndex, linkedIsReg } from './linked';
import { subprogAt } from './subprogs';

const ARGS: u32 = 0x3e;

/** The walk knows what must be precise before the insn. */
export const STEP_OK: i32 = 0;
/** It cannot tell: everything on the path becomes precise. */
export const STEP_UNKNOWN: i32 = -1;

/** What must be precise: for each frame a mask of registers and one of stack slots. */
@unmanaged
export class Backtrack {
  frame: u32;
  pad: u32;
  regs0: u32;
  regs1: u32;
  regs2: u32;
  regs3: u32;
  regs4: u32;
  regs5: u32;
  regs6: u32;
  regs7: u32;
  slots0: u64;
  slots1: u64;
  slots2: u64;
  slots3: u64;
  slots4: u64;
  slots5: u64;
  slots6: u64;
  slots7: u64;

  @inline regs(frame: u32): u32 {
    return load<u32>(changetype<usize>(this) + offsetof<Backtrack>('regs0') + ((<usize>frame) << 2));
  }
  @inline setRegs(frame: u32, mask: u32): void {
    store<u32>(changetype<usize>(this) + offsetof<Backtrack>('regs0') + ((<usize>frame) << 2), mask);
  }
  @inline slots(frame: u32): u64 {
    return load<u64>(changetype<usize>(this) + offsetof<Backtrack>('slots0') + ((<usize>frame) << 3));
  }
  @inline setSlots(frame: u32, mask: u64): void {
    store<u64>(changetype<usize>(this) + offsetof<Backtrack>('slots0') + ((<usize>frame) << 3), mask);
  }
  @inline hasReg(i: u32): bool {
    return ((this.regs(this.frame) >> i) & 1) != 0;
  }
  @inline addReg(i: u32): void {
    this.setRegs(this.frame, this.regs(this.frame) | (1 << i));
  }
  @inline dropReg(i: u32): void {
    this.setRegs(this.frame, this.regs(this.frame) & ~(1 << i));
  }
  /** Whether `insn`, without an entry in the history, changes nothing: it writes nothing that is wanted. Most are like this. */
  @inline passes(insn: Insn): bool {
    const cls = insn.cls;
    return cls != BPF_JMP && cls != BPF_JMP32 && !this.hasReg(insn.dst);
  }
  reset(frame: u32): void {
    Block.clear(changetype<usize>(this), offsetof<Backtrack>('slots7'));
    this.slots7 = 0;
    this.frame = frame;
  }
  get empty(): bool {
    for (let f: u32 = 0; f <= this.frame; f++) {
      if (this.regs(f) != 0 || this.slots(f) != 0) return false;
    }
    return true;
  }
}

/** Registers that one insn narrowed together are precise together. */
function syncLinked(bt: Backtrack, hist: HistoryEntry): void {
  if (changetype<usize>(hist) == 0 || hist.linked == 0) return;
  const n = linkedCount(hist.linked);
  let some = false;
  for (let i: u32 = 0; i < n; i++) {
    const f = linkedFrame(hist.linked, i);
    const at = linkedIndex(hist.linked, i);
    const mask = linkedIsReg(hist.linked, i) ? <u64>bt.regs(f) : bt.slots(f);
    if ((mask >> at) & 1) some = true;
  }
  if (!some) return;
  for (let i: u32 = 0; i < n; i++) {
    const f = linkedFrame(hist.linked, i);
    const at = linkedIndex(hist.linked, i);
    if (linkedIsReg(hist.linked, i)) bt.setRegs(f, bt.regs(f) | (1 << at));
    else bt.setSlots(f, bt.slots(f) | ((<u64>1) << at));
  }
}

/** Steps back over the insn at `pc`, which ran before the one at `nextPc` (-1: none yet). */
export function stepBack(env: Env, bt: Backtrack, pc: u32, nextPc: i32, hist: HistoryEntry): i32 {
  const insn = env.insn(pc);
  if (insn.code == 0) return STEP_OK;
  syncLinked(bt, hist);
  const result = step(env, bt, insn, pc, nextPc, hist);
  if (result == STEP_OK) syncLinked(bt, hist);
  return result;
}

function step(env: Env, bt: Backtrack, insn: Insn, pc: u32, nextPc: i32, hist: HistoryEntry): i32 {
  switch (insn.cls) {
    case BPF_ALU:
    case BPF_ALU64:
      return stepAlu(bt, insn);
    case BPF_LDX:
      return stepLoad(bt, insn, hist);
    case BPF_ST:
    case BPF_STX:
      if (insn.cls == BPF_STX && insn.mode == BPF_ATOMIC && insn.imm == BPF_LOAD_ACQ) return stepLoad(bt, insn, hist);
      return stepStore(bt, insn, hist);
    case BPF_JMP:
    case BPF_JMP32:
      return stepJump(env, bt, insn, pc, nextPc, hist);
    default:
      if (!bt.hasReg(insn.dst)) return STEP_OK;
      bt.dropReg(insn.dst);
      return insn.cls == BPF_LD && (insn.mode == BPF_ABS || insn.mode == BPF_IND) ? STEP_UNKNOWN : STEP_OK;
  }
}

function stepAlu(bt: Backtrack, insn: Insn): i32 {
  if (!bt.hasReg(insn.dst)) return STEP_OK;
  if (insn.op == BPF_END || insn.op == BPF_NEG) return STEP_OK;
  if (insn.op == BPF_MOV) bt.dropReg(insn.dst);
  if (insn.isX && insn.src != BPF_REG_FP) bt.addReg(insn.src);
  return STEP_OK;
}

function touchesStack(hist: HistoryEntry): bool {
  return changetype<usize>(hist) != 0 && (hist.flags & HIST_STACK_ACCESS) != 0;
}

function stepLoad(bt: Backtrack, insn: Insn, hist: HistoryEntry): i32 {
  if (!bt.hasReg(insn.dst)) return STEP_OK;
  bt.dropReg(insn.dst);
  // Only the stack keeps what was stored; a value from elsewhere has no past.
  if (!touchesStack(hist)) return STEP_OK;
  const f = hist.flags & HIST_FRAME_MASK;
  const spi = (hist.flags >> HIST_SPI_SHIFT) & HIST_SPI_MASK;
  bt.setSlots(f, bt.slots(f) | ((<u64>1) << spi));
  return STEP_OK;
}

function stepStore(bt: Backtrack, insn: Insn, hist: HistoryEntry): i32 {
  // A precise scalar as the address: pointers were subtracted.
  if (bt.hasReg(insn.dst)) return STEP_UNKNOWN;
  if (!touchesStack(hist)) return STEP_OK;
  const f = hist.flags & HIST_FRAME_MASK;
  const bit = (<u64>1) << ((hist.flags >> HIST_SPI_SHIFT) & HIST_SPI_MASK);
  if ((bt.slots(f) & bit) == 0) return STEP_OK;
  bt.setSlots(f, bt.slots(f) & ~bit);
  if (insn.cls == BPF_STX) bt.addReg(insn.src);
  return STEP_OK;
}

function stepJump(env: Env, bt: Backtrack, insn: Insn, pc: u32, nextPc: i32, hist: HistoryEntry): i32 {
  if (insn.isSubprogCall) return stepSubprogCall(env, bt, insn, pc);
  if (insn.isCall) return stepCall(env, bt, pc, nextPc);
  if (insn.op == BPF_EXIT) return stepExit(env, bt, nextPc);
  if (!insn.isX || insn.op == BPF_CALL || insn.op == 0) return STEP_OK;
  if (!bt.hasReg(insn.dst) && !bt.hasReg(insn.src)) return STEP_OK;
  const flags: u32 = changetype<usize>(hist) != 0 ? hist.flags : 0;
  if ((flags & HIST_SRC_STACK) == 0) bt.addReg(insn.src);
  if ((flags & HIST_DST_STACK) == 0) bt.addReg(insn.dst);
  return STEP_OK;
}

/** Leaves a function backwards, by its call: its arguments are the caller's registers. */
function stepSubprogCall(env: Env, bt: Backtrack, insn: Insn, pc: u32): i32 {
  const subprog = subprogAt(env, <i64>pc + insn.imm + 1);
  if (subprog >= 0 && env.subprog(subprog).isGlobal) {
    bt.dropReg(0);
    return (bt.regs(bt.frame) & ARGS) != 0 ? STEP_UNKNOWN : STEP_OK;
  }
  const regs = bt.regs(bt.frame);
  if (bt.frame == 0 || (regs & ~ARGS) != 0 || bt.slots(bt.frame) != 0) return STEP_UNKNOWN;
  bt.setRegs(bt.frame, 0);
  bt.frame--;
  bt.setRegs(bt.frame, bt.regs(bt.frame) | (regs & ARGS));
  return STEP_OK;
}

function stepCall(env: Env, bt: Backtrack, pc: u32, nextPc: i32): i32 {
  const isCallback = (env.auxOf(pc).flags & AUXF_CALLS_CALLBACK) != 0;
  if (isCallback && <i32>pc != nextPc - 1) {
    // Out of a callback: its arguments came from the helper.
    if (bt.frame == 0 || (bt.regs(bt.frame) & ~ARGS) != 0 || bt.slots(bt.frame) != 0) return STEP_UNKNOWN;
    bt.setRegs(bt.frame, 0);
    bt.frame--;
    return STEP_OK;
  }
  bt.dropReg(0);
  return (bt.regs(bt.frame) & ARGS) != 0 ? STEP_UNKNOWN : STEP_OK;
}

/** Enters a function or callback backwards, by its exit. */
function stepExit(env: Env, bt: Backtrack, nextPc: i32): i32 {
  if (nextPc >= 0 && (env.auxOf(nextPc).flags & AUXF_CALLS_CALLBACK) != 0)
    bt.setRegs(bt.frame, bt.regs(bt.frame) & ~ARGS);
  if ((bt.regs(bt.frame) & ARGS) != 0) return STEP_UNKNOWN;
  const isReturn = nextPc >= 1 && env.insn(nextPc - 1).isSubprogCall;
  const wantsR0 = isReturn && bt.hasReg(0);
  bt.dropReg(0);
  if (bt.frame >= 7) return STEP_UNKNOWN;
  bt.frame++;
  if (wantsR0) bt.addReg(0);
  return STEP_OK;
}
