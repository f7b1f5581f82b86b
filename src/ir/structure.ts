/**
 * Structured control flow from a reducible graph, after Ramsey, "Beyond Relooper: Recursive Translation of Unstructured Control
 * Flow to Structured Control Flow" (ICFP 2022): walk the dominator tree; a loop header opens a `loop`, a block with several
 * forward predecessors is placed behind the `block` that its predecessors leave. Linear, and with a work list instead of recursion.
 *
 * The result is a flat list, in the order in which the JIT writes it.
 */

import type { Ops } from './block.ts';
import { type Block, type Cfg, successors, type Terminator } from './cfg.ts';
import { type Counted, countLoops } from './counted.ts';
import { type DomTree, dominates } from './dom.ts';
import { insnsOf } from './loops.ts';
import type { Order } from './order.ts';

export type Flow =
  | { readonly kind: 'block' }
  /** `cost`: insns one round takes without inner loops; `rounds`: how many there are at most, if that is known; `header`: its block, `pc`: where that starts. */
  | {
      readonly kind: 'loop';
      readonly cost: number;
      readonly rounds: number | undefined;
      readonly header: number;
      readonly pc: number;
    }
  | { readonly kind: 'end' }
  /** The straight-line insns of a block; with `exit` its end leaves the function. */
  | { readonly kind: 'body'; readonly block: number; readonly exit: boolean }
  | { readonly kind: 'br'; readonly depth: number }
  /** Branches when the condition of the insn at `pc` holds (`negate`: does not hold). */
  | { readonly kind: 'br_if'; readonly pc: number; readonly negate: boolean; readonly depth: number }
  | { readonly kind: 'set_label'; readonly label: number }
  /** Branches to `depths[label]`. */
  | { readonly kind: 'br_table'; readonly depths: readonly number[] };

type Task =
  | { readonly kind: 'tree'; readonly block: number }
  | { readonly kind: 'enter'; readonly block: number }
  | { readonly kind: 'close' };

class Structurer {
  readonly flow: Flow[] = [];
  readonly blocks: readonly Block[];
  readonly order: Order;
  readonly tree: DomTree;
  /** Forward predecessors are several, or a dispatcher is among them: the block is reached by `br`. */
  private readonly merge: Uint8Array;
  private readonly counted: Counted;
  /** Nesting level at which a block's `block`, and its `loop`, was opened. */
  private readonly blockLevel: Int32Array;
  private readonly loopLevel: Int32Array;
  private level = 0;
  private readonly tasks: Task[] = [];

  constructor({ blocks, order, tree }: Cfg, counted: Counted) {
    const n = blocks.length;
    this.blocks = blocks;
    this.order = order;
    this.tree = tree;
    this.merge = new Uint8Array(n);
    this.counted = counted;
    this.blockLevel = new Int32Array(n);
    this.loopLevel = new Int32Array(n);
    this.classify();
  }

  private classify(): void {
    const forward = new Int32Array(this.blocks.length);
    this.blocks.forEach((block, b) => {
      for (const to of successors(block.term)) {
        if (this.isBackEdge(b, to)) continue;
        forward[to]++;
        if (block.term.kind === 'dispatch') this.merge[to] = 1;
      }
    });
    for (let b = 0; b < forward.length; b++) if (forward[b] > 1) this.merge[b] = 1;
  }

  private isBackEdge(from: number, to: number): boolean {
    return this.order.position[to] <= this.order.position[from] && dominates(this.tree, to, from);
  }

  run(): Flow[] {
    this.tasks.push({ kind: 'tree', block: 0 });
    for (let task = this.tasks.pop(); task !== undefined; task = this.tasks.pop()) {
      if (task.kind === 'tree') this.openTree(task.block);
      else if (task.kind === 'enter') this.enter(task.block);
      else this.close();
    }
    return this.flow;
  }

  private open(flow: Flow): void {
    this.flow.push(flow);
    this.level++;
  }

  private close(): void {
    this.flow.push({ kind: 'end' });
    this.level--;
  }

  /** Everything block `b` dominates: its loop, the blocks its merge children end, itself, then those children. */
  private openTree(b: number): void {
    const loop = this.counted.loops.get(b);
    if (loop !== undefined) {
      const rounds = this.counted.rounds.get(b);
      this.open({ kind: 'loop', cost: insnsOf(loop, this.blocks), rounds, header: b, pc: this.blocks[b].start });
      this.loopLevel[b] = this.level;
      this.tasks.push({ kind: 'close' });
    }
    const { from, list } = this.tree.children;
    // Children come in reverse postorder; the last one's `block` must be the outermost. Tasks run last in, first out.
    for (let i = from[b + 1] - 1; i >= from[b]; i--) {
      const child = list[i];
      if (this.merge[child] === 0) continue;
      this.open({ kind: 'block' });
      this.blockLevel[child] = this.level;
      this.tasks.push({ kind: 'tree', block: child }, { kind: 'close' });
    }
    this.tasks.push({ kind: 'enter', block: b });
  }

  private enter(b: number): void {
    const { term } = this.blocks[b];
    this.flow.push({ kind: 'body', block: b, exit: term.kind === 'exit' });
    this.leave(b, term);
  }

  private leave(b: number, term: Terminator): void {
    switch (term.kind) {
      case 'exit':
        return;
      case 'goto':
        this.jump(b, term.to);
        return;
      case 'branch':
        this.branch(b, term);
        return;
      case 'select':
        this.flow.push({ kind: 'set_label', label: term.label });
        this.jump(b, term.to);
        return;
      case 'dispatch':
        this.flow.push({ kind: 'br_table', depths: term.targets.map((to) => this.depth(b, to)) });
        return;
    }
  }

  private branch(b: number, term: Terminator & { kind: 'branch' }): void {
    const { pc } = term;
    if (this.isBranch(b, term.taken)) {
      this.flow.push({ kind: 'br_if', pc, negate: false, depth: this.depth(b, term.taken) });
      this.jump(b, term.otherwise);
    } else if (this.isBranch(b, term.otherwise)) {
      this.flow.push({ kind: 'br_if', pc, negate: true, depth: this.depth(b, term.otherwise) });
      this.jump(b, term.taken);
    } else {
      this.open({ kind: 'block' });
      this.flow.push({ kind: 'br_if', pc, negate: false, depth: 0 });
      this.tasks.push({ kind: 'tree', block: term.taken }, { kind: 'close' }, { kind: 'tree', block: term.otherwise });
    }
  }

  private isBranch(from: number, to: number): boolean {
    return this.merge[to] === 1 || this.isBackEdge(from, to);
  }

  private jump(from: number, to: number): void {
    if (this.isBranch(from, to)) this.flow.push({ kind: 'br', depth: this.depth(from, to) });
    else this.tasks.push({ kind: 'tree', block: to });
  }

  private depth(from: number, to: number): number {
    return this.level - (this.isBackEdge(from, to) ? this.loopLevel[to] : this.blockLevel[to]);
  }
}

/** The structured form of a reducible `cfg`; with its `ops`, loops whose rounds can be counted say so. */
export function structure(cfg: Cfg, ops: Ops = [], counted: Counted = countLoops(cfg, ops)): Flow[] {
  return new Structurer(cfg, counted).run();
}
