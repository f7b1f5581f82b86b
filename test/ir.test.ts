/**
 * Blocks, dominators, reducibility and structure against slow and obvious references, on random functions: what the structured form
 * executes must be what the insns execute.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildBlocks } from '../src/ir/block.ts';
import { type Block, type Cfg, successors } from '../src/ir/cfg.ts';
import { buildDomTree, dominates } from '../src/ir/dom.ts';
import { isReducible, makeReducible } from '../src/ir/irreducible.ts';
import { orderBlocks } from '../src/ir/order.ts';
import { type Flow, structure } from '../src/ir/structure.ts';
import type { Op } from '../src/isa/op.ts';

const alu: Op = { kind: 'alu', op: 'add', width: 64, dst: 0, src: { kind: 'imm', value: 1 } };
const jcond = (target: number): Op => ({
  kind: 'jcond',
  op: 'eq',
  width: 64,
  dst: 0,
  src: { kind: 'imm', value: 0 },
  target,
});

/** A function as numbers: kind of each insn and where it jumps to. */
type Shape = readonly (readonly [kind: number, target: number])[];

/** Insns that stay inside the function and do not run off its end. */
function opsOf(shape: Shape): Op[] {
  const n = shape.length + 1;
  const ops = shape.map(([kind, to]): Op => {
    const target = to % n;
    if (kind < 4) return alu;
    if (kind < 8) return jcond(target);
    if (kind === 8) return { kind: 'may_goto', target };
    return kind === 9 ? { kind: 'ja', target } : { kind: 'exit' };
  });
  return [...ops, { kind: 'exit' }];
}

const shapes = fc.array(fc.tuple(fc.integer({ min: 0, max: 10 }), fc.nat(1000)), { minLength: 1, maxLength: 40 });
/** Only conditional jumps: loops into each other's middle are the rule. */
const tangles = fc.array(fc.tuple(fc.integer({ min: 3, max: 9 }), fc.nat(1000)), { minLength: 4, maxLength: 24 });
const functions = fc.oneof(shapes, tangles).map(opsOf);

const blocksOf = (ops: readonly Op[]): Block[] => buildBlocks(ops, 0, ops.length);

/** Which way the n-th decision of a run goes. */
type Oracle = (decision: number) => boolean;
const oracleOf =
  (seed: number): Oracle =>
  (decision) =>
    (Math.imul(seed ^ (decision * 0x9e3779b1), 0x85ebca6b) >>> 13) % 2 === 1;

const LIMIT = 400;

/** Pcs of the `alu` insns, one after the other, as the insns say. */
function traceOps(ops: readonly Op[], oracle: Oracle): number[] {
  const trace: number[] = [];
  let decisions = 0;
  for (let pc = 0, steps = 0; steps < LIMIT; steps++) {
    const op = ops[pc] as Op;
    if (op.kind === 'exit') return [...trace, -1];
    if (op.kind === 'ja') pc = op.target;
    else if (op.kind === 'jcond' || op.kind === 'may_goto') {
      // A jump to the next insn decides nothing.
      if (op.target === pc + 1) pc++;
      else pc = oracle(decisions++) ? op.target : pc + 1;
    } else trace.push(pc++);
  }
  return trace;
}

/** For each `block` and `loop`, its `end`. */
function matchEnds(flow: readonly Flow[]): Map<number, number> {
  const ends = new Map<number, number>();
  const open: number[] = [];
  flow.forEach((step, i) => {
    if (step.kind === 'block' || step.kind === 'loop') open.push(i);
    if (step.kind === 'end') ends.set(open.pop() as number, i);
  });
  expect(open).toEqual([]);
  return ends;
}

/** The same trace by Wasm's rules on the structured form. */
function traceFlow(ops: readonly Op[], cfg: Cfg, flow: readonly Flow[], oracle: Oracle): number[] {
  const ends = matchEnds(flow);
  const trace: number[] = [];
  const open: number[] = [];
  let decisions = 0;
  let label = -1;
  let at = 0;
  const branch = (depth: number) => {
    const target = open[open.length - 1 - depth] as number;
    if (flow[target]?.kind === 'loop') {
      open.length -= depth;
      at = target + 1;
    } else {
      open.length -= depth + 1;
      at = (ends.get(target) as number) + 1;
    }
  };
  for (let steps = 0; steps < 20 * LIMIT && trace.length < LIMIT && at < flow.length; steps++) {
    const step = flow[at++] as Flow;
    if (step.kind === 'block' || step.kind === 'loop') open.push(at - 1);
    else if (step.kind === 'end') open.pop();
    else if (step.kind === 'br') branch(step.depth);
    else if (step.kind === 'br_if' && oracle(decisions++) !== step.negate) branch(step.depth);
    else if (step.kind === 'set_label') label = step.label;
    else if (step.kind === 'br_table') branch(step.depths[label] as number);
    else if (step.kind === 'body') {
      const { start, end } = cfg.blocks[step.block] as Block;
      for (let pc = start; pc < end; pc++) if (ops[pc]?.kind === 'alu') trace.push(pc);
      if (step.exit) return [...trace, -1];
    }
  }
  return trace;
}

