/** Which functions a program needs, and where each ends up: the program first, then every function it reaches. */
import { BPF_INSN_SIZE } from '../../assembly/isa.ts';
import type { BpfObject, SubprogSpec } from '../object/types.ts';

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
  private readonly known: ReadonlyMap<string, SubprogSpec>;
  private readonly placed = new Map<SubprogSpec, PlacedFunc>();

  constructor(object: BpfObject, entry: SubprogSpec) {
    const known = new Map<string, SubprogSpec>();
    // Aliases of a function share its code: the first name stands for all. The entry goes before its own aliases.
    for (const func of [entry, ...object.progs, ...object.subprogs]) {
      const key = keyOf(func.sectionIndex, func.offset);
      if (!known.has(key)) known.set(key, func);
    }
    this.known = known;
    this.place(entry);
  }

  /** The function that begins at this offset of this section, with its place; undefined when none does. */
  reach(sectionIndex: number, offset: number): PlacedFunc | undefined {
    const spec = this.known.get(keyOf(sectionIndex, offset));
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

function keyOf(sectionIndex: number, offset: number): string {
  return `${sectionIndex}:${offset}`;
}
