/**
 * The load step: brings the programs of one object into an engine. Everything it makes is given back when a later step fails.
 */
import { STATS_SITE_SIZE, STATS_SITES } from '../assembly/abi.ts';
import type { Engine, InternalLoadOptions, LoadInsnsOptions } from './engine.ts';
import { CompileError, RunError } from './errors/index.ts';
import { BPF_FUNC_tail_call, HELPER_BY_ID } from './isa/helpers.ts';
import { kfuncMovesPacket } from './isa/kfuncs.ts';
import { stopsEarly } from './jit/batch.ts';
import { type Binding, callbackTargets, compile, tailCallSites } from './jit/compile.ts';
import { seesSkb } from './jit/env.ts';
import { isInlined } from './jit/family.ts';
import { objectSites, siteKey } from './jit/object-site.ts';
import { proofOf } from './jit/proved.ts';
import { tailCallMap } from './jit/tail-site.ts';
import { link } from './link/link.ts';
import { ARENA_SECTION } from './link/lookup.ts';
import type { LinkedProg } from './link/types.ts';
import { sized } from './object/map-size.ts';
import type { BpfObject, MapSpec } from './object/types.ts';
import { Arena } from './runtime/arena.ts';
import type { CodeUnit } from './runtime/code-unit.ts';
import { EventMap } from './runtime/event-map.ts';
import { BpfMap } from './runtime/map.ts';
import { isImplemented } from './runtime/map-create.ts';
import { makeObjectType } from './runtime/object-types.ts';
import { checkOption } from './runtime/option.ts';
import { Prog, type ProgParts } from './runtime/prog.ts';
import { ProgArray } from './runtime/prog-array.ts';
import { progImports } from './runtime/prog-imports.ts';
import { progModule } from './runtime/prog-module.ts';
import { RedirectMap } from './runtime/redirect-map.ts';
import { instantiateModule } from './util/wasm-module.ts';
import { checkBindable, checkImplemented, checkRunnable, withoutDead } from './verifier/implemented.ts';
import { compileVerifier } from './verifier/instance.ts';
import { objectLayout } from './verifier/object-type.ts';
import { whyAlone } from './verifier/shareable.ts';
import { isStateless } from './verifier/stateless.ts';
import { type CheckedProg, checkStructure } from './verifier/structural.ts';

const LIBBPF_PIN_BY_NAME = 1;
const PIN_GLOBAL_NS = 2;

/** The live programs and maps of one object. */
export interface LoadParts {
  readonly progs: ReadonlyMap<string, Prog>;
  readonly maps: ReadonlyMap<string, BpfMap>;
  /** The Wasm module the programs became. */
  readonly wasm: Uint8Array;
}

export class Loaded implements LoadParts {
  readonly progs: ReadonlyMap<string, Prog>;
  readonly maps: ReadonlyMap<string, BpfMap>;
  readonly wasm: Uint8Array;
  private readonly engine: Engine;
  private closed = false;

  constructor(engine: Engine, parts: LoadParts) {
    this.engine = engine;
    this.progs = parts.progs;
    this.maps = parts.maps;
    this.wasm = parts.wasm;
  }

  /** @throws RunError RUN_NO_PROG that lists what there is */
  prog(name: string): Prog {
    const prog = this.progs.get(name);
    if (prog === undefined) throw new RunError('RUN_NO_PROG', { name, have: [...this.progs.keys()] });
    return prog;
  }

  /**
   * A map by name; data sections also by their section's name (`.rodata`).
   * @throws RunError RUN_NO_MAP that lists what there is
   */
  map(name: string): BpfMap {
    const map = this.maps.get(name) ?? this.dataMap(name);
    if (map === undefined) throw new RunError('RUN_NO_MAP', { name, have: [...this.maps.keys()] });
    return map;
  }

  private dataMap(name: string): BpfMap | undefined {
    if (!name.startsWith('.')) return undefined;
    return [...this.maps.values()].find((m) => m.spec.dataKind !== '' && m.name.endsWith(name));
  }

  /** Lets go of every program and map. What a slot, a link or another object still holds stays alive. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const prog of this.progs.values()) prog.close();
    for (const map of this.maps.values()) map.close();
    this.engine.forget(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A program's place in the engine before its code exists. */
interface Seat {
  readonly id: number;
  readonly stats: number;
  /** Bytes of the statistics, of which each thread has its own. */
  readonly statsSize: number;
  /** Table slots of its callbacks, by pc. */
  readonly callbacks: ReadonlyMap<number, number>;
  /** Types of the objects it makes. */
  readonly types: ReadonlyMap<string, number>;
}

export class Loader {
  private readonly engine: Engine;
  private readonly options: InternalLoadOptions;
  /** What to give back when a later step fails, last first. */
  private readonly undoing: (() => void)[] = [];

