/** Whole objects of clang 14, 16 and 19 in our engine and in the kernel: verdicts, packets and maps over a set of packets must be the same. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import { link } from '../src/link/link.ts';
import type { Loaded } from '../src/loader.ts';
import { findProg } from '../src/object/edit.ts';
import { loadObject } from '../src/object/load.ts';
import type { BpfObject, MapSpec } from '../src/object/types.ts';
import { setVariable } from '../src/object/variables.ts';
import { Random } from './fuzz/verifier-item.ts';
import { describeKernel } from './kernel/available.ts';
import { closeFd, createMap, freezeMap, loadBtf, loadProg, lookupElem, testRun, updateElem } from './kernel/bpf.ts';
import { KernelError } from './kernel/errno.ts';
import { kernelBtf } from './kernel/object-btf.ts';

const PROG_ARRAY = 3;
const CLANGS = [14, 16, 19] as const;
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

const PACKETS: readonly Uint8Array[] = Array.from({ length: 40 }, (_, i) => {
  const random = new Random(i + 1);
  return Uint8Array.from({ length: [14, 15, 60, 61, 200][i % 5] }, () => random.below(256));
});

interface Opened {
  readonly bytes: Uint8Array;
  readonly object: BpfObject;
}

function open(name: string, edit: (object: BpfObject) => void = () => {}): Opened {
  const bytes = new Uint8Array(readFileSync(`test/data/tail/${name}.o`));
  const object = loadObject(bytes, { name });
  edit(object);
  return { bytes, object };
}

/** The kernel's side: maps by name, so that objects share what they both declare. */
class KernelSide {
  readonly maps = new Map<string, number>();
  readonly progs = new Map<string, number>();
  private readonly btfs: number[] = [];

  private map(spec: MapSpec): number {
    const known = this.maps.get(spec.name);
    if (known !== undefined) return known;
    const { type, keySize, valueSize, maxEntries, flags } = spec;
    const inner = spec.innerMap;
    const template =
      inner === undefined
        ? {}
        : {
            innerFd: createMap({
              type: inner.type,
              keySize: inner.keySize,
              valueSize: inner.valueSize,
              maxEntries: inner.maxEntries,
              flags: 0,
            }),
          };
    const fd = createMap({ type, keySize, valueSize, maxEntries, flags, ...template });
    if (spec.initialValue !== undefined) updateElem(fd, u32(0), spec.initialValue);
    if (spec.dataKind === 'rodata' || spec.dataKind === 'kconfig') freezeMap(fd);
    this.maps.set(spec.name, fd);
    return fd;
  }

