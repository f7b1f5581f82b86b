// References that must be given back before the program ends.
import { Env } from '../env';

/** At `exit`: nothing may be held. `main`: the outermost frame exits. */
export function checkExitRefs(env: Env, main: bool): i32 {
  return 0;
}
