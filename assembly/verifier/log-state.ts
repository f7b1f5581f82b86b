// Log of the walk (levels 1 and 2): which insn comes next, and what is known. An insn's line shows the registers and stack slots it used; those
// are called scratched until they have been shown.
import { BPF_ATOMIC, BPF_JMP, BPF_JMP32, BPF_LD, BPF_LDX, BPF_LOAD_ACQ, BPF_ST, BPF_STX } from '../isa';
import {
  LN_ASSUMED,
  LN_FUNC,
  LN_LIVE_REGS,
  LN_RESUMED,
  LN_SAFE,
  LN_VALIDATED,
  LN_VALIDATING,
  LOG_INSN,
  LOG_PRECISE,
  LOG_STATE,
  LS_BODY,
  LS_CALLEE,
  LS_CALLER,
  LS_FRAME_FLAGS,
  LS_FRAMENO,
  LS_FROM,
  LS_FROM_SPECULATIVE,
  LS_INSN,
  LS_PC,
  LS_PREV_PC,
  LS_REFS,
  LS_REGS,
  LS_RETURNED,
  LS_RETURNING,
  LS_SLOT_SIZE,
  LS_SLOTS,
  LS_WHY,
  NOT_INIT,
  PTR_TO_STACK,
  REG_SIZE,
  SLOT_SIZE,
  STACK_DYNPTR,
} from './abi';
import { alloc } from './arena';
import { isMayGoto } from './cfg';
import { Env } from './env';
import { Frame } from './frame';
import { Insn } from './insn';
import { logRecord, logReset, note } from './log';
import { RegState } from './reg-state';
import { State } from './state';
import { isExit, isGoto } from './successors';

const ALL_REGS: u32 = 0x7ff;
const CALL_REGS: u32 = 0x3f;
const SLOTS: u32 = 64;
const LEVEL_2: u32 = 2;

/** What is known of everything is shown next: a frame is new. */
export function scratchAll(env: Env): void {
  env.scratchedRegs = ALL_REGS;
  env.scratchedSlots = u64.MAX_VALUE;
}

/** A path begins (there is no insn before it), or is taken up again. */
export function logPath(env: Env): void {
  if (env.input.logLevel == 0) return;
  scratchAll(env);
  env.logWholeState = env.prevPc != <u32>-1;
  if (!env.logWholeState) env.loggedPc = <u32>-1;
  if (env.logWholeState && (env.input.logLevel & LEVEL_2) == 0) note(env, LN_RESUMED, env.pc, env.prevPc);
}

/** The path's state is known to be safe. */
export function logSafe(env: Env): void {
  if (env.input.logLevel == 0) return;
  const taken: u32 = env.logWholeState ? (env.cur.speculative ? 2 : 1) : 0;
  note(env, LN_SAFE, env.pc, env.prevPc, taken);
}

/** All paths of a root were fine: at level 1 nothing is left to say. */
export function logDone(env: Env): void {
  if ((env.input.logLevel & LEVEL_2) == 0) logReset(env, 0);
}

/** The functions that were found. */
export function logFuncs(env: Env): void {
  if ((env.input.logLevel & LEVEL_2) == 0) return;
  for (let i: u32 = 0; i < env.subprogCount; i++) note(env, LN_FUNC, i, env.subprog(i).start);
}

export function logLiveRegs(env: Env): void {
  if ((env.input.logLevel & LEVEL_2) != 0) note(env, LN_LIVE_REGS, <u32>env.aux);
}

export function logValidating(env: Env, func: u32): void {
  if (env.input.logLevel != 0) note(env, LN_VALIDATING, func);
}

export function logValidated(env: Env, func: u32): void {
  if (env.input.logLevel != 0) note(env, LN_VALIDATED, func);
}

/** A call of a global function, which is verified on its own. */
export function logAssumed(env: Env, func: u32): void {
  if (env.input.logLevel != 0) note(env, LN_ASSUMED, func);
}

/** The insn at `env.pc` is about to be walked: what the one before changed, then the insn. */
export function logInsn(env: Env): void {
  if (env.input.logLevel == 0) return;
  const frame = env.cur.cur;
  if (env.logWholeState) {
    const why = env.cur.speculative ? LS_FROM_SPECULATIVE : LS_FROM;
    if ((env.input.logLevel & LEVEL_2) != 0) logFrame(env, why, frame, env.pc, true);
    env.logWholeState = false;
  }
  logScratched(env, env.pc);
  const at = logRecord(env, LOG_INSN, 8);
  if (at != 0) {
    store<u32>(at, env.pc);
    store<u32>(at + 4, env.loggedPc);
  }
  env.loggedPc = env.pc;
  scratchInsn(env, env.insn(env.pc));
}