  constructor(engine: Engine, options: InternalLoadOptions) {
    this.engine = engine;
    this.options = options;
  }

  undo(): void {
    for (const step of this.undoing.reverse()) step();
  }

  async loadObject(object: BpfObject): Promise<Loaded> {
    const progNames = this.options.progs;
    for (const name of progNames ?? []) {
      if (!object.progs.some((p) => p.name === name)) {
        throw new RunError('RUN_NO_PROG', { name, have: object.progs.map((p) => p.name) });
      }
    }
    for (const name of Object.keys(this.options.reuse ?? {})) {
      if (!object.maps.some((map) => map.name === name))
        throw new RunError('RUN_NO_MAP', { name, have: object.maps.map((map) => map.name) });
    }
    const specs = object.progs.filter((p) => (progNames === undefined ? p.autoload : progNames.includes(p.name)));
    const linked = specs.map((spec) => link(object, spec, this.options));
    // As libbpf does it: maps first, so that one that cannot be made is what is reported.
    // A map of a kind that is not there yet is in nobody's way unless a program refers to it.
    const used = new Set(linked.flatMap((prog) => prog.maps));
    const wanted = object.maps.filter((spec) => used.has(spec) || isImplemented(spec.type));
    const made = wanted.map((spec) => {
      const asked = sized(spec, this.engine.cpus);
      const given = this.given(asked);
      if (given !== undefined) return { spec, map: this.use(given), judged: asGiven(asked, given) };
      return { spec, ...this.makeMap(object, asked) };
    });
    const judged = new Map(made.map((one) => [one.spec, one.judged]));
    await compileVerifier();
    const checked = linked.map((prog) => this.check(withMaps(prog, judged)));
    const maps = new Map(made.map((one) => [one.judged, one.map]));
    const { progs, wasm } = await this.instantiate(checked, maps, object.name);
    const known = new Set(object.progs.map((prog) => prog.name));
    const byName = new Map(made.map(({ spec, map }) => [spec.name, map]));
    for (const { spec, map } of made) fillSlots(spec, map, { progs, maps: byName, known });
    return new Loaded(this.engine, { progs, maps: byName, wasm });
  }

  async loadLinked(linked: readonly LinkedProg[], maps: ReadonlyMap<MapSpec, BpfMap>): Promise<Loaded> {
    const judged = new Map([...maps].map(([spec, map]) => [spec, asGiven(spec, map)]));
    const checked = linked.map((prog) => this.check(withMaps(prog, judged)));
    const live = new Map([...maps].map(([spec, map]) => [judged.get(spec) ?? spec, map]));
    const { progs, wasm } = await this.instantiate(checked, live, linked[0]?.name ?? 'empty');
    return new Loaded(this.engine, { progs, maps: new Map(), wasm });
  }

  /** Judges a program, by Linux's rules and then by what this engine has. */
  private check(prog: LinkedProg): CheckedProg {
    checkRunnable(prog);
    const checked =
      this.options.unverified === true
        ? checkStructure(prog)
        : withoutDead(this.engine.verifier.verify(prog, this.options.verify));
    checkImplemented(checked);
    checkBindable(checked);
    return checked;
  }

  /** The map that is there already: given for reuse, or pinned under the name. */
  private given(spec: MapSpec): BpfMap | undefined {
    const { reuse = {} } = this.options;
    if (Object.hasOwn(reuse, spec.name)) return BpfMap.ofHost(this.engine, reuse[spec.name], `reuse.${spec.name}`);
    return isPinned(spec) ? this.engine.pins.get(spec.name) : undefined;
  }

  private use(map: BpfMap): BpfMap {
    map.addUser();
    this.undoing.push(() => map.close());
    return map;
  }

  /** As libbpf does it: a map that is refused is tried again without the types of its keys and values, which what uses it may need. */
  private createMap(object: BpfObject, spec: MapSpec): { readonly map: BpfMap; readonly judged: MapSpec } {
    const plain = { ...spec, btfKeyTypeId: 0, btfValueTypeId: 0 };
    try {
      return { map: this.engine.createMap(spec, object), judged: spec };
    } catch (error) {
      if (!isRefusal(error) || spec.btfValueTypeId === 0) throw error;
      try {
        return { map: this.engine.createMap(plain, object), judged: plain };
      } catch {
        throw error;
      }
    }
  }

