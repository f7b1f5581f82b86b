/** What a conditional jump tells on each of its edges: that a value is no NULL, that bytes are inside the packet. */
import type { Op } from '../isa/op.ts';
import type { RegFact } from '../verifier/facts.ts';
import { copyState, learnRange, type State } from './state.ts';

type Jcond = Op & { kind: 'jcond' };

/** `rX == 0` is false, or `rX != 0` is true: only the register that was tested is known not to be NULL. */
function refineNull(state: State, op: Jcond, taken: boolean): State {
  const fact = state.regs[op.dst];
  if (fact.kind !== 'map_value' || fact.off !== 0 || (op.op !== 'eq' && op.op !== 'ne')) return state;
  if ((op.op === 'ne') !== taken) return state;
  const refined = copyState(state);
  refined.regs[op.dst] = { ...fact, nonNull: true };
  return refined;
}

/** Comparisons with data_end, as "pointer REL end" that holds: how many bytes beyond the pointer are inside. */
const HOLDS: Partial<Record<Jcond['op'], { readonly taken?: number; readonly otherwise?: number }>> = {
  gt: { otherwise: 0 },
  ge: { otherwise: 1 },
  lt: { taken: 1 },
  le: { taken: 0 },
};
/** The same with the operands exchanged: "end REL pointer". */
const HOLDS_SWAPPED: typeof HOLDS = {
  gt: { taken: 1 },
  ge: { taken: 0 },
  lt: { otherwise: 0 },
  le: { otherwise: 1 },
};

function refinePacket(state: State, op: Jcond, taken: boolean): State {
  if (op.src.kind !== 'reg') return state;
  const a: RegFact = state.regs[op.dst];
  const b: RegFact = state.regs[op.src.reg];
  const pointer = b.kind === 'packet_end' ? a : a.kind === 'packet_end' ? b : undefined;
  if (pointer?.kind !== 'packet' || pointer.base === undefined) return state;
  const row = (b.kind === 'packet_end' ? HOLDS : HOLDS_SWAPPED)[op.op];
  const extra = taken ? row?.taken : row?.otherwise;
  const { id, off, range } = pointer.base;
  if (extra === undefined || off + extra <= range) return state;
  const refined = copyState(state);
  learnRange(refined, id, off + extra);
  return refined;
}

/** The state on one edge of the jump `op`. */
export function refine(state: State, op: Op | undefined, taken: boolean): State {
  if (op?.kind !== 'jcond' || op.width !== 64) return state;
  if (op.src.kind === 'imm') return op.src.value === 0 ? refineNull(state, op, taken) : state;
  return refinePacket(state, op, taken);
}
