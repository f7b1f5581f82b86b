/**
 * Random programs in the style of clang's packet parsers, and near misses of them: pointers compared with data_end in every form, on the wrong
 * edge, against an old end, wrong by one; pointers in loops, spilled, passed to subprograms; loops that count; rotations; sums as addresses.
 */
import { type Item, prng, type Random } from './generate.ts';

const CTX = 6;
const PKT = 7;
const END = 8;
const CURSOR = 9;

const LOADS = [0x71, 0x69, 0x61, 0x79] as const;
const STORES = [0x73, 0x6b, 0x63, 0x7b] as const;
const JGT = 0x20;
const JGE = 0x30;
const JLT = 0xa0;
const JLE = 0xb0;
const ORDERED = [JGT, JGE, JLT, JLE];
/** All conditions. */
const CONDITIONS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];

class Parser {
  readonly items: Item[] = [];
  private readonly random: Random;
  private readonly subprogs: number;
  private readonly calls: { readonly at: number; readonly subprog: number }[] = [];
  private depth = 0;
  private first = 0;

  constructor(random: Random) {
    this.random = random;
    this.subprogs = this.chance(40) ? 1 + this.below(2) : 0;
  }

  private below(n: number): number {
    return this.random() % n;
  }

  private chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  private emit(op: number, dst = 0, src = 0, off = 0, imm = 0, more: Partial<Item> = {}): number {
    return this.items.push({ op, dst, src, off, imm, ...more }) - 1;
  }

  private movr(dst: number, src: number): void {
    this.emit(0xbf, dst, src);
  }

  private mov(dst: number, imm: number): void {
    this.emit(this.chance(80) ? 0xb7 : 0xb4, dst, 0, 0, imm);
  }

  private addi(dst: number, imm: number): void {
    this.emit(0x07, dst, 0, 0, imm);
  }

  /** Makes the jump at `at` go to what comes next. */
  private land(at: number): void {
    this.items[at] = { ...(this.items[at] as Item), to: this.items.length };
  }

  private skip(): number {
    return this.emit(0x05, 0, 0, 0, 0, { to: 0 });
  }

  private scratch(): number {
    return this.below(6);
  }

  private pointer(): number {
    return this.pick([PKT, PKT, PKT, CURSOR, CURSOR, 2, 3]);
  }

  private access(base: number, off: number): void {
    const kind = this.below(12);
    if (kind < 8) this.emit(this.pick(LOADS), this.pick([0, 1, 4, 5]), base, off);
    else if (kind < 10) this.emit(this.pick(STORES), base, this.scratch(), off);
    else if (kind < 11) this.emit(this.pick([0x72, 0x6a, 0x62, 0x7a]), base, 0, off, this.below(256));
    else this.emit(this.pick([0xc3, 0xdb]), base, this.scratch(), off, this.pick([0, 1, 0x40, 0xa1, 0xe1, 0xf1]));
  }

  /** Reads what the context says of the packet. */
  private bounds(): void {
    const order = this.below(10);
    if (order > 0) this.emit(0x61, PKT, CTX, this.chance(85) ? 0 : 8);
    if (order < 8) this.emit(0x61, END, CTX, 4);
    if (this.chance(20)) this.emit(0x61, this.pick([CURSOR, 2, 3]), CTX, this.pick([0, 8]));
  }

