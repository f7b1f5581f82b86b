// Atomic insns (RFC 9669, section 5.3; load_acquire and store_release).
import { BPF_AND, BPF_CMPXCHG, BPF_FETCH, BPF_LOAD_ACQ, BPF_OR, BPF_STORE_REL, BPF_XOR, EACCES } from '../../isa';
import {
  PTR_TO_ARENA,
  PTR_TO_CTX,
  PTR_TO_FLOW_KEYS,
  PTR_TO_SOCK_COMMON,
  PTR_TO_SOCKET,
  PTR_TO_TCP_SOCK,
  PTR_TO_XDP_SOCK,
} from '../abi';
import { Env } from '../env';
import { Insn } from '../insn';
import { fail } from '../log';
import { MSG_ATOMIC_LOAD_TYPE, MSG_ATOMIC_STORE_TYPE, MSG_LEAKS_INTO_MEM } from '../messages/access';
import { isPacketPointer, RegState } from '../reg-state';
import { checkRead, checkWrite } from '../regs';
import { loadThrough, storeThrough } from './insns';
import { checkAccess } from './memory';
import { leaksPointer } from './offset';
import { savePointerType } from './pointer-type';

/** Memory behind these is not what it seems, or is not shared. */
function allowsAtomics(reg: RegState, insn: Insn): bool {
  switch (reg.type) {
    case PTR_TO_CTX:
    case PTR_TO_FLOW_KEYS:
    case PTR_TO_SOCKET:
    case PTR_TO_SOCK_COMMON:
    case PTR_TO_TCP_SOCK:
    case PTR_TO_XDP_SOCK:
      return false;
    case PTR_TO_ARENA:
      // The kernel's JIT makes loops of these, which cannot be left when a page is missing.
      return insn.imm != (BPF_AND | BPF_FETCH) && insn.imm != (BPF_OR | BPF_FETCH) && insn.imm != (BPF_XOR | BPF_FETCH);
    default:
      return !isPacketPointer(reg);
  }
}

export function checkAtomic(env: Env, insn: Insn): i32 {
  if (insn.imm == BPF_LOAD_ACQ) return checkAtomicLoad(env, insn);
  if (insn.imm == BPF_STORE_REL) return checkAtomicStore(env, insn);
  return checkReadModifyWrite(env, insn);
}

function checkAtomicLoad(env: Env, insn: Insn): i32 {
  const err = loadThrough(env, insn, true, false, false);
  if (err != 0) return err;
  const src = env.reg(insn.src);
  return allowsAtomics(src, insn) ? 0 : fail(env, EACCES, MSG_ATOMIC_LOAD_TYPE, insn.src, src.type);
}

function checkAtomicStore(env: Env, insn: Insn): i32 {
  const err = storeThrough(env, insn, true);
  if (err != 0) return err;
  const dst = env.reg(insn.dst);
  return allowsAtomics(dst, insn) ? 0 : fail(env, EACCES, MSG_ATOMIC_STORE_TYPE, insn.dst, dst.type);
}

/** Registers of the insn, and the kind of pointer. */
function checkOperands(env: Env, insn: Insn): i32 {
  let err = checkRead(env, insn.src);
  if (err == 0) err = checkRead(env, insn.dst);
  if (err != 0) return err;
  if (insn.imm == BPF_CMPXCHG) {
    err = checkRead(env, 0);
    if (err != 0) return err;
    if (leaksPointer(env, 0)) return fail(env, EACCES, MSG_LEAKS_INTO_MEM, 0);
  }
  if (leaksPointer(env, insn.src)) return fail(env, EACCES, MSG_LEAKS_INTO_MEM, insn.src);
  const dst = env.reg(insn.dst);
  return allowsAtomics(dst, insn) ? 0 : fail(env, EACCES, MSG_ATOMIC_STORE_TYPE, insn.dst, dst.type);
}

function checkReadModifyWrite(env: Env, insn: Insn): i32 {
  let err = checkOperands(env, insn);
  if (err != 0) return err;
  let loaded = -1;
  if ((insn.imm & BPF_FETCH) != 0) {
    loaded = insn.imm == BPF_CMPXCHG ? 0 : <i32>insn.src;
    err = checkWrite(env, loaded);
    if (err != 0) return err;
  }
  const dst = insn.dst;
  const arena = env.reg(dst).type == PTR_TO_ARENA;
  err = checkAccess(env, dst, insn.off, insn.size, false, -1, true, false);
  if (err == 0 && loaded >= 0) err = checkAccess(env, dst, insn.off, insn.size, false, loaded, true, false);
  if (err == 0 && arena) err = savePointerType(env, PTR_TO_ARENA, false);
  if (err != 0) return err;
  return checkAccess(env, dst, insn.off, insn.size, true, -1, true, false);
}
