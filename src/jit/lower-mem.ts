/** Loads and stores (RFC 9669 section 5), and the legacy packet access of section 5.5. */
import { CTX_SKB, SKB_DATA, SKB_NETWORK, XDP_MD_DATA, XDP_MD_DATA_END } from '../../assembly/abi.ts';
import type { Stored } from '../ir/bytes.ts';
import type { Op } from '../isa/op.ts';
import type { RegFact } from '../verifier/facts.ts';
import { type Access, checkAccess } from './check.ts';
import { type Arena, type FuncEnv, pushRecord, pushRef, pushReg, pushReg32, seesSkb, setReg, setReg32 } from './env.ts';
import { swapped16, swapped32 } from './lower-alu.ts';
import { leave } from './lower-exit.ts';
import { keptLocal, pushStored } from './lower-kept.ts';
import { pushAnchored } from './lower-round.ts';
import * as w from './opcodes.ts';

const LOAD_U: Record<number, number> = { 1: w.I64_LOAD8_U, 2: w.I64_LOAD16_U, 4: w.I64_LOAD32_U, 8: w.I64_LOAD };
const LOAD_S: Record<number, number> = { 1: w.I64_LOAD8_S, 2: w.I64_LOAD16_S, 4: w.I64_LOAD32_S, 8: w.I64_LOAD };
const LOW_LOAD_U: Record<number, number> = { 1: w.I32_LOAD8_U, 2: w.I32_LOAD16_U, 4: w.I32_LOAD, 8: w.I32_LOAD };
const LOW_LOAD_S: Record<number, number> = { 1: w.I32_LOAD8_S, 2: w.I32_LOAD16_S, 4: w.I32_LOAD, 8: w.I32_LOAD };
const LOW_STORE: Record<number, number> = { 1: w.I32_STORE8, 2: w.I32_STORE16, 4: w.I32_STORE };
const STORE: Record<number, number> = { 1: w.I64_STORE8, 2: w.I64_STORE16, 4: w.I64_STORE32, 8: w.I64_STORE };

const UNKNOWN: RegFact = { kind: 'unknown' };

/** Checks the access and puts its i32 base on the stack; returns the constant offset to add in the access. */
export function pushChecked(f: FuncEnv, access: Access): number {
  if (f.prog.arena?.holds(access.pc) !== true) checkAccess(f, access);
  return pushPlace(f, access);
}

/** The same for an access that is known to be good. */
function pushPlace(f: FuncEnv, access: Access): number {
  const { arena } = f.prog;
  if (arena?.holds(access.pc) === true) {
    pushArenaPlace(f, arena, access);
    return 0;
  }
  const { fact, off } = access;
  if (fact.kind === 'ctx' && f.uapi !== undefined && fact.off + off >= 0) {
    f.code.get(f.uapi);
    return fact.off + off;
  }
  // R10 and its copies: one base for all of them, so that the engine sees the same address.
  if (fact.kind === 'stack' && fact.off !== undefined) {
    f.code.get(f.bottom.local);
    return addConstant(f, fact.off + off - f.bottom.off);
  }
  const anchored = pushAnchored(f, access);
  if (anchored !== undefined) return anchored;
  const sum = f.prog.checks ? f.plan.addends.get(access.pc) : undefined;
  if (sum === undefined || f.regs.isLowNow(access.reg)) {
    pushReg32(f, access.reg);
  } else {
    pushReg32(f, sum[0]);
    pushReg32(f, sum[1]);
    f.code.op(w.I32_ADD);
  }
  return addConstant(f, off);
}

/** The low half of the pointer says where in the arena it goes; pages that are not there are neither read nor written. */
function pushArenaPlace(f: FuncEnv, arena: Arena, { reg, off, size }: Access): void {
  pushRef(f.code, arena.map);
  pushReg32(f, reg);
  if (off !== 0) {
    f.code.i32(off);
    f.code.op(w.I32_ADD);
  }
  f.code.i32(size);
  f.code.call(arena.at);
}

/** Wasm offsets are unsigned: a negative one becomes an addition. */
function addConstant(f: FuncEnv, off: number): number {
  if (off >= 0) return off;
  f.code.i32(off);
  f.code.op(w.I32_ADD);
  return 0;
}

/** Loads that stand beside this one, for insns further on that would put their bytes together. */
function lowerWideLoads(f: FuncEnv, access: Access): void {
  for (const { delta, size, keep, user } of f.plan.wide.loads.get(access.pc) ?? []) {
    if (!f.regs.isRead(user)) continue;
    const offset = pushPlace(f, { ...access, off: access.off + delta, size });
    f.code.mem(size === 8 ? w.I64_LOAD : LOW_LOAD_U[size], offset);
    f.code.set(keptLocal(f, size, keep));
  }
}

