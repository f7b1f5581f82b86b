// Where control can go from an insn within its function (RFC 9669, section 4.3). A call goes on behind itself.
import { BPF_CALL, BPF_EXIT, BPF_JA, BPF_JMP, BPF_JMP32 } from '../isa';
import { Insn } from './insn';

/** No such successor. */
export const NO_PC: i32 = -1;

export function jumpTarget(insn: Insn, pc: u32): i32 {
  return insn.code == (BPF_JMP32 | BPF_JA) ? <i32>pc + 1 + insn.imm : <i32>pc + 1 + <i32>insn.off;
}

export function isJump(insn: Insn): bool {
  const cls = insn.cls;
  if (cls != BPF_JMP && cls != BPF_JMP32) return false;
  const op = insn.op;
  return op != BPF_CALL && op != BPF_EXIT;
}

/** JA of either class: the only jump that never falls through. */
export function isGoto(insn: Insn): bool {
  return insn.op == BPF_JA && (insn.cls == BPF_JMP || insn.cls == BPF_JMP32);
}

export function isExit(insn: Insn): bool {
  return insn.code == (BPF_JMP | BPF_EXIT);
}

/** The insn behind this one, or NO_PC behind a JA or exit. */
export function fallthrough(insn: Insn, pc: u32): i32 {
  if (isExit(insn) || isGoto(insn)) return NO_PC;
  return <i32>pc + (insn.isLddw ? 2 : 1);
}

/** The jump's target, or NO_PC for other insns. */
export function branch(insn: Insn, pc: u32): i32 {
  return isJump(insn) ? jumpTarget(insn, pc) : NO_PC;
}
