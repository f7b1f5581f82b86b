// Which id of an old state stands for which id of the current one: states are equal only when one such map fits everywhere.
import { alloc } from './arena';

/** Registers and slots of all frames: there cannot be more ids. */
const MAX_IDS: u32 = 600;

@unmanaged
class Pair {
  old: u32;
  cur: u32;
}

@unmanaged
export class IdMap {
  count: u32;
  /** Ids given to scalars that have none, so that "no id" matches at most one id of the other side. */
  temporary: u32;

  @inline private pair(i: u32): Pair {
    return changetype<Pair>(changetype<usize>(this) + offsetof<IdMap>() + ((<usize>i) << 3));
  }

  reset(lastId: u32): void {
    this.count = 0;
    this.temporary = lastId;
  }

  /** Ids of pointers, references, locks: none matches none. */
  same(old: u32, cur: u32): bool {
    if ((old == 0) != (cur == 0)) return false;
    if (old == 0) return true;
    for (let i: u32 = 0; i < this.count; i++) {
      const pair = this.pair(i);
      if (pair.old == old) return pair.cur == cur;
      if (pair.cur == cur) return false;
    }
    if (this.count == MAX_IDS) return false;
    const pair = this.pair(this.count++);
    pair.old = old;
    pair.cur = cur;
    return true;
  }

  /** Ids of scalars: one without stands for a new one. */
  sameScalar(old: u32, cur: u32): bool {
    return this.same(old != 0 ? old : ++this.temporary, cur != 0 ? cur : ++this.temporary);
  }
}

/** 0 when memory has run out. */
export function newIdMap(): usize {
  return alloc(offsetof<IdMap>() + <usize>MAX_IDS * offsetof<Pair>());
}
