// Loads, stores and legacy packet loads: what each insn needs of its registers, then the access itself (memory.ts). Atomics: atomic.ts.
import { BPF_IND, BPF_MEMSX, EINVAL } from '../../isa';
import { PTR_TO_CTX } from '../abi';
import { checkLegacyLoadRefs } from '../call/refs';
import { checkConsistent } from '../domain/sync';
import { Env } from '../env';
import { checkSubprogExit } from '../functions';
import { Insn } from '../insn';
import { fail } from '../log';
import { MSG_LEGACY_LOAD_R6 } from '../messages/access';
import { pushPath } from '../paths';
import { checkRead, checkWritable, clobberCallerSaved, setUnknown } from '../regs';
import { checkAccess } from './memory';
import { checkUnmodified } from './offset';
import { savePointerType } from './pointer-type';
import { setZero } from './stack-read';

export { checkAtomic } from './atomic';

// Program types that may use LD_ABS and LD_IND (enum bpf_prog_type).
const SOCKET_FILTER: u32 = 1;
const SCHED_CLS: u32 = 3;
const SCHED_ACT: u32 = 4;

export function checkLoad(env: Env, insn: Insn): i32 {
  return loadThrough(env, insn, false, insn.mode == BPF_MEMSX, true);
}

/** `strict` and not `mayMerge`: an atomic load. */
export function loadThrough(env: Env, insn: Insn, strict: bool, signExtends: bool, mayMerge: bool): i32 {
  const src = insn.src;
  let err = checkRead(env, src);
  if (err == 0) err = checkWritable(env, insn.dst);
  if (err != 0) return err;
  const type = env.reg(src).type;
  err = checkAccess(env, src, insn.off, insn.size, false, insn.dst, strict, signExtends);
  if (err == 0) err = savePointerType(env, type, mayMerge);
  if (err == 0) checkConsistent(env.reg(insn.dst));
  return err;
}

/** Store of a register. */
export function checkStore(env: Env, insn: Insn): i32 {
  return storeThrough(env, insn, false);
}

export function storeThrough(env: Env, insn: Insn, strict: bool): i32 {
  const dst = insn.dst;
  let err = checkRead(env, insn.src);
  if (err == 0) err = checkRead(env, dst);
  if (err != 0) return err;
  const type = env.reg(dst).type;
  err = checkAccess(env, dst, insn.off, insn.size, true, insn.src, strict, false);
  return err != 0 ? err : savePointerType(env, type, false);
}

/** Store of a constant. */
export function checkStoreImm(env: Env, insn: Insn): i32 {
  const dst = insn.dst;
  let err = checkRead(env, dst);
  if (err != 0) return err;
  const type = env.reg(dst).type;
  err = checkAccess(env, dst, insn.off, insn.size, true, -1, false, false);
  return err != 0 ? err : savePointerType(env, type, false);
}

/** May programs of this type use BPF_LD with ABS and IND? */
export function mayLoadLegacy(env: Env): bool {
  const type = env.input.progType;
  return type == SOCKET_FILTER || type == SCHED_CLS || type == SCHED_ACT;
}

/** BPF_LD with ABS or IND: R6 is the skb, R1..R5 are lost, R0 is what was loaded; out of the packet the program ends. */
export function checkLegacyLoad(env: Env, insn: Insn): i32 {
  let err = checkRead(env, 6);
  if (err == 0) err = checkLegacyLoadRefs(env);
  if (err != 0) return err;
  const ctx = env.reg(6);
  if (ctx.type != PTR_TO_CTX) return fail(env, EINVAL, MSG_LEGACY_LOAD_R6);
  if (insn.mode == BPF_IND) err = checkRead(env, insn.src);
  if (err == 0) err = checkUnmodified(env, ctx, 6, false);
  if (err != 0) return err;
  clobberCallerSaved(env);
  setUnknown(env, env.reg(0));
  return env.cur.curframe == 0 ? 0 : leaveFunction(env);
}

/** In a function the end of the program is a return of 0 from it: the path goes on with the caller, the one behind the load waits. */
function leaveFunction(env: Env): i32 {
  const behind = pushPath(env, env.pc + 1, env.pc, false);
  if (changetype<usize>(behind) == 0) return -env.errno;
  setZero(env, env.reg(0));
  const err = checkSubprogExit(env);
  env.logWholeState = false;
  return err;
}
