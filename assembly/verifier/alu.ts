// ALU and ALU64 insns: requirements, then what the destination holds behind them.
import { BPF_ADD, BPF_ALU64, BPF_END, BPF_MOV, BPF_NEG, BPF_SUB, EACCES, EINVAL, ENOMEM } from '../isa';
import { PTR_TO_ARENA, SCALAR } from './abi';
import { addToPointer } from './alu-pointer';
import { SPLIT_64, SPLIT_NONE, scalarAlu, splits } from './domain/alu';
import { byteSwap, movZext32, signExtend, signExtend32 } from './domain/extend';
import { setConst32 } from './domain/scalar';
import { checkConsistent } from './domain/sync';
import { Env } from './env';
import { checkConstOperand } from './form';
import { Insn } from './insn';
import { fail } from './log';
import {
  MSG_ARITH_PROHIBITED,
  MSG_NO_ARENA,
  MSG_PARTIAL_COPY,
  MSG_POINTER_OP_POINTER,
  MSG_SEXT_POINTER,
} from './messages/alu';
import { pushPath } from './paths';
import { markChainPrecision } from './precision';
import { copyReg, LINK_ADD_CONST, LINK_ADD_CONST32, LINK_ADD_CONST64, markConst, RegState } from './reg-state';
import { checkRead, checkWritable, checkWrite, isPointer, setUnknown } from './regs';

const MAP_TYPE_ARENA: u32 = 33;

/** Checks the insn and changes its destination. 0, or -errno. */
export function checkAlu(env: Env, insn: Insn): i32 {
  switch (insn.op) {
    case BPF_NEG:
    case BPF_END:
      return checkUnary(env, insn);
    case BPF_MOV:
      return insn.isX ? checkMov(env, insn) : checkMovImm(env, insn);
    default:
      return checkBinary(env, insn);
  }
}

/** A pointer whose value the program may not learn. */
function leaks(env: Env, regno: u32): bool {
  return !env.allowPtrLeaks && isPointer(env, regno);
}

function checkUnary(env: Env, insn: Insn): i32 {
  let err = checkRead(env, insn.dst);
  if (err != 0) return err;
  if (leaks(env, insn.dst)) return fail(env, EACCES, MSG_ARITH_PROHIBITED, insn.dst);
  const reg = env.reg(insn.dst);
  if (reg.type != SCALAR) return checkWrite(env, insn.dst);
  err = checkWritable(env, insn.dst);
  if (err != 0) return err;
  const is64 = insn.cls == BPF_ALU64;
  if (insn.op == BPF_NEG) scalarAlu(BPF_NEG, is64, reg, reg);
  // bswap, or to big-endian.
  else byteSwap(reg, <u32>insn.imm, is64 || insn.isX);
  reg.id = 0;
  reg.off = 0;
  return 0;
}

function checkMovImm(env: Env, insn: Insn): i32 {
  const err = checkWritable(env, insn.dst);
  if (err != 0) return err;
  const reg = env.reg(insn.dst);
  markConst(reg, insn.cls == BPF_ALU64 ? <u64>(<i64>insn.imm) : <u64>insn.immUnsigned);
  return 0;
}

function checkMov(env: Env, insn: Insn): i32 {
  let err = checkRead(env, insn.src);
  if (err == 0) err = checkWritable(env, insn.dst);
  if (err != 0) return err;
  if (insn.cls != BPF_ALU64) return mov32(env, insn);
  if (insn.off == 1) return addressSpaceCast(env, insn);
  if (insn.off == 0) {
    const src = env.reg(insn.src);
    linkBeforeCopy(env, src);
    copyReg(env.reg(insn.dst), src);
    return 0;
  }
  return movSignExtended(env, insn);
}

function addressSpaceCast(env: Env, insn: Insn): i32 {
  let arena = false;
  for (let i: u32 = 0; i < env.input.mapCount; i++) arena = arena || env.map(i).type == MAP_TYPE_ARENA;
  if (!arena) return fail(env, EINVAL, MSG_NO_ARENA);
  const dst = env.reg(insn.dst);
  setUnknown(env, dst);
  if (insn.imm == 1) dst.type = PTR_TO_ARENA;
  return 0;
}

/** Scalars that are copied share an id, so that what is found out about one holds for the other. */
export function linkBeforeCopy(env: Env, src: RegState): void {
  if (src.type != SCALAR) return;
  if ((src.id & LINK_ADD_CONST) != 0) {
    src.id = 0;
    src.off = 0;
  }
  if (src.id == 0 && !src.isConst) src.id = env.newId();
}

function movSignExtended(env: Env, insn: Insn): i32 {
  if (leaks(env, insn.src)) return fail(env, EACCES, MSG_SEXT_POINTER, insn.src);
  const src = env.reg(insn.src);
  const dst = env.reg(insn.dst);
  if (src.type != SCALAR) {
    setUnknown(env, dst);
    return 0;
  }
  copyNarrow(env, dst, src, src.umax < (<u64>1) << (insn.off - 1));
  signExtend(dst, <u32>insn.off >> 3);
  return 0;
}