  /** A number: small, bounded, large, or negative. */
  private scalar(reg: number): void {
    switch (this.below(9)) {
      case 0:
        this.mov(reg, this.below(70) - 4);
        return;
      case 1:
        this.emit(0x57, reg, 0, 0, this.pick([3, 15, 63, 255, 0xfffc]));
        return;
      case 2:
        this.emit(0x71, reg, PKT, this.below(14));
        return;
      case 3:
        this.emit(0x71, reg, PKT, this.below(14));
        this.emit(0x57, reg, 0, 0, 15);
        this.emit(0x67, reg, 0, 0, this.pick([1, 2, 29, 31, 40]));
        return;
      case 4:
        this.emit(0x77, reg, 0, 0, this.pick([8, 31, 32, 58]));
        return;
      case 5:
        this.emit(this.pick([0x87, 0x84]), reg);
        return;
      case 6:
        this.emit(this.pick([0xbf, 0xbc]), reg, this.scratch(), this.pick([8, 16]));
        return;
      case 7:
        this.emit(0x18, reg, 0, 0, this.pick([0, -8, 1, 1 << 30]), { high: this.pick([0, 1, -1, 1 << 30, 1 << 31]) });
        return;
      default:
        this.emit(0xbc, reg, this.scratch());
    }
  }

  private move(): void {
    const ptr = this.pointer();
    if (this.chance(30)) this.movr(this.pick([CURSOR, 2, 3]), this.pick([PKT, CURSOR, 2, 3]));
    if (this.chance(55)) {
      this.emit(
        this.chance(85) ? 0x07 : 0x17,
        ptr,
        0,
        0,
        this.chance(85)
          ? this.below(this.chance(75) ? 20 : 62)
          : this.pick([-1, -8, 100, 1 << 29, -(1 << 29), 0x7fffffff]),
      );
      return;
    }
    this.scalar(4);
    this.emit(this.chance(90) ? 0x0f : this.pick([0x1f, 0x5f, 0x0c]), ptr, 4);
  }

  /** `pointer + n REL end`, the accesses it allows on the edge it allows them on; or nearly so. */
  private compare(inside?: () => void): void {
    const ptr = this.pointer();
    const n = this.chance(65) ? this.below(24) : 40 + this.below(26);
    const [test, add] = this.chance(70) ? [this.pick([1, 5]), n] : [ptr, 0];
    if (test !== ptr) {
      this.movr(test, ptr);
      if (this.chance(95)) this.addi(test, n);
    }
    const ordered = this.chance(92);
    const code = this.pick(ordered ? ORDERED : CONDITIONS);
    const swapped = this.chance(40);
    const cls = this.chance(95) ? 5 : 6;
    const end = this.chance(96) ? END : this.scratch();
    const jump = this.emit(cls | code | 8, swapped ? end : test, swapped ? test : end, 0, 0, { to: 0 });
    const less = code === JLT || code === JLE;
    // Taken means inside when "pointer less than end" or "end greater than pointer".
    const takenInside = less !== swapped;
    const body = () => {
      const width = this.pick([1, 2, 4, 8]);
      const wrong = this.chance(12) ? this.pick([1, 1, -1, 8]) : 0;
      const at = this.chance(70) ? add - width + wrong : this.below(Math.max(1, add));
      if (this.chance(8)) this.statement();
      const size = Math.log2(width);
      if (this.chance(70)) this.emit(LOADS[size] as number, this.pick([0, 4, 5]), ptr, at);
      else this.emit(STORES[size] as number, ptr, 4, at);
      if (this.chance(30)) this.access(this.chance(80) ? ptr : test, this.below(12));
      if (this.chance(20)) {
        // Something that may end what the comparison said, and the same access again.
        if (this.chance(50)) this.adjust(this.chance(70));
        else this.statement();
        this.access(ptr, at);
      }
      inside?.();
    };
    const right = this.chance(93);
    if (takenInside === right) {
      const over = this.skip();
      this.land(jump);
      body();
      this.land(over);
    } else {
      body();
      this.land(jump);
    }
  }

  private slot(): number {
    return this.chance(90) ? -8 * (1 + this.below(6)) : -12 - 4 * this.below(6);
  }

  private spill(): void {
    const slot = this.slot();
    this.emit(0x7b, 10, this.pick([PKT, CURSOR, END, CTX, 2, 3, 10]), slot);
    if (this.chance(35)) this.overwrite(slot);
    else if (this.chance(40)) this.statement();
    this.emit(0x79, this.pick([CURSOR, 2, 3, PKT]), 10, this.chance(90) ? slot : this.slot());
  }

