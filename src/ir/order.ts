/** Reverse postorder and predecessors of a block graph, without recursion: functions may be 100,000 blocks deep. */
import { type Block, successors } from './cfg.ts';

export interface Order {
  /** Block ids in reverse postorder; the entry first. Every block is reachable, so this is a permutation. */
  readonly rpo: Int32Array;
  /** Position of each block in `rpo`. */
  readonly position: Int32Array;
  /** Predecessors: those of block b are `list[from[b] .. from[b + 1])`. */
  readonly preds: { readonly from: Int32Array; readonly list: Int32Array };
}

/** Depth-first order; successors are visited last-to-first so that the fall-through path comes early in the result. */
export function reversePostorder(blocks: readonly Block[]): Int32Array {
  const n = blocks.length;
  const rpo = new Int32Array(n);
  const state = new Uint8Array(n);
  const next = new Int32Array(n);
  const stack = [0];
  state[0] = 1;
  let at = n;
  while (stack.length > 0) {
    const b = stack[stack.length - 1];
    const succs = successors(blocks[b].term);
    if (next[b] < succs.length) {
      const to = succs[next[b]++];
      if (state[to] === 0) {
        state[to] = 1;
        stack.push(to);
      }
    } else {
      rpo[--at] = b;
      stack.pop();
    }
  }
  return at === 0 ? rpo : rpo.subarray(at);
}

export function orderBlocks(blocks: readonly Block[]): Order {
  const n = blocks.length;
  const rpo = reversePostorder(blocks);
  const position = new Int32Array(n).fill(-1);
  for (let i = 0; i < rpo.length; i++) position[rpo[i]] = i;
  const from = new Int32Array(n + 1);
  for (const block of blocks) for (const to of successors(block.term)) from[to + 1]++;
  for (let b = 0; b < n; b++) from[b + 1] += from[b];
  const fill = from.slice();
  const list = new Int32Array(from[n]);
  for (let b = 0; b < n; b++) for (const to of successors(blocks[b].term)) list[fill[to]++] = b;
  return { rpo, position, preds: { from, list } };
}