  load({ bytes, object }: Opened): void {
    const btf = loadBtf(kernelBtf(bytes, object));
    this.btfs.push(btf);
    for (const spec of object.maps) this.map(spec);
    for (const spec of object.progs.filter((one) => one.autoload)) {
      const prog = link(object, spec);
      const records = prog.funcs.flatMap((func) => [func.start, func.btfId ?? 0]);
      const { fd } = loadProg({
        type: 'xdp',
        insns: prog.insns,
        license: object.license,
        expectedAttachType: Math.max(0, prog.expectedAttachType),
        fdArray: prog.maps.map((map) => this.map(map)),
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
    return Buffer.from(lookupElem(fd, key, size)).toString('hex');
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
}

/** Both sides, as one. */
class Both {
  readonly kernel = new KernelSide();
  private readonly loaded: Loaded[] = [];
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  async load(opened: Opened, checked: boolean): Promise<void> {
    this.kernel.load(opened);
    this.loaded.push(await this.engine.load(opened.object, { checked }));
  }

  private find<T>(of: (loaded: Loaded) => T | undefined): T {
    const found = this.loaded.map(of).find((one) => one !== undefined);
    if (found === undefined) throw new Error('not loaded');
    return found;
  }

  set(map: string, slot: number, prog: string): void {
    this.kernel.set(map, slot, prog);
    this.find((one) => one.maps.get(map)).set(
      slot,
      this.find((one) => one.progs.get(prog)),
    );
  }

  compare(entry: string): void {
    const prog = this.find((one) => one.progs.get(entry));
    const fd = this.kernel.progs.get(entry) as number;
    PACKETS.forEach((data, i) => {
      const theirs = testRun(fd, { data });
      const ours = prog.run(data, { ctx: { ingressIfindex: 1 } });
      expect([ours.returnValue, ours.violation], `packet ${i}`).toEqual([theirs.retval, undefined]);
      expect(Buffer.from(ours.packet).toString('hex'), `packet ${i}`).toBe(Buffer.from(theirs.data).toString('hex'));
    });
    for (const loaded of this.loaded) {
      for (const [name, map] of loaded.maps) {
        if (map.spec.type === PROG_ARRAY || map.spec.innerMap !== undefined) continue;
        const other = this.kernel.maps.get(name) as number;
        for (const [key, value] of map.entries({ raw: true }))
          expect(elemOf(other, key, map.spec.valueSize), name).toBe(Buffer.from(value).toString('hex'));
      }
    }
  }

  close(): void {
    this.kernel.close();
    for (const loaded of this.loaded) loaded.close();
  }
}

describeKernel('objects', () => {
  const all: Both[] = [];
  const both = async (): Promise<Both> => {
    const made = new Both(await Engine.create());
    all.push(made);
    return made;
  };
  afterAll(() => {
    for (const one of all) one.close();
  });

  for (const clang of CLANGS) {
    for (const checked of [false, true]) {
      const how = `clang ${clang}, ${checked ? 'checked' : 'unchecked'}`;

      test(`a hook in whose slots another object's programs sit, ${how}`, async () => {
        const sides = await both();
        await sides.load(open(`hook-clang${clang}`), checked);
        await sides.load(open(`capture-clang${clang}`), checked);
        sides.compare('filter');
        sides.set('xdpcap_hook', 1, 'seen_drop');
        sides.set('xdpcap_hook', 2, 'seen_pass');
        sides.compare('filter');
        sides.set('xdpcap_hook', 2, 'seen_drop');
        sides.compare('filter');
      });

      test(`a dispatcher that asks one program after the other, ${how}`, async () => {
        const sides = await both();
        const dispatcher = open(`dispatcher-clang${clang}`, (object) => {
          // Go on after ABORTED, PASS and the verdict of a place without program.
          const goOn = (1 << 0) | (1 << 2) | (1 << 31);
          setVariable(object, 'config', { places: 4, go_on: [goOn >>> 0, goOn >>> 0, goOn >>> 0, 1] });
        });
        await sides.load(dispatcher, checked);
        await sides.load(open(`hook-clang${clang}`), checked);
        sides.compare('dispatch');
        sides.set('places', 1, 'filter');
        sides.compare('dispatch');
        sides.set('places', 3, 'filter');
        sides.set('places', 0, 'filter');
        sides.compare('dispatch');
        // A dispatcher may dispatch to itself: the limit of tail calls is for the whole of it.
        sides.set('places', 2, 'dispatch');
        sides.compare('dispatch');
      });

      test(`maps of maps, sections of their own, configuration, ${how}`, async () => {
        const sides = await both();
        await sides.load(open(`nested-clang${clang}`), checked);
        sides.compare('nested');
        sides.compare('nested');
      });

      test(`a chain through an array that the object fills, ${how}`, async () => {
        const sides = await both();
        await sides.load(open(`chain-clang${clang}`), checked);
        sides.compare('entry');
        await sides.load(open(`hook-clang${clang}`), checked);
        sides.set('next', 3, 'filter');
        sides.compare('entry');
        sides.set('next', 3, 'entry');
        sides.compare('entry');
      });
    }
  }

  test('what is compared is linked as it is loaded', () => {
    const { object } = open('chain-clang19');
    expect(link(object, findProg(object, 'entry')).funcs.map(({ name }) => name)).toEqual(['entry', 'step', 'go_on']);
  });
});
