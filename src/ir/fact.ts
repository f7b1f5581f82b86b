/** The lattice of register facts: equality and least upper bound. */
import type { PacketBase, RegFact } from '../verifier/facts.ts';

export const UNKNOWN: RegFact = { kind: 'unknown' };
export const PACKET: RegFact = { kind: 'packet' };
export const PACKET_END: RegFact = { kind: 'packet_end' };
export const FRAME: RegFact = { kind: 'stack', off: 0 };
export const ANY_STACK: RegFact = { kind: 'stack', off: undefined };
export const U32: RegFact = { kind: 'scalar', bound: 'u32' };
export const U62: RegFact = { kind: 'scalar', bound: 'u62' };

type Value = RegFact & { kind: 'map_value' };

function sameBase(a: PacketBase | undefined, b: PacketBase | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.id === b.id && a.off === b.off && a.range === b.range && a.small === b.small;
}

/** Both are values of one map, or records of one ring buffer and one size. */
function sameValue(a: Value, b: RegFact): b is Value {
  return b.kind === 'map_value' && a.map === b.map && a.size === b.size;
}

export function same(a: RegFact, b: RegFact): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case 'unknown':
    case 'packet_end':
      return a.kind === b.kind;
    case 'packet':
      return b.kind === 'packet' && sameBase(a.base, b.base);
    case 'scalar':
      return b.kind === 'scalar' && a.bound === b.bound;
    case 'const':
      return b.kind === 'const' && a.value === b.value;
    case 'stack':
    case 'ctx':
      return b.kind === a.kind && a.off === b.off;
    case 'map':
      return b.kind === 'map' && a.map === b.map;
    case 'map_value':
      return sameValue(a, b) && a.off === b.off && a.nonNull === b.nonNull;
  }
}

/** What is known of a number's size: every bound is also the weaker one. */
export function boundOf(fact: RegFact): 'u32' | 'u62' | undefined {
  if (fact.kind === 'scalar') return fact.bound;
  return fact.kind === 'const' && fact.value >= 0 ? 'u32' : undefined;
}

/**
 * Two packet pointers meet. The same base stays, with what both know of it. Different ones become a base of their own, `phi`: only that it is
 * not below the packet's start is kept. Bases that this very block made belong to its previous round and count as different.
 */
function joinPacket(a: PacketBase | undefined, b: PacketBase | undefined, phi: Phi | undefined): RegFact {
  if (a === undefined || b === undefined) return PACKET;
  const stale = phi?.owns(a.id) === true || phi?.owns(b.id) === true;
  if (!stale && a.id === b.id && a.off === b.off) {
    return { kind: 'packet', base: { ...a, range: Math.min(a.range, b.range), small: a.small && b.small } };
  }
  if (phi?.id === undefined || a.off < 0 || b.off < 0) return PACKET;
  return { kind: 'packet', base: { id: phi.id, off: 0, range: 0, small: false } };
}

/** Ids for what joins at a block. */
export interface Phi {
  /** Of the register or slot being joined, if there is one for it. */
  readonly id: number | undefined;
  /** An id that this block gave to some register or slot. */
  owns(id: number): boolean;
}

/** Least upper bound of what two edges bring. */
export function join(a: RegFact, b: RegFact, phi?: Phi): RegFact {
  if (a.kind === 'packet' && b.kind === 'packet') {
    const joined = joinPacket(a.base, b.base, phi);
    return same(joined, a) ? a : joined;
  }
  if (same(a, b)) return a;
  if (a.kind === 'stack' && b.kind === 'stack') return ANY_STACK;
  if (a.kind === 'map_value' && sameValue(a, b) && a.off === b.off) {
    return { ...a, nonNull: false };
  }
  const [first, second] = [boundOf(a), boundOf(b)];
  if (first === undefined || second === undefined) return UNKNOWN;
  return first === 'u32' && second === 'u32' ? U32 : U62;
}
