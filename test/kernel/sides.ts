/**
 * An object in our engine and in the running kernel, side by side: the same packets through both, and what they leave must be the same. Several
 * objects may be loaded; maps of one name are then shared, as pinned maps are.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Engine, LoadOptions } from '../../src/engine.ts';
import { type LinkOptions, link } from '../../src/link/link.ts';
import type { Loaded } from '../../src/loader.ts';
import { loadObject } from '../../src/object/load.ts';
import { sized } from '../../src/object/map-size.ts';
import type { BpfObject, MapSpec } from '../../src/object/types.ts';
import type { RunOptions, RunResult } from '../../src/runtime/prog.ts';
import { valueFields } from '../../src/verifier/value-fields.ts';
import { Random } from '../fuzz/verifier-item.ts';
import { closeFd, createMap, freezeMap, loadBtf, loadProg, lookupElem, pinned, testRun, updateElem } from './bpf.ts';
import { KernelError } from './errno.ts';
import { kfuncIds } from './kfunc-ids.ts';
import { kernelBtf } from './object-btf.ts';

const PROG_ARRAY = 3;
/** Types whose BTF libbpf keeps to itself. */
const UNTYPED = new Set([4, 14, 16, 17, 22, 23, 25, 27, 31]);
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Packets of random bytes and the sizes at which programs differ. */
export const PACKETS: readonly Uint8Array[] = Array.from({ length: 40 }, (_, i) => {
  const random = new Random(i + 1);
  return Uint8Array.from({ length: [14, 15, 60, 61, 200][i % 5] }, () => random.below(256));
});

export interface Opened {
  readonly bytes: Uint8Array;
  readonly object: BpfObject;
}

/** @param path from the project's root, without `.o` */
export function openObject(path: string, edit: (object: BpfObject) => void = () => {}): Opened {
  const bytes = new Uint8Array(readFileSync(`${path}.o`));
  const object = loadObject(bytes, { name: path.slice(path.lastIndexOf('/') + 1) });
  edit(object);
  return { bytes, object };
}

/** The kernel's side: maps by name, so that objects share what they both declare. */
export class KernelSide {
  readonly maps = new Map<string, number>();
  readonly progs = new Map<string, number>();
  private readonly btfs: number[] = [];

  private map(spec: MapSpec, btf: number, object: BpfObject): number {
    const known = this.maps.get(spec.name);
    if (known !== undefined) return known;
    const { type, keySize, valueSize, flags, mapExtra, btfKeyTypeId, btfValueTypeId } = spec;
    const { maxEntries } = sized(spec, possibleCpus());
    const template = spec.innerMap === undefined ? undefined : createMap({ ...spec.innerMap, name: '' });
    // Of global data the kernel needs types only where a lock or the like is in it.
    const special = spec.dataKind !== '' && valueFields(object.btf, spec).length > 0;
    const typed = btfValueTypeId !== 0 && (spec.dataKind === '' || special) && !UNTYPED.has(type);
    const fd = createMap({
      type,
      keySize,
      valueSize,
      maxEntries,
      flags,
      mapExtra,
      ...(template !== undefined && { innerFd: template }),
      ...(typed && { btf: { fd: btf, keyTypeId: btfKeyTypeId, valueTypeId: btfValueTypeId } }),
    });
    if (template !== undefined) closeFd(template);
    if (spec.initialValue !== undefined) updateElem(fd, u32(0), spec.initialValue);
    if (spec.dataKind === 'rodata' || spec.dataKind === 'kconfig') freezeMap(fd);
    this.maps.set(spec.name, fd);
    return fd;
  }

  load({ bytes, object }: Opened, options: LinkOptions = {}): void {
    const btf = loadBtf(kernelBtf(bytes, object));
    this.btfs.push(btf);
    for (const spec of object.maps) this.map(spec, btf, object);
    for (const spec of object.progs.filter((one) => one.autoload)) {
      const prog = link(object, spec, options);
      const records = prog.funcs.flatMap((func) => [func.start, func.btfId ?? 0]);
      const { fd } = loadProg({
        type: prog.type === 'socket_filter' ? 'socket_filter' : 'xdp',
        insns: kfuncIds(prog),
        license: object.license,
        flags: prog.frags === true ? BPF_F_XDP_HAS_FRAGS : 0,
        expectedAttachType: Math.max(0, prog.expectedAttachType),
        fdArray: prog.maps.map((map) => this.map(map, btf, object)),
        btf: { fd: btf, funcInfo: new Uint8Array(Uint32Array.from(records).buffer) },
      });
      this.progs.set(spec.name, fd);
    }
    for (const spec of object.maps) {
      spec.initialSlots.forEach((name, slot) => {
        if (name === undefined) return;
        if (spec.type === PROG_ARRAY) this.set(spec.name, slot, name);
        else updateElem(this.maps.get(spec.name) as number, u32(slot), u32(this.maps.get(name) as number));
      });
    }
  }

  set(map: string, slot: number, prog: string): void {
    updateElem(this.maps.get(map) as number, u32(slot), u32(this.progs.get(prog) as number));
  }

  close(): void {
    for (const fd of [...this.progs.values(), ...this.maps.values(), ...this.btfs]) closeFd(fd);
  }
}

