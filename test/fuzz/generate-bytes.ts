/**
 * Random programs as compilers leave them, which a verifier takes: values put together byte by byte, spills to the stack, rotations, byte swaps,
 * counted loops over the packet. What the compiler makes of those (src/ir/bytes, slots, demand, range) must not show.
 */
import { prng } from './generate.ts';

/** Bytes of packet that every program has checked. */
const CHECKED = 64;
const SLOTS = [8, 16, 24, 28, 30, 31, 32] as const;
const SLOT_SIZE: Readonly<Record<number, number>> = { 8: 8, 16: 8, 24: 8, 28: 4, 30: 2, 31: 1, 32: 1 };
const SHORT = ['', 'u8', 'u16', '', 'u32', '', '', '', 'u64'] as const;
const CORNERS = [0, 1, 2, 7, 8, 16, 31, 32, 255, 256, 0xffff, 0x7fffffff, -1, -2, -256, -0x80000000];

class Generator {
  readonly lines: string[] = [];
  private labels = 0;
  private readonly random: () => number;

  constructor(seed: number) {
    this.random = prng(seed);
  }

  private below(n: number): number {
    return this.random() % n;
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  private chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  /** R0 to R5. */
  private reg(): number {
    return this.below(6);
  }

  private emit(...lines: string[]): void {
    this.lines.push(...lines);
  }

  private order(count: number): number[] {
    const order = Array.from({ length: count }, (_, i) => i);
    if (this.chance(30)) order.reverse();
    else if (this.chance(60)) order.sort(() => (this.chance(50) ? 1 : -1));
    return order;
  }

  /** A value of several bytes, loaded one by one; now and then with a hole, a wrong shift or a store in between. */
  private gather(): void {
    const size = this.pick([2, 2, 4, 4, 8]);
    const off = this.below(CHECKED - size + 1);
    const [into, by] = this.pick([
      [0, 1],
      [2, 3],
      [4, 0],
      [1, 5],
    ] as const);
    const w = size < 8 && this.chance(70) ? 'w' : 'r';
    this.order(size).forEach((at, i) => {
      const to = i === 0 ? into : by;
      this.emit(`r${to} = *(u8 *)(r7 +${off + at})`);
      const shift = this.chance(95) ? 8 * at : this.below(32);
      if (shift > 0) this.emit(`${w}${to} <<= ${shift}`);
      if (i > 0) this.emit(`${w}${into} ${this.pick(['|=', '|=', '|=', '^=', '+='])} ${w}${by}`);
      if (this.chance(8)) this.store();
    });
  }

  /** Bytes that go somewhere else, possibly on top of each other. */
  private copy(): void {
    const size = this.pick([2, 3, 4, 6, 8]);
    const from = this.below(CHECKED - size + 1);
    const to = this.chance(80) ? this.below(CHECKED - size + 1) : Math.min(CHECKED - size, from + this.below(4));
    const reg = this.reg();
    const isConstant = this.chance(20);
    for (const at of this.order(size)) {
      if (isConstant) {
        this.emit(`*(u8 *)(r7 +${to + at}) = ${this.below(256)}`);
      } else {
        this.emit(`r${reg} = *(u8 *)(r7 +${from + at})`, `*(u8 *)(r7 +${to + at}) = r${reg}`);
      }
    }
  }

  /** A memmove of bytes to a place that overlaps theirs, or nearly: loads and stores take turns, loads some bytes ahead. */
  private move(): void {
    const size = this.pick([4, 6, 8, 12]);
    const by = this.pick([-6, -4, -3, -2, -1, 1, 2, 4, 5]);
    const from = 6 + this.below(CHECKED - size - 12);
    // Upwards the last byte goes first; now and then the wrong way round.
    const order = Array.from({ length: size }, (_, i) => i);
    if (by > 0 !== this.chance(15)) order.reverse();
    const ahead = 1 + this.below(4);
    for (let i = 0; i < size + ahead; i++) {
      if (i < size) this.emit(`r${i % ahead} = *(u8 *)(r7 +${from + order[i]!})`);
      if (i >= ahead - 1 && i - ahead + 1 < size) {
        const at = i - ahead + 1;
        this.emit(`*(u8 *)(r7 +${from + by + order[at]!}) = r${at % ahead}`);
      }
      if (this.chance(4)) this.store();
      if (this.chance(4)) this.emit(`r5 = *(u16 *)(r7 +${from + this.below(size)})`);
    }
  }

  /** Neighbours change places, whole or in halves, loaded and stored in any order; now and then with something else among them. */
  private exchange(): void {
    const size = this.pick([2, 4, 4]);
    const piece = size / this.pick([1, 1, 2]);
    const from = this.below(CHECKED - 2 * size);
    // Uneven ones as well.
    const middle = this.chance(80) ? size : this.pick([piece, 2 * size - piece]);
    const count = (2 * size) / piece;
    for (const i of this.order(count)) this.emit(`r${i} = *(${SHORT[piece]} *)(r7 +${from + i * piece})`);
    if (this.chance(5)) this.store();
    for (const i of this.order(count)) {
      const to = this.chance(97) ? (i * piece + 2 * size - middle) % (2 * size) : i * piece;
      this.emit(`*(${SHORT[piece]} *)(r7 +${from + to}) = r${i}`);
      if (this.chance(5)) this.load();
    }
  }

  /** A value's bytes, stored one by one. */
  private scatter(): void {
    const size = this.pick([2, 4, 8]);
    const to = this.below(CHECKED - size + 1);
    const w = this.chance(50) && size < 8 ? 'w' : 'r';
    const [value, by] = this.pick([
      [0, 1],
      [2, 3],
      [4, 5],
    ] as const);
    if (this.chance(50)) this.emit(`r${value} = *(${SHORT[size]} *)(r7 +${this.below(CHECKED - size + 1)})`);
    for (const at of this.order(size)) {
      this.emit(`${w}${by} = ${w}${value}`);
      if (at > 0) this.emit(`${w}${by} >>= ${8 * at}`);
      this.emit(`*(u8 *)(r7 +${to + at}) = r${by}`);
    }
  }

  private slot(): void {
    const slot = this.pick(SLOTS);
    const size = SLOT_SIZE[slot] as number;
    const type = SHORT[size];
    if (this.chance(10)) {
      // Part of a slot, or of two.
      this.emit(`r${this.reg()} = *(u8 *)(r10 -${this.pick([8, 7, 13, 26, 29])})`);
      return;
    }
    const kind = this.below(size < 8 ? 5 : 4);
    if (kind === 0) this.emit(`*(${type} *)(r10 -${slot}) = ${this.pick(CORNERS)}`);
    else if (kind === 1) this.emit(`*(${type} *)(r10 -${slot}) = r${this.reg()}`);
    else if (kind === 4) this.emit(`r${this.reg()} = *(s${8 * size} *)(r10 -${slot})`);
    else this.emit(`r${this.reg()} = *(${type} *)(r10 -${slot})`);
  }

  private rotate(): void {
    const [into, by] = this.pick([
      [0, 1],
      [2, 3],
      [4, 5],
    ] as const);
    const from = this.reg();
    const [w, bits] = this.pick([
      ['w', 32],
      ['r', 64],
    ] as const);
    const left = 1 + this.below(bits - 1);
    const right = this.chance(90) ? bits - left : 1 + this.below(bits - 1);
    this.emit(`${w}${by} = ${w}${from}`, `${w}${by} >>= ${right}`);
    if (from !== into) this.emit(`${w}${into} = ${w}${from}`);
    this.emit(`${w}${into} <<= ${left}`, `${w}${into} |= ${w}${by}`);
  }

  private alu(): void {
    const w = this.pick(['w', 'r']);
    const dst = this.reg();
    const op = this.pick(['+=', '-=', '*=', '|=', '&=', '^=', '<<=', '>>=', 's>>=', '/=', '%=', '=', '=']);
    const shifts = op.includes('<<') || op.includes('>>');
    if (shifts) this.emit(`${w}${dst} ${op} ${this.below(w === 'w' ? 32 : 64)}`);
    else if ((op === '/=' || op === '%=') && this.chance(50)) this.emit(`${w}${dst} ${op} ${1 + this.below(1000)}`);
    else if (this.chance(50)) this.emit(`${w}${dst} ${op} ${w}${this.reg()}`);
    else if (op !== '/=' && op !== '%=') this.emit(`${w}${dst} ${op} ${this.pick(CORNERS)}`);
  }

  private swap(): void {
    const reg = this.reg();
    if (this.chance(70))
      this.emit(`r${reg} = ${this.pick(['be16', 'be32', 'be64', 'le16', 'le32', 'bswap32'])} r${reg}`);
    else
      this.emit(
        this.pick([`r${reg} = (s8)r${this.reg()}`, `r${reg} = (s32)r${this.reg()}`, `w${reg} = (s16)w${this.reg()}`]),
      );
  }

  private store(): void {
    const size = this.pick([1, 2, 4, 8]);
    const at = this.below(CHECKED - size + 1);
    if (this.chance(30)) this.emit(`*(${SHORT[size]} *)(r7 +${at}) = ${this.pick(CORNERS)}`);
    else this.emit(`*(${SHORT[size]} *)(r7 +${at}) = r${this.reg()}`);
  }

  private load(): void {
    const size = this.pick([1, 2, 4, 8]);
    this.emit(`r${this.reg()} = *(${SHORT[size]} *)(r7 +${this.below(CHECKED - size + 1)})`);
  }

  /** Forward over some statements. */
  private branch(depth: number): void {
    const label = `l${this.labels++}`;
    const w = this.pick(['w', 'r']);
    const op = this.pick(['==', '!=', '<', '<=', '>', '>=', 's<', 's>', 's<=', 's>=', '&']);
    const other = this.chance(50) ? `${w}${this.reg()}` : `${this.pick(CORNERS)}`;
    this.emit(`if ${w}${this.reg()} ${op} ${other} goto ${label}`);
    this.statements(1 + this.below(4), depth + 1);
    this.emit(`${label}: r${this.reg()} += 0`);
  }

  /** A pointer into the packet, compared with NULL or a small number. */
  private asksForNull(depth: number): void {
    const label = `l${this.labels++}`;
    this.emit('r1 = r7', `r1 += ${this.below(CHECKED)}`);
    if (this.chance(30)) this.emit('r2 = *(u8 *)(r7 +3)', 'r1 += r2');
    this.emit(`if r1 ${this.pick(['==', '!='])} ${this.pick([0, 0, 1, 4096])} goto ${label}`, 'r1 = 3');
    this.statements(1 + this.below(3), depth + 1);
    this.emit(`${label}: r1 = 5`);
  }

  /** Sums, exclusive ors or the like of what a loop finds in the packet, each step compared with its end. */
  private loop(): void {
    const label = this.labels++;
    const size = this.pick([1, 2, 4, 8]);
    const step = this.chance(80) ? size : 1 + this.below(9);
    const rounds = 2 + this.below(40);
    const w = this.pick(['w', 'r']);
    const isPointer = this.chance(50);
    const first = this.below(16);
    this.emit('r9 = 0', 'r1 = r7');
    if (isPointer) this.emit(`r1 += ${first}`);
    this.emit(`l${label}:`);
    if (!isPointer) this.emit('r1 = r7', 'r1 += r9');
    this.emit('r2 = r1', `r2 += ${size}`, `if r2 > r8 goto e${label}`, `r3 = *(${SHORT[size]} *)(r1 +0)`);
    if (this.chance(30)) this.emit(`${w}3 ^= ${w}4`);
    if (this.chance(20)) this.emit(`${w}5 += ${w}9`);
    const extra = this.below(5);
    if (extra === 0) this.emit(`${w}0 <<= 1`);
    if (extra === 1) this.emit(`*(u8 *)(r1 +0) = r0`);
    this.emit(`${w}0 ${this.pick(['+=', '+=', '^=', '|=', '*='])} ${w}3`);
    if (extra === 2) this.emit(`${w}4 += ${w}3`);
    if (isPointer) this.emit(`r1 += ${step}`, 'r9 += 1', `if r9 ${this.pick(['!=', '<'])} ${rounds} goto l${label}`);
    else this.emit(`r9 += ${step}`, `if ${w}9 ${this.pick(['!=', '<'])} ${step * rounds} goto l${label}`);
    this.emit(`e${label}: r1 = ${this.below(100)}`, 'r2 = 3', 'r3 = r9');
  }

  private statements(count: number, depth: number): void {
    for (let i = 0; i < count; i++) {
      const kind = this.below(100);
      if (kind < 15) this.gather();
      else if (kind < 22) this.copy();
      else if (kind < 28) this.move();
      else if (kind < 33) this.exchange();
      else if (kind < 40) this.scatter();
      else if (kind < 52) this.slot();
      else if (kind < 58) this.rotate();
      else if (kind < 74) this.alu();
      else if (kind < 79) this.swap();
      else if (kind < 84) this.store();
      else if (kind < 88) this.load();
      else if (kind < 90 && depth < 3) this.asksForNull(depth);
      else if (kind < 95 && depth < 3) this.branch(depth);
      else if (depth === 0) this.loop();
    }
  }

  run(): string {
    this.emit('r6 = r1', 'r0 = 0', 'r7 = *(u32 *)(r6 +0)', 'r8 = *(u32 *)(r6 +4)');
    this.emit('r1 = r7', `r1 += ${CHECKED}`, 'if r1 > r8 goto out');
    for (let r = 0; r <= 5; r++)
      this.emit(this.chance(50) ? `r${r} = ${this.pick(CORNERS)}` : `r${r} = *(u64 *)(r7 +${8 * r})`);
    for (const slot of SLOTS) this.emit(`*(${SHORT[SLOT_SIZE[slot] as number]} *)(r10 -${slot}) = ${this.below(1000)}`);
    this.statements(4 + this.below(14), 0);
    for (let r = 0; r <= 5; r++) this.emit(`*(u64 *)(r7 +${8 * r}) = r${r}`);
    this.emit('r1 = *(u64 *)(r10 -8)', 'r0 += r1', 'r1 = *(u32 *)(r10 -28)', 'r0 += r1');
    this.emit('out: exit');
    return this.lines.join('\n');
  }
}

/** The text of a program. */
export const generateBytes = (seed: number): string => new Generator(seed).run();
