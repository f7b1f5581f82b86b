// One load or store insn goes through one kind of pointer: how it is executed depends on that, and paths must agree.
import { EINVAL } from '../../isa';
import {
  BASE_MASK,
  MEM_RDONLY,
  NOT_INIT,
  PTR_TO_ARENA,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_MEM,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
  PTR_UNTRUSTED,
} from '../abi';
import { Env } from '../env';
import { fail } from '../log';
import { MSG_DIFFERENT_POINTERS } from '../messages/access';

/** The access is rewritten for this kind of pointer. */
function isRewritten(type: u32): bool {
  switch (type & BASE_MASK) {
    case PTR_TO_CTX:
    case PTR_TO_SOCKET:
    case PTR_TO_SOCK_COMMON:
    case PTR_TO_TCP_SOCK:
    case PTR_TO_XDP_SOCK:
    case PTR_TO_BTF_ID:
    case PTR_TO_ARENA:
      return true;
    default:
      return false;
  }
}

function isMemOrStruct(type: u32): bool {
  const base = type & BASE_MASK;
  return base == PTR_TO_MEM || base == PTR_TO_BTF_ID;
}

/** `type` is that of the pointer before the access. `mayMerge`: trusted and untrusted memory may meet in a plain load. */
export function savePointerType(env: Env, type: u32, mayMerge: bool): i32 {
  const aux = env.curAux;
  const before = aux.ptrType;
  if (before == NOT_INIT) {
    aux.ptrType = type;
    return 0;
  }
  if (before == type || (!isRewritten(type) && !isRewritten(before))) return 0;
  if (!mayMerge || !isMemOrStruct(type) || !isMemOrStruct(before)) return fail(env, EINVAL, MSG_DIFFERENT_POINTERS);
  const base: u32 = (type & BASE_MASK) == PTR_TO_MEM && (before & BASE_MASK) == PTR_TO_MEM ? PTR_TO_MEM : PTR_TO_BTF_ID;
  aux.ptrType = base | ((type | before) & (PTR_UNTRUSTED | MEM_RDONLY));
  return 0;
}
