/** Cuts one function's ops into basic blocks and drops what its entry cannot reach. Linear in the number of insns. */
import type { Op } from '../isa/op.ts';
import type { Block, Terminator } from './cfg.ts';
import { splitReturns } from './returns.ts';

/** Ops by pc; `undefined` marks the second slot of `ld_imm64`. */
export type Ops = readonly (Op | undefined)[];

function jumpTarget(op: Op): number | undefined {
  return op.kind === 'ja' || op.kind === 'jcond' || op.kind === 'may_goto' ? op.target : undefined;
}

function findLeaders(ops: Ops, start: number, end: number): Uint8Array {
  const leader = new Uint8Array(end - start + 1);
  leader[0] = 1;
  for (let pc = start; pc < end; pc++) {
    const op = ops[pc];
    if (op === undefined) continue;
    const target = jumpTarget(op);
    if (target !== undefined) leader[target - start] = 1;
    if (target !== undefined || op.kind === 'exit') leader[pc + 1 - start] = 1;
  }
  return leader;
}

function terminator(op: Op | undefined, pc: number, next: number, blockAt: (pc: number) => number): Terminator {
  switch (op?.kind) {
    case 'exit':
      return { kind: 'exit' };
    case 'ja':
      return { kind: 'goto', to: blockAt(op.target) };
    case 'jcond':
    case 'may_goto': {
      const taken = blockAt(op.target);
      const otherwise = blockAt(next);
      return taken === otherwise ? { kind: 'goto', to: taken } : { kind: 'branch', pc, taken, otherwise };
    }
    default:
      return { kind: 'goto', to: blockAt(next) };
  }
}

/** Basic blocks of the insns [start, end), reachable ones only; the entry is `blocks[0]`. */
export function buildBlocks(ops: Ops, start: number, end: number): Block[] {
  const leader = findLeaders(ops, start, end);
  const index = new Int32Array(end - start + 1).fill(-1);
  const starts: number[] = [];
  for (let pc = start; pc < end; pc++) {
    if (leader[pc - start] === 1 && ops[pc] !== undefined) {
      index[pc - start] = starts.length;
      starts.push(pc);
    }
  }
  const blocks = starts.map((from, i): Block => {
    const to = i + 1 < starts.length ? starts[i + 1] : end;
    let last = to - 1;
    if (ops[last] === undefined) last--;
    return { start: from, end: to, term: terminator(ops[last], last, to, (pc) => index[pc - start]) };
  });
  const reached = dropUnreachable(blocks);
  const given = reached.length;
  splitReturns(ops, reached);
  return reached.length > given ? dropUnreachable(reached) : reached;
}

function dropUnreachable(blocks: Block[]): Block[] {
  const seen = new Uint8Array(blocks.length);
  const work = [0];
  seen[0] = 1;
  for (let b = work.pop(); b !== undefined; b = work.pop()) {
    for (const to of successorsOf(blocks[b].term)) {
      if (seen[to] === 0) {
        seen[to] = 1;
        work.push(to);
      }
    }
  }
  const renumber = new Int32Array(blocks.length);
  const kept: Block[] = [];
  for (let b = 0; b < blocks.length; b++) {
    if (seen[b] === 1) {
      renumber[b] = kept.length;
      kept.push(blocks[b]);
    }
  }
  for (const block of kept) renumberTargets(block.term, renumber);
  return kept;
}

function successorsOf(term: Terminator): readonly number[] {
  if (term.kind === 'goto') return [term.to];
  return term.kind === 'branch' ? [term.taken, term.otherwise] : [];
}

function renumberTargets(term: Terminator, renumber: Int32Array): void {
  if (term.kind === 'goto') term.to = renumber[term.to];
  if (term.kind === 'branch') {
    term.taken = renumber[term.taken];
    term.otherwise = renumber[term.otherwise];
  }
}
