/**
 * A key that a program writes to its stack right before a lookup: clang puts a number there because the helper wants its address. Where the insns in
 * between show that it is still there, the lookup can have the number itself.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';

const FRAME_POINTER = 10;

/** What of the insns from the store to the call is known, going backwards from the call. */
interface Search {
  /** R2, as far as it was followed: `of` plus `plus`. */
  readonly of: number;
  readonly plus: number;
}

function isWrite(op: Op): boolean {
  return op.kind === 'store' || op.kind === 'atomic';
}

function isCall(op: Op): boolean {
  return op.kind === 'call' || op.kind === 'call_local' || op.kind === 'call_kfunc';
}

/** One step backwards over an insn that writes the register in question; undefined when that cannot be followed. */
function follow(op: Op, { of, plus }: Search): Search | undefined {
  if (op.kind !== 'alu' || op.width !== 64) return undefined;
  if (op.op === 'add' && op.src?.kind === 'imm') return { of, plus: plus + op.src.value };
  return op.op === 'mov' && op.src?.kind === 'reg' ? { of: op.src.reg, plus } : undefined;
}

/**
 * The store of `size` bytes that the helper call at `pc` finds behind R2, and no insn from `start`, the beginning of its block, on leads there by
 * another way.
 */
export function storedKey(ops: Ops, start: number, pc: number, size: number): number | undefined {
  let at: Search = { of: 2, plus: 0 };
  for (let p = pc - 1; p >= start; p--) {
    const op = ops[p];
    if (op === undefined) continue;
    if (isCall(op)) return undefined;
    if (isWrite(op)) {
      if (op.kind !== 'store' || op.dst !== FRAME_POINTER || at.of !== FRAME_POINTER) return undefined;
      if (op.off === at.plus && op.size === size) return p;
      if (op.off < at.plus + size && op.off + op.size > at.plus) return undefined;
      continue;
    }
    if (at.of === FRAME_POINTER || !('dst' in op) || op.dst !== at.of) continue;
    const before = follow(op, at);
    if (before === undefined) return undefined;
    at = before;
  }
  return undefined;
}
