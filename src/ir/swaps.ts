/**
 * Fields in network order that are only compared with constants, as a `switch` over a port does: the constants are swapped instead of the field. clang
 * does this itself for single comparisons.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import type { Block } from './cfg.ts';
import { walkValues } from './operands.ts';
import type { Values } from './values.ts';

export interface Swaps {
  /** Pcs of swaps whose value stays as it was, cut to its size. */
  readonly left: ReadonlySet<number>;
  /** By pc of the jump: the constant that is compared instead. */
  readonly constants: ReadonlyMap<number, number>;
}

const NO_SWAPS: Swaps = { left: new Set(), constants: new Map() };

function swapped(value: number, bits: number): number {
  if (bits === 16) return ((value & 0xff) << 8) | (value >>> 8);
  return ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

/** The constant instead of that of an equality, unless it is one that the field cannot have, or none of 32 bits. */
function constantOf(op: Op, bits: number): number | undefined {
  if (op.kind !== 'jcond' || (op.op !== 'eq' && op.op !== 'ne') || op.src.kind !== 'imm') return undefined;
  const { value } = op.src;
  if (bits === 16) return value >= 0 && value <= 0xffff ? swapped(value, bits) : undefined;
  return op.width === 32 ? swapped(value, bits) : undefined;
}

export function findSwaps(blocks: readonly Block[], ops: Ops, values: Values): Swaps {
  const { made, effects, joins, pcOf } = values;
  const bits = new Map<number, number>();
  for (const { start, end } of blocks)
    for (let pc = start; pc < end; pc++) {
      const op = ops[pc];
      if (op?.kind === 'swap' && op.to !== 'le' && op.bits !== 64) bits.set(made[pc - effects.start], op.bits);
    }
  if (bits.size === 0) return NO_SWAPS;
  for (const value of joins.list) bits.delete(value);
  const constants = new Map<number, { readonly value: number; readonly constant: number }>();
  walkValues(blocks, ops, values, (pc, op, now) => {
    for (let mask = effects.reads[pc - effects.start], reg = 0; mask !== 0; mask >>>= 1, reg++) {
      const size = (mask & 1) === 1 ? bits.get(now[reg]) : undefined;
      if (size === undefined) continue;
      const constant = constantOf(op, size);
      if (constant === undefined) bits.delete(now[reg]);
      else constants.set(pc, { value: now[reg], constant });
    }
  });
  // What is read by somebody else as well is swapped after all.
  const compared = [...constants].filter(([, { value }]) => bits.has(value));
  return {
    left: new Set([...bits.keys()].map((value) => pcOf[value])),
    constants: new Map(compared.map(([pc, { constant }]) => [pc, constant])),
  };
}
