// bpf_loop.
import { E2BIG, EINVAL } from '../../isa';
import { callback, isSpent } from '../callback';

/** BPF_MAX_LOOPS */
const MAX_LOOPS: u32 = 1 << 23;

/** Calls `fn(i, ctx)` for i from 0 on, until it returns other than 0 or `count` calls are made: the number of calls, or a negated errno. */
export function loop(count: u64, fn: u32, ctx: u64, flags: u64, fp: u32): i64 {
  if (flags) return -EINVAL;
  const calls = <u32>count;
  if (calls > MAX_LOOPS) return -E2BIG;
  for (let i: u32 = 0; i < calls; i++) {
    if (callback(fn, fp, i, ctx, 0) || isSpent()) return i + 1;
  }
  return calls;
}
