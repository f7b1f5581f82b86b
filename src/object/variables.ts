/** Global variables of an object by name, as BTF lists them: what a libbpf skeleton gives as `skel->rodata->name`. */
import { decodeValue } from '../btf/decode.ts';
import { encodeInto } from '../btf/encode.ts';
import { sizeOf } from '../btf/resolve.ts';
import type { BtfInput, BtfValue } from '../btf/value.ts';
import { BtfError, ObjectError } from '../errors/index.ts';
import { inRange } from '../util/bytes.ts';
import { datasecIds, datasecVars } from './datasec.ts';
import type { BpfObject, MapSpec } from './types.ts';

export interface Variable {
  readonly name: string;
  readonly map: MapSpec;
  /** Bytes from the start of the map's value. */
  readonly offset: number;
  readonly size: number;
  /** BTF id of its type. */
  readonly type: number;
}

/** All variables of the data sections, in the order of maps and offsets. Without BTF there are none. */
export function variables(object: BpfObject): Variable[] {
  const { btf, elf, maps } = object;
  if (btf === undefined) return [];
  const ids = datasecIds(btf);
  return maps.flatMap((map) => {
    if (map.dataKind === 'kconfig')
      return object.externs.flatMap(({ name, kind, offset, size, btfTypeId: type }) =>
        kind === 'kconfig' ? [{ name, map, offset, size, type }] : [],
      );
    if (map.dataKind === '') return [];
    const vars = datasecVars(btf, ids.get(elf.sections[map.sectionIndex].name)) ?? [];
    return vars.map(({ name, offset, size, type }) => ({ name, map, offset, size, type }));
  });
}

export function getVariable(object: BpfObject, name: string): BtfValue {
  const { btf, variable, bytes } = find(object, name);
  return decodeValue(btf, variable.type, bytes);
}

/** Writes the initial value: `setVariable(object, 'target_port', 8080)`. */
export function setVariable(object: BpfObject, name: string, value: BtfInput): void {
  const { btf, variable, bytes } = find(object, name);
  encodeInto(btf, variable.type, value, bytes);
}

function find(object: BpfObject, name: string) {
  const all = variables(object);
  const variable = all.find((v) => v.name === name);
  const { btf } = object;
  if (variable === undefined || btf === undefined) {
    const known = all.slice(0, 20).map((v) => v.name);
    throw new ObjectError('OBJECT_UNKNOWN', { what: 'variable', name, known: known.join(', ') || 'none' });
  }
  const value = variable.map.initialValue ?? new Uint8Array(0);
  const size = sizeOf(btf, variable.type);
  if (!inRange(variable.offset, size, value.length))
    throw new BtfError('BTF_VALUE_SIZE', { type: name, needed: variable.offset + size, found: value.length });
  return { btf, variable, bytes: value.subarray(variable.offset, variable.offset + size) };
}
