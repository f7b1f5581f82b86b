// Reads of the stack at a fixed offset: fills of spilled registers, and data.
import { EACCES } from '../../isa';
import { SCALAR, STACK_INVALID, STACK_MISC, STACK_SPILL, STACK_ZERO } from '../abi';
import { linkBeforeCopy } from '../alu';
import { Env } from '../env';
import { Frame, StackSlot } from '../frame';
import { HIST_SPI_SHIFT, HIST_STACK_ACCESS } from '../history';
import { markStackRead } from '../liveness';
import { fail } from '../log';
import { MSG_STACK_FILL_SIZE, MSG_STACK_INVALID_READ, MSG_STACK_LEAK } from '../messages/access';
import { isSpilled, pushHistory } from '../precision';
import { copyReg, markConst, REG_PRECISE, RegState } from '../reg-state';
import { setUnknown } from '../regs';

/** Bits that the value needs. */
export function bitWidth(reg: RegState): u32 {
  return 64 - <u32>clz(reg.umax);
}

/** Remembered so that precision finds its way from a register into the slot and back. */
export function noteStackAccess(env: Env, frame: Frame, spi: u32): i32 {
  return pushHistory(env, env.cur, HIST_STACK_ACCESS | (spi << HIST_SPI_SHIFT) | frame.frameno, 0);
}

export function setZero(env: Env, reg: RegState): void {
  markConst(reg, 0);
  if (!env.allowImprecise) reg.flags = REG_PRECISE;
}

/** Bytes of the spill, from the slot's lowest address. */
function spillSize(slot: StackSlot): u32 {
  let size: u32 = 1;
  for (let i: u32 = 7; i > 0 && slot.typeAt(i - 1) == STACK_SPILL; i--) size++;
  return size;
}

export function readFixed(env: Env, frame: Frame, off: i32, size: u32, dstRegno: i32): i32 {
  const spi = <u32>(-off - 1) >> 3;
  const slot = frame.slot(spi);
  markStackRead(env, frame, env.pc, (<u64>1) << spi);
  if (!isSpilled(slot)) return readData(env, slot, off, size, dstRegno);
  const spilled = spillSize(slot);
  if (size != 8 || spilled != 8) return fillPart(env, frame, spi, off, size, dstRegno, spilled);
  if (dstRegno >= 0) {
    copyReg(env.reg(dstRegno), slot);
  } else if (!env.allowPtrLeaks && slot.type != SCALAR) return fail(env, EACCES, MSG_STACK_LEAK, off);
  return noteStackAccess(env, frame, spi);
}

function fillPart(env: Env, frame: Frame, spi: u32, off: i32, size: u32, dstRegno: i32, spilled: u32): i32 {
  const slot = frame.slot(spi);
  if (slot.type != SCALAR) return fail(env, EACCES, MSG_STACK_FILL_SIZE);
  if (dstRegno < 0) return 0;
  if (size > spilled || (off & 7) != 0) return fillBytes(env, frame, spi, off, size, dstRegno);
  if (env.capable && size == 4 && spilled == 4 && bitWidth(slot) <= 32) linkBeforeCopy(env, slot);
  const dst = env.reg(dstRegno);
  copyReg(dst, slot);
  // The register holds less than the slot: they are not equal any more.
  if (bitWidth(dst) > size << 3) dst.id = 0;
  return noteStackAccess(env, frame, spi);
}

/** Bytes from the middle of a spill, or beyond its end. */
function fillBytes(env: Env, frame: Frame, spi: u32, off: i32, size: u32, dstRegno: i32): i32 {
  const slot = frame.slot(spi);
  let spills: u32 = 0;
  let zeros: u32 = 0;
  for (let i: u32 = 0; i < size; i++) {
    const type = slot.typeAt(<u32>(-off - 1 - <i32>i) & 7);
    if (type == STACK_SPILL) spills++;
    else if (type == STACK_ZERO) zeros++;
    else if (type != STACK_MISC && !(type == STACK_INVALID && env.allowPtrLeaks))
      return fail(env, EACCES, MSG_STACK_INVALID_READ, off, i, size);
  }
  const dst = env.reg(dstRegno);
  if (spills == size && slot.mask == 0 && slot.value == 0) {
    setZero(env, dst);
    return noteStackAccess(env, frame, spi);
  }
  if (zeros == size) setZero(env, dst);
  else setUnknown(env, dst);
  return 0;
}

function readData(env: Env, slot: StackSlot, off: i32, size: u32, dstRegno: i32): i32 {
  let zeros: u32 = 0;
  for (let i: u32 = 0; i < size; i++) {
    const type = slot.typeAt(<u32>(-off - 1 - <i32>i) & 7);
    if (type == STACK_ZERO) zeros++;
    else if (type != STACK_MISC && !(type == STACK_INVALID && env.allowPtrLeaks))
      return fail(env, EACCES, MSG_STACK_INVALID_READ, off, i, size);
  }
  if (dstRegno < 0) return 0;
  if (zeros == size) setZero(env, env.reg(dstRegno));
  else setUnknown(env, env.reg(dstRegno));
  return 0;
}
