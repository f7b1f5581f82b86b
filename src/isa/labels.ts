/** Labels for the disassembler: `l0`, `l1` ..., in the order of the places that jumps, calls and function references go to. */
import { decodeOp } from './decode.ts';
import type { Insn } from './insn.ts';
import type { Op } from './op.ts';

function targetOf(op: Op): number | undefined {
  switch (op.kind) {
    case 'ja':
    case 'jcond':
    case 'may_goto':
    case 'call_local':
      return op.target;
    case 'lddw':
      return op.value.kind === 'func' ? op.value.target : undefined;
    default:
      return undefined;
  }
}

/**
 * The label of each pc that is a target. A target that is no insn's start, outside the program or between the slots of an
 * `ld_imm64`, has none.
 * @throws InsnError when an insn is not in the instruction set
 */
export function labelsOf(insns: readonly Insn[]): ReadonlyMap<number, string> {
  const starts = new Set<number>();
  const targets = new Set<number>();
  for (let pc = 0; pc < insns.length; ) {
    const op = decodeOp(insns[pc], insns[pc + 1], pc);
    const target = targetOf(op);
    if (target !== undefined) targets.add(target);
    starts.add(pc);
    pc += op.kind === 'lddw' ? 2 : 1;
  }
  const labelled = [...targets].filter((pc) => starts.has(pc)).sort((a, b) => a - b);
  return new Map(labelled.map((pc, i) => [pc, `l${i}`]));
}
