// Where backward walks began on the current path, since its last stored state, and what they wanted there. What a walk wants at a place is
// wanted of all that came before; a later one that comes by and wants no more would only find what is precise already. In a loop each
// comparison of the counter walks back to the comparison of the round before, and not to the loop's start.
import { allocZeroed } from './arena';
import { Backtrack } from './backtrack';
import { Env } from './env';
import { State } from './state';

/** More than one, because several values may matter in turns. */
const SPOTS: u32 = 8;

@unmanaged
class Spot {
  /** In front of the insn at `pc`, behind so many history entries. */
  pc: i32;
  entries: u32;
  frame: u32;
  regs: u32;
  slots: u64;

  @inline is(pc: i32, entries: u32): bool {
    return this.pc == pc && this.entries == entries;
  }
  /** Whether all that is wanted was wanted here before. It is from now on. */
  covers(bt: Backtrack): bool {
    if (bt.frame != this.frame || !onlyInnermost(bt)) return false;
    const regs = bt.regs(bt.frame);
    const slots = bt.slots(bt.frame);
    if ((regs & ~this.regs) == 0 && (slots & ~this.slots) == 0) return true;
    this.regs |= regs;
    this.slots |= slots;
    return false;
  }
}
const SPOT_SIZE: usize = offsetof<Spot>();

@unmanaged
export class Traced {
  /** Spots in use, in the order of the path. */
  count: u32;
  /** Those among them that a walk has in front of it. */
  ahead: u32;

  @inline spot(i: u32): Spot {
    return changetype<Spot>(changetype<usize>(this) + offsetof<Traced>() + <usize>i * SPOT_SIZE);
  }
  @inline reset(): void {
    this.count = 0;
  }
  /** A walk begins at `from`. True when it would find nothing. */
  begin(bt: Backtrack, from: State, entries: u32): bool {
    this.ahead = this.count;
    if (!onlyInnermost(bt)) return false;
    const pc = <i32>from.pc;
    if (this.count != 0 && this.spot(this.count - 1).is(pc, entries)) {
      this.ahead--;
      return this.spot(this.ahead).covers(bt);
    }
    if (this.count == SPOTS) this.dropOldest();
    this.ahead = this.count;
    const spot = this.spot(this.count++);
    spot.pc = pc;
    spot.entries = entries;
    spot.frame = bt.frame;
    spot.regs = bt.regs(bt.frame);
    spot.slots = bt.slots(bt.frame);
    return false;
  }
  /** A walk is in front of the insn at `pc`. True when it would find nothing any more. */
  @inline ends(bt: Backtrack, pc: i32, entries: u32): bool {
    if (this.ahead == 0 || !this.spot(this.ahead - 1).is(pc, entries)) return false;
    return this.spot(--this.ahead).covers(bt);
  }
  private dropOldest(): void {
    this.count--;
    memory.copy(changetype<usize>(this.spot(0)), changetype<usize>(this.spot(1)), <usize>this.count * SPOT_SIZE);
  }
}

function onlyInnermost(bt: Backtrack): bool {
  for (let f: u32 = 0; f < bt.frame; f++) {
    if (bt.regs(f) != 0 || bt.slots(f) != 0) return false;
  }
  return true;
}

/** 0 when memory has run out. */
export function newTraced(): usize {
  return allocZeroed(offsetof<Traced>() + <usize>SPOTS * SPOT_SIZE);
}

/** Another path is walked now, or its insns count from a new stored state on. */
export function forgetTraced(env: Env): void {
  changetype<Traced>(env.traced).reset();
}