  private makeMap(object: BpfObject, spec: MapSpec): { readonly map: BpfMap; readonly judged: MapSpec } {
    const made = this.createMap(object, spec);
    const { map } = made;
    this.undoing.push(() => map.close());
    if (spec.initialValue !== undefined) map.set(0, spec.initialValue);
    if (map instanceof Arena) map.write(0, arenaData(object));
    if (spec.dataKind === 'rodata' || spec.dataKind === 'kconfig') map.freeze();
    if (isPinned(spec)) {
      this.engine.pin(map);
      this.undoing.push(() => this.engine.unpin(map.name));
    }
    return made;
  }

  /** Statistics, an id and the callbacks' slots: what the code needs as constants. */
  private seat(checked: CheckedProg): Seat {
    const { engine } = this;
    const statsSize = STATS_SITES + tailCallSites(checked).length * STATS_SITE_SIZE;
    const stats = engine.alloc(statsStride(statsSize) * (1 + engine.workers), 'statistics');
    const callbacks = new Map(callbackTargets(checked).map((pc) => [pc, engine.table.alloc(1)]));
    return { id: engine.newProgId(), stats, statsSize, callbacks, types: this.objectTypes(checked) };
  }

  private objectTypes(checked: CheckedProg): Map<string, number> {
    const { btf } = checked.prog;
    const types = new Map<string, number>();
    if (btf === undefined) return types;
    for (const [key, { id, perCpu }] of objectSites({ ...checked, proof: proofOf(checked) }))
      types.set(key, makeObjectType(this.engine, objectLayout(btf, id), perCpu));
    return types;
  }

  private freeSeat(seat: Seat): void {
    this.engine.runtime.free(seat.stats);
    for (const slot of seat.callbacks.values()) this.engine.table.release(slot, 1);
    for (const type of seat.types.values()) this.engine.runtime.object_type_release(type);
    this.engine.progNames.delete(seat.id);
  }

  private async instantiate(
    progs: readonly CheckedProg[],
    maps: ReadonlyMap<MapSpec, BpfMap>,
    name: string,
  ): Promise<{ progs: Map<string, Prog>; wasm: Uint8Array }> {
    const seats = new Map(progs.map((p) => [p, this.seat(p)]));
    // A seat whose program exists goes with the program.
    const made = new Map<string, Prog>();
    this.undoing.push(() => {
      for (const [{ prog }, seat] of seats) if (!made.has(prog.name)) this.freeSeat(seat);
    });
    const wasm = await this.compile(progs, seats, maps, name);
    const { module, instance } = await this.instance(wasm, name, seats);
    const unit = this.engine.isShared ? this.unit(module, seats) : undefined;
    this.undoing.push(() => {
      for (const prog of made.values()) prog.close();
    });
    for (const checked of progs) {
      const prog = this.makeProg(checked, { seat: seats.get(checked) as Seat, unit }, instance.exports, maps);
      made.set(prog.name, prog);
    }
    return { progs: made, wasm };
  }

