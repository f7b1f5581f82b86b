/**
 * Finds rotations. BPF has none, so clang writes
 *
 *     rA = rV; rA >>= 64 - k; rB = rV; rB <<= k; rB |= rA
 *
 * in many orders and often overwriting rV on the way. Within a block, values are numbered; an `or` (or `xor`, or `add`: no bit is set in both) of
 * the two halves of one value is `rotl(value, k)`. V8 of today does not find 64-bit rotations itself.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import type { Block } from './cfg.ts';

export interface Rotates {
  /** By pc of the insn that joins the halves: how far to the left, and the shift that saw the value. */
  readonly joins: ReadonlyMap<number, { readonly bits: number; readonly width: 32 | 64; readonly save: number }>;
  /** Pcs of the shifts whose operand must be kept, each with its width. */
  readonly saves: ReadonlyMap<number, 32 | 64>;
}

/** Half of a rotation: value number `of`, shifted at `pc`. */
interface Shifted {
  readonly of: number;
  readonly left: boolean;
  readonly bits: number;
  readonly width: 32 | 64;
  readonly pc: number;
}

class BlockValues {
  private readonly numbers: number[];
  private next: number;
  private readonly shifted = new Map<number, Shifted>();

  constructor() {
    this.numbers = Array.from({ length: 11 }, (_, r) => r);
    this.next = 11;
  }

  forget(reg: number): void {
    this.numbers[reg] = this.next++;
  }

  copy(dst: number, src: number): void {
    this.numbers[dst] = this.numbers[src];
  }

  shift(op: Op & { kind: 'alu' }, bits: number, pc: number): void {
    const of = this.numbers[op.dst];
    this.forget(op.dst);
    this.shifted.set(this.numbers[op.dst], { of, left: op.op === 'lsh', bits, width: op.width, pc });
  }

  half(reg: number): Shifted | undefined {
    return this.shifted.get(this.numbers[reg]);
  }
}

/** Registers an op writes, as far as values are concerned. */
function written(op: Op): readonly number[] {
  switch (op.kind) {
    case 'alu':
    case 'movsx':
    case 'cast_user':
    case 'swap':
    case 'load':
    case 'lddw':
      return [op.dst];
    case 'atomic':
      return [0, op.src, op.dst];
    case 'call':
    case 'call_local':
    case 'call_kfunc':
    case 'ldabs':
    case 'ldind':
      return [0, 1, 2, 3, 4, 5];
    default:
      return [];
  }
}

function isShift(op: Op & { kind: 'alu' }): boolean {
  return (op.op === 'lsh' || op.op === 'rsh') && op.src?.kind === 'imm' && op.src.value > 0 && op.src.value < op.width;
}

/** The two halves of one value, one to each side, that together are all its bits. */
function joined(a: Shifted | undefined, b: Shifted | undefined, width: number): Shifted | undefined {
  if (a === undefined || b === undefined || a.of !== b.of || a.left === b.left) return undefined;
  if (a.width !== width || b.width !== width || a.bits + b.bits !== width) return undefined;
  return a.left ? a : b;
}

/** Whether the insns [start, end) shift by constants both ways: without that nothing in them rotates. */
function shiftsBothWays(ops: Ops, start: number, end: number): boolean {
  let left = false;
  let right = false;
  for (let pc = start; pc < end; pc++) {
    const op = ops[pc];
    if (op?.kind !== 'alu' || !isShift(op)) continue;
    if (op.op === 'lsh') left = true;
    else right = true;
  }
  return left && right;
}

class RotateFinder {
  readonly joins = new Map<number, { bits: number; width: 32 | 64; save: number }>();
  readonly saves = new Map<number, 32 | 64>();

  block(ops: Ops, start: number, end: number): void {
    const values = new BlockValues();
    for (let pc = start; pc < end; pc++) {
      const op = ops[pc];
      if (op !== undefined) this.step(values, op, pc);
    }
  }

  private step(values: BlockValues, op: Op, pc: number): void {
    if (op.kind === 'alu' && isShift(op) && op.src?.kind === 'imm') {
      values.shift(op, op.src.value, pc);
      return;
    }
    // A 32-bit move cuts the value, so it counts as a new one for 64-bit rotations: the number is not passed on.
    if (op.kind === 'alu' && op.op === 'mov' && op.width === 64 && op.src?.kind === 'reg') {
      values.copy(op.dst, op.src.reg);
      return;
    }
    if (op.kind === 'alu' && (op.op === 'or' || op.op === 'xor' || op.op === 'add') && op.src?.kind === 'reg') {
      const left = joined(values.half(op.dst), values.half(op.src.reg), op.width);
      if (left !== undefined) {
        this.joins.set(pc, { bits: left.bits, width: op.width, save: left.pc });
        this.saves.set(left.pc, op.width);
      }
    }
    for (const reg of written(op)) values.forget(reg);
  }
}

/** Rotations in the basic blocks of a function. */
export function findRotates(ops: Ops, blocks: readonly Block[]): Rotates {
  const finder = new RotateFinder();
  for (const { start, end } of blocks) if (shiftsBothWays(ops, start, end)) finder.block(ops, start, end);
  return finder;
}
