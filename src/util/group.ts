/** Grouping lists once, so that nothing searches them again for each item: counts in files are not to be trusted. */

export function groupBy<K, T>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** The first item of each key. */
export function firstBy<K, T>(items: readonly T[], keyOf: (item: T) => K): Map<K, T> {
  const firsts = new Map<K, T>();
  for (const item of items) {
    const key = keyOf(item);
    if (!firsts.has(key)) firsts.set(key, item);
  }
  return firsts;
}

/** How many of the sorted items lie below `value`. */
export function lowerBound<T>(items: readonly T[], numberOf: (item: T) => number, value: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numberOf(items[middle]) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
