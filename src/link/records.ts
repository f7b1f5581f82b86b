/** Finding a function's records in a table that covers its whole section. */

/** The records whose offset lies in the range; `records` are sorted by it. */
export function within<T>(
  records: readonly T[],
  offsetOf: (record: T) => number,
  range: { readonly offset: number; readonly size: number },
): readonly T[] {
  const first = (offset: number): number => {
    let low = 0;
    let high = records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (offsetOf(records[middle]) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return records.slice(first(range.offset), first(range.offset + range.size));
}