  /** Something that may change what lies at R10 + `slot`. */
  private overwrite(slot: number): void {
    switch (this.below(7)) {
      case 0:
        this.emit(this.pick(STORES), 10, this.scratch(), slot + this.below(10) - 4);
        return;
      case 1:
        this.movr(1, 10);
        this.addi(1, slot);
        this.emit(0x62, 1, 0, 0, this.below(256));
        return;
      case 2:
        this.movr(1, 10);
        this.mov(4, slot);
        this.emit(0x0f, 1, 4);
        this.emit(0x7a, 1, 0, 0, this.below(256));
        return;
      case 3:
        this.mov(1, 262144 + slot);
        this.emit(0x63, 1, 4);
        return;
      case 4:
        this.buffer(slot);
        return;
      case 5:
        this.movr(1, 10);
        this.emit(0xdb, 1, 4, slot, this.pick([0, 1, 0xe1]));
        return;
      default:
        this.movr(1, 10);
        this.addi(1, slot);
        this.callSubprog(1);
    }
  }

  /** xdp_load_bytes to the stack, by a pointer that says so or not. */
  private buffer(slot: number): void {
    if (this.chance(40)) {
      this.movr(3, 10);
      this.addi(3, slot);
    } else if (this.chance(50)) {
      this.mov(3, 262144 + slot);
    } else {
      // A packet pointer that was moved to the stack.
      this.movr(4, PKT);
      this.emit(0xa7, 4);
      this.movr(5, 10);
      this.emit(0xa7, 5);
      this.emit(0x1f, 5, 4);
      this.movr(3, PKT);
      this.emit(0x0f, 3, 5);
      this.addi(3, slot);
    }
    this.movr(1, CTX);
    this.mov(2, this.below(8));
    this.mov(4, this.pick([1, 4, 8, 16]));
    this.emit(0x85, 0, 0, 0, 189);
  }

  /** `stale`: what was read of the packet's ends is not read again. */
  private adjust(stale = false): void {
    this.movr(1, CTX);
    this.mov(2, this.chance(40) ? this.below(33) - 16 : -this.below(60));
    this.emit(0x85, 0, 0, 0, this.pick([44, 54, 65, 65, 65]));
    if (stale) return;
    if (this.chance(50)) this.bounds();
    else if (this.chance(40)) this.emit(0x61, END, CTX, 4);
  }

  private callSubprog(first?: number): void {
    if (this.subprogs === 0) return;
    if (first === undefined) this.movr(1, this.pick([PKT, CURSOR, 2, 10]));
    this.movr(2, this.chance(90) ? END : CURSOR);
    this.movr(3, this.chance(90) ? CTX : PKT);
    this.calls.push({ at: this.items.length, subprog: this.below(this.subprogs) });
    this.emit(0x85, 0, 1);
  }

  /** A cursor that goes through the packet. */
  private walk(): void {
    const step = 1 + this.below(8);
    this.movr(CURSOR, this.pick([PKT, 2]));
    const head = this.items.length;
    this.movr(1, CURSOR);
    this.addi(1, step + (this.chance(10) ? this.pick([1, -1]) : 0));
    const out = this.emit(this.pick([0x2d, 0x2d, 0x3d]), 1, END, 0, 0, { to: 0 });
    this.access(CURSOR, this.below(Math.max(1, step - 3)));
    if (this.chance(20)) this.statement();
    // A pointer of the round before, or one that runs ahead.
    if (this.chance(25)) {
      this.access(3, this.below(step));
      this.movr(3, this.pick([CURSOR, 1]));
    }
    if (this.chance(80)) this.addi(CURSOR, this.chance(90) ? step : step * 4);
    else this.movr(CURSOR, 1);
    if (this.chance(15)) {
      this.movr(this.pick([2, 3]), CURSOR);
      this.access(this.pick([2, 3]), 0);
    }
    this.emit(0x05, 0, 0, 0, 0, { to: head });
    this.land(out);
  }

