// One access through a pointer, and the memory that calls are given.
import { Env } from '../env';

/**
 * `size` bytes at register `regno` + `off` are read or written. On a read into `valueRegno` (>= 0) that register gets what is known of the value.
 * `once` says that the same insn checks further accesses (atomics); `signExtends` is for ldsx. 0, or -errno.
 */
export function checkAccess(
  env: Env,
  regno: u32,
  off: i32,
  size: u32,
  write: bool,
  valueRegno: i32,
  strict: bool,
  signExtends: bool,
): i32 {
  return -1;
}

/**
 * A call reads or writes `size` bytes at `regno`. `zeroAllowed`: with size 0 the pointer may be NULL. `initialises`: the call writes every byte, so
 * that stack memory need not be initialised (and the caller marks it so by `markStackWritten`).
 */
export function checkRegion(env: Env, regno: u32, size: u32, write: bool, zeroAllowed: bool, initialises: bool): i32 {
  return -1;
}
