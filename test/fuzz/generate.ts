/**
 * Random programs that pass the structural check: ALU, jumps both ways (backward ones pay from a counter, so that programs end), stack,
 * packet, context and map accesses that are mostly right and sometimes wild, helpers, subprograms and tail calls.
 *
 * A program is a list of items whose jumps name items, so that a shrinker can drop any of them.
 */
import type { MapShape } from '../engines.cases.ts';

export interface Item {
  readonly op: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
  /** Second half of `ld_imm64`. */
  readonly high?: number;
  /** Item that a jump or call goes to. */
  readonly to?: number;
  /** May not be dropped: it ends a function. */
  readonly fixed?: boolean;
}

export type Random = () => number;

/** mulberry32. */
export function prng(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** The maps that every program may use. */
export const fuzzMaps: readonly MapShape[] = [
  { type: 'array', keySize: 4, valueSize: 24, maxEntries: 3 },
  { type: 'hash', keySize: 8, valueSize: 16, maxEntries: 4 },
  { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 4 },
  { type: 'percpu_array', keySize: 4, valueSize: 12, maxEntries: 2 },
  { type: 'array', keySize: 4, valueSize: 16, maxEntries: 1, flags: 128 },
  { type: 'array', keySize: 4, valueSize: 24, maxEntries: 1 },
];
const VALUE_MAPS = [0, 1, 1, 3, 4, 5];
const PROG_ARRAY = 2;

const CORNERS = [0, 1, -1, 2, 7, 8, 31, 32, 63, 64, 255, 0x7fff, 0xffff, 0x7fffffff, -0x80000000, 0x12345678];
const SIZE_BITS = [0x10, 0x08, 0x00, 0x18] as const;
const SIZES: Record<number, number> = { 16: 1, 8: 2, 0: 4, 24: 8 };

/** r6 = context, r7 = packet, r8 = a map value or NULL, r9 = what backward jumps may still cost. */
const CTX = 6;
const PACKET = 7;
const VALUE = 8;
const FUEL = 9;

class Generator {
  readonly items: Item[] = [];
  private readonly random: Random;
  /** First item of each subprogram, known when all are made. */
  private readonly subprogs: number;
  private readonly calls: { readonly at: number; readonly subprog: number }[] = [];

  constructor(random: Random) {
    this.random = random;
    this.subprogs = this.below(3);
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

  private imm(): number {
    return this.chance(60) ? this.pick(CORNERS) : this.random() | 0;
  }

  private emit(op: number, dst = 0, src = 0, off = 0, imm = 0, more: Partial<Item> = {}): void {
    this.items.push({ op, dst, src, off, imm, ...more });
  }

  private mov(dst: number, imm: number): void {
    this.emit(0xb7, dst, 0, 0, imm);
  }

  private movr(dst: number, src: number): void {
    this.emit(0xbf, dst, src);
  }

  /** R0 to R5 are free for all. */
  private scratch(): number {
    return this.below(6);
  }

  private anyReg(): number {
    return this.chance(85) ? this.scratch() : this.below(11);
  }

  private alu(): void {
    const cls = this.chance(50) ? 7 : 4;
    const dst = this.scratch();
    const kind = this.below(20);
    if (kind === 0) this.emit(cls | 0x80, dst);
    else if (kind === 1)
      this.emit((this.chance(60) ? 0xd4 : 0xd7) | (cls === 4 ? 0 : 0), dst, 0, 0, this.pick([16, 32, 64]));
    else if (kind === 2) this.emit(0xdc, dst, 0, 0, this.pick([16, 32, 64]));
    else if (kind === 3) this.emit(cls | 0xb8, dst, this.anyReg(), this.pick(cls === 7 ? [8, 16, 32] : [8, 16]));
    else {
      const code = this.pick([0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xb0, 0xc0]);
      const signed = (code === 0x30 || code === 0x90) && this.chance(50) ? 1 : 0;
      if (this.chance(50)) this.emit(cls | code | 8, dst, this.anyReg(), signed);
      else this.emit(cls | code, dst, 0, signed, this.imm());
    }
  }

  /** An offset in a thing of `size` bytes that begins at `from`; sometimes at or beyond its edges. */
  private offset(from: number, size: number, access: number): number {
    if (this.chance(92)) return from + this.below(size - access + 1);
    return this.pick([from - 1, from - access, from + size - access + 1, from + size, from + this.below(2000) - 1000]);
  }

  private access(base: number, off: (size: number) => number): void {
    const bits = this.pick(SIZE_BITS);
    const size = SIZES[bits] as number;
    const kind = this.below(10);
    if (kind < 4) this.emit(0x61 | bits, this.scratch(), base, off(size));
    else if (kind < 5)
      this.emit(0x81 | (bits === 0x18 ? 0 : bits), this.scratch(), base, off(bits === 0x18 ? 4 : size));
    else if (kind < 7) this.emit(0x63 | bits, base, this.anyReg(), off(size));
    else if (kind < 9) this.emit(0x62 | bits, base, 0, off(size), this.imm());
    else this.atomic(base, off);
  }

  private atomic(base: number, off: (size: number) => number): void {
    if (this.chance(20)) {
      const bits = this.pick(SIZE_BITS);
      const at = off(SIZES[bits] as number);
      if (this.chance(50)) this.emit(0xc3 | bits, this.scratch(), base, at, 0x100);
      else this.emit(0xc3 | bits, base, this.scratch(), at, 0x110);
      return;
    }
    const bits = this.pick([0x00, 0x18]);
    const code = this.pick([0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1]);
    this.emit(0xc3 | bits, base, this.scratch(), off(SIZES[bits] as number), code);
  }

  private memory(): void {
    switch (this.below(8)) {
      case 0:
      case 1:
        this.access(10, (size) => this.offset(-64, 64, size));
        return;
      case 2:
      case 3:
        this.access(PACKET, (size) => this.offset(0, 64, size));
        return;
      case 4:
        this.access(VALUE, (size) => this.offset(0, 12, size));
        return;
      case 5:
        if (this.chance(90)) this.emit(0x61, this.scratch(), CTX, this.pick([0, 4, 8, 12, 16, 20]));
        else this.access(CTX, (size) => this.offset(0, 24, size));
        return;
      case 6:
        this.moved();
        return;
      default:
        if (this.chance(15)) this.access(this.scratch(), () => this.below(64) - 32);
        else this.spill();
    }
  }

  /** A pointer plus a small number that nobody knows. */
  private moved(): void {
    const base = this.pick([10, PACKET, PACKET, VALUE]);
    const [ptr, by] = [1, 2];
    this.emit(0xbf, by, this.scratch());
    this.emit(0x57, by, 0, 0, this.pick([3, 7, 15]));
    this.movr(ptr, base);
    this.emit(0x0f, ptr, by);
    this.access(ptr, (size) => (base === 10 ? this.offset(-64, 48, size) : this.offset(0, 12, size)));
  }

  private spill(): void {
    const slot = -8 * (1 + this.below(8));
    this.emit(0x7b, 10, this.pick([PACKET, VALUE, 10, CTX, 3]), slot);
    const reg = this.scratch();
    this.emit(0x79, reg, 10, slot);
    this.access(reg, () => this.below(24) - 4);
  }

  private lddwMap(dst: number, map: number): void {
    this.emit(0x18, dst, 5, 0, map, { high: 0 });
  }

  private lookup(): void {
    this.mapCall(1, this.pick(VALUE_MAPS));
    this.movr(VALUE, 0);
    if (this.chance(70)) this.emit(0x55, 0, 0, 0, 0, { to: this.items.length + 2 });
    else return;
    this.emit(0x18, VALUE, 6, 0, 5, { high: 8 * this.below(2) });
  }

  /** r1 = map, r2 = key on the stack, r3 = value on the stack, r4 = flags. */
  private mapCall(helper: number, map: number): void {
    this.emit(0x7a, 10, 0, -8, this.chance(90) ? this.below(5) : this.imm());
    if (helper === 2) {
      this.emit(0x7b, 10, this.scratch(), -24);
      this.movr(3, 10);
      this.emit(0x07, 3, 0, 0, this.chance(95) ? -24 : this.pick([-4, 0, 8]));
      this.mov(4, this.pick([0, 0, 1, 2, 3]));
    }
    this.movr(2, this.chance(97) ? 10 : this.below(11));
    this.emit(0x07, 2, 0, 0, this.chance(97) ? -8 : -1);
    if (this.chance(98)) this.lddwMap(1, map);
    this.emit(0x85, 0, 0, 0, helper);
  }

  private helper(): void {
    switch (this.below(9)) {
      case 0:
      case 1:
        this.lookup();
        return;
      case 2:
        this.mapCall(2, this.pick(VALUE_MAPS));
        return;
      case 3:
        this.mapCall(3, 1);
        return;
      case 4:
        this.emit(0x85, 0, 0, 0, this.pick([5, 7, 8]));
        return;
      case 5:
        this.adjust();
        return;
      case 6:
        this.bytes();
        return;
      case 7:
        this.checksum();
        return;
      default:
        this.mov(1, this.below(9));
        this.mov(2, this.chance(80) ? 0 : 1);
        this.emit(0x85, 0, 0, 0, 23);
    }
  }

  private adjust(): void {
    this.movr(1, CTX);
    this.mov(2, this.below(65) - 32);
    this.emit(0x85, 0, 0, 0, this.pick([44, 54, 65]));
    if (this.chance(80)) this.emit(0x61, PACKET, CTX, this.pick([0, 0, 8]));
  }

  private bytes(): void {
    this.movr(1, CTX);
    this.mov(2, this.below(80));
    this.movr(3, this.pick([10, 10, PACKET, VALUE]));
    this.emit(0x07, 3, 0, 0, this.pick([-32, -32, -16, 0]));
    this.mov(4, this.pick([1, 8, 16, 32]));
    this.emit(0x85, 0, 0, 0, this.pick([188, 189, 190]));
  }

  private checksum(): void {
    this.movr(1, this.pick([10, PACKET]));
    this.emit(0x07, 1, 0, 0, -16 + 16 * this.below(2));
    this.mov(2, this.pick([0, 4, 8, 16]));
    this.movr(3, this.pick([10, PACKET, VALUE]));
    this.emit(0x07, 3, 0, 0, -32 + 32 * this.below(2));
    this.mov(4, this.pick([0, 8, 12, 32]));
    this.mov(5, this.imm());
    this.emit(0x85, 0, 0, 0, 28);
  }

  private tailCall(): void {
    this.movr(1, this.chance(97) ? CTX : this.scratch());
    this.lddwMap(2, this.chance(97) ? PROG_ARRAY : 0);
    if (this.chance(60)) this.mov(3, this.below(6));
    else this.emit(0x57, 3, 0, 0, 3);
    this.emit(0x85, 0, 0, 0, 12);
  }

  private condition(to: number): void {
    const cls = this.chance(50) ? 5 : 6;
    const code = this.pick([0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0]);
    if (this.chance(40)) this.emit(cls | code | 8, this.anyReg(), this.anyReg(), 0, 0, { to });
    else this.emit(cls | code, this.anyReg(), 0, 0, this.imm(), { to });
  }

  /** A branch around one move. */
  private choice(): void {
    this.condition(this.items.length + 2);
    const dst = this.scratch();
    if (this.chance(20)) this.emit(0x18, dst, 0, 0, this.imm(), { high: this.imm() });
    else if (this.chance(50)) this.emit(this.chance(50) ? 0xbf : 0xbc, dst, this.anyReg());
    else this.emit(this.chance(50) ? 0xb7 : 0xb4, dst, 0, 0, this.imm());
  }

  /** Forward over a few items; `lengths` are fixed when the function is whole. */
  private jump(first: number): void {
    const here = this.items.length;
    const ahead = here + 1 + this.below(12);
    switch (this.below(10)) {
      case 0:
        this.emit(0x05, 0, 0, 0, 0, { to: ahead });
        return;
      case 1:
        this.emit(0x06, 0, 0, 0, 0, { to: ahead });
        return;
      case 2:
      case 3:
        // Backward: pay, and go while there is something left.
        this.emit(0x07, FUEL, 0, 0, -1);
        this.emit(0x65, FUEL, 0, 0, 0, { to: first + this.below(here - first + 1) });
        return;
      case 4:
        this.emit(0xe5, 0, 0, 0, 0, { to: ahead });
        return;
      default:
        this.condition(ahead);
    }
  }

  private statement(first: number, level: number): void {
    const kind = this.below(100);
    if (kind < 34) this.alu();
    else if (kind < 40) this.choice();
    else if (kind < 65) this.memory();
    else if (kind < 80) this.jump(first);
    else if (kind < 90) this.helper();
    else if (kind < 93) this.emit(0x18, this.scratch(), 0, 0, this.imm(), { high: this.imm() });
    else if (kind < 95) this.tailCall();
    else if (kind < 97 && level < this.subprogs) this.callSubprog(level);
    else if (kind < 98)
      this.emit(this.pick([0x20, 0x28, 0x30]), 0, 0, 0, this.pick([0, 3, 62, 63, 64, -1, -0x100000, -0x200000]));
    else this.emit(this.pick([0x40, 0x48, 0x50]), 0, this.scratch(), 0, this.below(70));
  }

  private callSubprog(level: number): void {
    this.movr(1, CTX);
    this.movr(2, this.pick([10, PACKET, VALUE, FUEL]));
    this.calls.push({ at: this.items.length, subprog: level + this.below(this.subprogs - level) });
    this.emit(0x85, 0, 1);
  }

  private body(level: number): number {
    const start = this.items.length;
    this.movr(CTX, 1);
    this.emit(0x61, PACKET, CTX, 0);
    this.emit(0x18, VALUE, 6, 0, this.pick([0, 5, 5, 4]), { high: 0 });
    this.mov(FUEL, this.below(6));
    const first = this.items.length;
    const count = 3 + this.below(level === 0 ? 30 : 12);
    for (let i = 0; i < count; i++) this.statement(first, level);
    if (this.chance(70)) this.movr(0, this.scratch());
    const end = this.items.length;
    this.emit(0x95, 0, 0, 0, 0, { fixed: true });
    // Jumps that went past the end go to the exit.
    for (let i = start; i < end; i++) {
      const item = this.items[i] as Item;
      if (item.to !== undefined && item.to > end) this.items[i] = { ...item, to: end };
    }
    return start;
  }

  run(): Item[] {
    this.body(0);
    const starts = Array.from({ length: this.subprogs }, (_, i) => this.body(i + 1));
    for (const { at, subprog } of this.calls)
      this.items[at] = { ...(this.items[at] as Item), to: starts[subprog] as number };
    return this.items;
  }
}

export const generate = (seed: number): Item[] => new Generator(prng(seed)).run();

/** Insns of items: distances from positions. */
export function assemble(items: readonly Item[]): Uint8Array {
  const at: number[] = [];
  let slots = 0;
  for (const item of items) {
    at.push(slots);
    slots += item.high === undefined ? 1 : 2;
  }
  const bytes = new Uint8Array(slots * 8);
  const view = new DataView(bytes.buffer);
  items.forEach((item, i) => {
    const byte = (at[i] as number) * 8;
    const distance = item.to === undefined ? 0 : (at[item.to] as number) - (at[i] as number) - 1;
    const wide = item.op === 0x06 || item.op === 0x85;
    view.setUint8(byte, item.op);
    view.setUint8(byte + 1, (item.src << 4) | item.dst);
    view.setInt16(byte + 2, item.to === undefined || wide ? item.off : distance, true);
    view.setInt32(byte + 4, item.to !== undefined && wide ? distance : item.imm, true);
    if (item.high !== undefined) view.setInt32(byte + 12, item.high, true);
  });
  return bytes;
}

/** The items without number `drop`; what jumped to it goes to the next one. */
export function without(items: readonly Item[], drop: number): Item[] {
  const kept = items.filter((_, i) => i !== drop);
  return kept.map((item) => (item.to !== undefined && item.to > drop ? { ...item, to: item.to - 1 } : item));
}
