// The stack: bounds, and whether an access has a fixed offset (stack-read.ts, stack-write.ts) or a variable one (stack-variable.ts).
import { EACCES, EINVAL, ENOMEM, MAX_BPF_STACK } from '../../isa';
import { Env } from '../env';
import { Frame, growStack } from '../frame';
import { fail } from '../log';
import { MSG_STACK_BOUNDS, MSG_STACK_UNBOUNDED, MSG_STACK_VARIABLE_BOUNDS } from '../messages/access';
import { MSG_NO_MEMORY } from '../messages/core';
import { RegState } from '../reg-state';
import { MAX_VAR_OFF } from './bounds';
import { readFixed } from './stack-read';
import { readVariable, writeVariable } from './stack-variable';
import { writeFixed } from './stack-write';

/** Every byte the pointer may reach is on the stack; what is above the part in use is taken into use. `off` includes the pointer's fixed one. */
export function checkStackBounds(env: Env, regno: u32, off: i32, size: u32, write: bool): i32 {
  const reg = env.reg(regno);
  const frame = env.cur.frame(reg.frameno);
  let first: i64;
  let end: i64;
  if (reg.mask == 0) {
    first = <i64>reg.value + <i64>off;
    end = first + <i64>(<i32>size);
  } else {
    if (reg.smax >= <i64>MAX_VAR_OFF || reg.smin <= -(<i64>MAX_VAR_OFF))
      return fail(env, EACCES, MSG_STACK_UNBOUNDED, write, regno);
    first = reg.smin + <i64>off;
    end = reg.smax + <i64>off + <i64>(<i32>size);
  }
  // Bytes that were never written may be read by programs that may leak pointers.
  const lowest: i64 = write || env.allowPtrLeaks ? -MAX_BPF_STACK : -((<i64>frame.slots) << 3);
  let errno = 0;
  if (first < lowest || first > -1) errno = EACCES;
  else if (end > 0) errno = EINVAL;
  if (errno != 0) {
    if (reg.mask == 0) return fail(env, errno, MSG_STACK_BOUNDS, write, regno, first, <i32>size);
    return fail(env, errno, MSG_STACK_VARIABLE_BOUNDS, write, regno, reg.value, reg.mask, off, <i32>size);
  }
  return growStack(frame, <u32>(7 - first) >> 3) ? 0 : fail(env, ENOMEM, MSG_NO_MEMORY);
}

/** Slots that hold any of the bytes `first` (lowest offset) to `end` (behind the highest), a bit each. */
export function slotMask(first: i32, end: i32): u64 {
  const high = <u32>(-first - 1) >> 3;
  const low = <u32>-end >> 3;
  return (u64.MAX_VALUE >> (63 - <u64>high)) & (u64.MAX_VALUE << (<u64>low));
}

export function checkStack(env: Env, regno: u32, off: i32, size: u32, write: bool, valueRegno: i32): i32 {
  const err = checkStackBounds(env, regno, off, size, write);
  if (err != 0) return err;
  const reg: RegState = env.reg(regno);
  const frame: Frame = env.cur.frame(reg.frameno);
  if (reg.mask == 0) {
    const at = off + <i32>reg.value;
    return write ? writeFixed(env, frame, at, size, valueRegno) : readFixed(env, frame, at, size, valueRegno);
  }
  return write ? writeVariable(env, regno, off, size, valueRegno) : readVariable(env, regno, off, size, valueRegno);
}
