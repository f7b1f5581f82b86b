// Reads and writes of the stack at a variable offset: every byte that may be meant counts.
import { EACCES, EINVAL } from '../../isa';
import { SCALAR, STACK_INVALID, STACK_MISC, STACK_SPILL, STACK_ZERO } from '../abi';
import { destroyDynptrSlots } from '../call/dynptr';
import { Env } from '../env';
import { Frame } from '../frame';
import { fail } from '../log';
import { MSG_STACK_VARIABLE_NO_REG, MSG_STACK_VARIABLE_SPILL, MSG_STACK_VARIABLE_UNINIT } from '../messages/access';
import { isSpilled, markChainPrecision } from '../precision';
import { setUnknown } from '../regs';
import { setZero } from './stack-read';
import { checkStackInitialised } from './stack-region';
import { dropSpecial, storesZero } from './stack-write';

export function readVariable(env: Env, regno: u32, off: i32, size: u32, dstRegno: i32): i32 {
  const reg = env.reg(regno);
  if (dstRegno < 0) return fail(env, EACCES, MSG_STACK_VARIABLE_NO_REG, reg.value, reg.mask, off, size);
  const frame = env.cur.frame(reg.frameno);
  const first = <i32>reg.smin + off;
  const end = <i32>reg.smax + off + <i32>size;
  const err = checkStackInitialised(env, regno, off, size, false, false);
  if (err != 0) return err;
  for (let i = first; i < end; i++) {
    const at = <u32>(-i - 1);
    if (frame.slot(at >> 3).typeAt(at & 7) == STACK_ZERO) continue;
    setUnknown(env, env.reg(dstRegno));
    return 0;
  }
  setZero(env, env.reg(dstRegno));
  return 0;
}

/** What one byte is behind a write that may have met it. */
const ZERO_KEPT: i32 = 1;

function writeByte(env: Env, frame: Frame, off: i32, zero: bool): i32 {
  const at = <u32>(-off - 1);
  const slot = frame.slot(at >> 3);
  const type = slot.typeAt(at & 7);
  if (!env.allowPtrLeaks && type != STACK_MISC && type != STACK_ZERO)
    return fail(env, EINVAL, MSG_STACK_VARIABLE_SPILL, env.pc, off);
  if (zero && type == STACK_SPILL && isSpilled(slot) && slot.type == SCALAR && slot.mask == 0 && slot.value == 0)
    return ZERO_KEPT;
  if (type == STACK_INVALID && !env.allowPtrLeaks) return fail(env, EINVAL, MSG_STACK_VARIABLE_UNINIT, env.pc, off);
  dropSpecial(slot);
  const keep = zero && slot.typeAt(at & 7) == STACK_ZERO;
  slot.setTypeAt(at & 7, keep ? STACK_ZERO : STACK_MISC);
  return keep ? ZERO_KEPT : 0;
}

export function writeVariable(env: Env, regno: u32, off: i32, size: u32, valueRegno: i32): i32 {
  const reg = env.reg(regno);
  const frame = env.cur.frame(reg.frameno);
  const first = <i32>reg.smin + off;
  const end = <i32>reg.smax + off + <i32>size;
  const zero = storesZero(env, valueRegno);
  for (let i = first; i < end; i++) {
    const err = destroyDynptrSlots(env, frame, <u32>(-i - 1) >> 3);
    if (err != 0) return err;
  }
  let zeroKept = false;
  for (let i = first; i < end; i++) {
    const result = writeByte(env, frame, i, zero);
    if (result < 0) return result;
    zeroKept = zeroKept || result == ZERO_KEPT;
  }
  return zeroKept && valueRegno >= 0 ? markChainPrecision(env, valueRegno) : 0;
}