/** Copies a scalar whose value the insn may change: linked only when it does not. */
function copyNarrow(env: Env, dst: RegState, src: RegState, same: bool): void {
  if (same) linkBeforeCopy(env, src);
  copyReg(dst, src);
  if (same) return;
  dst.id = 0;
  dst.off = 0;
}

function mov32(env: Env, insn: Insn): i32 {
  if (leaks(env, insn.src)) return fail(env, EACCES, MSG_PARTIAL_COPY, insn.src);
  const src = env.reg(insn.src);
  const dst = env.reg(insn.dst);
  if (src.type != SCALAR) {
    setUnknown(env, dst);
  } else if (insn.off == 0) {
    copyNarrow(env, dst, src, src.umax <= <u64>u32.MAX_VALUE);
  } else {
    copyNarrow(env, dst, src, src.umax < (<u64>1) << (insn.off - 1));
    signExtend32(dst, <u32>insn.off >> 3);
  }
  movZext32(dst);
  return 0;
}

function checkBinary(env: Env, insn: Insn): i32 {
  let err: i32 = 0;
  if (insn.isX) err = checkRead(env, insn.src);
  if (err == 0) err = checkRead(env, insn.dst);
  if (err == 0 && !insn.isX) err = checkConstOperand(env, insn);
  if (err == 0) err = checkWritable(env, insn.dst);
  if (err != 0) return err;
  const dst = env.reg(insn.dst);
  if (dst.base == PTR_TO_ARENA) return 0;
  if (!insn.isX) {
    const constant = changetype<RegState>(env.constReg);
    markConst(constant, <u64>(<i64>insn.imm));
    if (dst.type != SCALAR) return addToPointer(env, insn, dst, constant);
    return scalarBinary(env, insn, dst, constant);
  }
  const src = env.reg(insn.src);
  if (src.type != SCALAR) return binaryWithPointer(env, insn, dst, src);
  if (dst.type != SCALAR) {
    err = markChainPrecision(env, insn.src);
    return err != 0 ? err : addToPointer(env, insn, dst, src);
  }
  if (dst.precise) {
    err = markChainPrecision(env, insn.src);
    if (err != 0) return err;
  }
  return scalarBinary(env, insn, dst, src);
}

/** The source is a pointer. */
function binaryWithPointer(env: Env, insn: Insn, dst: RegState, src: RegState): i32 {
  if (dst.type != SCALAR) {
    if (insn.op == BPF_SUB && env.allowPtrLeaks) {
      setUnknown(env, dst);
      return 0;
    }
    return fail(env, EACCES, MSG_POINTER_OP_POINTER, insn.dst, insn.op);
  }
  const err = markChainPrecision(env, insn.dst);
  return err != 0 ? err : addToPointer(env, insn, src, dst);
}

/** A sign spread over all bits is 0 or -1: the insn is walked with -1 now, and once more with 0. False when memory is out. */
function splitPath(env: Env, insn: Insn, dst: RegState, src: RegState): bool {
  const split = splits(insn.op, dst, src);
  if (split == SPLIT_NONE) return true;
  const other = pushPath(env, env.pc, env.pc, false);
  if (changetype<usize>(other) == 0) return false;
  if (split == SPLIT_64) {
    other.reg(insn.dst).setConst(0);
    dst.setConst(u64.MAX_VALUE);
  } else {
    setConst32(other.reg(insn.dst), 0);
    setConst32(dst, u32.MAX_VALUE);
  }
  return true;
}

function scalarBinary(env: Env, insn: Insn, dst: RegState, src: RegState): i32 {
  const is64 = insn.cls == BPF_ALU64;
  const delta = linkDelta(insn, dst, src);
  if (!splitPath(env, insn, dst, src)) return -env.errno;
  scalarAlu(insn.op, is64, dst, src);
  checkConsistent(dst);
  // r1 = r2; r1 += K: what a comparison says of one of them holds for the other, K apart. Once only.
  if (env.capable && delta != NO_DELTA && isLinkedOnce(dst)) {
    dst.id |= is64 ? LINK_ADD_CONST64 : LINK_ADD_CONST32;
    dst.off = <i32>delta;
    return 0;
  }
  dst.id = 0;
  dst.off = 0;
  return 0;
}

const NO_DELTA: i64 = i64.MIN_VALUE;

/** The constant that an addition or a subtraction adds, if a link can carry it: 32 bits, its negation too. */
function linkDelta(insn: Insn, dst: RegState, src: RegState): i64 {
  if ((insn.op != BPF_ADD && insn.op != BPF_SUB) || dst == src) return NO_DELTA;
  const is64 = insn.cls == BPF_ALU64;
  if (is64 ? !src.isConst : !src.isSubregConst || dst.umax > <u64>u32.MAX_VALUE) return NO_DELTA;
  const value = is64 ? <i64>src.value : ((<i64>src.value) << 32) >> 32;
  if (value < <i64>i32.MIN_VALUE || value > <i64>i32.MAX_VALUE) return NO_DELTA;
  if (insn.op == BPF_ADD) return value;
  return value == <i64>i32.MIN_VALUE ? NO_DELTA : -value;
}

function isLinkedOnce(reg: RegState): bool {
  return reg.id != 0 && (reg.id & LINK_ADD_CONST) == 0;
}
