// Memory given to a function or kfunc whose size is known from BTF.
import { PTR_MAYBE_NULL } from '../abi';
import { checkRegion } from '../access/memory';
import { Env } from '../env';
import { isNullConst } from '../reg-state';

/** `size` readable and writable bytes at `regno`; NULL passes, whoever may not get NULL asks for itself. */
export function checkMemArg(env: Env, regno: u32, size: u32): i32 {
  const reg = env.reg(regno);
  if (isNullConst(reg)) return 0;
  const type = reg.type;
  reg.type = type & ~PTR_MAYBE_NULL;
  let err = checkRegion(env, regno, size, false, true, false);
  if (err == 0) err = checkRegion(env, regno, size, true, true, false);
  reg.type = type;
  return err;
}