describe('blocks', () => {
  test('hold exactly the insns that the entry reaches, each once, and end where control can go elsewhere', () => {
    fc.assert(
      fc.property(functions, (ops) => {
        const reached = new Set<number>();
        const work = [0];
        for (let pc = work.pop(); pc !== undefined; pc = work.pop()) {
          if (reached.has(pc)) continue;
          reached.add(pc);
          const op = ops[pc] as Op;
          if ('target' in op) work.push(op.target);
          if (op.kind !== 'exit' && op.kind !== 'ja') work.push(pc + 1);
        }
        const blocks = blocksOf(ops);
        const held = blocks.flatMap((b) => Array.from({ length: b.end - b.start }, (_, i) => b.start + i));
        expect(new Set(held).size).toBe(held.length);
        expect(new Set(held)).toEqual(reached);
        const targets = new Set([0, ...[...reached].flatMap((pc) => ('target' in ops[pc]! ? [ops[pc].target] : []))]);
        for (const b of blocks) {
          for (let pc = b.start + 1; pc < b.end; pc++) expect(targets.has(pc)).toBe(false);
          for (let pc = b.start; pc < b.end - 1; pc++) expect(ops[pc]?.kind).toBe('alu');
        }
      }),
    );
  });
});

/** Blocks reached from the entry without passing `without`. */
function reachable(blocks: readonly Block[], without: number): Set<number> {
  const seen = new Set<number>();
  const work = without === 0 ? [] : [0];
  for (let b = work.pop(); b !== undefined; b = work.pop()) {
    if (seen.has(b)) continue;
    seen.add(b);
    for (const to of successors(blocks[b]!.term)) if (to !== without) work.push(to);
  }
  return seen;
}

describe('dominators', () => {
  test('a dominates b exactly when b cannot be reached without a', () => {
    fc.assert(
      fc.property(functions, (ops) => {
        const blocks = blocksOf(ops);
        const tree = buildDomTree(blocks, orderBlocks(blocks));
        for (let a = 0; a < blocks.length; a++) {
          const others = reachable(blocks, a);
          for (let b = 0; b < blocks.length; b++) expect(dominates(tree, a, b)).toBe(a === b || !others.has(b));
        }
      }),
    );
  });
});

/** Hecht and Ullman: a graph is reducible when removing self-loops and merging sole successors leaves one node. */
function collapses(blocks: readonly Block[]): boolean {
  const succs = new Map(blocks.map((b, i) => [i, new Set(successors(b.term))]));
  for (let changed = true; changed; ) {
    changed = false;
    for (const [node, to] of succs) to.delete(node);
    for (const node of succs.keys()) {
      const preds = [...succs.keys()].filter((other) => succs.get(other)?.has(node));
      if (node === 0 || preds.length !== 1) continue;
      const into = succs.get(preds[0]!)!;
      into.delete(node);
      for (const to of succs.get(node)!) into.add(to);
      succs.delete(node);
      changed = true;
      break;
    }
  }
  return succs.size === 1;
}

describe('reducibility', () => {
  test('is what collapsing the graph says, and holds for every graph afterwards', () => {
    let irreducible = 0;
    fc.assert(
      fc.property(functions, (ops) => {
        const blocks = blocksOf(ops);
        expect(isReducible(blocks)).toBe(collapses(blocks));
        if (!isReducible(blocks)) irreducible++;
        const cfg = makeReducible(blocks);
        expect(isReducible(cfg.blocks)).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(irreducible).toBeGreaterThan(30);
  });
});

/** The two traces as far as both go: a run without end is cut somewhere. */
function expectSameTrace(ops: readonly Op[], seed: number): void {
  const cfg = makeReducible(blocksOf(ops));
  const flow = structure(cfg, ops);
  const direct = traceOps(ops, oracleOf(seed));
  const structured = traceFlow(ops, cfg, flow, oracleOf(seed));
  if (direct.at(-1) === -1) expect(structured).toEqual(direct);
  else {
    const length = Math.min(direct.length, structured.length);
    expect(structured.slice(0, length)).toEqual(direct.slice(0, length));
  }
}

describe('structure', () => {
  test('runs the same insns in the same order, whatever the conditions say', () => {
    fc.assert(
      fc.property(functions, fc.array(fc.integer(), { minLength: 5, maxLength: 5 }), (ops, seeds) => {
        for (const seed of seeds) expectSameTrace(ops, seed);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    [
      'a loop entered in its middle',
      [
        [4, 3],
        [0, 0],
        [0, 0],
        [0, 0],
        [4, 1],
      ],
    ],
    [
      'two loops that share a tail',
      [
        [0, 0],
        [4, 4],
        [0, 0],
        [4, 0],
        [0, 0],
        [4, 2],
        [4, 0],
      ],
    ],
    [
      'three entries',
      [
        [4, 4],
        [4, 6],
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
        [4, 2],
        [4, 4],
        [4, 6],
      ],
    ],
    [
      'a loop on itself',
      [
        [0, 0],
        [4, 1],
        [4, 0],
      ],
    ],
    [
      'a jump to the next insn',
      [
        [4, 1],
        [4, 2],
        [0, 0],
      ],
    ],
    ['nothing but a jump back to the start', [[9, 0]]],
  ] as const)('%s', (_name, shape) => {
    for (let seed = 0; seed < 50; seed++) expectSameTrace(opsOf(shape), seed);
  });

  test('nested loops become nested loops', () => {
    const ops = opsOf([
      [0, 0],
      [0, 0],
      [0, 0],
      [4, 2],
      [4, 1],
      [4, 0],
    ]);
    const flow = structure(makeReducible(blocksOf(ops)), ops);
    expect(flow.filter((step) => step.kind === 'loop').map((step) => step.pc)).toEqual([0, 1, 2]);
    expect(flow.slice(0, 3).map((step) => step.kind)).toContain('loop');
    expect(flow.some((step) => step.kind === 'br_table')).toBe(false);
  });

  test('only irreducible functions need a label', () => {
    fc.assert(
      fc.property(functions, (ops) => {
        const blocks = blocksOf(ops);
        const plain = isReducible(blocks);
        const cfg = makeReducible(blocks);
        expect(cfg.needsLabel).toBe(!plain);
        expect(structure(cfg, ops).some((step) => step.kind === 'br_table')).toBe(!plain);
      }),
    );
  });
});
