// What a call does to control flow and to the packet, as far as the opcode tells: asked before any state is walked.
import { Env } from '../env';
import { Insn } from '../insn';

/** Runs a callback before it returns, any number of times. */
export const CALL_SYNC_CALLBACK: u32 = 1;
/** Runs a callback later. */
export const CALL_ASYNC_CALLBACK: u32 = 2;
/** May move the packet. */
export const CALL_CHANGES_PACKET: u32 = 4;
export const CALL_MIGHT_SLEEP: u32 = 8;
/** Steps an iterator. */
export const CALL_ITER_NEXT: u32 = 16;

const HELPER_FOR_EACH_MAP_ELEM: i32 = 164;
const HELPER_TIMER_SET_CALLBACK: i32 = 170;
const HELPER_FIND_VMA: i32 = 180;
const HELPER_LOOP: i32 = 181;
const HELPER_USER_RINGBUF_DRAIN: i32 = 209;

/** CALL_ flags of a helper or kfunc call. */
export function callEffects(env: Env, insn: Insn): u32 {
  if (!insn.isHelperCall) return 0;
  switch (insn.imm) {
    case HELPER_FOR_EACH_MAP_ELEM:
    case HELPER_FIND_VMA:
    case HELPER_LOOP:
    case HELPER_USER_RINGBUF_DRAIN:
      return CALL_SYNC_CALLBACK;
    case HELPER_TIMER_SET_CALLBACK:
      return CALL_ASYNC_CALLBACK;
    default:
      return 0;
  }
}

/** R1..R5 that the call reads: bit i for Ri. */
export function callReads(env: Env, insn: Insn): u32 {
  return 0x3e;
}
