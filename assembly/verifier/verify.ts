// The verification of one program: its form, its control flow, then every path of the entry and of each global function.
import { E2BIG, EACCES, EINVAL, ENOMEM, EPERM } from '../isa';
import {
  ARENA_START,
  AUX_MAP_UNSEEN,
  AUXF_JMP_POINT,
  AUXF_NOSPEC,
  AUXF_NOSPEC_RESULT,
  AUXF_PRUNE_POINT,
  ENV,
  REG_SIZE,
  RESULT_SIZE,
  SPX_CALLED,
  SPX_VERIFIED,
} from './abi';
import { alloc, allocOnce, allocZeroed, arenaReset } from './arena';
import { Backtrack } from './backtrack';
import { checkCfg } from './cfg';
import { initEntry } from './entry';
import { Env, theEnv } from './env';
import { checkOpcodes } from './form';
import { newIdMap } from './id-map';
import { Input } from './input';
import { computeLiveRegs } from './live-regs';
import { beginStackWrites, commitStackWrites, findFirstJumps, writesStack } from './liveness';
import { fail } from './log';
import {
  logDone,
  logFuncs,
  logInsn,
  logLiveRegs,
  logPath,
  logSafe,
  logValidated,
  logValidating,
  logWalked,
} from './log-state';
import { MSG_EMPTY, MSG_NO_MEMORY, MSG_PROG_TOO_LONG, MSG_TOO_MANY_INSNS } from './messages/core';
import { popPath } from './paths';
import { pushHistory } from './precision';
import { markUnknown, RegState } from './reg-state';
import { writeResult } from './result';
import { computeSccs } from './scc';
import { SCC_KEY_SIZE } from './scc-visit';
import { checkStackDepth } from './stack-depth';
import { auxBytes, findSubprogs } from './subprogs';
import { newTraced } from './traced';
import { endPath, PRUNED, visit } from './visit';
import { NEXT, walkInsn } from './walk-insn';

/**
 * Forgets the last verification. `limit`: bytes of memory this one may use. Returns where the request goes, `size` bytes that begin with an Input: ARENA_START,
 * or 0 without memory.
 */
export function inputBegin(limit: u32, size: u32): usize {
  arenaReset(limit);
  memory.fill(ENV, 0, offsetof<Env>());
  const input = <usize>__heap_base > <usize>ARENA_START ? <usize>0 : allocOnce(size);
  theEnv().input = changetype<Input>(input);
  return input;
}

/** Address of the results (abi.ts: RESULT_*). */
export function result(): usize {
  return theEnv().resultAt;
}

/** Judges the program of the input. 0 when it is accepted, else -errno. */
export function verify(): i32 {
  const env = theEnv();
  let err = prepare(env);
  if (err == 0) err = checkProgram(env);
  writeResult(env);
  return err;
}

function prepare(env: Env): i32 {
  const count = env.input.insnCount;
  env.resultAt = allocZeroed(RESULT_SIZE);
  env.idMap = newIdMap();
  env.backtrack = allocZeroed(offsetof<Backtrack>());
  env.traced = newTraced();
  env.unknownReg = alloc(REG_SIZE);
  env.constReg = alloc(REG_SIZE);
  env.constReg2 = alloc(REG_SIZE);
  env.sccKey = allocZeroed(SCC_KEY_SIZE);
  env.stackWrites = allocZeroed(64);
  if (
    env.idMap == 0 ||
    env.backtrack == 0 ||
    env.traced == 0 ||
    env.unknownReg == 0 ||
    env.sccKey == 0 ||
    env.stackWrites == 0
  )
    return fail(env, ENOMEM, MSG_NO_MEMORY);
  markUnknown(changetype<RegState>(env.unknownReg));
  env.allowImprecise = env.capable;
  if (count == 0) return fail(env, E2BIG, MSG_EMPTY);
  if (count > env.input.sizeLimit) return fail(env, E2BIG, MSG_PROG_TOO_LONG, count);
  env.aux = allocZeroed(auxBytes(count));
  env.buckets = allocZeroed((<usize>count) << 2);
  if (env.aux == 0 || env.buckets == 0) return fail(env, ENOMEM, MSG_NO_MEMORY);
  for (let pc: u32 = 0; pc < count; pc++) env.auxOf(pc).map = AUX_MAP_UNSEEN;
  return 0;
}

