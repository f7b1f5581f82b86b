// Stack memory that a call reads, writes or fills, and reads at variable offsets: initialised, with no pointers that would leak.
import { EACCES } from '../../isa';
import { SCALAR, STACK_DYNPTR, STACK_INVALID, STACK_MISC, STACK_ZERO } from '../abi';
import { Env } from '../env';
import { Frame } from '../frame';
import { markStackRead } from '../liveness';
import { fail } from '../log';
import { logUnseenWrite } from '../log-state';
import {
  MSG_STACK_DYNPTR_WRITE,
  MSG_STACK_REGION_READ,
  MSG_STACK_REGION_VARIABLE_READ,
  MSG_STACK_VARIABLE_UNPRIVILEGED,
  MSG_STACK_ZERO_READ,
} from '../messages/access';
import { isSpilled } from '../precision';
import { RegState } from '../reg-state';
import { setUnknown } from '../regs';
import { checkStackBounds, slotMask } from './stack';
import { scrub } from './stack-write';

/** May a call read this byte? One that writes it (`clobber`) leaves data there, which the log does not show. */
function passByte(env: Env, frame: Frame, off: i32, clobber: bool): bool {
  const at = <u32>(-off - 1);
  const slot = frame.slot(at >> 3);
  const type = slot.typeAt(at & 7);
  if (type == STACK_MISC) return true;
  if (type == STACK_ZERO || (type == STACK_INVALID && env.allowPtrLeaks)) {
    if (clobber) {
      slot.setTypeAt(at & 7, STACK_MISC);
      logUnseenWrite(env, frame, at >> 3);
    }
    return true;
  }
  if (!isSpilled(slot) || (slot.type != SCALAR && !env.allowPtrLeaks)) return false;
  if (clobber) {
    setUnknown(env, slot);
    scrub(slot);
    logUnseenWrite(env, frame, at >> 3);
  }
  return true;
}

/** The call fills the bytes: whatever they are, but no dynptr. */
function checkFilled(env: Env, frame: Frame, first: i32, end: i32): i32 {
  for (let i = first; i < end; i++) {
    const at = <u32>(-i - 1);
    if (at >> 3 < frame.slots && frame.slot(at >> 3).typeAt(at & 7) == STACK_DYNPTR)
      return fail(env, EACCES, MSG_STACK_DYNPTR_WRITE, i);
  }
  return 0;
}

function refuse(env: Env, reg: RegState, regno: u32, first: i32, at: i32, size: u32): i32 {
  if (reg.mask == 0) return fail(env, EACCES, MSG_STACK_REGION_READ, regno, first, at - first, size);
  return fail(env, EACCES, MSG_STACK_REGION_VARIABLE_READ, regno, reg.value, reg.mask, at - first, size);
}

/** `size` bytes at stack pointer `regno`, whose fixed offset is part of `off`. Without `zeroAllowed` there must be a byte. */
export function checkStackRegion(
  env: Env,
  regno: u32,
  off: i32,
  size: u32,
  write: bool,
  zeroAllowed: bool,
  fills: bool,
): i32 {
  const reg = env.reg(regno);
  if (size == 0 && !zeroAllowed) return fail(env, EACCES, MSG_STACK_ZERO_READ);
  const err = checkStackBounds(env, regno, off, size, write);
  if (err != 0) return err;
  const fixed = reg.mask == 0;
  if (!fixed && !env.allowPtrLeaks)
    return fail(env, EACCES, MSG_STACK_VARIABLE_UNPRIVILEGED, regno, reg.value, reg.mask);
  const first = <i32>(fixed ? <i64>reg.value : reg.smin) + off;
  const end = <i32>(fixed ? <i64>reg.value : reg.smax) + off + <i32>size;
  const frame = env.cur.frame(reg.frameno);
  if (fills && fixed) return checkFilled(env, frame, first, end);
  for (let i = first; i < end; i++) {
    if (!passByte(env, frame, i, write)) return refuse(env, reg, regno, first, i, size);
  }
  if (first < end) markStackRead(env, frame, env.pc, slotMask(first, end));
  return 0;
}

/** For a load at a variable offset. */
export function checkStackInitialised(env: Env, regno: u32, off: i32, size: u32, write: bool, zeroAllowed: bool): i32 {
  return checkStackRegion(env, regno, off, size, write, zeroAllowed, false);
}
