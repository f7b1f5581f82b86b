/**
 * Which programs of a module are in one batch loop: in it a tail call of one of them by another is a branch. They are the programs that could be in
 * one prog array, so of one type, and their ids follow one another, so that the id in a slot says by one subtraction which of them it is.
 */
import { BPF_FUNC_tail_call } from '../isa/helpers.ts';
import type { CheckedProg } from '../verifier/structural.ts';

/** Entries of more insns than this, one or all of a family, are not inlined: they would be compiled twice for little. */
const INLINE_MAX_INSNS = 1024;
/** So many insns may be in the loops of a family's programs, before they share one. */
const MAX_COPIED_INSNS = 2048;
/** Each tail call of a family has a jump table with an entry for each of its programs: this many entries in all. */
const MAX_JUMPS = 4096;

function entryInsns(checked: CheckedProg): number {
  const entry = checked.funcs[0];
  return entry.end - entry.start;
}

/** Whether the batch loop holds a copy of the entry (and then does not count its runs). */
export function isInlined(checked: CheckedProg): boolean {
  return entryInsns(checked) <= INLINE_MAX_INSNS;
}

/** Pcs of the tail calls of each program that was asked about. */
const sitesOf = new WeakMap<CheckedProg['ops'], readonly number[]>();

/** Pcs of the program's tail calls, rising. */
export function tailCallPcs({ ops }: CheckedProg): readonly number[] {
  const known = sitesOf.get(ops);
  if (known !== undefined) return known;
  const sites: number[] = [];
  for (let pc = 0; pc < ops.length; pc++) {
    const op = ops[pc];
    if (op?.kind === 'call' && op.helper === BPF_FUNC_tail_call) sites.push(pc);
  }
  sitesOf.set(ops, sites);
  return sites;
}

/** Tail calls in the function, or in all of the program's. */
export function countTailCalls(checked: CheckedProg, func?: number): number {
  const sites = tailCallPcs(checked);
  if (func === undefined) return sites.length;
  const { start, end } = checked.funcs[func];
  return sites.filter((pc) => pc >= start && pc < end).length;
}

export interface Family {
  /** Indices, which follow one another. */
  readonly members: readonly number[];
  /** All have one loop; otherwise each program that tail-calls has one of its own with all of them in it, which packets enter faster. */
  readonly shared: boolean;
}

/** The families of `progs`; every program that is in none is alone. */
export function families(progs: readonly CheckedProg[]): Family[] {
  const byType = new Map<string, number[]>();
  progs.forEach((checked, i) => {
    const { type } = checked.prog;
    byType.set(type, [...(byType.get(type) ?? []), i]);
  });
  return [...byType.values()].flatMap((members) => runsOf(progs, members)).flatMap((run) => familyOf(progs, run));
}

/** Cuts `members`, which rise, into runs of neighbours that are small enough together. */
function runsOf(progs: readonly CheckedProg[], members: readonly number[]): number[][] {
  const runs: number[][] = [];
  let insns = 0;
  let sites = 0;
  for (const i of members) {
    const run = runs[runs.length - 1];
    insns += entryInsns(progs[i]);
    sites += countTailCalls(progs[i], 0);
    const fits = insns <= INLINE_MAX_INSNS && (sites + 1) * ((run?.length ?? 0) + 1) <= MAX_JUMPS;
    if (run !== undefined && run[run.length - 1] === i - 1 && fits) {
      run.push(i);
      continue;
    }
    runs.push([i]);
    insns = entryInsns(progs[i]);
    sites = countTailCalls(progs[i], 0);
  }
  return runs;
}

function familyOf(progs: readonly CheckedProg[], members: readonly number[]): Family[] {
  const callers = members.filter((i) => countTailCalls(progs[i], 0) > 0).length;
  if (members.length < 2 || callers === 0) return [];
  const insns = members.reduce((sum, i) => sum + entryInsns(progs[i]), 0);
  return [{ members, shared: callers * insns > MAX_COPIED_INSNS }];
}
