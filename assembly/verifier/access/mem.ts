// Memory of known size that helpers and kfuncs return, and that global functions are given.
import { EACCES } from '../../isa';
import { MEM_RDONLY, PTR_UNTRUSTED } from '../abi';
import { Env } from '../env';
import { fail } from '../log';
import { MSG_CANNOT_WRITE, MSG_INVALID_MEM_ACCESS, MSG_LEAKS_INTO_MEM } from '../messages/access';
import { setUnknown } from '../regs';
import { checkBounds } from './bounds';
import { leaksPointer } from './offset';

export function checkMem(env: Env, regno: u32, off: i32, size: u32, write: bool, valueRegno: i32): i32 {
  const reg = env.reg(regno);
  const type = reg.type;
  if (reg.maybeNull) return fail(env, EACCES, MSG_INVALID_MEM_ACCESS, regno, type);
  const readOnly = (type & MEM_RDONLY) != 0;
  if (write && readOnly) return fail(env, EACCES, MSG_CANNOT_WRITE, regno, type);
  if (write && leaksPointer(env, valueRegno)) return fail(env, EACCES, MSG_LEAKS_INTO_MEM, valueRegno);
  // Untrusted memory is read by insns that survive a fault: it has no bounds.
  if (!readOnly || (type & PTR_UNTRUSTED) == 0) {
    const err = checkBounds(env, regno, off, size, reg.aux, false);
    if (err != 0) return err;
  }
  if (!write && valueRegno >= 0) setUnknown(env, env.reg(valueRegno));
  return 0;
}
