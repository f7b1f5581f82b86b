// Arguments of global functions that are neither scalars nor plain memory.
import { EINVAL } from '../../isa';
import { Env } from '../env';
import { SubprogArg } from '../input';
import { fail } from '../log';
import { MSG_GLOBAL_ARG_TYPE } from '../messages/core';
import { RegState } from '../reg-state';

export function checkGlobalDynptr(env: Env, arg: SubprogArg, regno: u32): i32 {
  return fail(env, EINVAL, MSG_GLOBAL_ARG_TYPE, 0, regno - 1);
}

export function checkGlobalBtfArg(env: Env, arg: SubprogArg, regno: u32): i32 {
  return fail(env, EINVAL, MSG_GLOBAL_ARG_TYPE, 0, regno - 1);
}

export function initDynptrArg(env: Env, arg: SubprogArg, reg: RegState): i32 {
  return fail(env, EINVAL, MSG_GLOBAL_ARG_TYPE, 0, 0);
}
