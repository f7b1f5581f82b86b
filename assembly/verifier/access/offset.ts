// Pointers that may be used only where they point: ctx, sockets, referenced objects.
import { EACCES } from '../../isa';
import { Env } from '../env';
import { fail } from '../log';
import { MSG_MODIFIED_PTR, MSG_NEGATIVE_PTR_OFF, MSG_VARIABLE_PTR } from '../messages/access';
import { RegState } from '../reg-state';

/** The pointer has its original form; with `fixedAllowed` a constant, positive offset may have been added. */
export function checkUnmodified(env: Env, reg: RegState, regno: u32, fixedAllowed: bool): i32 {
  if (reg.off < 0) return fail(env, EACCES, MSG_NEGATIVE_PTR_OFF, reg.type, regno, reg.off);
  if (!fixedAllowed && reg.off != 0) return fail(env, EACCES, MSG_MODIFIED_PTR, reg.type, regno, reg.off);
  if (reg.mask != 0 || reg.value != 0) return fail(env, EACCES, MSG_VARIABLE_PTR, reg.type, reg.value, reg.mask);
  return 0;
}

/** Storing register `regno` (-1: a constant) would show the program's users a kernel address. */
export function leaksPointer(env: Env, regno: i32): bool {
  return regno >= 0 && !env.allowPtrLeaks && !env.reg(regno).isScalar;
}
