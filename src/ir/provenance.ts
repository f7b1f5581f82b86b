/**
 * Where pointers come from: a forward dataflow over registers and 8-byte stack slots. It tells the JIT which check an access of an unverified
 * program needs, and drops those that constants, or the program's own comparisons with data_end, already answer.
 *
 * Sound because its sources are: R10 cannot be written, R1 of the entry is the context, addresses of maps and results of lookups
 * come from the engine. A spilled pointer counts only until a store that might overwrite it. Sums do not wrap because a run has fewer than
 * 2^30 insns (the budget's limit) and each adds less than 2^32.
 */
import { BPF_FUNC_tail_call, HELPER_BY_ID } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { Facts, RegFact } from '../verifier/facts.ts';
import type { Ops } from './block.ts';
import { type Block, successors } from './cfg.ts';
import { ANY_STACK, FRAME, UNKNOWN } from './fact.ts';
import { reversePostorder } from './order.ts';
import { refine } from './refine.ts';
import { copyState, joinState, Slots, type State, sameState, unknownState } from './state.ts';
import { type TransferOptions, transfer } from './transfer.ts';

export interface FuncShape {
  readonly start: number;
  readonly end: number;
  readonly blocks: readonly Block[];
}

class Analysis {
  readonly base: (RegFact | undefined)[] = [];
  readonly args: (readonly RegFact[] | undefined)[] = [];
  /** Facts of R1..R5 at the entry of functions by their start pc, joined over all callers. */
  private readonly entries = new Map<number, State>();
  private readonly ops: Ops;
  private readonly options: TransferOptions;
  /** Functions whose address is taken: whoever calls them may pass anything. */
  private readonly callbacks: ReadonlySet<number>;
  /** Blocks of the functions before this one: ids of joins are of one block of one function, as facts go from callers to callees. */
  private blocksBefore = 0;

  constructor(ops: Ops, funcs: readonly FuncShape[], xdp: boolean) {
    this.ops = ops;
    this.options = { movesPacket: findMovers(ops, funcs), xdp };
    this.callbacks = new Set(
      ops.flatMap((op) => (op?.kind === 'lddw' && op.value.kind === 'func' ? op.value.target : [])),
    );
  }

  private enterCallee(target: number, state: State): void {
    // An address in a caller's frame is on the stack, but at no known offset from the callee's R10.
    const regs = state.regs.map((fact, r) => (r < 1 || r > 5 ? UNKNOWN : fact.kind === 'stack' ? ANY_STACK : fact));
    regs[10] = FRAME;
    const entry: State = { regs, slots: new Slots() };
    const known = this.entries.get(target);
    if (known === undefined) this.entries.set(target, entry);
    else joinState(known, entry);
  }

  /** What is recorded on a block's last visit counts. */
  private walk(block: Block, state: State): void {
    for (let pc = block.start; pc < block.end; pc++) {
      const op = this.ops[pc];
      if (op === undefined) continue;
      this.record(pc, op, state);
      transfer(state, op, pc, this.options);
    }
  }

  private record(pc: number, op: Op, state: State): void {
    if (op.kind === 'load') this.base[pc] = state.regs[op.src];
    else if (op.kind === 'store') this.base[pc] = state.regs[op.dst];
    else if (op.kind === 'atomic') this.base[pc] = state.regs[op.op === 'load_acq' ? op.src : op.dst];
    else if (op.kind === 'call') this.args[pc] = state.regs.slice(1, 6);
  }

  /** Callees are entered with what holds in the end, and not with what held on the way there. */
  private enterCallees({ start, end }: Block, input: State): void {
    const state = copyState(input);
    for (let pc = start; pc < end; pc++) {
      const op = this.ops[pc];
      if (op?.kind === 'call_local') this.enterCallee(op.target, state);
      if (op !== undefined) transfer(state, op, pc, this.options);
    }
  }

  func(shape: FuncShape, isMain: boolean): void {
    const { blocks } = shape;
    const known = this.callbacks.has(shape.start) ? undefined : this.entries.get(shape.start);
    const entry = known ?? unknownState();
    if (isMain) entry.regs[1] = { kind: 'ctx', off: 0 };
    const inputs: (State | undefined)[] = new Array(blocks.length).fill(undefined);
    inputs[0] = copyState(entry);
    const rpo = reversePostorder(blocks);
    const dirty = new Uint8Array(blocks.length);
    dirty[0] = 1;
    const edges = countEdges(blocks);
    for (let again = true; again; ) {
      again = false;
      for (const b of rpo) {
        if (dirty[b] === 0) continue;
        dirty[b] = 0;
        if (this.propagate(blocks, b, { inputs, dirty, edges })) again = true;
      }
    }
    if (this.ops.slice(shape.start, shape.end).some((op) => op?.kind === 'call_local')) {
      inputs.forEach((input, b) => {
        if (input !== undefined) this.enterCallees(blocks[b], input);
      });
    }
    this.blocksBefore += blocks.length;
  }

  private propagate(blocks: readonly Block[], b: number, { inputs, dirty, edges }: Progress): boolean {
    const state = copyState(inputs[b] as State);
    this.walk(blocks[b], state);
    const { term } = blocks[b];
    const last = term.kind === 'branch' ? this.ops[term.pc] : undefined;
    let changed = false;
    const targets = successors(term);
    targets.forEach((to, i) => {
      const refined = refine(state, last, i === 0);
      // The last target may have the state itself.
      const edge = refined === state && i + 1 < targets.length ? copyState(state) : refined;
      const known = inputs[to];
      if (known === undefined) inputs[to] = edge;
      else if (edges[to] > 1) {
        if (!joinState(known, edge, this.blocksBefore + to)) return;
      } else {
        // The only way in: what was known before is outdated, not one more possibility.
        if (sameState(known, edge)) return;
        inputs[to] = edge;
      }
      dirty[to] = 1;
      changed = true;
    });
    return changed;
  }
}

interface Progress {
  readonly inputs: (State | undefined)[];
  readonly dirty: Uint8Array;
  /** Ways into each block; the function's entry is one. */
  readonly edges: Int32Array;
}

function countEdges(blocks: readonly Block[]): Int32Array {
  const edges = new Int32Array(blocks.length);
  edges[0] = 1;
  for (const block of blocks) for (const to of successors(block.term)) edges[to]++;
  return edges;
}

/**
 * Start pcs of the functions that may move the packet's ends, themselves or in what they call. A program that a tail call replaces such a
 * function with does what it likes to the packet, and then returns to that function's caller.
 */
function findMovers(ops: Ops, funcs: readonly FuncShape[]): ReadonlySet<number> {
  const movers = new Set<number>();
  const moves = (op: Op | undefined): boolean => {
    if (op?.kind === 'call_local') return movers.has(op.target);
    if (op?.kind !== 'call') return op?.kind === 'call_kfunc';
    return op.helper === BPF_FUNC_tail_call || HELPER_BY_ID.get(op.helper)?.changesPacket !== false;
  };
  // Callees first.
  for (const { start, end } of [...funcs].reverse()) if (ops.slice(start, end).some(moves)) movers.add(start);
  return movers;
}

/**
 * Facts of a whole program. `funcs` in an order in which callers come before callees; the first is the entry. `xdp`: its context is a
 * `struct xdp_md`.
 */
export function findProvenance(ops: Ops, funcs: readonly FuncShape[], xdp = true): Facts {
  const analysis = new Analysis(ops, funcs, xdp);
  funcs.forEach((func, i) => {
    analysis.func(func, i === 0);
  });
  return analysis;
}
