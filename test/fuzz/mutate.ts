// Seeded mutation of files: the same seed makes the same bytes.

/** mulberry32: a 32-bit state, good enough to choose bytes. */
export function prng(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Values at which counts, offsets and sizes go wrong. */
const EDGES = [
  0, 1, 2, 3, 4, 7, 8, 9, 16, 24, 64, 0x7f, 0xff, 0x7fff, 0xffff, 0x10000, 0xffffff, 0x7fffffff, 0xffffffff,
];

/** Where structure is dense: ranges that get half of the mutations. */
export type Range = readonly [start: number, end: number];

/** A copy with one to six changes: a bit, a byte, a number at an edge, a number nearby, a piece copied elsewhere. */
export function mutated(bytes: Uint8Array, random: (below: number) => number, dense: readonly Range[]): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const place = (): number => {
    if (dense.length === 0 || random(2) === 0) return random(copy.length);
    const [start, end] = dense[random(dense.length)];
    return Math.min(copy.length - 1, start + random(Math.max(1, end - start)));
  };
  for (let changes = 1 + random(6); changes > 0; changes--) {
    const at = place();
    const word = Math.min(at & ~3, copy.length - 4);
    switch (random(6)) {
      case 0:
        copy[at] ^= 1 << random(8);
        break;
      case 1:
        copy[at] = random(256);
        break;
      case 2:
        view.setUint32(word, EDGES[random(EDGES.length)], true);
        break;
      case 3:
        view.setUint32(word, view.getUint32(word, true) + random(17) - 8, true);
        break;
      case 4:
        view.setUint32(word, view.getUint32(Math.min(place() & ~3, copy.length - 4), true), true);
        break;
      default:
        copy.copyWithin(at, place(), Math.min(copy.length, place() + 1 + random(64)));
    }
  }
  return copy;
}
