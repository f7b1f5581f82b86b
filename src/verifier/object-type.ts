/** What a live object has to know of its type: special fields and their places, from BTF. */
import { sizeOf } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';
import * as abi from './abi.ts';
import { type SpecialField, specialFields } from './special-fields.ts';

export interface ObjectLayout {
  readonly bytes: number;
  readonly fields: readonly SpecialField[];
  /** Where its reference count is; -1 for none. */
  readonly refcount: number;
}

export function objectLayout(btf: Btf, id: number): ObjectLayout {
  const fields = specialFields(btf, id);
  return {
    bytes: sizeOf(btf, id),
    fields,
    refcount: fields.find((field) => field.kind === abi.FIELD_REFCOUNT)?.offset ?? -1,
  };
}
