// Functions that calls call back: walked like a loop, as a path into the callback beside the one behind the call.
import { E2BIG, EFAULT, ENOMEM, ENOTSUPP } from '../../isa';
import * as abi from '../abi';
import { Env } from '../env';
import { FRAME_IN_ASYNC, FRAME_IN_CALLBACK, Frame } from '../frame';
import { initFrame, noteArguments, pushFrame } from '../functions';
import { bindInstance } from '../liveness';
import { fail } from '../log';
import { scratchAll } from '../log-state';
import { MSG_FOR_EACH_MAP } from '../messages/call';
import { MSG_NO_MEMORY } from '../messages/core';
import { pushFresh, pushPath } from '../paths';
import { copyReg, markPointer, markUnknown, RegState } from '../reg-state';
import { markDynptrReg } from './dynptr';
import { findField } from './fields';
import { markNode, markNonOwning } from './graph';

// Who calls back: what the callback is given.
export const CB_FOR_EACH: u32 = 1;
export const CB_LOOP: u32 = 2;
export const CB_TIMER: u32 = 3;
export const CB_USER_RINGBUF: u32 = 4;
export const CB_RBTREE_ADD: u32 = 5;

const SETUP_FAILED: i32 = -ENOMEM;

/** Map types whose elems can be walked: hash, array, percpu_hash, percpu_array, lru_hash, lru_percpu_hash. */
const WALKABLE: u64 = (1 << 1) | (1 << 2) | (1 << 5) | (1 << 6) | (1 << 9) | (1 << 10);

export function isWalkable(mapType: u32): bool {
  return mapType < 64 && ((WALKABLE >> mapType) & 1) != 0;
}

function mapPointer(reg: RegState, type: u32, from: RegState): void {
  markPointer(reg, type);
  reg.aux = from.aux;
}

/** R1..R5 of a callback, from the call's arguments in `caller`. What is not set stays unreadable. */
function setArguments(env: Env, kind: u32, caller: Frame, callee: Frame): i32 {
  callee.retLo = 0;
  callee.retHi = kind == CB_TIMER ? 0 : 1;
  switch (kind) {
    case CB_FOR_EACH:
      if (!isWalkable(env.map(caller.reg(1).aux).type)) return fail(env, ENOTSUPP, MSG_FOR_EACH_MAP);
      copyReg(callee.reg(1), caller.reg(1));
      mapPointer(callee.reg(2), abi.PTR_TO_MAP_KEY, caller.reg(1));
      mapPointer(callee.reg(3), abi.PTR_TO_MAP_VALUE, caller.reg(1));
      copyReg(callee.reg(4), caller.reg(3));
      return 0;
    case CB_LOOP:
      markUnknown(callee.reg(1));
      copyReg(callee.reg(2), caller.reg(3));
      return 0;
    case CB_TIMER:
      mapPointer(callee.reg(1), abi.CONST_PTR_TO_MAP, caller.reg(1));
      mapPointer(callee.reg(2), abi.PTR_TO_MAP_KEY, caller.reg(1));
      mapPointer(callee.reg(3), abi.PTR_TO_MAP_VALUE, caller.reg(1));
      return 0;
    case CB_USER_RINGBUF:
      markDynptrReg(env, callee.reg(1), abi.DYNPTR_LOCAL);
      copyReg(callee.reg(2), caller.reg(3));
      return 0;
    case CB_RBTREE_ADD: {
      const root = findField(env, caller.reg(1), abi.FIELD_RB_ROOT, caller.reg(1).off);
      if (changetype<usize>(root) == 0 || root.struct < 0) return -EFAULT;
      for (let i: u32 = 1; i < 3; i++) {
        markNode(callee.reg(i), root);
        markNonOwning(env, callee.reg(i));
      }
      return 0;
    }
    default:
      return SETUP_FAILED;
  }
}

/** The call runs `subprog` any number of times before it returns: one more round is put aside. */
export function pushCallback(env: Env, subprog: u32, kind: u32): i32 {
  const func = env.subprog(subprog);
  noteArguments(env, subprog);
  func.found |= abi.SPX_IS_CALLBACK;
  const caller = env.cur.cur;
  const state = pushPath(env, func.start, env.pc, false);
  if (changetype<usize>(state) == 0) return SETUP_FAILED;
  const outer = state.cur;
  const callee = pushFrame(env, state, subprog, env.pc);
  if (changetype<usize>(callee) == 0) return -E2BIG;
  callee.flags |= FRAME_IN_CALLBACK;
  scratchAll(env);
  const err = setArguments(env, kind, caller, callee);
  if (err != 0) return err;
  state.callbackUnrollDepth++;
  outer.callbackDepth++;
  caller.callbackDepth = 0;
  return 0;
}

/** The call has `subprog` run some time later, on its own: a path that begins there with nothing but its arguments. */
export function pushAsyncCallback(env: Env, subprog: u32, kind: u32, sleepable: bool): i32 {
  const func = env.subprog(subprog);
  noteArguments(env, subprog);
  func.found |= abi.SPX_IS_CALLBACK | abi.SPX_IS_ASYNC_CALLBACK;
  const caller = env.cur.cur;
  const state = pushFresh(env, func.start, env.pc);
  if (changetype<usize>(state) == 0) return SETUP_FAILED;
  state.inSleepable = sleepable;
  const callee = state.frame(0);
  initFrame(callee, -1, 0, subprog);
  scratchAll(env);
  if (!bindInstance(env, state, 0)) return fail(env, ENOMEM, MSG_NO_MEMORY);
  callee.asyncEntry = caller.asyncEntry + 1;
  callee.flags |= FRAME_IN_ASYNC;
  return setArguments(env, kind, caller, callee);
}
