// Writes to the stack at a fixed offset: spills of registers, and data.
import { BPF_MEM, BPF_ST, EACCES, EINVAL } from '../../isa';
import {
  AUXF_NOSPEC_RESULT,
  CONST_PTR_TO_DYNPTR,
  NOT_INIT,
  PTR_TO_STACK,
  SCALAR,
  STACK_INVALID,
  STACK_MISC,
  STACK_SPILL,
  STACK_ZERO,
} from '../abi';
import { linkBeforeCopy } from '../alu';
import { destroyDynptrSlots } from '../call/dynptr';
import { Env } from '../env';
import { Frame, StackSlot } from '../frame';
import { markStackWrite } from '../liveness';
import { fail } from '../log';
import { MSG_STACK_CORRUPT, MSG_STACK_SPILL_CALLER, MSG_STACK_SPILL_SIZE } from '../messages/access';
import { isSpilled, markChainPrecision } from '../precision';
import { copyReg, isNullConst, markConst, RegState } from '../reg-state';
import { bitWidth, noteStackAccess } from './stack-read';

/** The insn stores its `imm`. */
export function storesImm(env: Env): bool {
  const insn = env.insn(env.pc);
  return insn.cls == BPF_ST && insn.mode == BPF_MEM;
}

function isSpillable(type: u32): bool {
  return type != NOT_INIT && type != SCALAR && type != CONST_PTR_TO_DYNPTR;
}

/** What was there was a register or an object: its bytes are data from now on. */
export function scrub(slot: StackSlot): void {
  for (let i: u32 = 0; i < 8; i++) {
    if (slot.typeAt(i) != STACK_INVALID) slot.setTypeAt(i, STACK_MISC);
  }
}

/** Data is written to the slot. */
export function dropSpecial(slot: StackSlot): void {
  slot.type = NOT_INIT;
  const last = slot.typeAt(7);
  if (last != STACK_INVALID && last != STACK_MISC && last != STACK_ZERO) scrub(slot);
}

/** The slot's lowest `size` bytes hold the register; what else was spilled there is data. */
function setSpilled(slot: StackSlot, size: u32): void {
  if (size == 8) return slot.setTypes(STACK_SPILL);
  for (let i: u32 = 8 - size; i < 8; i++) slot.setTypeAt(i, STACK_SPILL);
  for (let i: u32 = 0; i < 8 - size; i++) {
    const type = slot.typeAt(i);
    if (type != STACK_INVALID && type != STACK_ZERO) slot.setTypeAt(i, STACK_MISC);
  }
}

/** A load may be executed before this store and see what was there: a pointer where the program has a number, or the other way. */
function needsBarrier(env: Env, slot: StackSlot, off: i32, size: u32, valueRegno: i32): bool {
  if (valueRegno >= 0 && isSpillable(env.reg(valueRegno).type)) return true;
  for (let i: u32 = 0; i < size; i++) {
    const type = slot.typeAt(<u32>(-off - 1 - <i32>i) & 7);
    if (type != STACK_MISC && type != STACK_ZERO) return true;
  }
  return false;
}

export function writeFixed(env: Env, frame: Frame, off: i32, size: u32, valueRegno: i32): i32 {
  const spi = <u32>(-off - 1) >> 3;
  const slot = frame.slot(spi);
  if (!env.allowPtrLeaks && size != 8 && isSpilled(slot) && slot.type != SCALAR)
    return fail(env, EACCES, MSG_STACK_CORRUPT);
  if (!env.allowPtrLeaks && needsBarrier(env, slot, off, size, valueRegno)) env.curAux.flags |= AUXF_NOSPEC_RESULT;
  const err = destroyDynptrSlots(env, frame, spi);
  if (err != 0) return err;
  const aligned = (off & 7) == 0;
  if (aligned && size == 8) markStackWrite(env, frame, (<u64>1) << spi);
  if (valueRegno < 0) {
    if (aligned && env.capable && storesImm(env)) {
      markConst(slot, <u64>(<i64>env.insn(env.pc).imm));
      setSpilled(slot, size);
      return noteStackAccess(env, frame, spi);
    }
    return writeData(env, slot, off, size, valueRegno);
  }
  const reg = env.reg(valueRegno);
  if (aligned && reg.type == SCALAR && env.capable) {
    // A value that loses bits on its way is not equal to the register.
    const fits = bitWidth(reg) <= size << 3;
    if (fits) linkBeforeCopy(env, reg);
    copyReg(slot, reg);
    if (!fits) slot.id = 0;
    setSpilled(slot, size);
    return noteStackAccess(env, frame, spi);
  }
  if (isSpillable(reg.type)) return spillPointer(env, frame, spi, reg, size);
  return writeData(env, slot, off, size, valueRegno);
}

function spillPointer(env: Env, frame: Frame, spi: u32, reg: RegState, size: u32): i32 {
  if (size != 8) return fail(env, EACCES, MSG_STACK_SPILL_SIZE);
  if (changetype<usize>(frame) != changetype<usize>(env.cur.cur) && reg.type == PTR_TO_STACK)
    return fail(env, EINVAL, MSG_STACK_SPILL_CALLER);
  const slot = frame.slot(spi);
  copyReg(slot, reg);
  slot.setTypes(STACK_SPILL);
  return noteStackAccess(env, frame, spi);
}

/** Does the insn store 0? */
export function storesZero(env: Env, valueRegno: i32): bool {
  if (valueRegno >= 0) return isNullConst(env.reg(valueRegno));
  return storesImm(env) && env.insn(env.pc).imm == 0;
}

function writeData(env: Env, slot: StackSlot, off: i32, size: u32, valueRegno: i32): i32 {
  dropSpecial(slot);
  let type: u32 = STACK_MISC;
  if (storesZero(env, valueRegno)) {
    type = STACK_ZERO;
    if (valueRegno >= 0) {
      // The slot does not remember the register it came from: it must be 0 on all paths.
      const err = markChainPrecision(env, valueRegno);
      if (err != 0) return err;
    }
  }
  for (let i: u32 = 0; i < size; i++) slot.setTypeAt(<u32>(-off - 1 - <i32>i) & 7, type);
  return 0;
}
