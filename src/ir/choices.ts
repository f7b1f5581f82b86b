/**
 * Finds choices between two values, as clang writes minima, maxima and `c ? a : b`:
 *
 *     rA = x; if rX < rY goto +1; rA = y
 *
 * A branch around nothing but a move is a `select` in Wasm, which engines turn into a conditional move: nobody has to guess which way it goes.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import type { Block, Cfg } from './cfg.ts';

export interface Choices {
  /** By the pc of the branch, the pc of the move. */
  readonly moves: ReadonlyMap<number, number>;
  /** The blocks of the moves. */
  readonly blocks: ReadonlySet<number>;
}

/** A move of a register or of a constant. */
export type Move = (Op & { readonly kind: 'alu' }) | (Op & { readonly kind: 'lddw' });

/** What a choice can be made of; not the frame pointer, which is no value. */
export function isMove(op: Op | undefined): op is Move {
  if (op?.kind === 'lddw') return op.value.kind === 'const';
  if (op?.kind !== 'alu' || op.op !== 'mov') return false;
  return op.src?.kind !== 'reg' || op.src.reg !== 10;
}

/** The pc of a move, of a block that does nothing else. */
function moveOf(ops: Ops, { start, end }: Block): number | undefined {
  const found: number[] = [];
  for (let pc = start; pc < end; pc++) {
    // A jump leads where the block's end does.
    if (ops[pc] !== undefined && ops[pc]?.kind !== 'ja') found.push(pc);
  }
  return found.length === 1 && isMove(ops[found[0]]) ? found[0] : undefined;
}

export function findChoices({ blocks, order }: Cfg, ops: Ops): Choices {
  const moves = new Map<number, number>();
  const emptied = new Set<number>();
  const comes = (b: number): number => order.preds.from[b + 1] - order.preds.from[b];
  for (const { term } of blocks) {
    if (term.kind !== 'branch' || ops[term.pc]?.kind !== 'jcond' || term.taken === term.otherwise) continue;
    for (const [block, join] of [
      [term.otherwise, term.taken],
      [term.taken, term.otherwise],
    ]) {
      const end = blocks[block].term;
      // The entry is come to without a branch as well.
      if (block === 0 || end.kind !== 'goto' || end.to !== join || comes(block) !== 1) continue;
      const pc = moveOf(ops, blocks[block]);
      if (pc === undefined) continue;
      moves.set(term.pc, pc);
      emptied.add(block);
    }
  }
  return { moves, blocks: emptied };
}