function elemOf(fd: number, key: Uint8Array, size: number): string {
  try {
    return hex(lookupElem(fd, key, size));
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
}

export interface CompareOptions {
  readonly packets?: readonly Uint8Array[];
  /** `struct xdp_md` for both: the first `metadata` bytes of each packet are its metadata. */
  readonly metadata?: number;
  readonly rxQueueIndex?: number;
  /** Bytes of the packet in front of its fragments, for both. */
  readonly linear?: number;
  /** Maps that are not compared, such as those that hold times. */
  readonly without?: readonly string[];
  /** Further options of our side. */
  readonly run?: RunOptions;
  /** Called with both results, for what a test compares besides. */
  readonly each?: (
    ours: RunResult,
    theirs: { readonly retval: number; readonly data: Uint8Array },
    packet: number,
  ) => void;
}

/** Map types that have no elements to look up, or whose elements are the engine's own. */
const NOT_COMPARED = new Set([PROG_ARRAY, 4, 14, 15, 16, 17, 18, 22, 23, 25, 27, 30, 31, 33]);
/** Elements that are worth a look after every packet. */
const SMALL = 256;
const PER_CPU = new Set([5, 6, 10]);

/** Possible CPUs of the machine: a per-CPU value has a copy for each. */
function possibleCpus(): number {
  const last = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim().split(/[-,]/).at(-1);
  return Number(last) + 1;
}

/** Both sides, as one. */
export class Both {
  readonly kernel = new KernelSide();
  readonly loaded: Loaded[] = [];
  readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  async load(opened: Opened, options: LoadOptions = {}): Promise<void> {
    this.kernel.load(opened, options.core === undefined ? {} : { core: options.core });
    this.loaded.push(await this.engine.load(opened.object, options));
  }

  private find<T>(of: (loaded: Loaded) => T | undefined): T {
    const found = this.loaded.map(of).find((one) => one !== undefined);
    if (found === undefined) throw new Error('not loaded');
    return found;
  }

  /** Puts a program into a slot of a prog array, on both sides. */
  set(map: string, slot: number, prog: string): void {
    this.kernel.set(map, slot, prog);
    this.find((one) => one.maps.get(map)).set(
      slot,
      this.find((one) => one.progs.get(prog)),
    );
  }

  /** Sets element `key`, of four bytes, of a map on both sides. */
  setElem(map: string, key: number, value: Uint8Array): void {
    updateElem(this.kernel.maps.get(map) as number, u32(key), value);
    this.find((one) => one.maps.get(map)).set(u32(key), value);
  }

  /** Runs every packet on both sides; R0, packet, metadata and then all maps must be equal. */
  compare(entry: string, options: CompareOptions = {}): void {
    const { packets = PACKETS, metadata = 0, rxQueueIndex = 0, linear } = options;
    const prog = this.find((one) => one.progs.get(entry));
    const fd = this.kernel.progs.get(entry) as number;
    const small = this.elements <= SMALL;
    pinned(() => {
      packets.forEach((data, i) => {
        const end = linear === undefined ? data.length : Math.min(data.length, metadata + linear);
        const ctx = new Uint8Array(Uint32Array.of(metadata, end, 0, 1, rxQueueIndex, 0).buffer);
        const dataOutSize = data.length + 8192;
        const theirs = testRun(fd, prog.type === 'xdp' ? { data, ctx, dataOutSize } : { data, dataOutSize });
        const ours = prog.run(data.subarray(metadata), {
          metadata: data.subarray(0, metadata),
          ...(linear !== undefined && { linear }),
          ...options.run,
          ctx: { ingressIfindex: 1, rxQueueIndex, ...options.run?.ctx },
        });
        expect([ours.returnValue, ours.violation], `${entry}, packet ${i}`).toEqual([theirs.retval, undefined]);
        expect(hex(ours.metadata) + hex(ours.packet), `${entry}, packet ${i}`).toBe(hex(theirs.data));
        options.each?.(ours, theirs, i);
        // What one packet leaves the next one may overwrite.
        if (small) this.compareMaps(options.without);
      });
    });
    this.compareMaps(options.without);
  }

  /** Elements of all maps: where they are few they are compared after every packet. */
  private get elements(): number {
    const maps = this.loaded.flatMap((loaded) => [...loaded.maps.values()]);
    return maps.reduce((sum, map) => sum + (NOT_COMPARED.has(map.spec.type) ? 0 : map.spec.maxEntries), 0);
  }

  /** Every element of every map that both sides have; of per-CPU values the copy of CPU 0, on which both ran. */
  compareMaps(without: readonly string[] = []): void {
    const cpus = possibleCpus();
    for (const loaded of this.loaded) {
      for (const [name, map] of loaded.maps) {
        const { type, valueSize, innerMap } = map.spec;
        if (NOT_COMPARED.has(type) || innerMap !== undefined || without.includes(name)) continue;
        const other = this.kernel.maps.get(name) as number;
        const size = PER_CPU.has(type) ? ((valueSize + 7) & ~7) * cpus : valueSize;
        for (const [key, value] of map.entries({ raw: true }))
          expect(elemOf(other, key, size).slice(0, 2 * valueSize), `${name}[${hex(key)}]`).toBe(
            hex(value).slice(0, 2 * valueSize),
          );
      }
    }
  }

  close(): void {
    this.kernel.close();
    for (const loaded of this.loaded) loaded.close();
  }
}

const BPF_F_XDP_HAS_FRAGS = 32;
