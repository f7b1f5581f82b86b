/** Types of objects that programs make, as the runtime knows them: each lives while a program uses it or an object of it exists. */
import { RunError } from '../errors/index.ts';
import type { RuntimeExports } from './exports.ts';
import { kindsOf, type MapField, writeFields } from './map-fields.ts';
import type { Memory } from './memory.ts';

interface Host {
  readonly memory: Memory;
  readonly runtime: RuntimeExports;
  readonly cpus: number;
}

interface Layout {
  readonly bytes: number;
  readonly fields: readonly MapField[];
  readonly refcount: number;
}

/** The address of a new type, which its user gives back with `object_type_release`. @throws RunError RUN_MEMORY */
export function makeObjectType(host: Host, { bytes, fields, refcount }: Layout, perCpu: boolean): number {
  const type = host.runtime.object_type(bytes, perCpu ? host.cpus : 0) >>> 0;
  if (type === 0) throw new RunError('RUN_MEMORY', { what: 'a type of objects', bytes });
  if (fields.length === 0) return type;
  const base = host.runtime.object_type_fields(type, fields.length, kindsOf(fields), refcount) >>> 0;
  try {
    writeFields(host.memory, base, fields);
  } catch (error) {
    host.runtime.object_type_release(type);
    throw error;
  }
  return type;
}