export function lowerLoad(f: FuncEnv, op: Op & { kind: 'load' }, pc: number): void {
  const { regs, prog, code } = f;
  const slot = f.plan.slots.at.get(pc);
  if (slot !== undefined) {
    if (!regs.isDead()) loadSlot(f, op, slot);
    return;
  }
  const fact = prog.facts.base[pc] ?? UNKNOWN;
  const access = { pc, reg: op.src, off: op.off, size: op.size, write: false, fact };
  const inArena = prog.arena?.holds(pc) === true;
  if (!inArena) checkAccess(f, access);
  lowerWideLoads(f, access);
  if (regs.isDead() && !inArena) return;
  const offset = pushPlace(f, access);
  if (regs.makesLow()) {
    code.mem((op.signed ? LOW_LOAD_S : LOW_LOAD_U)[op.size], offset);
    setReg32(f, op.dst);
    return;
  }
  code.mem((op.signed ? LOAD_S : LOAD_U)[op.size], offset);
  setReg(f, op.dst);
}

/** A load of a slot that is a variable: what was stored was cut to its size. */
function loadSlot(f: FuncEnv, op: Op & { kind: 'load' }, slot: number): void {
  if (op.size === 8) {
    if (f.regs.makesLow()) {
      f.regs.pushLow(slot);
      setReg32(f, op.dst);
    } else {
      f.regs.push(slot);
      setReg(f, op.dst);
    }
    return;
  }
  f.regs.pushLow(slot);
  if (!op.signed) {
    setReg32(f, op.dst);
    return;
  }
  if (op.size < 4) f.code.op(op.size === 1 ? w.I32_EXTEND8_S : w.I32_EXTEND16_S);
  f.code.op(w.I64_EXTEND_I32_U, w.I64_EXTEND32_S);
  setReg(f, op.dst);
}

/** The low bytes of the i32 on the stack. */
function cut(f: FuncEnv, size: number): void {
  if (size >= 4) return;
  f.code.i32(size === 1 ? 0xff : 0xffff);
  f.code.op(w.I32_AND);
}

function storeSlot(f: FuncEnv, op: Op & { kind: 'store' }, slot: number): void {
  if (f.regs.isDead()) return;
  if (op.size === 8) {
    if (op.src.kind === 'reg') pushReg(f, op.src.reg);
    else f.code.i64(op.src.value);
    f.regs.set(slot, 'i64');
    return;
  }
  if (op.src.kind === 'reg') pushReg32(f, op.src.reg);
  else f.code.i32(op.src.value);
  cut(f, op.size);
  f.regs.set(slot, 'i32');
}

/** A store of bytes that other stores would have written one by one. */
function lowerWideStore(f: FuncEnv, access: Access, stored: Stored & { kind: 'wide' }): void {
  const { delta, size, keep } = stored;
  const offset = pushPlace(f, { ...access, off: access.off + delta, size });
  if (keep !== undefined) pushStored(f, stored);
  else if (size === 8) f.code.i64parts(stored.lo, stored.hi);
  else f.code.i32(size === 2 ? (stored.lo << 16) >> 16 : stored.lo);
  f.code.mem(size === 8 ? w.I64_STORE : LOW_STORE[size], offset);
}

export function lowerStore(f: FuncEnv, op: Op & { kind: 'store' }, pc: number): void {
  const slot = f.plan.slots.at.get(pc);
  if (slot !== undefined) {
    storeSlot(f, op, slot);
    return;
  }
  const fact = f.prog.facts.base[pc] ?? UNKNOWN;
  const access = { pc, reg: op.dst, off: op.off, size: op.size, write: true, fact };
  const stored = f.plan.wide.stores.get(pc);
  if (stored !== undefined) {
    if (stored.kind === 'wide') lowerWideStore(f, access, stored);
    return;
  }
  const offset = pushChecked(f, access);
  if (op.size < 8) {
    if (op.src.kind === 'reg') pushReg32(f, op.src.reg);
    else f.code.i32(op.src.value);
    f.code.mem(LOW_STORE[op.size], offset);
    return;
  }
  if (op.src.kind === 'reg') pushReg(f, op.src.reg);
  else f.code.i64(op.src.value);
  f.code.mem(w.I64_STORE, offset);
}

