// Arguments of global functions that are neither scalars nor plain memory.
import {
  ARG_PTR_TO_BTF_ID,
  ARG_PTR_TO_DYNPTR,
  DYNPTR_LOCAL,
  MEM_RDONLY,
  PTR_MAYBE_NULL,
  PTR_TRUSTED,
  SAF_NULLABLE,
  SAF_TRUSTED,
} from '../abi';
import { Env } from '../env';
import { SubprogArg } from '../input';
import { isNullConst, RegState } from '../reg-state';
import { checkArgOffset, checkArgType } from './compatible';
import { checkDynptrArg, markDynptrReg } from './dynptr';
import { beginMeta } from './meta';

export function checkGlobalDynptr(env: Env, arg: SubprogArg, regno: u32): i32 {
  const err = checkArgOffset(env, regno, ARG_PTR_TO_DYNPTR);
  return err != 0 ? err : checkDynptrArg(env, regno, ARG_PTR_TO_DYNPTR | MEM_RDONLY, 0);
}

export function checkGlobalBtfArg(env: Env, arg: SubprogArg, regno: u32): i32 {
  let word: u32 = ARG_PTR_TO_BTF_ID;
  if ((arg.flags & SAF_TRUSTED) != 0) word |= PTR_TRUSTED;
  if ((arg.flags & SAF_NULLABLE) != 0) word |= PTR_MAYBE_NULL;
  if (isNullConst(env.reg(regno)) && (word & PTR_MAYBE_NULL) != 0) return 0;
  const err = checkArgType(env, beginMeta(0), regno, word, <i32>arg.size);
  return err != 0 ? err : checkArgOffset(env, regno, word);
}

/** The function does not know who made its dynptr: it may only look. */
export function initDynptrArg(env: Env, arg: SubprogArg, reg: RegState): i32 {
  markDynptrReg(env, reg, DYNPTR_LOCAL);
  return 0;
}
