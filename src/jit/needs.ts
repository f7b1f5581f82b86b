/** Which cells of the VM state a batch loop has to write for each packet: those that its programs, or what they call, read. */
import { BPF_FUNC_map_lookup_elem, BPF_FUNC_tail_call, HELPER_BY_ID } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { ProgEnv } from './env.ts';
import { countTailCalls, isInlined } from './family.ts';
import { variantOf } from './variants.ts';

export interface Needs {
  /** VM_CTX: the packet's record. */
  readonly ctx: boolean;
  /** VM_BUDGET starts from the limit. */
  readonly budget: boolean;
  /** VM_TAIL_COUNT starts from 0: the entry's own function, which is called, counts there. */
  readonly tailCount: boolean;
}

/** Its callee finds the record in the VM state. A jump through the table writes it itself; a lookup does not ask, and cannot end the run. */
function asksForCtx(prog: ProgEnv, op: Op | undefined, pc: number): boolean {
  if (op?.kind === 'call') {
    if (op.helper === BPF_FUNC_tail_call || op.helper === BPF_FUNC_map_lookup_elem) return false;
    return variantOf(prog, pc, op).kind !== 'state';
  }
  return op?.kind === 'call_local' || op?.kind === 'call_kfunc';
}

/** It, or what it calls, takes from the budget even where nothing is checked. */
function asksForBudget(op: Op | undefined): boolean {
  if (op?.kind === 'call') return HELPER_BY_ID.get(op.helper)?.callsBack === true;
  return op?.kind === 'call_local' || op?.kind === 'call_kfunc';
}

/** A program may be in the loops of many others. */
const known = new WeakMap<ProgEnv, Needs>();

function needsOf(prog: ProgEnv): Needs {
  let found = known.get(prog);
  if (found === undefined) {
    found = findNeeds(prog);
    known.set(prog, found);
  }
  return found;
}

function findNeeds(prog: ProgEnv): Needs {
  // With checks any insn may end the run, and then the engine must know whose it was.
  let ctx = prog.checks;
  let budget = prog.checks;
  const { ops } = prog.checked;
  for (let pc = 0; pc < ops.length && !(ctx && budget); pc++) {
    ctx ||= asksForCtx(prog, ops[pc], pc);
    budget ||= asksForBudget(ops[pc]);
  }
  return { ctx, budget, tailCount: !isInlined(prog.checked) && countTailCalls(prog.checked) > 0 };
}

/** What of `all` is not in `done`. */
export function without(all: Needs, done: Needs): Needs {
  return {
    ctx: all.ctx && !done.ctx,
    budget: all.budget && !done.budget,
    tailCount: all.tailCount && !done.tailCount,
  };
}

/** What a loop that holds, or calls, these programs needs. */
export function needs(progs: readonly ProgEnv[]): Needs {
  const all = progs.map(needsOf);
  return {
    ctx: all.some(({ ctx }) => ctx),
    budget: all.some(({ budget }) => budget),
    tailCount: all.some(({ tailCount }) => tailCount),
  };
}
