/**
 * An object in our engine and in the running kernel, side by side: the same packets through both, and what they leave must be the same. Several
 * objects may be loaded; maps of one name are then shared, as pinned maps are.
 */
import { expect } from 'vitest';
import type { Engine, LoadOptions } from '../../src/engine.ts';
import type { Loaded } from '../../src/loader.ts';
import type { RunOptions, RunResult } from '../../src/runtime/prog.ts';
import { Random } from '../fuzz/verifier-item.ts';
import { lookupElem, pinned, testRun, updateElem } from './bpf.ts';
import { KernelError } from './errno.ts';
import { KernelSide, type Opened, possibleCpus } from './kernel-side.ts';

export { KernelSide, type Opened, openObject } from './kernel-side.ts';

const PROG_ARRAY = 3;
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Packets of random bytes and the sizes at which programs differ. */
export const PACKETS: readonly Uint8Array[] = Array.from({ length: 40 }, (_, i) => {
  const random = new Random(i + 1);
  return Uint8Array.from({ length: [14, 15, 60, 61, 200][i % 5] }, () => random.below(256));
});

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
