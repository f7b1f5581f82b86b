/** Finding and changing what an object declares, between open and load. Fields of progs and maps may also be set directly. */
import { encodeInto } from '../btf/encode.ts';
import type { BtfInput } from '../btf/value.ts';
import { ObjectError } from '../errors/index.ts';
import { kconfigInput } from './kconfig.ts';
import type { BpfObject, MapSpec, ProgSpec } from './types.ts';

/** Names an error lists. */
const NAMES_MAX = 20;

export function findProg(object: BpfObject, name: string): ProgSpec {
  return object.progs.find((p) => p.name === name) ?? unknown('program', name, object.progs);
}

/** By its name, or for data maps by the section's: `tail_cal.rodata` is also `.rodata`. */
export function findMap(object: BpfObject, name: string): MapSpec {
  const map =
    object.maps.find((m) => m.name === name) ??
    object.maps.find((m) => m.dataKind !== '' && object.elf.sections[m.sectionIndex]?.name === name) ??
    object.maps.find((m) => m.dataKind === 'kconfig' && name === '.kconfig');
  return map ?? unknown('map', name, object.maps);
}

export function setMaxEntries(object: BpfObject, name: string, maxEntries: number): void {
  const map = findMap(object, name);
  const refuse = (expected: string): never => {
    throw new ObjectError('OBJECT_EDIT', {
      what: 'map',
      name: map.name,
      field: 'max_entries',
      found: `${maxEntries}`,
      expected,
    });
  };
  if (!Number.isInteger(maxEntries) || maxEntries < 0 || maxEntries > 0xffff_ffff) refuse('it is a u32');
  if (map.dataKind !== '' && maxEntries !== 1) refuse('a data section is one element');
  map.maxEntries = maxEntries;
}

/** Gives a kconfig extern its value: `setKconfig(object, 'LINUX_KERNEL_VERSION', 0x061200)`, `setKconfig(object, 'CONFIG_NET', 'y')`. */
export function setKconfig(object: BpfObject, name: string, value: BtfInput): void {
  const kconfigs = object.externs.filter((e) => e.kind === 'kconfig');
  const extern = kconfigs.find((e) => e.name === name) ?? unknown('kconfig extern', name, kconfigs);
  const bytes = findMap(object, '.kconfig').initialValue;
  if (bytes === undefined || object.btf === undefined) unknown('kconfig map', '.kconfig', object.maps);
  encodeInto(
    object.btf,
    extern.btfTypeId,
    kconfigInput(object.btf, extern.btfTypeId, value),
    bytes.subarray(extern.offset, extern.offset + extern.size),
  );
  extern.resolved = true;
}

function unknown(what: string, name: string, known: readonly { readonly name: string }[]): never {
  const names = known.slice(0, NAMES_MAX).map((k) => k.name);
  if (known.length > NAMES_MAX) names.push('...');
  throw new ObjectError('OBJECT_UNKNOWN', { what, name, known: names.join(', ') || 'none' });
}