function checkProgram(env: Env): i32 {
  let err = findSubprogs(env);
  if (err == 0) logFuncs(env);
  if (err == 0) err = checkOpcodes(env);
  if (err == 0) err = checkCfg(env);
  if (err != 0) return err;
  if (!computeSccs(env)) return fail(env, ENOMEM, MSG_NO_MEMORY);
  env.sccs = allocZeroed((<usize>(env.sccCount + 1)) << 2);
  if (env.sccs == 0) return fail(env, ENOMEM, MSG_NO_MEMORY);
  computeLiveRegs(env);
  findFirstJumps(env);
  logLiveRegs(env);
  err = walkRoot(env, 0);
  if (err == 0) err = walkGlobals(env);
  return err == 0 ? checkStackDepth(env) : err;
}

/** A function that is verified on its own: a global one that something calls, or the one that handles exceptions. */
function isRoot(env: Env, i: u32): bool {
  const subprog = env.subprog(i);
  return i == env.exceptionCb || (subprog.isGlobal && (subprog.found & SPX_CALLED) != 0);
}

/** Global functions that something calls; walking one may show calls of others. */
function walkGlobals(env: Env): i32 {
  let again = true;
  while (again) {
    again = false;
    for (let i: u32 = 1; i < env.subprogCount; i++) {
      const subprog = env.subprog(i);
      if (!isRoot(env, i) || (subprog.found & SPX_VERIFIED) != 0) continue;
      subprog.found |= SPX_VERIFIED;
      logValidating(env, i);
      const err = walkRoot(env, i);
      if (err != 0) return err;
      logValidated(env, i);
      again = true;
    }
  }
  return 0;
}

/** All paths of the program's entry (0) or of a global function. */
function walkRoot(env: Env, root: u32): i32 {
  env.root = root;
  const err = initEntry(env, root);
  if (err != 0) return err;
  logPath(env);
  do {
    const ended = walkPath(env);
    if (ended < 0) return ended;
    endPath(env);
    if (!popPath(env)) {
      logDone(env);
      return 0;
    }
    logPath(env);
  } while (true);
}

/** What is refused on a mispredicted path alone is not executed there: a barrier goes before the insn. */
function endMispredicted(env: Env, pc: u32, err: i32): i32 {
  if (err != -EPERM && err != -EACCES && err != -EINVAL) return err;
  env.auxOf(pc).flags |= AUXF_NOSPEC;
  env.errno = 0;
  env.errorCode = 0;
  return 0;
}

/** Walks the current path until it ends. 0, or -errno. */
function walkPath(env: Env): i32 {
  let done = NEXT;
  while (done == NEXT) {
    env.hist = 0;
    const pc = env.pc;
    const state = env.cur;
    if (++env.insnProcessed > env.input.insnLimit) return fail(env, E2BIG, MSG_TOO_MANY_INSNS, env.insnProcessed);
    state.lastPc = env.prevPc;
    state.pc = pc;
    const flags = env.auxOf(pc).flags;
    if ((flags & AUXF_PRUNE_POINT) != 0) {
      const seen = visit(env, pc);
      if (seen < 0) return seen;
      if (seen == PRUNED) {
        logSafe(env);
        return 0;
      }
    }
    if ((flags & AUXF_JMP_POINT) != 0) {
      const err = pushHistory(env, state, 0, 0);
      if (err != 0) return err;
    }
    logInsn(env);
    const insn = env.insn(pc);
    const frame = state.curframe;
    const instance = state.cur.instance;
    const writes = writesStack(insn);
    if (writes) beginStackWrites(env);
    if (state.speculative && (flags & AUXF_NOSPEC) != 0) return 0;
    done = walkInsn(env, insn);
    if (done < 0) return env.cur.speculative ? endMispredicted(env, pc, done) : done;
    if (env.input.logLevel != 0) logWalked(env, insn, pc, frame);
    if (writes) commitStackWrites(env, instance, pc);
    if (env.cur.speculative && (env.auxOf(pc).flags & AUXF_NOSPEC_RESULT) != 0) return 0;
    env.prevPc = pc;
    env.pc++;
  }
  return 0;
}
