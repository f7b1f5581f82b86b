/**
 * The engines that one case table runs on, and what every test of compiled programs shares: specs of maps, linked programs made of bare
 * insns, and loading both into an `Engine`.
 */
import { Engine, type InternalLoadOptions, type LoadOptions } from '../src/engine.ts';
import { decodeInsns } from '../src/isa/decode.ts';
import { findFuncs as funcsOf } from '../src/link/insns.ts';
import type { LinkedFunc, LinkedProg } from '../src/link/types.ts';
import type { Loaded } from '../src/loader.ts';
import type { MapSpec, ProgType } from '../src/object/types.ts';
import type { BpfMap } from '../src/runtime/map.ts';

export interface Variant {
  readonly name: string;
  readonly options: LoadOptions;
  /** Run every n-th case only: this way of compiling is slow. */
  readonly every: number;
}

/** Ways of compiling one program. All must do the same. */
export const variants: readonly Variant[] = [
  { name: 'checked', options: { checked: true }, every: 1 },
  { name: 'unchecked', options: { checked: false }, every: 1 },
  { name: 'checked, binaryen', options: { checked: true, optimize: true }, every: 23 },
  { name: 'unchecked, binaryen', options: { checked: false, optimize: true }, every: 23 },
];

/** The cases a variant runs. */
export function sample<T>(cases: readonly T[], variant: Variant): readonly T[] {
  return cases.filter((_, i) => i % variant.every === 0);
}

/** enum bpf_map_type of what the tables name. */
const MAP_TYPES = {
  hash: 1,
  array: 2,
  prog_array: 3,
  percpu_hash: 5,
  percpu_array: 6,
  lru_hash: 9,
  ringbuf: 27,
} as const;

export interface MapShape {
  readonly type: keyof typeof MAP_TYPES;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
}

export function mapSpec(name: string, map: MapShape): MapSpec {
  return {
    name,
    type: MAP_TYPES[map.type],
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: map.maxEntries,
    flags: map.flags ?? 0,
    pinning: 0,
    numaNode: 0,
    mapExtra: 0n,
    btfKeyTypeId: 0,
    btfValueTypeId: 0,
    initialSlots: [],
    dataKind: '',
    sectionIndex: 0,
    offset: 0,
  };
}

/** Functions of bare insns: they begin at 0 and wherever a BPF_PSEUDO_CALL goes. */
export const findFuncs = (insns: Uint8Array): LinkedFunc[] => funcsOf(decodeInsns(insns), 'main');

export interface BareProg {
  readonly name: string;
  readonly insns: Uint8Array;
  readonly type?: ProgType;
  readonly gpl?: boolean;
  readonly funcs?: readonly LinkedFunc[];
}

/** A linked program of insns that come from no object file. */
export function linkedProg(prog: BareProg, maps: readonly MapSpec[] = []): LinkedProg {
  return {
    name: prog.name,
    section: prog.type ?? 'xdp',
    type: prog.type ?? 'xdp',
    expectedAttachType: -1,
    gplCompatible: prog.gpl ?? true,
    insns: prog.insns,
    funcs: prog.funcs ?? findFuncs(prog.insns),
    maps,
    kfuncs: [],
    lines: [],
  };
}

/** Maps and programs of one table entry in an engine; `close` gives everything back. */
export class Bench {
  readonly engine: Engine;
  readonly maps: readonly BpfMap[];
  readonly specs: readonly MapSpec[];
  private readonly loadedProgs: Loaded[] = [];

  /** `gap`: bytes that stay unused before each map, so that a pointer which runs off one map is in no other. */
  constructor(engine: Engine, shapes: readonly MapShape[], gap = 0) {
    this.engine = engine;
    this.specs = shapes.map((shape, i) => mapSpec(`map${i}`, shape));
    const maps: BpfMap[] = [];
    this.maps = maps;
    try {
      for (const spec of this.specs) {
        if (gap > 0) engine.alloc(gap, 'a gap');
        maps.push(engine.createMap(spec));
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Compiles programs into one module. */
  async load(progs: readonly BareProg[], options: InternalLoadOptions): Promise<Loaded> {
    const live = new Map(this.specs.map((spec, i) => [spec, this.maps[i] as BpfMap]));
    const linked = progs.map((prog) => linkedProg(prog, this.specs));
    const loaded = await this.engine.loadLinked(linked, live, options);
    this.loadedProgs.push(loaded);
    return loaded;
  }

  close(): void {
    for (const loaded of this.loadedProgs) loaded.close();
    for (const map of this.maps) map.close();
  }
}

export const newEngine = (): Promise<Engine> => Engine.create({ seed: 1, clock: () => 1_000n, insnBudget: 1 << 26 });
