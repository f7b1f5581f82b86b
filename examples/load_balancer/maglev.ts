// The lookup table of Maglev (Eisenbud et al., NSDI 2016, section 3.4): every backend walks the slots in an order of its own and takes, in
// turn, the first that is free. All get the same share, and a backend that leaves changes few slots but its own.

/** FNV-1a of the text, from a basis. */
function hash(text: string, basis: number): number {
  let value = basis;
  for (const char of new TextEncoder().encode(text)) value = Math.imul(value ^ char, 0x01000193) >>> 0;
  return value;
}

/**
 * @param backends their names, on which their orders depend
 * @param size of the table: a prime, some hundred times the number of backends for even shares
 * @returns of each slot, the place of its backend in `backends`
 */
export function maglev(backends: readonly string[], size: number): number[] {
  const orders = backends.map((name) => ({
    next: hash(name, 0x811c9dc5) % size,
    skip: (hash(name, 0x9e3779b9) % (size - 1)) + 1,
  }));
  const slots = new Array<number>(size).fill(-1);
  for (let filled = 0; filled < size && backends.length > 0; filled++) {
    const order = orders[filled % backends.length];
    while (slots[order.next] >= 0) order.next = (order.next + order.skip) % size;
    slots[order.next] = filled % backends.length;
  }
  return slots;
}