  /** A loop with a counter, in every form clang may choose; some of them do not count. */
  private counted(): void {
    const reg = this.pick([0, 1, 2, 3, 4, 5, CURSOR]);
    const step = this.pick([1, 1, 1, 2, 3, 7, -1, 0xffff]);
    const start = this.pick([0, 0, 0, 1, 5, 0x7ffffff0, 0x7fffffff, -1]);
    const bound = this.chance(80) ? start + step * this.below(12) + this.below(2) : this.pick([0, 10, 0x7fffffff, -1]);
    if (this.chance(92)) this.mov(reg, start);
    const outer = this.chance(30)
      ? this.emit(this.pick([0x15, 0x55]), this.scratch(), 0, 0, this.below(3), { to: 0 })
      : -1;
    const head = this.items.length;
    const add = () => this.emit(this.chance(80) ? 0x07 : 0x04, reg, 0, 0, step);
    const cls = this.chance(70) ? 5 : 6;
    const code = this.pick(CONDITIONS);
    const imm = bound | 0;
    const before = this.chance(50);
    if (before) add();
    if (this.chance(60)) {
      this.body();
      if (this.chance(60) && !before) add();
      this.emit(cls | code, reg, 0, 0, imm, { to: head });
    } else {
      const out = this.emit(cls | code, reg, 0, 0, imm, { to: 0 });
      this.body();
      if (!before) add();
      if (this.chance(15)) this.emit(0x65, reg, 0, 0, this.below(30), { to: head });
      else this.emit(0x05, 0, 0, 0, 0, { to: head });
      this.land(out);
    }
    if (outer >= 0) this.land(outer);
  }

  private body(): void {
    const count = this.below(3);
    for (let i = 0; i < count; i++) this.statement();
  }

  /** The two shifts and the join of a rotation, in any order, and with something wrong now and then. */
  private rotate(): void {
    const wide = this.chance(60);
    const width = wide ? 64 : 32;
    const k = 1 + this.below(width - 1);
    const [v, a, b] = this.pick([
      [1, 2, 3],
      [4, 5, 4],
      [0, 0, 3],
      [3, 1, 3],
    ]) as [number, number, number];
    const bits = (good: number) =>
      this.chance(88) ? good : this.pick([0, 1, width - good, good === 1 ? 2 : good - 1]);
    const cls = () => ((this.chance(93) ? wide : !wide) ? 7 : 4);
    if (this.chance(50)) this.emit(0x18, v, 0, 0, this.random() | 0, { high: this.random() | 0 });
    const other = a === v ? b : a;
    const last = a === v ? a : b;
    this.emit(cls() | 0xb8, other, v);
    if (last !== v) this.emit(0xbf, last, v);
    const shifts = [
      () => this.emit(cls() | 0x60, other, 0, 0, bits(k)),
      () => this.emit(cls() | 0x70, last, 0, 0, bits(width - k)),
    ];
    if (this.chance(50)) shifts.reverse();
    shifts[0]?.();
    if (this.chance(10)) this.emit(0x07, this.pick([v, a, b]), 0, 0, 1);
    shifts[1]?.();
    if (this.chance(10)) this.movr(this.pick([v, a, b]), this.pick([v, a, b]));
    this.emit(cls() | this.pick([0x48, 0xa8, 0x08, 0x48]), other, last);
  }

  /** A pointer as the sum of two registers, which may change before it is used. */
  private sum(): void {
    this.scalar(4);
    this.emit(0x57, 4, 0, 0, this.pick([7, 15, 31]));
    const base = this.pick([PKT, CURSOR, 10]);
    this.movr(2, base);
    const [x, y] = this.chance(80) ? [2, 4] : [4, 2];
    this.emit(0x0f, x, y);
    if (this.chance(30)) this.emit(this.pick([0x07, 0xb7, 0x04]), this.pick([4, 2, CURSOR]), 0, 0, this.below(4));
    if (this.chance(10)) this.movr(this.pick([4, CURSOR]), 2);
    this.access(x, base === 10 ? -40 : this.below(8));
  }

