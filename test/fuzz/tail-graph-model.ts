/**
 * A graph: programs with their subprograms, the prog arrays that join them and what is done with them. Two sums over it: Linux's rule
 * for stacks, and what an invocation can take of the kernel's own stack, which no verifier bounds.
 */
import { allOps, calls, type GraphFunc, type GraphProg, reachedFuncs } from '../kernel/cases/tail-graph.ts';

export interface GraphArray {
  readonly size: number;
  /** Program of each slot before the first step, -1 for none. */
  readonly slots: readonly number[];
}

export type GraphStep =
  /** Packets given by their first bytes. */
  | { readonly op: 'run'; readonly prog: number; readonly packets: readonly (readonly number[])[] }
  | { readonly op: 'set'; readonly array: number; readonly slot: number; readonly prog: number }
  | { readonly op: 'clear'; readonly array: number; readonly slot: number }
  | { readonly op: 'words'; readonly words: readonly bigint[] }
  /** The program's handle is closed; slots keep it. */
  | { readonly op: 'close'; readonly prog: number };

export interface Graph {
  readonly progs: readonly GraphProg[];
  readonly arrays: readonly GraphArray[];
  readonly steps: readonly GraphStep[];
}

const TAIL_CALLS = 33;
const CALLERS_STACK = 256;
const MAX_STACK = 512;
/** Return address, frame pointer, R6..R9 and the address of the count, as a frame of the x86-64 JIT has them, and some to spare. */
const FRAME_OVERHEAD = 80;
/** The kernel's stacks are 16 KiB; who calls the program has used some of it. */
const KERNEL_STACK = 10_800;

export function stackBytes(func: GraphFunc): number {
  const deepest = Math.max(0, ...func.stack, func.ctxInReg ? 0 : 8);
  return (deepest + 15) & ~15;
}

const tailCalls = (func: GraphFunc): boolean => allOps(func.ops).some((op) => op.op === 'tail' || op.op === 'bad');

/** Every way down from the entry: the functions on it, outermost first. */
function paths(prog: GraphProg): number[][] {
  const found: number[][] = [];
  const walk = (path: number[]): void => {
    found.push(path);
    for (const callee of new Set(calls(prog[path.at(-1)!]!.ops))) walk([...path, callee]);
  };
  walk([0]);
  return found;
}

/** The path that breaks Linux's rule; undefined when none does. */
export function tooDeep(prog: GraphProg): readonly number[] | undefined {
  return paths(prog).find((path) => {
    const bytes = path.map((index) => stackBytes(prog[index]!));
    const total = bytes.reduce((sum, one) => sum + one, 0);
    if (total > MAX_STACK || path.length > 8) return true;
    return path.length > 1 && tailCalls(prog[path.at(-1)!]!) && total - bytes.at(-1)! >= CALLERS_STACK;
  });
}

/** Bytes that stay on the kernel's stack when a subprogram of it tail-calls. */
function left(prog: GraphProg): number {
  const bytes = paths(prog)
    .filter((path) => tailCalls(prog[path.at(-1)!]!))
    .map((path) => path.slice(0, -1).reduce((sum, index) => sum + stackBytes(prog[index]!) + FRAME_OVERHEAD, 0));
  return Math.max(0, ...bytes);
}

/** Programs that may be in an array at any time. */
function members(graph: Graph, array: number): Set<number> {
  const sets = graph.steps.flatMap((step) => (step.op === 'set' && step.array === array ? [step.prog] : []));
  return new Set([...graph.arrays[array]!.slots.filter((prog) => prog >= 0), ...sets]);
}

function successors(graph: Graph, prog: GraphProg): Set<number> {
  const ops = reachedFuncs(prog).flatMap((index) => allOps(prog[index]!.ops));
  const arrays = ops.flatMap((op) => (op.op === 'tail' ? [op.array, op.other?.array ?? op.array] : []));
  return new Set(arrays.flatMap((array) => [...members(graph, array)]));
}

/** Most tail calls of one invocation, were there no limit; `TAIL_CALLS` for a cycle. */
function longest(graph: Graph): number {
  const next = graph.progs.map((prog) => successors(graph, prog));
  let lengths = graph.progs.map(() => 0);
  for (let round = 0; round <= graph.progs.length; round++) {
    const longer = next.map((to) => Math.max(0, ...[...to].map((prog) => lengths[prog]! + 1)));
    if (longer.every((length, i) => length === lengths[i])) return Math.max(...lengths);
    lengths = longer;
  }
  return TAIL_CALLS;
}

/** Whether every invocation fits the kernel's own stack: one that does not ends the machine. */
export function fitsKernel(graph: Graph): boolean {
  const hops = longest(graph);
  const most = Math.max(...graph.progs.map(left));
  return hops * most <= KERNEL_STACK;
}
