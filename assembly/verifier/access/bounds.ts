// Bounds of a pointer into memory of known size: map values, keys, mem, packets.
import { EACCES } from '../../isa';
import { PTR_TO_MAP_KEY, PTR_TO_MAP_VALUE } from '../abi';
import { Env } from '../env';
import { fail, say } from '../log';
import {
  MSG_KEY_BOUNDS,
  MSG_MAP_BOUNDS,
  MSG_MAX_OUTSIDE,
  MSG_MAX_UNBOUNDED,
  MSG_MEM_BOUNDS,
  MSG_MIN_NEGATIVE,
  MSG_MIN_OUTSIDE,
} from '../messages/access';
import { RegState } from '../reg-state';

/** A variable offset from here on counts as unbounded. */
export const MAX_VAR_OFF: u64 = 1 << 29;

export function within(off: i32, size: i32, total: u32, zeroAllowed: bool): bool {
  const sizeOk = size > 0 || (size == 0 && zeroAllowed);
  return off >= 0 && sizeOk && <u64>off + <u64>size <= <u64>total;
}

function checkWithin(env: Env, reg: RegState, off: i32, size: u32, total: u32, zeroAllowed: bool): i32 {
  if (within(off, <i32>size, total, zeroAllowed)) return 0;
  const type = reg.type;
  if (type == PTR_TO_MAP_VALUE) return fail(env, EACCES, MSG_MAP_BOUNDS, total, off, <i32>size);
  if (type == PTR_TO_MAP_KEY) return fail(env, EACCES, MSG_KEY_BOUNDS, total, off, <i32>size);
  return fail(env, EACCES, MSG_MEM_BOUNDS, total, off, <i32>size);
}

/** `size` bytes at `off` behind the variable part of `regno`, in memory of `total` bytes: at its smallest and at its largest. */
export function checkBounds(env: Env, regno: u32, off: i32, size: u32, total: u32, zeroAllowed: bool): i32 {
  const reg = env.reg(regno);
  const smin = reg.smin;
  if (smin < 0) {
    const lowest = <i64>off + smin;
    if (smin == i64.MIN_VALUE || lowest != <i64>(<i32>lowest) || lowest < 0)
      return fail(env, EACCES, MSG_MIN_NEGATIVE, regno);
  }
  let err = checkWithin(env, reg, <i32>(smin + <i64>off), size, total, zeroAllowed);
  if (err != 0) {
    say(env, MSG_MIN_OUTSIDE, regno);
    return err;
  }
  if (reg.umax >= MAX_VAR_OFF) return fail(env, EACCES, MSG_MAX_UNBOUNDED, regno);
  err = checkWithin(env, reg, <i32>(reg.umax + <u64>off), size, total, zeroAllowed);
  if (err != 0) say(env, MSG_MAX_OUTSIDE, regno);
  return err;
}
