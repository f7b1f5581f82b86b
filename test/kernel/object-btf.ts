/** An object's BTF as the kernel takes it: clang leaves sizes and offsets of data sections to whoever loads the object. */
import { parseElf } from '../../src/elf/elf.ts';
import type { BpfObject } from '../../src/object/types.ts';

const HEADER_SIZE = 24;
const VAR = 14;
const DATASEC = 15;
const FUNC = 12;
const FUNC_PROTO = 13;
const ENUM64 = 19;
const EXTERN = 2;
const GLOBAL = 1;

/** Bytes behind the first 12 of a type, by kind (Documentation/bpf/btf.rst). */
function extraBytes(kind: number, vlen: number): number {
  switch (kind) {
    case 1:
    case 14:
    case 17:
      return 4;
    case 3:
      return 12;
    case 4:
    case 5:
    case 15:
    case 19:
      return 12 * vlen;
    case 6:
    case 13:
      return 8 * vlen;
    default:
      return 0;
  }
}

/** A function's parameters must have names: `name` will do for those that have none. */
function nameParams(view: DataView, proto: number, name: number): void {
  const info = view.getUint32(proto + 4, true);
  if (((info >>> 24) & 0x1f) !== FUNC_PROTO) return;
  for (let i = 0; i < (info & 0xffff); i++) {
    const at = proto + 12 + 8 * i;
    // An ellipsis has neither name nor type.
    if (view.getUint32(at, true) === 0 && view.getUint32(at + 4, true) !== 0) view.setUint32(at, name, true);
  }
}

/** The `.BTF` section of the file with the sizes and offsets that `loadObject` found. */
export function kernelBtf(file: Uint8Array, object: BpfObject): Uint8Array {
  const section = parseElf(file).sections.find(({ name }) => name === '.BTF');
  const bytes = Uint8Array.from(section?.data ?? []);
  const view = new DataView(bytes.buffer);
  const start = HEADER_SIZE + view.getUint32(8, true);
  const end = start + view.getUint32(12, true);
  const places = [0];
  for (let at = start; at < end; ) {
    places.push(at);
    const info = view.getUint32(at + 4, true);
    at += 12 + extraBytes((info >>> 24) & 0x1f, info & 0xffff);
  }
  let id = 1;
  for (let at = start; at < end; id++) {
    const info = view.getUint32(at + 4, true);
    const [kind, vlen] = [(info >>> 24) & 0x1f, info & 0xffff];
    const type = object.btf?.types[id];
    // What was to be found elsewhere is there now: libbpf calls it a variable of the object's.
    if (kind === VAR && view.getUint32(at + 12, true) === EXTERN) view.setUint32(at + 12, GLOBAL, true);
    if (kind === FUNC && vlen === EXTERN) {
      view.setUint32(at + 4, (FUNC << 24) | GLOBAL, true);
      nameParams(view, places[view.getUint32(at + 8, true)], view.getUint32(at, true));
    }
    if (kind === DATASEC && type?.kind === 'datasec' && type.name === '.ksyms') {
      // A section of functions is nothing the kernel takes, and nothing it needs: libbpf puts variables there, here it becomes an enum of their names.
      view.setUint32(at, 0, true);
      view.setUint32(at + 4, (ENUM64 << 24) | vlen, true);
      view.setUint32(at + 8, 8, true);
      for (let entry = at + 12; entry < at + 12 + 12 * vlen; entry += 12) {
        view.setUint32(entry, view.getUint32(places[view.getUint32(entry, true)], true), true);
        view.setBigUint64(entry + 4, 0n, true);
      }
    } else if (kind === DATASEC && type?.kind === 'datasec' && type.name === '.kconfig') {
      const own = object.externs.filter((extern) => extern.kind === 'kconfig');
      const last = own.at(-1);
      view.setUint32(at + 8, last === undefined ? 0 : last.offset + last.size, true);
      type.vars.forEach((info, i) => {
        const found = own.find(({ name }) => name === object.btf?.types[info.type].name);
        view.setUint32(at + 16 + 12 * i, found?.offset ?? 0, true);
        view.setUint32(at + 20 + 12 * i, found?.size ?? info.size, true);
      });
    } else if (kind === DATASEC && type?.kind === 'datasec') {
      view.setUint32(at + 8, type.size, true);
      type.vars.forEach((info, i) => {
        view.setUint32(at + 12 + 12 * i, info.type, true);
        view.setUint32(at + 16 + 12 * i, info.offset, true);
        view.setUint32(at + 20 + 12 * i, info.size, true);
      });
    }
    at += 12 + extraBytes(kind, vlen);
  }
  return bytes;
}
