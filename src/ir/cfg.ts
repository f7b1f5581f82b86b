/**
 * The control-flow graph of one function: basic blocks and edges, in the form the JIT structures into Wasm.
 *
 * Only blocks reachable from the entry exist, so a `Cfg` never holds dead code.
 */

import type { DomTree } from './dom.ts';
import type { Order } from './order.ts';

/** How a block ends. `pc` is the insn that decides; it is the last one of the block. */
export type Terminator =
  | { readonly kind: 'exit' }
  | { readonly kind: 'goto'; to: number }
  /** The condition of the insn at `pc` (a conditional jump or `may_goto`): true goes to `taken`. */
  | { readonly kind: 'branch'; readonly pc: number; taken: number; otherwise: number }
  /** Synthetic: remember which entry of an irreducible loop is meant, then go to its dispatcher. */
  | { readonly kind: 'select'; readonly label: number; to: number }
  /** Synthetic: go to `targets[label]`. */
  | { readonly kind: 'dispatch'; readonly targets: number[] };

export interface Block {
  /** Insns [start, end) in slots; empty for synthetic blocks. */
  readonly start: number;
  readonly end: number;
  term: Terminator;
  /** Synthetic: the exit returns this number. */
  readonly returns?: { readonly lo: number; readonly hi: number };
}

export interface Cfg {
  /** `blocks[0]` is the entry. Order: by start, synthetic ones last. */
  readonly blocks: readonly Block[];
  /** A dispatcher exists, so the function needs a label variable. */
  readonly needsLabel: boolean;
  /** Found once, for all that walk the graph: its blocks stay as they are. */
  readonly order: Order;
  readonly tree: DomTree;
}

/** Successors of a block, in the order taken, otherwise. */
export function successors(term: Terminator): readonly number[] {
  switch (term.kind) {
    case 'exit':
      return [];
    case 'goto':
    case 'select':
      return [term.to];
    case 'branch':
      return [term.taken, term.otherwise];
    case 'dispatch':
      return term.targets;
  }
}