function logScratched(env: Env, pc: u32): void {
  if (env.scratchedRegs == 0 && env.scratchedSlots == 0) return;
  logFrame(env, LS_INSN, env.cur.cur, pc, false);
  env.scratchedRegs = 0;
  env.scratchedSlots = 0;
}

/** The insn at `pc` was fine. `frameno`: the frame it was in. */
export function logWalked(env: Env, insn: Insn, pc: u32, frameno: u32): void {
  const state = env.cur;
  if (insn.isCall && state.curframe == frameno) noteCallWrites(env);
  if (state.curframe > frameno && insn.isSubprogCall) {
    logFrame(env, LS_CALLER, state.frame(frameno), pc, true);
    logFrame(env, LS_CALLEE, state.cur, pc, true);
    scratchAll(env);
  }
  const isJump = insn.cls == BPF_JMP || insn.cls == BPF_JMP32;
  if (!isJump) return;
  if (isExit(insn)) {
    if (frameno == 0) scratchAll(env);
  } else if (!insn.isCall && !isGoto(insn) && !isMayGoto(insn)) logScratched(env, pc);
}

/** A function returns: its frame is given up, and the caller's is the current one. */
export function logReturn(env: Env, callee: Frame, caller: Frame): void {
  logFrame(env, LS_RETURNING, callee, env.pc + 1, true);
  logFrame(env, LS_RETURNED, caller, env.pc + 1, true);
  env.logWholeState = true;
}

/** Registers and slots that the insn reads and writes. */
function scratchInsn(env: Env, insn: Insn): void {
  const dst: u32 = 1 << insn.dst;
  const src: u32 = 1 << insn.src;
  switch (insn.cls) {
    case BPF_LDX:
      env.scratchedRegs |= dst | src;
      return scratchStack(env, insn.src, insn);
    case BPF_ST:
      env.scratchedRegs |= dst;
      return scratchStack(env, insn.dst, insn);
    case BPF_STX:
      env.scratchedRegs |= dst | src;
      if (insn.mode == BPF_ATOMIC && (insn.imm & 0xf0) == 0xf0) env.scratchedRegs |= 1;
      return scratchStack(env, insn.mode == BPF_ATOMIC && insn.imm == BPF_LOAD_ACQ ? insn.src : insn.dst, insn);
    case BPF_LD:
      env.scratchedRegs |= insn.isLddw ? dst : CALL_REGS | (1 << 6) | src;
      return;
    case BPF_JMP:
    case BPF_JMP32:
      return scratchJump(env, insn, dst, src);
    default:
      env.scratchedRegs |= insn.isX ? dst | src : dst;
  }
}

function scratchJump(env: Env, insn: Insn, dst: u32, src: u32): void {
  if (insn.isCall) {
    env.scratchedRegs |= CALL_REGS;
    keepSlots(env);
  } else if (isExit(insn)) {
    if (env.cur.curframe == 0) env.scratchedRegs |= 1;
  } else if (!isGoto(insn) && !isMayGoto(insn)) env.scratchedRegs |= insn.isX ? dst | src : dst;
}

/** Slots that an access through register `base` may touch. */
function scratchStack(env: Env, base: u32, insn: Insn): void {
  if (base > 10) return;
  const reg = env.reg(base);
  if (reg.type != PTR_TO_STACK) return;
  const lo = reg.smin + <i64>reg.off + <i64>insn.off;
  const hi = reg.smax + <i64>reg.off + <i64>insn.off + <i64>insn.size - 1;
  if (lo < -512 || hi >= 0 || lo > hi) return;
  const last = <u32>((-lo - 1) >> 3);
  for (let i = <u32>((-hi - 1) >> 3); i <= last; i++) env.scratchedSlots |= (<u64>1) << i;
}

/** Calls write the stack in many ways: those slots are scratched whose bytes have another type behind it, and dynptrs that are given. */
function keepSlots(env: Env): void {
  for (let i: u32 = 1; i < 6; i++) scratchDynptr(env, env.reg(i));
  if (env.slotsBefore == 0) env.slotsBefore = alloc(SLOTS * 8);
  if (env.slotsBefore == 0) return;
  const frame = env.cur.cur;
  for (let i: u32 = 0; i < SLOTS; i++)
    store<u64>(env.slotsBefore + (i << 3), i < frame.slots ? frame.slot(i).types : 0);
}

