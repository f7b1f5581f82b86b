/** How a program came to the insn that was refused: the branches on the way, and where a register's value was made. */

import { BpfError } from '../errors/index.ts';
import { decodeInsns, decodeOp } from '../isa/decode.ts';
import type { Op } from '../isa/op.ts';
import type { LinkedProg } from '../link/types.ts';
import * as abi from './abi.ts';
import type { LogRecord } from './log-records.ts';
import type { RegView } from './reg-view.ts';

/** One insn of the path, with what was known of the registers it used behind it. */
export interface Step {
  readonly pc: number;
  readonly op: Op | undefined;
  readonly after: ReadonlyMap<number, RegView>;
}

function opAt(insns: ReturnType<typeof decodeInsns>, pc: number): Op | undefined {
  const insn = insns[pc];
  if (insn === undefined) return undefined;
  try {
    return decodeOp(insn, insns[pc + 1], pc);
  } catch (error) {
    // The insn that is refused may be no insn at all.
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

/** The records of a level-1 log hold one path: the one that was refused. */
export function stepsOf(prog: LinkedProg, records: Iterable<LogRecord>): Step[] {
  const insns = decodeInsns(prog.insns);
  const ops = new Map<number, Op | undefined>();
  const op = (pc: number): Op | undefined => {
    if (!ops.has(pc)) ops.set(pc, opAt(insns, pc));
    return ops.get(pc);
  };
  const steps: { pc: number; op: Op | undefined; after: Map<number, RegView> }[] = [];
  for (const record of records) {
    if (record.kind === 'insn') steps.push({ pc: record.pc, op: op(record.pc), after: new Map() });
    else if (record.kind === 'state' && record.why === abi.LS_INSN) {
      const after = steps.at(-1)?.after;
      for (const [i, reg] of record.frame.regs) after?.set(i, reg);
    }
  }
  return steps;
}

export interface Branch {
  readonly pc: number;
  /** It jumped. */
  readonly taken: boolean;
}

/** The conditional jumps of the path and which way each went; of a jump that is passed again and again, only the last rounds. */
export function branchesOf(steps: readonly Step[]): Branch[] {
  const found: Branch[] = [];
  steps.forEach(({ pc, op }, i) => {
    const next = steps[i + 1];
    if (op?.kind === 'jcond' && next !== undefined) found.push({ pc, taken: next.pc === op.target });
  });
  return found;
}

/** A register, or a place on the stack that one was spilled to. */
type Place = { readonly reg: number } | { readonly fp: number };

/** Where `op` takes the value from that it puts into `reg`: `reg` itself where it changes it, undefined where it makes a new one. */
function sourceOf(op: Op, reg: number): Place | undefined {
  if (op.kind === 'store') return op.src.kind === 'reg' ? { reg: op.src.reg } : undefined;
  if (op.kind === 'load') return op.src === 10 ? { fp: op.off } : undefined;
  if (op.kind !== 'alu') return undefined;
  if (op.op !== 'mov') return { reg };
  return op.src?.kind === 'reg' ? { reg: op.src.reg } : undefined;
}

function writes(op: Op, place: Place): boolean {
  if ('fp' in place) return op.kind === 'store' && op.dst === 10 && op.off === place.fp;
  const { reg } = place;
  switch (op.kind) {
    case 'alu':
    case 'movsx':
    case 'cast_user':
    case 'swap':
    case 'load':
    case 'lddw':
      return op.dst === reg;
    case 'call':
    case 'call_local':
    case 'call_kfunc':
      return reg <= 5;
    default:
      return false;
  }
}

const HISTORY_MAX = 8;

/** The insns that made what `reg` holds before the last step, newest first, back to where the value was made. */
export function historyOf(steps: readonly Step[], reg: number): { readonly step: Step; readonly reg: number }[] {
  const found: { step: Step; reg: number }[] = [];
  let wanted: Place = { reg };
  for (let i = steps.length - 2; i >= 0 && found.length < HISTORY_MAX; i--) {
    const step = steps[i];
    if (step.op === undefined || !writes(step.op, wanted)) continue;
    const at = 'reg' in wanted ? wanted.reg : -1;
    found.push({ step, reg: at });
    const source = sourceOf(step.op, at);
    if (source === undefined) break;
    wanted = source;
  }
  return found;
}