  /** The host may refuse what is within the format: a module too large, no memory for its code, compiling forbidden. */
  private async instance(wasm: Uint8Array, name: string, seats: ReadonlyMap<CheckedProg, Seat>): Promise<Made> {
    try {
      const module = await progModule(wasm as Uint8Array<ArrayBuffer>, this.engine.remembers);
      return { module, instance: await instantiateModule(module, this.imports(seats)) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new CompileError('COMPILE_REFUSED', { name, bytes: wasm.length, reason });
    }
  }

  private async compile(
    progs: readonly CheckedProg[],
    seats: ReadonlyMap<CheckedProg, Seat>,
    maps: ReadonlyMap<MapSpec, BpfMap>,
    name: string,
  ): Promise<Uint8Array> {
    const binding: Binding = {
      vm: this.engine.vm,
      cpus: this.engine.cpus,
      shared: this.engine.isShared,
      map: (spec) => {
        const map = maps.get(spec);
        if (map === undefined)
          throw new RunError('RUN_NO_MAP', { name: spec.name, have: [...maps.keys()].map((m) => m.name) });
        return { address: map.address, tableBase: map instanceof ProgArray ? map.tableBase : 0 };
      },
      word: (address) => this.engine.memory.view.getInt32(address, true),
      prog: (checked) => seats.get(checked) as Seat,
      objectType: (checked, site) => seats.get(checked)?.types.get(siteKey(site)) ?? 0,
      funcSlot: (checked, pc) => seats.get(checked)?.callbacks.get(pc) ?? 0,
    };
    const bytes = compile(progs, { binding, checked: this.options.checked ?? false, name });
    if (this.options.optimize !== true) return bytes;
    const { optimize } = await import('./jit/optimize.ts');
    return optimize(bytes);
  }

  private imports(seats: ReadonlyMap<CheckedProg, Seat>): WebAssembly.Imports {
    const { memory, table, vm, runtime } = this.engine;
    const stats = [...seats].map(([{ prog }, seat]) => [prog.name, seat.stats] as const);
    return progImports({ memory: memory.raw, table: table.table, vm, runtime, stats });
  }

  /** What other threads need to instantiate the module as well. */
  private unit(module: WebAssembly.Module, seats: ReadonlyMap<CheckedProg, Seat>): CodeUnit {
    const progs = [...seats].map(([checked, { id, stats, statsSize, callbacks }]) => ({
      id,
      name: checked.prog.name,
      stats: Array.from({ length: 1 + this.engine.workers }, (_, i) => stats + i * statsStride(statsSize)),
      statsSize,
      callbacks: [...callbacks].map(([pc, slot]) => [slot, callbackName(checked, pc)] as const),
      stopsEarly: stopsEarly(checked),
      inlined: isInlined(checked),
    }));
    return { id: this.engine.newUnitId(), module, progs };
  }

  private makeProg(
    checked: CheckedProg,
    { seat, unit }: { readonly seat: Seat; readonly unit: CodeUnit | undefined },
    exports: WebAssembly.Exports,
    maps: ReadonlyMap<MapSpec, BpfMap>,
  ): Prog {
    const { engine } = this;
    const { prog } = checked;
    const used = prog.maps.map((spec) => maps.get(spec) as BpfMap);
    const tailCalls = checked.ops.some((op) => op?.kind === 'call' && op.helper === BPF_FUNC_tail_call);
    const kind = {
      type: prog.type,
      attachType: Math.max(0, prog.expectedAttachType),
      frags: prog.frags === true,
      deviceBound: prog.deviceBound === true,
    };
    for (const map of used) {
      if (tailCalls && map instanceof ProgArray) map.claim(prog.name, kind);
      if (map instanceof RedirectMap) map.claim(prog.name, kind);
    }
    for (const map of used) map.hold();
    engine.progNames.set(seat.id, prog.name);
    for (const [pc, slot] of seat.callbacks)
      engine.table.table.set(slot, exports[callbackName(checked, pc)] as () => unknown);
    const made: Prog = new Prog(engine, {
      name: prog.name,
      section: prog.section,
      ...kind,
      id: seat.id,
      func: exports[prog.name] as () => unknown,
      loop: exports[`run:${prog.name}`] as (ctx: number, end: number) => void,
      handler: exports[`${prog.name}:handler`] as ProgParts['handler'],
      stats: seat.stats,
      sites: tailCallSites(checked),
      siteMaps: tailCallSites(checked).map((pc) => tailCallMap(checked, pc)?.name),
      stopsEarly: stopsEarly(checked),
      inlined: isInlined(checked),
      movesPacket: movesPacket(checked),
      tailCalls,
      seesSkb: seesSkb(prog),
      unit,
      alone: whyAlone(checked),
      stateless: unit !== undefined && isStateless(checked, proofOf(checked)),
      writesEvents: used.some((map) => map instanceof EventMap),
      // A timer holds the program of its callback.
      dispose: () =>
        engine.whenIdle([...seat.callbacks.values()], () => {
          this.freeSeat(seat);
          for (const map of used) map.release();
          engine.liveProgs.delete(made);
        }),
    });
    engine.liveProgs.add(made);
    return made;
  }
}

interface Made {
  readonly module: WebAssembly.Module;
  readonly instance: WebAssembly.Instance;
}

/** Of each thread's statistics: no two threads write to one cache line. */
function statsStride(size: number): number {
  return (size + 63) & ~63;
}

/** The export that a callback is. */
function callbackName({ prog }: CheckedProg, pc: number): string {
  return `${prog.name}/${prog.funcs.find((f) => f.start === pc)?.name ?? pc}`;
}

/** Whether it calls what may move the packet's ends. */
function movesPacket({ ops, prog }: CheckedProg): boolean {
  return ops.some((op) => {
    if (op?.kind === 'call_kfunc') return kfuncMovesPacket(prog.kfuncs[op.id]);
    return op?.kind === 'call' && HELPER_BY_ID.get(op.helper)?.changesPacket === true;
  });
}

/** Variables of address space 1, which lie at the arena's start as libbpf puts them. */
function arenaData({ elf }: BpfObject): Uint8Array {
  return elf.sections.find((section) => section.name === ARENA_SECTION)?.data ?? new Uint8Array(0);
}

/** What the kernel would answer BPF_MAP_CREATE with. */
function isRefusal(error: unknown): boolean {
  return error instanceof RunError && error.code === 'RUN_MAP_CREATE';
}

/** LIBBPF_PIN_BY_NAME; PIN_GLOBAL_NS of iproute2's struct. Other numbers are a loader's own, and mean nothing here. */
function isPinned({ pinning, legacyId }: MapSpec): boolean {
  return pinning === LIBBPF_PIN_BY_NAME || (legacyId !== undefined && pinning === PIN_GLOBAL_NS);
}

/** What `made` maps of an object may have in their slots. */
interface Fillers {
  readonly progs: ReadonlyMap<string, Prog>;
  readonly maps: ReadonlyMap<string, BpfMap>;
  /** Programs of the object, loaded or not. */
  readonly known: ReadonlySet<string>;
}

/** The slots that the object itself fills. Programs of the object that are not wanted leave theirs empty. */
function fillSlots(spec: MapSpec, map: BpfMap, { progs, maps, known }: Fillers): void {
  spec.initialSlots.forEach((name, slot) => {
    if (name === undefined) return;
    if (!(map instanceof ProgArray)) {
      const inner = maps.get(name);
      if (inner === undefined) throw new RunError('RUN_NO_MAP', { name, have: [...maps.keys()] });
      map.set(slotKey(spec, slot), inner);
      return;
    }
    const prog = progs.get(name);
    if (prog !== undefined) map.set(slot, prog);
    else if (!known.has(name)) throw new RunError('RUN_NO_PROG', { name, have: [...progs.keys()] });
  });
}

/** The number of a slot as a key of any size: what `.values` of a hash of maps means to libbpf. */
function slotKey({ keySize }: MapSpec, slot: number): Uint8Array {
  const key = new Uint8Array(Math.max(keySize, 4));
  new DataView(key.buffer).setUint32(0, slot, true);
  return key.subarray(0, keySize);
}

function withMaps(prog: LinkedProg, judged: ReadonlyMap<MapSpec, MapSpec>): LinkedProg {
  return { ...prog, maps: prog.maps.map((spec) => judged.get(spec) ?? spec) };
}

/** A program is judged by what the object says of its maps: the one it gets must be the same. */
function checkReuse(spec: MapSpec, map: BpfMap): void {
  const refuse = (field: string, have: unknown, want: unknown): never => {
    const detail = `it is to be reused, but its ${field} is ${String(have)}, not ${String(want)}`;
    throw new RunError('RUN_MAP_CREATE', { map: spec.name, errno: 22, detail });
  };
  for (const field of ['type', 'keySize', 'valueSize', 'maxEntries', 'flags', 'mapExtra'] as const)
    if (spec[field] !== map.spec[field]) refuse(field, map.spec[field], spec[field]);
  const [inner, have] = [spec.innerMap, map.spec.innerMap];
  if ((inner === undefined) !== (have === undefined)) refuse('inner map', have?.name, inner?.name);
  for (const field of ['type', 'keySize', 'valueSize', 'maxEntries', 'flags'] as const)
    if (inner?.[field] !== have?.[field]) refuse(`inner map's ${field}`, have?.[field], inner?.[field]);
}

/** The wish as the live map fulfils it: what is known of read-only data is what the map holds, and only once it is frozen. */
function asGiven(spec: MapSpec, map: BpfMap): MapSpec {
  checkReuse(spec, map);
  if (spec.initialValue === undefined) return spec;
  const { initialValue: _, ...rest } = spec;
  const value = map.isFrozen ? map.get(0, { raw: true }) : undefined;
  return value === undefined ? rest : { ...rest, initialValue: value };
}

/** What plain JavaScript may hand over instead. */
export function checkInsns(insns: unknown, options: Partial<LoadInsnsOptions> | undefined): void {
  const refuse = (option: string, found: unknown, expected: string): never => {
    throw new RunError('RUN_OPTION', { option, found: String(found), expected });
  };
  if (typeof insns !== 'string' && !(insns instanceof Uint8Array) && !Array.isArray(insns)) {
    refuse('insns', insns, 'text, a Uint8Array of insns of 8 bytes, or an array of insns');
  }
  if (typeof options?.type !== 'string') refuse('type', options?.type, "a program type, such as 'xdp'");
  const { expectedAttachType = -1 } = options ?? {};
  checkOption('expectedAttachType', expectedAttachType, -1, 0xffff);
}
