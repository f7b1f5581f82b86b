/** The kernel's side of an object: its maps and programs loaded through bpf(2), with the types that locks, timers and callbacks need. */
import { readFileSync } from 'node:fs';
import { type LinkOptions, link } from '../../src/link/link.ts';
import { loadObject } from '../../src/object/load.ts';
import { sized } from '../../src/object/map-size.ts';
import type { BpfObject, MapSpec } from '../../src/object/types.ts';
import { valueFields } from '../../src/verifier/value-fields.ts';
import { closeFd, createMap, freezeMap, loadBtf, loadProg, updateElem } from './bpf.ts';
import { kfuncIds } from './kfunc-ids.ts';
import { kernelBtf } from './object-btf.ts';

const PROG_ARRAY = 3;
/** Types whose BTF libbpf keeps to itself. */
const UNTYPED = new Set([4, 14, 16, 17, 22, 23, 25, 27, 31]);
const BPF_F_XDP_HAS_FRAGS = 32;
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

export interface Opened {
  readonly bytes: Uint8Array;
  readonly object: BpfObject;
}

export function openBytes(bytes: Uint8Array, name?: string): Opened {
  return { bytes, object: loadObject(bytes, name === undefined ? {} : { name }) };
}

/** @param path from the project's root, without `.o` */
export function openObject(path: string, edit: (object: BpfObject) => void = () => {}): Opened {
  const bytes = new Uint8Array(readFileSync(`${path}.o`));
  const { object } = openBytes(bytes, path.slice(path.lastIndexOf('/') + 1));
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

/** Possible CPUs of the machine: a per-CPU value has a copy for each. */
export function possibleCpus(): number {
  const last = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim().split(/[-,]/).at(-1);
  return Number(last) + 1;
}
