// Structs that pointers with a BTF id point to (rows of INPUT_STRUCTS).
import { Env } from '../env';

/** Has the struct a field of one of these kinds (FIELD_*)? */
export function structHasField(env: Env, index: u32, kinds: u32): bool {
  return false;
}
