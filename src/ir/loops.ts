/**
 * The loop nest of a reducible graph: for each header the blocks of its natural loop, inner loops collapsed into their headers (Tarjan's
 * method with union-find, near-linear).
 */
import type { Block } from './cfg.ts';
import { type DomTree, dominates } from './dom.ts';
import type { Order } from './order.ts';

export interface Loop {
  readonly header: number;
  /** Sources of its back edges. */
  readonly latches: readonly number[];
  /** Blocks whose innermost loop this is; the header first. */
  readonly blocks: number[];
  readonly children: Loop[];
}

/** Union-find over blocks; the root of a collapsed loop is its header. */
class Collapsed {
  private readonly up: Int32Array;

  constructor(n: number) {
    this.up = Int32Array.from({ length: n }, (_, i) => i);
  }

  find(b: number): number {
    let root = b;
    while (this.up[root] !== root) root = this.up[root];
    for (let x = b; x !== root; ) {
      const next = this.up[x];
      this.up[x] = root;
      x = next;
    }
    return root;
  }

  into(b: number, header: number): void {
    this.up[b] = header;
  }
}

function latchesOf(header: number, order: Order, tree: DomTree): number[] {
  const { from, list } = order.preds;
  const latches: number[] = [];
  for (let i = from[header]; i < from[header + 1]; i++) {
    const b = list[i];
    if (order.position[header] <= order.position[b] && dominates(tree, header, b)) latches.push(b);
  }
  return latches;
}

/** Loops by header; a header has one loop. Inner loops come before the loops around them. */
export function findLoops(blocks: readonly Block[], order: Order, tree: DomTree): ReadonlyMap<number, Loop> {
  const loops = new Map<number, Loop>();
  const collapsed = new Collapsed(blocks.length);
  const { from, list } = order.preds;
  for (let i = order.rpo.length - 1; i >= 0; i--) {
    const header = order.rpo[i];
    const latches = latchesOf(header, order, tree);
    if (latches.length === 0) continue;
    const loop: Loop = { header, latches, blocks: [header], children: [] };
    loops.set(header, loop);
    const work = latches.map((b) => collapsed.find(b));
    for (let b = work.pop(); b !== undefined; b = work.pop()) {
      if (collapsed.find(b) === header) continue;
      const inner = loops.get(b);
      if (inner === undefined) loop.blocks.push(b);
      else loop.children.push(inner);
      collapsed.into(b, header);
      for (let p = from[b]; p < from[b + 1]; p++) {
        const pred = collapsed.find(list[p]);
        if (pred !== header) work.push(pred);
      }
    }
  }
  return loops;
}

/** Insns one round of the loop executes, without its inner loops. */
export function insnsOf(loop: Loop, blocks: readonly Block[]): number {
  return Math.max(
    1,
    loop.blocks.reduce((sum, b) => sum + blocks[b].end - blocks[b].start, 0),
  );
}
