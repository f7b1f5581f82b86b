/** The special fields that a live map has to know of its values. */
import { sizeOf } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';
import type { MapSpec } from '../object/types.ts';
import * as abi from './abi.ts';
import { type SpecialField, specialFields } from './special-fields.ts';

export interface ValueField extends SpecialField {
  /** List head, tree root: size of an element. */
  readonly elementBytes?: number;
}

/** Nodes mean something in allocated objects only; in a map's value they are bytes like any other. */
const PLAIN = abi.FIELD_LIST_NODE | abi.FIELD_RB_NODE;

/** By offset; none for a map whose values have no type, or are of another size than their type. */
export function valueFields(btf: Btf | undefined, spec: MapSpec): readonly ValueField[] {
  if (btf === undefined || spec.btfValueTypeId === 0 || sizeOf(btf, spec.btfValueTypeId) !== spec.valueSize) return [];
  return specialFields(btf, spec.btfValueTypeId)
    .filter((field) => (field.kind & PLAIN) === 0)
    .map((field) => (field.element === undefined ? field : { ...field, elementBytes: sizeOf(btf, field.element) }));
}
