// Conditional jumps: which branches are possible, and what each says of the registers compared.
import { BPF_JEQ, BPF_JMP32, BPF_JNE, EACCES } from '../isa';
import {
  BASE_MASK,
  CONST_PTR_TO_MAP,
  MEM_ALLOC,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_STACK,
  PTR_TO_TCP_SOCK,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
  SCALAR,
} from './abi';
import { branchTaken } from './domain/branch';
import { invert, refine } from './domain/refine';
import { checkConsistent } from './domain/sync';
import { Env } from './env';
import { widen } from './equal';
import { checkCompareForm } from './form';
import { HIST_DST_STACK, HIST_SRC_STACK } from './history';
import { Insn } from './insn';
import { markNotNull, markNullChecked } from './jmp-null';
import { isPacketOrEnd, matchPacketEnd, packetBranchTaken } from './jmp-packet';
import { collectLinked, linkedCount, syncLinked } from './linked';
import { fail } from './log';
import { MSG_COMPARE_PROHIBITED } from './messages/alu';
import { pushPath } from './paths';
import { markChainPrecision, pushHistory } from './precision';
import { copyReg, markConst, RegState } from './reg-state';
import { checkRead, isPointer } from './regs';
import { State } from './state';
import { previousRound } from './visit';

const NO_MEMORY: i32 = -12;

/**
 * Walks on with one branch and puts the other aside (paths.ts), each with what the comparison says. The main loop adds 1 to `env.pc`
 * afterwards: to follow the jump, this adds the insn's offset. 0, or -errno.
 */
export function checkCondJump(env: Env, insn: Insn): i32 {
  let err = checkRead(env, insn.dst);
  if (err == 0) err = checkCompareForm(env, insn);
  if (err == 0 && insn.isX) err = checkSource(env, insn);
  if (err != 0) return err;
  const dst = env.reg(insn.dst);
  const src = operand(env, insn);
  const is32 = insn.cls == BPF_JMP32;
  if (insn.isX) {
    const flags = (dst.type == PTR_TO_STACK ? HIST_DST_STACK : 0) | (src.type == PTR_TO_STACK ? HIST_SRC_STACK : 0);
    if (flags != 0) err = pushHistory(env, env.cur, flags, 0);
    if (err != 0) return err;
  }
  const taken = decided(dst, src, insn.op, is32);
  if (taken < 0) return walkBoth(env, insn, dst, src, is32);
  if (dst.type == SCALAR) err = markChainPrecision(env, insn.dst);
  if (err == 0 && insn.isX && src.type == SCALAR) err = markChainPrecision(env, insn.src);
  if (err != 0) return err;
  // A mispredicted branch walks the other side: unprivileged programs must be safe there as well.
  if (!env.allowPtrLeaks && !pushSpeculative(env, taken == 1 ? env.pc + 1 : env.pc + 1 + <i32>insn.off))
    return NO_MEMORY;
  if (taken == 1) env.pc += <i32>insn.off;
  return 0;
}

function pushSpeculative(env: Env, pc: u32): bool {
  return changetype<usize>(pushPath(env, pc, env.pc, true)) != 0;
}

function checkSource(env: Env, insn: Insn): i32 {
  const err = checkRead(env, insn.src);
  if (err != 0) return err;
  const packets = isPacketOrEnd(env.reg(insn.dst)) && isPacketOrEnd(env.reg(insn.src));
  if (!packets && !env.allowPtrLeaks && isPointer(env, insn.src))
    return fail(env, EACCES, MSG_COMPARE_PROHIBITED, insn.src);
  return 0;
}

/** The source register, or a register that holds the constant. */
function operand(env: Env, insn: Insn): RegState {
  if (insn.isX) return env.reg(insn.src);
  const constant = changetype<RegState>(env.constReg);
  markConst(constant, <u64>(<i64>insn.imm));
  return constant;
}

function isConstScalar(reg: RegState, is32: bool): bool {
  return reg.type == SCALAR && (is32 ? reg.isSubregConst : reg.isConst);
}

/** 1 or 0 when only one branch is possible, -1 otherwise. */
function decided(dst: RegState, src: RegState, op: u32, is32: bool): i32 {
  if (!is32 && isPacketOrEnd(dst) && isPacketOrEnd(src)) return packetBranchTaken(dst, src, op);
  if (dst.type == SCALAR && src.type == SCALAR) return branchTaken(op, is32, dst, src);
  // A pointer that cannot be NULL, compared with 0.
  const pointer = dst.type != SCALAR ? dst : src;
  const other = dst.type != SCALAR ? src : dst;
  if (!isConstScalar(other, is32) || !isNotNull(pointer)) return -1;
  if ((is32 ? <u64>(<u32>other.value) : other.value) != 0) return -1;
  if (op == BPF_JEQ) return 0;
  return op == BPF_JNE ? 1 : -1;
}

