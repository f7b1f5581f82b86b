/** Loads and stores (RFC 9669 section 5), and the legacy packet access of section 5.5. */
import { CTX_SKB, SKB_DATA, SKB_NETWORK, XDP_MD_DATA, XDP_MD_DATA_END } from '../../assembly/abi.ts';
import type { Op } from '../isa/op.ts';
import type { RegFact } from '../verifier/facts.ts';
import { type Access, checkAccess } from './check.ts';
import { type Arena, type FuncEnv, pushRecord, pushRef, pushReg, pushReg32, seesSkb, setReg } from './env.ts';
import { swapped32 } from './lower-alu.ts';
import { leave } from './lower-exit.ts';
import * as w from './opcodes.ts';

const LOAD_U: Record<number, number> = { 1: w.I64_LOAD8_U, 2: w.I64_LOAD16_U, 4: w.I64_LOAD32_U, 8: w.I64_LOAD };
const LOAD_S: Record<number, number> = { 1: w.I64_LOAD8_S, 2: w.I64_LOAD16_S, 4: w.I64_LOAD32_S, 8: w.I64_LOAD };
const STORE: Record<number, number> = { 1: w.I64_STORE8, 2: w.I64_STORE16, 4: w.I64_STORE32, 8: w.I64_STORE };

const UNKNOWN: RegFact = { kind: 'unknown' };

/** Checks the access and puts its i32 base on the stack; returns the constant offset to add in the access. */
export function pushChecked(f: FuncEnv, access: Access): number {
  const { arena } = f.prog;
  if (arena?.holds(access.pc) === true) {
    pushArenaPlace(f, arena, access);
    return 0;
  }
  checkAccess(f, access);
  const { fact, off } = access;
  if (fact.kind === 'ctx' && f.uapi !== undefined && fact.off + off >= 0) {
    f.code.get(f.uapi);
    return fact.off + off;
  }
  // R10 and its copies: one base for all of them, so that the engine sees the same address.
  if (fact.kind === 'stack' && fact.off !== undefined) {
    f.code.get(f.fp);
    return addConstant(f, fact.off + off);
  }
  const sum = f.addends.get(access.pc);
  if (sum === undefined) {
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

export function lowerLoad(f: FuncEnv, op: Op & { kind: 'load' }, pc: number): void {
  const fact = f.prog.facts.base[pc] ?? UNKNOWN;
  const offset = pushChecked(f, { pc, reg: op.src, off: op.off, size: op.size, write: false, fact });
  f.code.mem((op.signed ? LOAD_S : LOAD_U)[op.size], offset);
  setReg(f, op.dst);
}

export function lowerStore(f: FuncEnv, op: Op & { kind: 'store' }, pc: number): void {
  const fact = f.prog.facts.base[pc] ?? UNKNOWN;
  const offset = pushChecked(f, { pc, reg: op.dst, off: op.off, size: op.size, write: true, fact });
  if (op.src.kind === 'reg') pushReg(f, op.src.reg);
  else f.code.i64(op.src.value);
  f.code.mem(STORE[op.size], offset);
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
    swapped32(f);
    if (op.size === 2) {
      code.i32(16);
      code.op(w.I32_SHR_U);
    }
    code.op(w.I64_EXTEND_I32_U);
  }
  setReg(f, 0);
}
