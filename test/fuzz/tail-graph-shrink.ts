/** Makes a graph that differs smaller, as long as it still does. */
import { type GraphFunc, type GraphProg, type Op, reachedFuncs } from '../kernel/cases/tail-graph.ts';
import { fitsKernel, type Graph } from './tail-graph-model.ts';

const without = <T>(list: readonly T[], at: number): T[] => list.filter((_, i) => i !== at);

function* smallerOps(ops: readonly Op[]): Generator<readonly Op[]> {
  for (const [at, op] of ops.entries()) {
    yield without(ops, at);
    if (op.op === 'if') {
      yield ops.toSpliced(at, 1, ...op.body);
      for (const body of smallerOps(op.body)) yield ops.with(at, { ...op, body });
    }
    if (op.op !== 'tail') continue;
    const { other, ...plain } = op;
    if (other !== undefined) yield ops.with(at, plain);
    if (!('const' in op.index)) yield ops.with(at, { ...op, index: { const: 0 } });
  }
}

const usesReg = (op: Op, reg: number): boolean =>
  ('reg' in op && op.reg === reg) ||
  (op.op === 'tail' && 'reg' in op.index && op.index.reg === reg) ||
  (op.op === 'if' && op.body.some((one) => usesReg(one, reg)));
const usesSlot = (op: Op, slot: number): boolean =>
  ('slot' in op && op.slot === slot) || (op.op === 'if' && op.body.some((one) => usesSlot(one, slot)));

function* smallerFuncs(func: GraphFunc): Generator<GraphFunc> {
  for (const ops of smallerOps(func.ops)) yield { ...func, ops };
  for (const reg of func.regs)
    if (!func.ops.some((op) => usesReg(op, reg))) yield { ...func, regs: func.regs.filter((one) => one !== reg) };
  for (const slot of func.stack)
    if (!func.ops.some((op) => usesSlot(op, slot))) yield { ...func, stack: func.stack.filter((one) => one !== slot) };
  if (!func.ctxInReg && !func.regs.includes(6)) yield { ...func, ctxInReg: true };
}

const EMPTY: GraphProg = [{ ctxInReg: true, regs: [], stack: [], ops: [] }];

function* smallerProgs(progs: readonly GraphProg[]): Generator<readonly GraphProg[]> {
  for (const [at, prog] of progs.entries()) {
    if (prog.length > 1 || prog[0]!.ops.length > 0) yield progs.with(at, EMPTY);
    const needed = reachedFuncs(prog).at(-1)! + 1;
    if (needed < prog.length) yield progs.with(at, prog.slice(0, needed));
    for (const [i, func] of prog.entries())
      for (const smaller of smallerFuncs(func)) yield progs.with(at, prog.with(i, smaller));
  }
}

function* smaller(graph: Graph): Generator<Graph> {
  const { progs, arrays, steps } = graph;
  const last = progs.length - 1;
  const named = steps.some((step) => 'prog' in step && step.prog === last);
  const held = arrays.some(({ slots }) => slots.includes(last));
  if (!named && !held && last > 0) yield { ...graph, progs: progs.slice(0, -1) };
  for (const [at, step] of steps.entries()) {
    yield { ...graph, steps: without(steps, at) };
    if (step.op !== 'run') continue;
    for (const i of step.packets.keys())
      if (step.packets.length > 1)
        yield { ...graph, steps: steps.with(at, { ...step, packets: without(step.packets, i) }) };
    const [first] = step.packets;
    if (step.packets.length === 1 && first!.length > 0)
      yield { ...graph, steps: steps.with(at, { ...step, packets: [[]] }) };
  }
  for (const [at, array] of arrays.entries())
    for (const [slot, prog] of array.slots.entries())
      if (prog >= 0) yield { ...graph, arrays: arrays.with(at, { ...array, slots: array.slots.with(slot, -1) }) };
  for (const fewer of smallerProgs(progs)) yield { ...graph, progs: fewer };
}

/** The smallest graph found that still differs. */
export async function shrink(graph: Graph, differs: (graph: Graph) => Promise<boolean>): Promise<Graph> {
  let best = graph;
  for (let found = true; found; ) {
    found = false;
    for (const trial of smaller(best)) {
      if (!fitsKernel(trial) || !(await differs(trial))) continue;
      best = trial;
      found = true;
      break;
    }
  }
  return best;
}

/** The graph as TypeScript. */
export function showGraph(graph: Graph): string {
  return JSON.stringify(graph, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}
