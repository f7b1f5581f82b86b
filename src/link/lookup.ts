/** What references of an object can mean, by section and offset or by name: made once for all of its programs. */
import { BPF_MAP_TYPE_ARENA } from '../../assembly/isa.ts';
import type { BpfObject, ExternSpec, MapSpec, ProgSpec, SubprogSpec } from '../object/types.ts';
import { firstBy } from '../util/group.ts';

export const ARENA_SECTION = '.addr_space.1';

export class Lookup {
  readonly progs: ReadonlySet<ProgSpec>;
  /** Sections with functions. */
  readonly code: ReadonlySet<number>;
  readonly externs: ReadonlyMap<string, ExternSpec>;
  readonly kconfig: MapSpec | undefined;
  /** The arena, and the section of its variables. */
  readonly arena: { readonly map: MapSpec; readonly section: number } | undefined;
  private readonly funcs: ReadonlyMap<string, SubprogSpec>;
  private readonly maps: ReadonlyMap<string, MapSpec>;
  private readonly mapSections: ReadonlyMap<number, MapSpec>;

  constructor(object: BpfObject) {
    const funcs = [...object.progs, ...object.subprogs];
    this.progs = new Set(object.progs);
    this.code = new Set(funcs.map((f) => f.sectionIndex));
    // Aliases of a function share its code: the first name stands for all.
    this.funcs = firstBy(funcs, (f) => keyOf(f.sectionIndex, f.offset));
    this.maps = firstBy(object.maps, (m) => keyOf(m.sectionIndex, m.offset));
    this.mapSections = firstBy(object.maps, (m) => m.sectionIndex);
    // Variables of the arena's address space live in the one arena of the object.
    const arena = object.maps.find((m) => m.type === BPF_MAP_TYPE_ARENA);
    const globals = object.elf.sections.find((s) => s.name === ARENA_SECTION);
    if (arena !== undefined && globals !== undefined) this.arena = { map: arena, section: globals.index };
    this.externs = firstBy(object.externs, (e) => e.name);
    this.kconfig = object.maps.find((m) => m.dataKind === 'kconfig');
  }

  func(sectionIndex: number, offset: number): SubprogSpec | undefined {
    return this.funcs.get(keyOf(sectionIndex, offset));
  }

  /** The map whose definition begins there. */
  map(sectionIndex: number, offset: number): MapSpec | undefined {
    return this.maps.get(keyOf(sectionIndex, offset));
  }

  /** Whether maps are defined in the section, or it is one (data). */
  mapSection(sectionIndex: number): 'maps' | MapSpec | undefined {
    const first = this.mapSections.get(sectionIndex);
    return first === undefined || first.dataKind !== '' ? first : 'maps';
  }
}

function keyOf(sectionIndex: number, offset: number): string {
  return `${sectionIndex}:${offset}`;
}

/** Objects do not change where things are, so each needs one lookup however many programs are linked. */
const LOOKUPS = new WeakMap<BpfObject, Lookup>();

export function lookupOf(object: BpfObject): Lookup {
  const known = LOOKUPS.get(object);
  if (known !== undefined) return known;
  const lookup = new Lookup(object);
  LOOKUPS.set(object, lookup);
  return lookup;
}
