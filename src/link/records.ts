/** Finding a function's records in a table that covers its whole section. */
import type { BpfObject, SubprogSpec } from '../object/types.ts';
import { lowerBound } from '../util/group.ts';

/** The records whose offset lies in the range; `records` are sorted by it. */
export function within<T>(
  records: readonly T[],
  offsetOf: (record: T) => number,
  range: { readonly offset: number; readonly size: number },
): readonly T[] {
  const first = lowerBound(records, offsetOf, range.offset);
  return records.slice(first, lowerBound(records, offsetOf, range.offset + range.size));
}

/** The records of `.BTF.ext` that lie in a function. */
export function recordsOf<T extends { readonly insnOffset: number }>(
  object: BpfObject,
  spec: SubprogSpec,
  records: ReadonlyMap<string, readonly T[]> | undefined,
): readonly T[] {
  const section = object.elf.sections[spec.sectionIndex].name;
  return within(records?.get(section) ?? [], (record) => record.insnOffset, spec);
}
