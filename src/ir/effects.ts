/** Which variables of a function an insn reads and writes: R0..R9, and behind them the stack slots that are kept as variables. */
import { BPF_FUNC_tail_call, HELPER_BY_ID } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';

/** R0..R9 come first; R10 is never written, so it is no variable. */
export const FIRST_SLOT = 10;
/** Masks are 32-bit numbers. */
export const MAX_VARS = 32;

const FRAME_POINTER = 10;
const ARGS = 0x3e;

const bit = (reg: number): number => (reg === FRAME_POINTER ? 0 : 1 << reg);

/** R1.. of a helper's arguments. */
function argMask(helper: number): number {
  const count = HELPER_BY_ID.get(helper)?.args.length ?? 5;
  return ARGS & ((1 << (count + 1)) - 1);
}

/** Registers that the lowering of an op reads, as a mask. */
export function readsOf(op: Op): number {
  switch (op.kind) {
    case 'alu': {
      const dst = op.op === 'mov' ? 0 : bit(op.dst);
      return op.src?.kind === 'reg' ? dst | bit(op.src.reg) : dst;
    }
    case 'movsx':
    case 'cast_user':
    case 'load':
    case 'ldind':
      return bit(op.src);
    case 'swap':
      return bit(op.dst);
    case 'store':
      return op.src.kind === 'reg' ? bit(op.dst) | bit(op.src.reg) : bit(op.dst);
    case 'atomic':
      if (op.op === 'load_acq') return bit(op.src);
      return bit(op.dst) | bit(op.src) | (op.op === 'cmpxchg' ? 1 : 0);
    case 'jcond':
      return op.src.kind === 'reg' ? bit(op.dst) | bit(op.src.reg) : bit(op.dst);
    case 'call':
      return argMask(op.helper);
    case 'call_local':
    case 'call_kfunc':
      return ARGS;
    case 'exit':
      return 1;
    default:
      return 0;
  }
}

/** The register that the lowering of an op writes, or -1. Calls leave R1..R5 as they are: no accepted program looks. */
export function writeOf(op: Op): number {
  switch (op.kind) {
    case 'alu':
    case 'movsx':
    case 'cast_user':
    case 'load':
    case 'lddw':
      return op.dst;
    case 'swap':
      return op.to === 'le' && op.bits === 64 ? -1 : op.dst;
    case 'atomic':
      if (op.op === 'load_acq') return op.dst;
      if (op.op === 'cmpxchg') return 0;
      return op.fetch || op.op === 'xchg' ? op.src : -1;
    case 'ldabs':
    case 'ldind':
    case 'call_local':
    case 'call_kfunc':
      return 0;
    case 'call':
      return op.helper === BPF_FUNC_tail_call || HELPER_BY_ID.get(op.helper)?.ret === 'void' ? -1 : 0;
    default:
      return -1;
  }
}

/** Effects of the insns [start, end), by pc - start. */
export interface Effects {
  readonly start: number;
  /** Masks of variables. */
  readonly reads: Int32Array;
  /** Variables, or -1. */
  readonly writes: Int8Array;
  /** Variables there are. */
  readonly count: number;
}

/** Stack slots that are variables: how many, and by pc of each load and store of one its variable. */
export interface Slots {
  readonly count: number;
  readonly at: ReadonlyMap<number, number>;
}

export const NO_SLOTS: Slots = { count: 0, at: new Map() };

function slotEffects(effects: Effects, op: Op, i: number, variable: number): void {
  if (op.kind === 'load') effects.reads[i] = 1 << variable;
  if (op.kind !== 'store') return;
  effects.reads[i] = op.src.kind === 'reg' ? bit(op.src.reg) : 0;
  effects.writes[i] = variable;
}

export function findEffects(ops: Ops, start: number, end: number, slots: Slots): Effects {
  const reads = new Int32Array(end - start);
  const writes = new Int8Array(end - start).fill(-1);
  const effects = { start, reads, writes, count: FIRST_SLOT + slots.count };
  for (let pc = start; pc < end; pc++) {
    const op = ops[pc];
    if (op === undefined) continue;
    reads[pc - start] = readsOf(op);
    writes[pc - start] = writeOf(op);
    const variable = slots.at.get(pc);
    if (variable !== undefined) slotEffects(effects, op, pc - start, variable);
  }
  return effects;
}
