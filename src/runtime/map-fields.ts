/** The special fields of a map's values: what updates leave alone, what reads show as zero, what goes with its element. */
import {
  MAP_FIELD_ELEMENT_SIZE,
  MAP_FIELD_KIND,
  MAP_FIELD_NODE_OFFSET,
  MAP_FIELD_OFFSET,
  MAP_FIELD_SIZE,
  MAP_FIELDS_HEADER,
  MAP_FIELDS_STRIDE,
} from '../../assembly/abi.ts';
import { FIELD_REFCOUNT } from '../../assembly/verifier/abi/input.ts';
import { RunError } from '../errors/index.ts';
import type { RuntimeExports } from './exports.ts';
import type { Memory } from './memory.ts';

export interface MapField {
  /** FIELD_* */
  readonly kind: number;
  readonly offset: number;
  readonly bytes: number;
  /** List head, tree root: where in an element its node is, and the element's size. */
  readonly nodeOffset?: number;
  readonly elementBytes?: number;
}

interface Host {
  readonly memory: Memory;
  readonly runtime: RuntimeExports;
}

/** All kinds of the fields, as one word. */
export function kindsOf(fields: readonly MapField[]): number {
  return fields.reduce((all, field) => all | field.kind, 0);
}

/** Writes them to the room at `base` that the runtime gave. @throws RunError RUN_MEMORY when it gave none */
export function writeFields(memory: Memory, base: number, fields: readonly MapField[]): void {
  const bytes = MAP_FIELDS_HEADER + fields.length * MAP_FIELDS_STRIDE;
  if (base === 0) throw new RunError('RUN_MEMORY', { what: 'special fields', bytes });
  fields.forEach((field, i) => {
    const at = base + MAP_FIELDS_HEADER + i * MAP_FIELDS_STRIDE;
    memory.setU32(at + MAP_FIELD_OFFSET, field.offset);
    memory.setU32(at + MAP_FIELD_SIZE, field.bytes);
    memory.setU32(at + MAP_FIELD_KIND, field.kind);
    memory.setU32(at + MAP_FIELD_NODE_OFFSET, field.nodeOffset ?? 0);
    memory.setU32(at + MAP_FIELD_ELEMENT_SIZE, field.elementBytes ?? 0);
  });
}

/** Tells the runtime about the fields of a new map. */
export function setMapFields({ memory, runtime }: Host, map: number, fields: readonly MapField[]): void {
  if (fields.length === 0) return;
  writeFields(memory, runtime.map_set_fields(map, fields.length, kindsOf(fields)) >>> 0, fields);
}

/** What user space sees of them: how they begin, zeros and a count of 1. */
export function hideFields(value: Uint8Array, fields: readonly MapField[]): Uint8Array {
  for (const { kind, offset, bytes } of fields) {
    value.fill(0, offset, offset + bytes);
    if (kind === FIELD_REFCOUNT) value[offset] = 1;
  }
  return value;
}