  /** Two ways to one pointer. */
  private diamond(): void {
    const to = this.pick([2, 3, CURSOR, PKT]);
    const way = () => {
      if (this.chance(80)) this.movr(to, this.pointer());
      if (this.chance(70)) this.addi(to, this.below(16) - (this.chance(10) ? 8 : 0));
      if (this.chance(15)) this.statement();
    };
    const jump = this.emit(this.pick([0x15, 0x25, 0x45]), this.scratch(), 0, 0, this.below(40), { to: 0 });
    way();
    const over = this.skip();
    this.land(jump);
    way();
    this.land(over);
  }

  private tailCall(): void {
    this.movr(1, CTX);
    this.emit(0x18, 2, 5, 0, 2, { high: 0 });
    this.mov(3, this.below(5));
    this.emit(0x85, 0, 0, 0, 12);
  }

  private statement(): void {
    if (this.depth >= 4) return;
    this.depth++;
    const kind = this.below(100);
    if (kind < 30) this.compare();
    else if (kind < 42) this.move();
    else if (kind < 50) this.counted();
    else if (kind < 56) this.walk();
    else if (kind < 66) this.spill();
    else if (kind < 72) this.diamond();
    else if (kind < 77) this.sum();
    else if (kind < 82) this.rotate();
    else if (kind < 86) this.adjust();
    else if (kind < 90) this.bounds();
    else if (kind < 94) this.callSubprog();
    else if (kind < 96) this.access(this.pointer(), this.below(30));
    else if (kind < 97) this.tailCall();
    else if (kind < 98)
      this.emit(0xe5, 0, 0, 0, 0, { to: this.first + this.below(this.items.length - this.first + 1) });
    else this.jumpBack();
    this.depth--;
  }

  /** Into the middle of what was written so far, a few times: loops with several entries. */
  private jumpBack(): void {
    this.emit(0x7b, 10, 0, -64);
    this.emit(0x79, 0, 10, -72);
    this.addi(0, 1);
    this.emit(0x7b, 10, 0, -72);
    this.emit(0xa5, 0, 0, 0, this.below(8), { to: this.first + this.below(this.items.length - this.first) });
    this.emit(0x79, 0, 10, -64);
  }

  private func(level: number): number {
    const start = this.items.length;
    this.first = start;
    if (level > 0) {
      this.movr(PKT, 1);
      this.movr(END, 2);
      this.movr(CTX, 3);
      if (this.chance(40)) this.emit(0x7b, 10, 1, this.slot());
    } else {
      this.movr(CTX, 1);
    }
    if (level === 0 || this.chance(20)) this.bounds();
    if (this.chance(50)) this.movr(CURSOR, PKT);
    this.first = this.items.length;
    if (level > 0) {
      // The deepest functions call none.
      const calls = this.calls.length;
      for (let i = 1 + this.below(3); i > 0; i--) this.statement();
      for (const { at } of this.calls.splice(calls)) this.items[at] = { op: 0xb7, dst: 0, src: 0, off: 0, imm: 1 };
    } else {
      for (let i = 2 + this.below(7); i > 0; i--) this.statement();
    }
    if (this.chance(50)) this.emit(0xaf, 0, this.below(10));
    this.emit(0x95, 0, 0, 0, 0, { fixed: true });
    return start;
  }

  run(): Item[] {
    this.func(0);
    const starts = Array.from({ length: this.subprogs }, (_, i) => this.func(i + 1));
    for (const { at, subprog } of this.calls)
      this.items[at] = { ...(this.items[at] as Item), to: starts[subprog] as number };
    return this.items;
  }
}

export const parsing = (seed: number): Item[] => new Parser(prng(seed)).run();
