// The loop: takes a path, walks it insn by insn until it ends or is known to be safe, takes the next one.
import { ENV, INPUT_SIZE, RESULT_SIZE } from './abi';
import { checkAtomic, checkLegacyLoad, checkLoad, checkStore, checkStoreImm } from './access/insns';
import { checkAccess, checkRegion } from './access/memory';
import { checkAlu } from './alu';
import { alloc, allocZeroed, arenaReset } from './arena';
import { checkHelperCall } from './call/helper';
import { checkKfuncCall } from './call/kfunc';
import { Env, theEnv } from './env';
import { Input } from './input';
import { checkCondJump } from './jmp';
import { popPath, pushPath } from './paths';
import { markChainPrecision, propagatePrecision, pushHistory } from './precision';

/** Forgets the last verification. `limit`: bytes of memory this one may use. Returns the address of an Input to fill. */
export function inputBegin(limit: u32): usize {
  arenaReset(limit);
  memory.fill(ENV, 0, offsetof<Env>());
  theEnv().input = changetype<Input>(allocZeroed(INPUT_SIZE));
  return changetype<usize>(theEnv().input);
}

/** Memory for a table of the input; 0 when there is none left. */
export function inputAlloc(size: u32): usize {
  return alloc(size);
}

export function result(): usize {
  return 0;
}

export function verify(): i32 {
  const env = theEnv();
  const insn = env.insn(0);
  pushPath(env, 0, 0, false);
  popPath(env);
  return (
    checkAlu(env, insn) +
    checkAtomic(env, insn) +
    checkLegacyLoad(env, insn) +
    checkLoad(env, insn) +
    checkStore(env, insn) +
    checkStoreImm(env, insn) +
    checkAccess(env, 0, 0, 0, false, 0, false, false) +
    checkRegion(env, 0, 0, false, false, false) +
    checkHelperCall(env, insn) +
    checkKfuncCall(env, insn) +
    checkCondJump(env, insn) +
    markChainPrecision(env, 0) +
    propagatePrecision(env, env.cur, env.cur) +
    pushHistory(env, env.cur, 0, 0)
  );
}
