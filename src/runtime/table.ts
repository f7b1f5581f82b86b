/** The shared function table: hands out ranges of slots (one for each prog, one contiguous range for each prog array). */
import { RunError } from '../errors/index.ts';

interface Range {
  base: number;
  count: number;
}

/** Engines limit tables to ten million entries (JavaScript API, implementation limits). */
const MAX_SLOTS = 10_000_000;

export class SharedTable {
  readonly table: WebAssembly.Table;
  /** Free ranges by base, never adjacent. */
  private readonly free: Range[] = [];

  constructor() {
    // Slot 0 is never handed out, so that 0 can mean "none".
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
  }

  /** First slot of `count` consecutive empty ones. */
  alloc(count: number): number {
    const at = this.free.findIndex((range) => range.count >= count);
    if (at >= 0) {
      const range = this.free[at];
      const { base } = range;
      range.base += count;
      range.count -= count;
      if (range.count === 0) this.free.splice(at, 1);
      return base;
    }
    const base = this.table.length;
    if (base + count > MAX_SLOTS) throw new RunError('RUN_TABLE_FULL', { wanted: count, used: base, limit: MAX_SLOTS });
    this.table.grow(count);
    return base;
  }

  /** Gives a range back; its slots are emptied. */
  release(base: number, count: number): void {
    for (let slot = base; slot < base + count; slot++) this.table.set(slot, null);
    let at = this.free.findIndex((range) => range.base > base);
    if (at < 0) at = this.free.length;
    this.free.splice(at, 0, { base, count });
    this.merge(at);
    if (at > 0) this.merge(at - 1);
  }

  private merge(at: number): void {
    const range = this.free[at];
    const next = this.free[at + 1];
    if (next !== undefined && range.base + range.count === next.base) {
      range.count += next.count;
      this.free.splice(at + 1, 1);
    }
  }

  /** Slots that are handed out now. */
  get used(): number {
    return this.table.length - 1 - this.free.reduce((sum, range) => sum + range.count, 0);
  }
}
