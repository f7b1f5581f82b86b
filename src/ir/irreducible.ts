/**
 * Makes a graph reducible: every loop with several entries gets a dispatcher in front, and each edge to one of its entries
 * becomes "remember which entry, go to the dispatcher". clang writes such loops rarely; hand-written and fuzzed programs do.
 *
 * Loops nest, so the search goes on inside each loop without its header. At MAX_DEPTH all blocks of a loop become entries
 * at once, which is always right and bounds the work: no more than MAX_DEPTH passes over the function.
 */
import { type Block, type Cfg, successors } from './cfg.ts';
import { buildDomTree, type DomTree, dominates } from './dom.ts';
import { type Order, orderBlocks } from './order.ts';

const MAX_DEPTH = 8;

/** A retreating edge whose target does not dominate its source makes a graph irreducible. */
export function isReducible(
  blocks: readonly Block[],
  order: Order = orderBlocks(blocks),
  tree: DomTree = buildDomTree(blocks, order),
): boolean {
  for (let b = 0; b < blocks.length; b++) {
    for (const to of successors(blocks[b].term)) {
      if (order.position[to] <= order.position[b] && !dominates(tree, to, b)) return false;
    }
  }
  return true;
}

/** The same function with dispatchers where they are needed; `blocks` is changed in place. */
export function makeReducible(blocks: Block[]): Cfg {
  const order = orderBlocks(blocks);
  const tree = buildDomTree(blocks, order);
  if (isReducible(blocks, order, tree)) return { blocks, needsLabel: false, order, tree };
  addDispatchers(blocks);
  const changed = orderBlocks(blocks);
  return { blocks, needsLabel: true, order: changed, tree: buildDomTree(blocks, changed) };
}

function addDispatchers(blocks: Block[]): void {
  splitEntry(blocks);
  // Level by level: without their headers, loops of one level share no cycle, so one search finds all of the next level.
  let members = blocks.map((_, b) => b);
  for (let depth = 0; members.length > 0; depth++) {
    const loops = cycles(blocks, members);
    const headers = giveHeaders(blocks, loops, depth >= MAX_DEPTH);
    members = depth >= MAX_DEPTH ? [] : loops.flatMap((loop) => loop.filter((b) => !headers.has(b)));
  }
}

/** Gives the function an entry block that no jump goes to. */
function splitEntry(blocks: Block[]): void {
  const copy = blocks.length;
  blocks.push(blocks[0]);
  blocks[0] = { start: 0, end: 0, term: { kind: 'goto', to: copy } };
  for (let b = 1; b < blocks.length; b++) redirectTargets(blocks[b].term, (to) => (to === 0 ? copy : to));
}

/** The strongly connected components of the subgraph that hold a cycle (Tarjan's method, iterative). */
function cycles(blocks: readonly Block[], members: readonly number[]): number[][] {
  const n = members.length;
  /** Position among the members by block, or -1. */
  const inside = new Int32Array(blocks.length).fill(-1);
  for (let i = 0; i < n; i++) inside[members[i]] = i;
  const succsOf = members.map((b) => successors(blocks[b].term));
  const index = new Int32Array(n).fill(-1);
  const low = new Int32Array(n);
  const next = new Int32Array(n);
  const open = new Uint8Array(n);
  const pending: number[] = [];
  const found: number[][] = [];
  let clock = 0;
  for (let root = 0; root < n; root++) {
    if (index[root] >= 0) continue;
    const stack = [root];
    while (stack.length > 0) {
      const v = stack[stack.length - 1];
      if (next[v] === 0 && index[v] < 0) {
        index[v] = low[v] = clock++;
        pending.push(v);
        open[v] = 1;
      }
      const succs = succsOf[v];
      if (next[v] < succs.length) {
        const w = inside[succs[next[v]++]];
        if (w < 0) continue;
        if (index[w] < 0) stack.push(w);
        else if (open[w] === 1) low[v] = Math.min(low[v], index[w]);
        continue;
      }
      stack.pop();
      if (stack.length > 0) {
        const u = stack[stack.length - 1];
        low[u] = Math.min(low[u], low[v]);
      }
      if (low[v] === index[v]) closeComponent(v, pending, open, blocks, members, found);
    }
  }
  return found;
}

