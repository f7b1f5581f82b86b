/** Random graphs of programs that tail-call each other, from a seed: trees of subprograms, diamonds, cycles, several prog arrays. */
import {
  calls,
  type GraphFunc,
  type GraphProg,
  type Index,
  type Op,
  STORED_WORDS,
  WORD_COUNT,
} from '../kernel/cases/tail-graph.ts';
import { fitsKernel, type Graph, type GraphArray, type GraphStep, stackBytes, tooDeep } from './tail-graph-model.ts';
import { Random } from './verifier-item.ts';

/** Calls of subprograms in one walk through a program. */
const MOST_CALLS = 24;
const STACKS = [16, 24, 32, 48, 64, 104, 120, 184, 200, 240, 248, 256, 400];

/** What the programs of a graph may use. */
interface Frame {
  readonly progs: number;
  readonly sizes: readonly number[];
  /** Array `a` holds programs from `first[a]` on and is used by those before: no cycles. Undefined: anything goes. */
  readonly first: readonly number[] | undefined;
  readonly wild: boolean;
}

class Generator {
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  graph(): Graph {
    const { random } = this;
    const progs = random.between(1, 8);
    const sizes = Array.from({ length: random.between(1, 3) }, () => random.between(1, 6));
    const first = random.chance(30) ? sizes.map(() => random.between(1, progs)).sort((a, b) => a - b) : undefined;
    const frame: Frame = { progs, sizes, first, wild: random.chance(8) };
    const made = Array.from({ length: progs }, (_, i) => this.prog(frame, i));
    const arrays = sizes.map((size, array): GraphArray => {
      const slots = Array.from({ length: size }, () => (random.chance(75) ? this.member(frame, array) : -1));
      return { size, slots };
    });
    return { progs: made, arrays, steps: this.steps(frame) };
  }

  private member({ progs, first }: Frame, array: number): number {
    const from = first?.[array] ?? 0;
    return from >= progs ? -1 : this.random.between(from, progs - 1);
  }

  private usableArrays({ sizes, first }: Frame, prog: number): number[] {
    return sizes.map((_, array) => array).filter((array) => first === undefined || prog < first[array]!);
  }

  private prog(frame: Frame, index: number): GraphProg {
    const { random } = this;
    const arrays = this.usableArrays(frame, index);
    const count = random.chance(25) ? 1 : random.between(2, random.chance(20) ? 8 : 4);
    const deep = random.chance(30);
    // Each function but the entry has a caller before it; `deep` makes chains of them.
    const callees = Array.from({ length: count }, (): number[] => []);
    for (let func = 1; func < count; func++) callees[deep ? func - 1 : random.below(func)]!.push(func);
    for (let extra = random.below(4); count > 1 && extra > 0; extra--) {
      const func = random.between(1, count - 1);
      callees[random.below(func)]!.push(func);
    }
    const funcs = callees.map((list) => this.func(frame, arrays, list));
    return settle(frame.wild, trimCalls(funcs));
  }

  private func(frame: Frame, arrays: readonly number[], callees: readonly number[]): GraphFunc {
    const { random } = this;
    const ctxInReg = random.chance(60);
    const regs = [...(ctxInReg ? [] : [6]), 7, 8, 9].filter(() => random.chance(60));
    const stack = random.chance(50) ? [] : [random.of(STACKS)];
    if (stack.length > 0 && stack[0]! > 24 && random.chance(50)) stack.push(random.of([16, 24]));
    const shape = { ctxInReg, regs, stack };
    const ops: Op[] = Array.from({ length: random.below(4) }, () => this.small(shape)).flat();
    const tails = arrays.length === 0 || random.chance(25) ? 0 : random.between(1, random.chance(20) ? 4 : 2);
    for (let i = 0; i < tails; i++) insert(random, ops, this.guarded(this.tail(frame, arrays, regs)));
    for (const func of callees) insert(random, ops, this.guarded(this.call(frame, func, regs)));
    if (frame.wild && random.chance(10))
      insert(random, ops, { op: 'bad', what: random.of(['r0', 'r1', 'ctx', 'map']) });
    return { ...shape, ops };
  }

  private guarded(op: Op): Op {
    const { random } = this;
    return random.chance(15) ? { op: 'if', byte: random.below(16), below: random.between(1, 255), body: [op] } : op;
  }

  private call(frame: Frame, func: number, regs: readonly number[]): Op {
    const { random } = this;
    if (regs.length === 0 || random.chance(10)) return { op: 'call', func };
    const reg = random.of(regs);
    return random.chance(frame.wild ? 15 : 1)
      ? { op: 'keep', func, reg, byte: random.below(14) }
      : { op: 'call', func, reg };
  }

  private small({ regs, stack }: Pick<GraphFunc, 'regs' | 'stack'>): Op[] {
    const { random } = this;
    if (regs.length === 0) return [];
    const reg = random.of(regs);
    const slot = random.of(stack.length === 0 ? [0] : stack);
    switch (random.below(stack.length === 0 ? 2 : 4)) {
      case 0:
        return [{ op: 'mix', reg, by: random.below(1 << 20) }];
      case 1:
        return [{ op: 'store', reg, word: random.below(STORED_WORDS) }];
      case 2:
        return [{ op: 'spill', reg, slot }];
      default:
        return [{ op: 'fill', reg, slot }];
    }
  }

