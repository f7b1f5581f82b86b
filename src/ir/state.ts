/** Facts of all registers and spilled values at one point of a function. */
import type { PacketBase, RegFact } from '../verifier/facts.ts';
import { FRAME, join, PACKET, type Phi, same, UNKNOWN } from './fact.ts';

type Entries = Map<number, RegFact>;

/** Facts of spilled values by offset from R10, 8-byte spills only. Copies share what they have in common until one of them changes. */
export class Slots {
  private entries: Entries;
  private isShared: boolean;

  constructor(entries: Entries = new Map(), isShared = false) {
    this.entries = entries;
    this.isShared = isShared;
  }

  copy(): Slots {
    this.isShared = true;
    return new Slots(this.entries, true);
  }

  get size(): number {
    return this.entries.size;
  }

  get(off: number): RegFact | undefined {
    return this.entries.get(off);
  }

  isSame(other: Slots): boolean {
    return this.entries === other.entries;
  }

  private own(): Entries {
    if (this.isShared) this.entries = new Map(this.entries);
    this.isShared = false;
    return this.entries;
  }

  set(off: number, fact: RegFact): void {
    if (this.entries.get(off) !== fact) this.own().set(off, fact);
  }

  delete(off: number): void {
    if (this.entries.has(off)) this.own().delete(off);
  }

  clear(): void {
    if (this.entries.size === 0) return;
    this.entries = new Map();
    this.isShared = false;
  }

  /** They may be changed meanwhile. */
  *[Symbol.iterator](): IterableIterator<[number, RegFact]> {
    yield* this.entries;
  }
}

export interface State {
  readonly regs: RegFact[];
  readonly slots: Slots;
}

export function unknownState(): State {
  const regs: RegFact[] = new Array(11).fill(UNKNOWN);
  regs[10] = FRAME;
  return { regs, slots: new Slots() };
}

export const copyState = (s: State): State => ({ regs: s.regs.slice(), slots: s.slots.copy() });

export function sameState(a: State, b: State): boolean {
  if (a.slots.size !== b.slots.size || !a.regs.every((fact, r) => same(fact, b.regs[r]))) return false;
  if (a.slots.isSame(b.slots)) return true;
  for (const [off, fact] of a.slots) {
    const other = b.slots.get(off);
    if (other === undefined || !same(fact, other)) return false;
  }
  return true;
}

/** Ids of a block's joins: negative, so that they are no pc. 64 slots and 11 registers fit 128. */
const PHI_SPAN = 128;
const phiBase = (block: number): number => -(block + 1) * PHI_SPAN;
const slotIndex = (off: number): number => 11 + ((-off >> 3) & 63);

/** Joins `from` into `into` at a block's entry (or, without `block`, a number no other block of the program has, at a function's); true when that changed it. */
export function joinState(into: State, from: State, block?: number): boolean {
  const first = block === undefined ? undefined : phiBase(block);
  const phi = (index: number | undefined): Phi | undefined => {
    if (first === undefined) return undefined;
    const id = index === undefined ? undefined : first + index;
    return { id, owns: (other) => other >= first && other < first + PHI_SPAN };
  };
  let changed = false;
  for (let r = 0; r < into.regs.length; r++) {
    const next = join(into.regs[r], from.regs[r], phi(r));
    if (!same(next, into.regs[r])) {
      into.regs[r] = next;
      changed = true;
    }
  }
  for (const [off, fact] of into.slots) {
    const other = from.slots.get(off);
    // Slots that are no multiple of 8 apart could share an id: they get none.
    const next = other === undefined ? UNKNOWN : join(fact, other, phi(off % 8 === 0 ? slotIndex(off) : undefined));
    if (same(next, fact)) continue;
    if (next.kind === 'unknown') into.slots.delete(off);
    else into.slots.set(off, next);
    changed = true;
  }
  return changed;
}

/** Replaces facts about packet pointers wherever they are. */
function mapPackets(state: State, change: (base: PacketBase) => RegFact | undefined): void {
  state.regs.forEach((fact, r) => {
    const next = fact.kind === 'packet' && fact.base !== undefined ? change(fact.base) : undefined;
    if (next !== undefined) state.regs[r] = next;
  });
  for (const [off, fact] of state.slots) {
    const next = fact.kind === 'packet' && fact.base !== undefined ? change(fact.base) : undefined;
    if (next !== undefined) state.slots.set(off, next);
  }
}

/** The insn `id` makes its base anew: who still holds the old one holds something else. */
export function retireBase(state: State, id: number): void {
  mapPackets(state, (base) => (base.id === id ? PACKET : undefined));
}

/** A comparison has shown that `range` bytes behind the base `id` are inside the packet. */
export function learnRange(state: State, id: number, range: number): void {
  mapPackets(state, (base) =>
    base.id === id && base.range < range ? { kind: 'packet', base: { ...base, range } } : undefined,
  );
}

/** The packet's ends may have moved: what pointers were compared with is no longer true. */
export function forgetPacket(state: State): void {
  mapPackets(state, () => PACKET);
  state.regs.forEach((fact, r) => {
    if (fact.kind === 'packet_end') state.regs[r] = UNKNOWN;
  });
  for (const [off, fact] of state.slots) if (fact.kind === 'packet_end') state.slots.delete(off);
}
