/**
 * Dominator tree by the Lengauer-Tarjan method in its semi-NCA form (Georgiadis, "Linear-Time Algorithms for Dominators
 * and Related Problems", 2005): near-linear in practice and without recursion.
 */
import { type Block, successors } from './cfg.ts';
import type { Order } from './order.ts';

interface DepthFirst {
  /** Vertices by preorder number. */
  readonly vertex: Int32Array;
  /** Preorder number by vertex. */
  readonly number: Int32Array;
  /** Parent in the spanning tree, by preorder number, as a preorder number. */
  readonly parent: Int32Array;
}

function depthFirst(blocks: readonly Block[]): DepthFirst {
  const n = blocks.length;
  const vertex = new Int32Array(n);
  const number = new Int32Array(n).fill(-1);
  const parent = new Int32Array(n).fill(-1);
  const next = new Int32Array(n);
  const stack = [0];
  number[0] = 0;
  let count = 1;
  while (stack.length > 0) {
    const b = stack[stack.length - 1];
    const succs = successors(blocks[b].term);
    if (next[b] >= succs.length) {
      stack.pop();
      continue;
    }
    const to = succs[next[b]++];
    if (number[to] >= 0) continue;
    number[to] = count;
    vertex[count] = to;
    parent[count] = number[b];
    count++;
    stack.push(to);
  }
  return { vertex, number, parent };
}

/** The vertex of least semidominator on the path above `v`, compressing that path on the way. */
function evaluate(v: number, last: number, ancestor: Int32Array, label: Int32Array, semi: Int32Array): number {
  if (v < last) return v;
  const path: number[] = [];
  let top = v;
  while (ancestor[top] >= last) {
    path.push(top);
    top = ancestor[top];
  }
  for (let i = path.length - 1; i >= 0; i--) {
    const u = path[i];
    const a = ancestor[u];
    if (semi[label[a]] < semi[label[u]]) label[u] = label[a];
    ancestor[u] = ancestor[a];
  }
  return label[v];
}

/** Immediate dominator of each block; the entry's is itself. Every block must be reachable. */
export function immediateDominators(blocks: readonly Block[], order: Order): Int32Array {
  const n = blocks.length;
  const { vertex, number, parent } = depthFirst(blocks);
  const semi = Int32Array.from({ length: n }, (_, i) => i);
  const label = semi.slice();
  const ancestor = parent.slice();
  const idom = parent.slice();
  const { from, list } = order.preds;
  for (let w = n - 1; w > 0; w--) {
    const b = vertex[w];
    let least = w;
    for (let i = from[b]; i < from[b + 1]; i++) {
      const u = evaluate(number[list[i]], w + 1, ancestor, label, semi);
      if (semi[u] < least) least = semi[u];
    }
    semi[w] = least;
    label[w] = w;
  }
  for (let w = 1; w < n; w++) {
    let d = idom[w];
    while (d > semi[w]) d = idom[d];
    idom[w] = d;
  }
  const result = new Int32Array(n);
  for (let w = 1; w < n; w++) result[vertex[w]] = vertex[idom[w]];
  return result;
}

/** Preorder interval of each block in the dominator tree: a dominates b iff enter[a] <= enter[b] && leave[b] <= leave[a]. */
export interface DomTree {
  readonly idom: Int32Array;
  /** Children of block b, in reverse postorder: `list[from[b] .. from[b + 1])`. */
  readonly children: { readonly from: Int32Array; readonly list: Int32Array };
  readonly enter: Int32Array;
  readonly leave: Int32Array;
}

export function buildDomTree(blocks: readonly Block[], order: Order): DomTree {
  const n = blocks.length;
  const idom = immediateDominators(blocks, order);
  const from = new Int32Array(n + 1);
  for (let b = 1; b < n; b++) from[idom[b] + 1]++;
  for (let b = 0; b < n; b++) from[b + 1] += from[b];
  const fill = from.slice();
  const list = new Int32Array(Math.max(0, n - 1));
  for (const b of order.rpo) if (b !== 0) list[fill[idom[b]]++] = b;
  const enter = new Int32Array(n);
  const leave = new Int32Array(n);
  const next = from.slice();
  const stack = [0];
  let clock = 1;
  while (stack.length > 0) {
    const b = stack[stack.length - 1];
    if (next[b] < from[b + 1]) {
      const child = list[next[b]++];
      enter[child] = clock++;
      stack.push(child);
    } else {
      leave[b] = clock++;
      stack.pop();
    }
  }
  return { idom, children: { from, list }, enter, leave };
}

export function dominates(tree: DomTree, a: number, b: number): boolean {
  return tree.enter[a] <= tree.enter[b] && tree.leave[b] <= tree.leave[a];
}