function closeComponent(
  v: number,
  pending: number[],
  open: Uint8Array,
  blocks: readonly Block[],
  members: readonly number[],
  found: number[][],
): void {
  const component: number[] = [];
  let w: number;
  do {
    w = pending.pop() as number;
    open[w] = 0;
    component.push(members[w]);
  } while (w !== v);
  const alone = component.length === 1 && !successors(blocks[component[0]].term).includes(component[0]);
  if (!alone) found.push(component.reverse());
}

/** Which loop each block is in, or -1. */
function loopOfBlock(blocks: readonly Block[], loops: readonly (readonly number[])[]): Int32Array {
  const loopOf = new Int32Array(blocks.length).fill(-1);
  loops.forEach((loop, i) => {
    for (const b of loop) loopOf[b] = i;
  });
  return loopOf;
}

/** Blocks of each loop that edges from outside the loop go to, in the order of the loop's blocks. */
function findEntries(
  blocks: readonly Block[],
  loops: readonly (readonly number[])[],
  loopOf: Int32Array,
): readonly (readonly number[])[] {
  const entered = new Uint8Array(blocks.length);
  for (let b = 0; b < blocks.length; b++) {
    for (const to of successors(blocks[b].term)) if (loopOf[to] >= 0 && loopOf[to] !== loopOf[b]) entered[to] = 1;
  }
  return loops.map((loop) => loop.filter((b) => entered[b] === 1));
}

/** The one entry of each loop: the one it has, or a new dispatcher before the several (`all`: before every block of it). */
function giveHeaders(blocks: Block[], loops: readonly (readonly number[])[], all: boolean): Set<number> {
  const loopOf = loopOfBlock(blocks, loops);
  const known = blocks.length;
  const headers = new Set<number>();
  /** By entry block: its loop's dispatcher and its label there. */
  const places = new Map<number, { dispatcher: number; label: number }>();
  findEntries(blocks, loops, loopOf).forEach((found, i) => {
    const entries = all ? [...loops[i]] : [...found];
    if (entries.length === 1) {
      headers.add(entries[0]);
      return;
    }
    const dispatcher = blocks.length;
    headers.add(dispatcher);
    blocks.push({ start: 0, end: 0, term: { kind: 'dispatch', targets: entries } });
    entries.forEach((b, label) => {
      places.set(b, { dispatcher, label });
    });
  });
  // An edge from inside the loop needs a selector of its own: one shared with edges from outside would be one more entry.
  const selectors = { inside: new Map<number, number>(), outside: new Map<number, number>() };
  const selectorOf = (from: number, to: number): number => {
    const place = places.get(to);
    if (place === undefined) return to;
    const kept = loopOf[from] === loopOf[to] ? selectors.inside : selectors.outside;
    const made = kept.get(to) ?? blocks.length;
    if (made === blocks.length) {
      blocks.push({ start: 0, end: 0, term: { kind: 'select', label: place.label, to: place.dispatcher } });
      kept.set(to, made);
    }
    return made;
  };
  for (let b = 0; b < known; b++) redirectTargets(blocks[b].term, (to) => selectorOf(b, to));
  return headers;
}

function redirectTargets(term: Block['term'], redirect: (to: number) => number): void {
  switch (term.kind) {
    case 'goto':
      term.to = redirect(term.to);
      break;
    case 'branch':
      term.taken = redirect(term.taken);
      term.otherwise = redirect(term.otherwise);
      break;
    case 'dispatch':
      term.targets.forEach((to, i) => {
        term.targets[i] = redirect(to);
      });
      break;
    // A selector only ever goes to its own dispatcher, which is no entry of an inner loop.
    case 'select':
    case 'exit':
      break;
  }
}
