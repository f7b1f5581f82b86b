/** Which functions a program needs, and where each ends up: the program first, then every function it reaches. */
import { BPF_INSN_SIZE } from '../../assembly/isa.ts';
import type { SubprogSpec } from '../object/types.ts';
import type { Lookup } from './lookup.ts';

/** A function with its place in the linked program. */
export interface PlacedFunc {
  readonly spec: SubprogSpec;
  /** First slot. */
  readonly start: number;
}

/** Functions of one linked program, in the order they were first referred to. */
export class Layout {
  readonly funcs: PlacedFunc[] = [];
  /** Slots of all of them. */
  slots = 0;
  private readonly lookup: Lookup;
  private readonly placed = new Map<SubprogSpec, PlacedFunc>();

  constructor(lookup: Lookup, entry: SubprogSpec) {
    this.lookup = lookup;
    const placed = this.place(entry);
    // A call of the entry by another of its names is a call of the entry.
    const alias = lookup.func(entry.sectionIndex, entry.offset);
    if (alias !== undefined) this.placed.set(alias, placed);
  }

  /** The function that begins at this offset of this section, with its place; undefined when none does. */
  reach(sectionIndex: number, offset: number): PlacedFunc | undefined {
    const spec = this.lookup.func(sectionIndex, offset);
    return spec && (this.placed.get(spec) ?? this.place(spec));
  }

  private place(spec: SubprogSpec): PlacedFunc {
    const func = { spec, start: this.slots };
    this.slots += spec.size / BPF_INSN_SIZE;
    this.placed.set(spec, func);
    this.funcs.push(func);
    return func;
  }
}