function scratchDynptr(env: Env, reg: RegState): void {
  if (reg.type != PTR_TO_STACK || reg.mask != 0 || reg.frameno != env.cur.curframe) return;
  const at = -(<i64>reg.value + <i64>reg.off);
  if (at <= 0 || at > 512) return;
  const spi = <u32>((at - 1) >> 3);
  const frame = env.cur.cur;
  if (spi < frame.slots && frame.slot(spi).typeAt(0) == STACK_DYNPTR) env.scratchedSlots |= (<u64>3) << (spi - 1);
}

/** The call may write what it was given to read: slot `i` is not shown for that. */
export function logUnseenWrite(env: Env, frame: Frame, i: u32): void {
  if (env.slotsBefore != 0 && i < SLOTS && frame.frameno == env.cur.curframe)
    store<u64>(env.slotsBefore + (i << 3), frame.slot(i).types);
}

function noteCallWrites(env: Env): void {
  if (env.slotsBefore == 0) return;
  const frame = env.cur.cur;
  for (let i: u32 = 0; i < min(SLOTS, frame.slots); i++) {
    if (load<u64>(env.slotsBefore + (i << 3)) != frame.slot(i).types) env.scratchedSlots |= (<u64>1) << i;
  }
}

/** Writes a frame of the current state: all of it, or what is scratched. */
export function logFrame(env: Env, why: u32, frame: Frame, pc: u32, all: bool): void {
  logFrameOf(env, env.cur, why, frame, pc, all);
}

/** The same for a frame of any state. */
export function logFrameOf(env: Env, state: State, why: u32, frame: Frame, pc: u32, all: bool): void {
  let regs: u32 = 0;
  for (let i: u32 = 0; i <= 10; i++) {
    if (frame.reg(i).type != NOT_INIT && (all || (env.scratchedRegs & (1 << i)) != 0)) regs |= 1 << i;
  }
  const wanted: u64 = all ? u64.MAX_VALUE : env.scratchedSlots;
  let slots: u32 = 0;
  for (let i: u32 = 0; i < min(SLOTS, frame.slots); i++) if (isShown(frame, i, wanted)) slots++;
  const refs = state.refCount;
  const size = LS_BODY + popcnt(regs) * REG_SIZE + slots * LS_SLOT_SIZE + refs * 4;
  const at = logRecord(env, LOG_STATE, size);
  if (at == 0) return;
  store<u32>(at + LS_WHY, why);
  store<u32>(at + LS_PC, pc);
  store<u32>(at + LS_PREV_PC, env.prevPc);
  store<u32>(at + LS_FRAMENO, frame.frameno);
  store<u32>(at + LS_FRAME_FLAGS, frame.flags);
  store<u32>(at + LS_REGS, regs);
  store<u32>(at + LS_SLOTS, slots);
  store<u32>(at + LS_REFS, refs);
  writeBody(state, at + LS_BODY, frame, regs, wanted);
}

function isShown(frame: Frame, i: u32, wanted: u64): bool {
  return (wanted & ((<u64>1) << i)) != 0 && frame.slot(i).types != 0;
}

function writeBody(state: State, start: usize, frame: Frame, regs: u32, wanted: u64): void {
  let at = start;
  for (let i: u32 = 0; i <= 10; i++) {
    if ((regs & (1 << i)) == 0) continue;
    memory.copy(at, changetype<usize>(frame.reg(i)), REG_SIZE);
    at += REG_SIZE;
  }
  for (let i: u32 = 0; i < min(SLOTS, frame.slots); i++) {
    if (!isShown(frame, i, wanted)) continue;
    store<u64>(at, <u64>i);
    memory.copy(at + 8, changetype<usize>(frame.slot(i)), SLOT_SIZE);
    at += LS_SLOT_SIZE;
  }
  for (let i: u32 = 0; i < state.refCount; i++) {
    store<u32>(at, state.ref(i).id);
    at += 4;
  }
}

/** A step of tracing back what must be precise (LP_). */
export function logPrecise(
  env: Env,
  what: u32,
  frame: u32,
  regs: u32,
  slots: u64,
  a: i32 = 0,
  b: i32 = 0,
  c: i32 = 0,
): void {
  const at = logRecord(env, LOG_PRECISE, 32);
  if (at == 0) return;
  store<u32>(at, what);
  store<u32>(at + 4, frame);
  store<u32>(at + 8, regs);
  store<u64>(at + 12, slots);
  store<i32>(at + 20, a);
  store<i32>(at + 24, b);
  store<i32>(at + 28, c);
}
