/**
 * What was made of byte strings before, those asked for last first. Bytes are compared with bytes: no hash decides that two are the same. A list of some dozens
 * needs no hash to be searched either, as sizes differ, and so do bytes early on.
 */

export interface RecentLimits {
  /** Most that are kept. */
  readonly entries: number;
  /** Most bytes that are kept, of keys and of what they led to together. */
  readonly bytes: number;
}

interface Entry<T> {
  readonly key: Uint8Array;
  readonly value: T;
  readonly bytes: number;
}

const WORD = 4;

/** Whole words, where both begin at one. */
function sameWords(a: Uint8Array, b: Uint8Array): number {
  if ((a.byteOffset | b.byteOffset) % WORD !== 0) return 0;
  const count = Math.floor(a.length / WORD);
  const left = new Uint32Array(a.buffer, a.byteOffset, count);
  const right = new Uint32Array(b.buffer, b.byteOffset, count);
  let i = 0;
  while (i < count && left[i] === right[i]) i++;
  return i * WORD;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  const { length } = a;
  if (length !== b.length) return false;
  let i = sameWords(a, b);
  while (i < length && a[i] === b[i]) i++;
  return i === length;
}

export class Recent<T> {
  private readonly limits: RecentLimits;
  /** Last used first. */
  private entries: Entry<T>[] = [];
  private kept = 0;

  constructor(limits: RecentLimits) {
    this.limits = limits;
  }

  /** How many there are, and their bytes. */
  get size(): RecentLimits {
    return { entries: this.entries.length, bytes: this.kept };
  }

  find(key: Uint8Array): T | undefined {
    const at = this.entries.findIndex((entry) => sameBytes(entry.key, key));
    if (at < 0) return undefined;
    const [found] = this.entries.splice(at, 1);
    this.entries.unshift(found);
    return found.value;
  }

  /** Keeps `value`, which takes `bytes`, with a copy of a key that is not there yet. What was used least recently goes. */
  add(key: Uint8Array, value: T, bytes: number): void {
    const entry = { key: key.slice(), value, bytes: key.length + bytes };
    if (entry.bytes > this.limits.bytes) return;
    this.entries.unshift(entry);
    this.kept += entry.bytes;
    while (this.entries.length > this.limits.entries || this.kept > this.limits.bytes)
      this.kept -= this.entries.pop()?.bytes ?? 0;
  }

  clear(): void {
    this.entries = [];
    this.kept = 0;
  }
}
