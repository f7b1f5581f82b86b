/** Finding a function's records in a table that covers its whole section. */
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
