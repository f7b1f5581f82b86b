// What a call does to control flow and to the packet, as far as the opcode tells: asked before any state is walked.
import * as abi from '../abi';
import { Env } from '../env';
import { Insn } from '../insn';
import { helperProto } from '../table/helper';
import { BPF_FUNC_tail_call } from './helper-ids';
import { kfuncProto } from './kfunc-proto';

/** Runs a callback before it returns, any number of times. */
export const CALL_SYNC_CALLBACK: u32 = 1;
/** Runs a callback later. */
export const CALL_ASYNC_CALLBACK: u32 = 2;
/** May move the packet. */
export const CALL_CHANGES_PACKET: u32 = 4;
export const CALL_MIGHT_SLEEP: u32 = 8;
/** Steps an iterator. */
export const CALL_ITER_NEXT: u32 = 16;

/** CALL_ flags of a helper or kfunc call. */
export function callEffects(env: Env, insn: Insn): u32 {
  if (insn.isKfuncCall) return kfuncEffects(env, insn);
  if (!insn.isHelperCall) return 0;
  const proto = helperProto(env.input.helpers, insn.imm);
  if (proto === null) return 0;
  let effects: u32 = 0;
  if (proto.has(abi.HPF_CALLBACK)) effects |= CALL_SYNC_CALLBACK;
  if (proto.has(abi.HPF_ASYNC_CALLBACK)) effects |= CALL_ASYNC_CALLBACK;
  // Whoever is tail-called may do anything with the packet, and returns to the caller of this function.
  if (proto.has(abi.HPF_CHANGES_PKT) || insn.imm == BPF_FUNC_tail_call) effects |= CALL_CHANGES_PACKET;
  if (proto.has(abi.HPF_MIGHT_SLEEP)) effects |= CALL_MIGHT_SLEEP;
  return effects;
}

function kfuncEffects(env: Env, insn: Insn): u32 {
  const proto = kfuncProto(env, insn);
  if (changetype<usize>(proto) == 0) return 0;
  let effects: u32 = 0;
  if (proto.kind == abi.KFUNC_RBTREE_ADD) effects |= CALL_SYNC_CALLBACK;
  if (proto.kind == abi.KFUNC_WQ_SET_CALLBACK) effects |= CALL_ASYNC_CALLBACK;
  if (proto.kind == abi.KFUNC_MOVES_PACKET) effects |= CALL_CHANGES_PACKET;
  if (proto.has(abi.KFF_SLEEPABLE)) effects |= CALL_MIGHT_SLEEP;
  if (proto.has(abi.KFF_ITER_NEXT)) effects |= CALL_ITER_NEXT;
  return effects;
}

/** R1..R5 that the call reads: bit i for Ri. */
export function callReads(env: Env, insn: Insn): u32 {
  let count: u32 = 5;
  if (insn.isHelperCall) count = helperArgs(env, insn);
  else if (insn.isKfuncCall) {
    const proto = kfuncProto(env, insn);
    if (changetype<usize>(proto) != 0) count = proto.argCount;
  }
  return ((1 << count) - 1) << 1;
}

function helperArgs(env: Env, insn: Insn): u32 {
  const proto = helperProto(env.input.helpers, insn.imm);
  if (proto === null) return 5;
  for (let i: u32 = 0; i < 5; i++) {
    if (proto.arg(i) == abi.ARG_DONTCARE) return i;
  }
  return 5;
}