/** A plain load or store at an address already checked; the atomics are made of these. */
export function loadOpcode(size: number): number {
  return LOAD_U[size];
}
export function storeOpcode(size: number): number {
  return STORE[size];
}

/** Negative offsets of linux/filter.h: from SKF_NET_OFF on relative to the network header, from SKF_LL_OFF on to the link header. */
const SKF_NET_OFF = -0x100000;
const SKF_LL_OFF = -0x200000;
const ETH_HLEN = 14;

/** What the offsets of LD_ABS count from; below SKF_LL_OFF they mean nothing, and their distance stays negative. */
type PacketOrigin = 'data' | 'net' | 'link';

const originOf = (offset: number): PacketOrigin => (offset >= 0 ? 'data' : offset >= SKF_NET_OFF ? 'net' : 'link');

/** Puts on the stack what to add to an offset of LD_ABS to have its distance from the packet's first byte, an i64. */
function pushOrigin(f: FuncEnv, ctx: number, origin: PacketOrigin): void {
  const { code } = f;
  const bias = origin === 'net' ? -SKF_NET_OFF : origin === 'link' ? -SKF_LL_OFF : 0;
  if (origin === 'link' || !seesSkb(f.prog.checked.prog)) {
    code.i64(bias + (origin === 'net' ? ETH_HLEN : 0));
    return;
  }
  code.get(ctx);
  code.mem(w.I32_LOAD, CTX_SKB);
  code.mem(w.I64_LOAD32_U, origin === 'data' ? SKB_DATA : SKB_NETWORK);
  code.get(ctx);
  code.mem(w.I64_LOAD32_U, XDP_MD_DATA);
  code.op(w.I64_SUB);
  if (bias === 0) return;
  code.i64(bias);
  code.op(w.I64_ADD);
}

/** Puts the distance from the packet's first byte on the stack, an i64; it is negative for offsets that mean nothing. */
function pushPacketOffset(f: FuncEnv, ctx: number, op: Op & { kind: 'ldabs' | 'ldind' }): void {
  const { code } = f;
  if (op.kind === 'ldabs') {
    pushOrigin(f, ctx, originOf(op.imm));
    code.i64(op.imm);
    code.op(w.I64_ADD);
    return;
  }
  const at = code.local('skb_offset', 'i64');
  // The sum is a signed 32-bit number.
  code.i32(op.imm);
  pushReg32(f, op.src);
  code.op(w.I32_ADD, w.I64_EXTEND_I32_U, w.I64_EXTEND32_S);
  code.tee(at);
  pushOrigin(f, ctx, 'data');
  pushOrigin(f, ctx, 'net');
  pushOrigin(f, ctx, 'link');
  code.get(at);
  code.i64(SKF_NET_OFF);
  code.op(w.I64_GE_S, w.SELECT);
  code.get(at);
  code.i64(0);
  code.op(w.I64_GE_S, w.SELECT, w.I64_ADD);
}

/**
 * LD_ABS, LD_IND: R0 = big-endian field at packet offset imm (+ the low half of `src`); outside the packet the program ends with 0.
 */
export function lowerPacketLoad(f: FuncEnv, op: Op & { kind: 'ldabs' | 'ldind' }): void {
  const { code } = f;
  const ctx = code.local('ctx', 'i32');
  const at = code.local('skb_offset', 'i64');
  pushRecord(f);
  code.set(ctx);
  pushPacketOffset(f, ctx, op);
  code.set(at);
  code.get(at);
  code.get(ctx);
  code.mem(w.I64_LOAD32_U, XDP_MD_DATA_END);
  code.get(ctx);
  code.mem(w.I64_LOAD32_U, XDP_MD_DATA);
  code.op(w.I64_SUB);
  code.i64(op.size);
  code.op(w.I64_SUB, w.I64_GT_S);
  code.get(at);
  code.i64(0);
  code.op(w.I64_LT_S, w.I32_OR);
  code.block(w.IF);
  code.i64(0);
  leave(f);
  code.op(w.END);
  code.get(ctx);
  code.mem(w.I32_LOAD, XDP_MD_DATA);
  code.get(at);
  code.op(w.I32_WRAP_I64, w.I32_ADD);
  code.mem(LOAD_U[op.size], 0);
  if (op.size > 1) {
    code.op(w.I32_WRAP_I64);
    if (op.size === 2) swapped16(f, 0xffff);
    else swapped32(f);
    code.op(w.I64_EXTEND_I32_U);
  }
  setReg(f, 0);
}
