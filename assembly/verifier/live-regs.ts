// Which registers are live before each insn: a backward dataflow over one function's insns, done once. Dead registers need not be compared.
import {
  BPF_ABS,
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_CMPXCHG,
  BPF_END,
  BPF_EXIT,
  BPF_FETCH,
  BPF_IND,
  BPF_JA,
  BPF_JCOND,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MOV,
  BPF_NEG,
  BPF_ST,
  BPF_STORE_REL,
  BPF_STX,
} from '../isa';
import { callReads } from './call/effects';
import { Env } from './env';
import { Insn } from './insn';
import { branch, fallthrough } from './successors';

const R0: u32 = 1;
const ALL: u32 = 0x3ff;
const CALLER_SAVED: u32 = 0x3f;
const ARGS: u32 = 0x3e;

/** Use in the low, definition in the high half. */
function useDef(use: u32, def: u32): u32 {
  return use | (def << 16);
}

function ofStore(insn: Insn): u32 {
  const dst: u32 = 1 << insn.dst;
  const src: u32 = 1 << insn.src;
  if (insn.mode != BPF_ATOMIC) return useDef(dst | src, 0);
  switch (insn.imm) {
    case BPF_LOAD_ACQ:
      return useDef(src, dst);
    case BPF_STORE_REL:
      return useDef(dst | src, 0);
    case BPF_CMPXCHG:
      return useDef(R0 | dst | src, R0);
    default:
      return useDef(dst | src, (insn.imm & BPF_FETCH) != 0 ? src : 0);
  }
}

function ofAlu(insn: Insn): u32 {
  const dst: u32 = 1 << insn.dst;
  const src: u32 = insn.isX ? 1 << insn.src : 0;
  switch (insn.op) {
    case BPF_END:
    case BPF_NEG:
      return useDef(dst, dst);
    case BPF_MOV:
      return useDef(src, dst);
    default:
      return useDef(dst | src, dst);
  }
}

function ofJump(env: Env, insn: Insn): u32 {
  switch (insn.op) {
    case BPF_JA:
    case BPF_JCOND:
      return 0;
    case BPF_EXIT:
      return useDef(R0, 0);
    case BPF_CALL:
      return useDef(insn.isSubprogCall ? ARGS : callReads(env, insn), CALLER_SAVED);
    default:
      return useDef((1 << insn.dst) | (insn.isX ? 1 << insn.src : 0), 0);
  }
}

/** Registers that an insn reads (low half) and overwrites (high half). */
export function usesAndDefs(env: Env, insn: Insn): u32 {
  switch (insn.cls) {
    case BPF_LD:
      // In a function a legacy load may be its end: everything counts as read, as in Linux.
      if (insn.mode == BPF_ABS || insn.mode == BPF_IND) return useDef(ALL, CALLER_SAVED);
      return useDef(0, 1 << insn.dst);
    case BPF_LDX:
      return useDef(1 << insn.src, 1 << insn.dst);
    case BPF_ST:
      return useDef(1 << insn.dst, 0);
    case BPF_STX:
      return ofStore(insn);
    case BPF_ALU:
    case BPF_ALU64:
      return ofAlu(insn);
    default:
      return ofJump(env, insn);
  }
}

/** Fills `Aux.liveRegs`. `env.postorder` makes most functions converge in two rounds. */
export function computeLiveRegs(env: Env): void {
  const count = env.input.insnCount;
  let reached: u32 = 0;
  // Second slots of ld_imm64 are in no order; everything else was reached.
  for (let pc: u32 = 0; pc < count; pc++) {
    if (env.insn(pc).isLddw) pc++;
    reached++;
  }
  let changed = true;
  while (changed) {
    changed = false;
    for (let i: u32 = 0; i < reached; i++) {
      const pc = load<u32>(env.postorder + ((<usize>i) << 2));
      const insn = env.insn(pc);
      const next = fallthrough(insn, pc);
      const target = branch(insn, pc);
      let out: u32 = 0;
      if (next >= 0) out |= env.auxOf(next).liveRegs;
      if (target >= 0) out |= env.auxOf(target).liveRegs;
      const masks = usesAndDefs(env, insn);
      const live = (out & ~(masks >> 16)) | (masks & 0xffff);
      const aux = env.auxOf(pc);
      if (live != aux.liveRegs) {
        aux.liveRegs = live;
        changed = true;
      }
    }
  }
}