  private tail(frame: Frame, arrays: readonly number[], regs: readonly number[]): Op {
    const { random } = this;
    const array = random.of(arrays);
    const index = this.index(frame.sizes[array]!, regs);
    if (arrays.length < 2 || random.chance(85)) return { op: 'tail', array, index };
    return { op: 'tail', array, index, other: { array: random.of(arrays), byte: random.below(16) } };
  }

  private index(size: number, regs: readonly number[]): Index {
    const { random } = this;
    const kind = random.below(20);
    if (kind < 11) return { const: random.below(size) };
    if (kind === 11)
      return { const: random.of([size, size + 1, -1, 0xffff_ffffn, 0x1_0000_0000n + BigInt(random.below(size))]) };
    if (kind < 15) return { word: random.below(WORD_COUNT) };
    if (kind < 17) return { byte: random.below(16), mask: random.of([1, 3, 7]) };
    if (kind < 19 && regs.length > 0) return { reg: random.of(regs), mask: random.of([1, 3, 7]) };
    return { either: [random.below(size), random.below(size + 1)], byte: random.below(16) };
  }

  private words(sizes: readonly number[]): bigint[] {
    const { random } = this;
    return Array.from({ length: WORD_COUNT }, () => {
      const slot = BigInt(random.below(random.of(sizes) + (random.chance(20) ? 1 : 0)));
      if (random.chance(90)) return slot;
      return random.of([-1n, 0x1_0000_0000n | slot, 0xffff_ffffn, 1n << 63n]);
    });
  }

  private steps(frame: Frame): GraphStep[] {
    const { random } = this;
    const steps: GraphStep[] = [{ op: 'words', words: this.words(frame.sizes) }, this.run(0)];
    const closed = new Set<number>();
    for (let more = random.below(8); more > 0; more--) {
      const array = random.below(frame.sizes.length);
      const slot = random.below(frame.sizes[array]!);
      const prog = this.member(frame, array);
      const kind = random.below(10);
      if (kind < 4) steps.push(this.run(random.chance(60) ? 0 : random.below(frame.progs)));
      else if (kind < 7 && prog >= 0) steps.push({ op: 'set', array, slot, prog });
      else if (kind < 8) steps.push({ op: 'clear', array, slot });
      else if (kind < 9) steps.push({ op: 'words', words: this.words(frame.sizes) });
      else if (frame.progs > 1) steps.push({ op: 'close', prog: random.between(1, frame.progs - 1) });
    }
    steps.push(this.run(0));
    // What is closed is neither run nor put into a slot.
    return steps.filter((step) => {
      if (step.op === 'close') {
        if (closed.has(step.prog)) return false;
        closed.add(step.prog);
      }
      return !((step.op === 'run' || step.op === 'set') && closed.has(step.prog));
    });
  }

  private run(prog: number): GraphStep {
    const { random } = this;
    const packet = () => Array.from({ length: 16 }, () => random.below(256));
    return { op: 'run', prog, packets: Array.from({ length: random.between(1, 3) }, packet) };
  }
}

function insert(random: Random, ops: Op[], op: Op): void {
  ops.splice(random.below(ops.length + 1), 0, op);
}

/** Calls of a walk through each function, itself included. */
function weights(prog: readonly GraphFunc[]): number[] {
  const found: number[] = [];
  for (let i = prog.length - 1; i >= 0; i--) {
    found[i] = calls(prog[i]!.ops).reduce((sum, callee) => sum + found[callee]!, 1);
  }
  return found;
}

const isCall = (op: Op): boolean => op.op === 'call' || op.op === 'keep' || (op.op === 'if' && op.body.some(isCall));

/** Drops second calls until a walk through the program is short enough. */
function trimCalls(prog: readonly GraphFunc[]): GraphProg {
  let trimmed = [...prog];
  while (weights(trimmed)[0]! > MOST_CALLS) {
    const at = trimmed.findIndex((func) => calls(func.ops).length > 1);
    const func = trimmed[at]!;
    const drop = func.ops.findLastIndex(isCall);
    trimmed = trimmed.with(at, { ...func, ops: func.ops.filter((_, i) => i !== drop) });
  }
  return trimmed;
}

/** Takes stack from the largest frame of a path that is too deep, until none is. */
function settle(wild: boolean, prog: GraphProg): GraphProg {
  if (wild) return prog;
  let settled = [...prog];
  for (;;) {
    const path = tooDeep(settled);
    if (path === undefined) return settled;
    const most = path.reduce((a, b) => (stackBytes(settled[b]!) > stackBytes(settled[a]!) ? b : a));
    const func = settled[most]!;
    const stack = func.stack.map((at) => Math.max(16, (at >> 1) & ~7));
    const ops = func.ops.filter((op) => op.op !== 'spill' && op.op !== 'fill');
    settled = settled.with(most, { ...func, stack, ops });
  }
}

/** The graph of a seed: the first of its draws that the kernel's stack can take. */
export function generateGraph(seed: number): Graph {
  const random = new Random(seed);
  for (;;) {
    const graph = new Generator(random).graph();
    if (fitsKernel(graph)) return graph;
  }
}