function isNotNull(reg: RegState): bool {
  if ((reg.type & PTR_MAYBE_NULL) != 0) return false;
  switch (reg.type & BASE_MASK) {
    case PTR_TO_SOCKET:
    case PTR_TO_TCP_SOCK:
    case PTR_TO_MAP_VALUE:
    case PTR_TO_MAP_KEY:
    case PTR_TO_SOCK_COMMON:
    case CONST_PTR_TO_MAP:
      return true;
    case PTR_TO_BTF_ID:
      return reg.refId != 0 || (reg.type & (PTR_TRUSTED | MEM_ALLOC)) != 0;
    case PTR_TO_MEM:
      return (reg.type & PTR_UNTRUSTED) == 0;
    default:
      return false;
  }
}

function walkBoth(env: Env, insn: Insn, dst: RegState, src: RegState, is32: bool): i32 {
  let linked: u64 = 0;
  if (insn.isX && src.type == SCALAR && src.id != 0) linked = collectLinked(env, env.cur, src.id, linked);
  if (dst.type == SCALAR && dst.id != 0) linked = collectLinked(env, env.cur, dst.id, linked);
  if (linkedCount(linked) > 1) {
    const err = pushHistory(env, env.cur, 0, linked);
    if (err != 0) return err;
  }
  const other = pushPath(env, env.pc + 1 + <i32>insn.off, env.pc, false);
  if (changetype<usize>(other) == 0) return NO_MEMORY;
  const otherDst = other.reg(insn.dst);
  let otherSrc = other.reg(insn.src);
  if (!insn.isX) {
    otherSrc = changetype<RegState>(env.constReg2);
    copyReg(otherSrc, src);
  }
  if (dst.type == SCALAR && src.type == SCALAR && dst != src) {
    refine(invert(insn.op), is32, dst, src);
    refine(insn.op, is32, otherDst, otherSrc);
    checkConsistent(dst);
    checkConsistent(src);
    checkConsistent(otherDst);
    checkConsistent(otherSrc);
  }
  if (insn.isX && src.type == SCALAR && src.id != 0) {
    syncLinked(env, env.cur, src, linked);
    syncLinked(env, other, otherSrc, linked);
  }
  if (dst.type == SCALAR && dst.id != 0) {
    syncLinked(env, env.cur, dst, linked);
    syncLinked(env, other, otherDst, linked);
  }
  return comparePointers(env, insn, other, is32);
}

function comparePointers(env: Env, insn: Insn, other: State, is32: bool): i32 {
  const dst = env.reg(insn.dst);
  const isEquality = insn.op == BPF_JEQ || insn.op == BPF_JNE;
  if (insn.isX && !is32 && isEquality) liftNull(env, insn, other);
  if (!is32 && !insn.isX && insn.imm == 0 && isEquality && (dst.type & PTR_MAYBE_NULL) != 0) {
    markNullChecked(env, env.cur, insn.dst, insn.op == BPF_JNE);
    markNullChecked(env, other, insn.dst, insn.op == BPF_JEQ);
    return 0;
  }
  if (insn.isX && !is32 && matchPacketEnd(env.cur, other, insn)) return 0;
  if (!env.allowPtrLeaks && isPointer(env, insn.dst)) return fail(env, EACCES, MSG_COMPARE_PROHIBITED, insn.dst);
  return 0;
}

/** Equal to a pointer that is not NULL: not NULL either. */
function liftNull(env: Env, insn: Insn, other: State): void {
  const dst = env.reg(insn.dst);
  const src = env.reg(insn.src);
  if (dst.type == SCALAR || src.type == SCALAR) return;
  if ((dst.type & PTR_MAYBE_NULL) == (src.type & PTR_MAYBE_NULL)) return;
  if (dst.base == PTR_TO_BTF_ID || src.base == PTR_TO_BTF_ID) return;
  const equal = insn.op == BPF_JEQ ? other : env.cur;
  markNotNull(env, equal.reg((src.type & PTR_MAYBE_NULL) != 0 ? insn.src : insn.dst));
}

/** `may_goto`: falls through as long as the program's budget of rounds lasts, then jumps. */
export function checkMayGoto(env: Env, insn: Insn): i32 {
  const round = pushPath(env, env.pc + 1, env.pc, false);
  if (changetype<usize>(round) == 0) return NO_MEMORY;
  round.mayGotoDepth++;
  if (env.cur.parent != 0) {
    const before = previousRound(env, changetype<State>(env.cur.parent), env.pc);
    if (changetype<usize>(before) != 0) widen(env, before, round);
  }
  env.pc += <i32>insn.off;
  return 0;
}
