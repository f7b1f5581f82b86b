/** Random filters that keep the rules of classic BPF, and packets for them. */
import type { SockFilter } from '../../src/cbpf/insn.ts';
import { prng } from './generate.ts';

const LOADS = [0x20, 0x28, 0x30, 0x40, 0x48, 0x50];
const ALU_K = [0x04, 0x14, 0x24, 0x34, 0x44, 0x54, 0x64, 0x74, 0x94, 0xa4];
const JUMPS = [0x15, 0x25, 0x35, 0x45, 0x1d, 0x2d, 0x3d, 0x4d];
/** SKF_AD_ fields that are the same whenever one asks. */
export const STEADY_FIELDS = [0, 4, 8, 20, 24, 32, 40, 44, 48, 60];
const SHORTEST = 20;

export class FilterGen {
  private readonly next: () => number;

  constructor(seed: number) {
    this.next = prng(seed);
  }

  below(n: number): number {
    return this.next() % n;
  }

  private of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  private constant(): number {
    return this.of([
      0,
      1,
      2,
      6,
      17,
      80,
      0xff,
      0x800,
      0xffff,
      0x80000000,
      0xffffffff,
      this.next() >>> 0,
      this.below(256),
    ]);
  }

  private offset(): number {
    const near = this.below(70);
    return this.of([near, near, near, near, near, 0x100000000 - 0x100000 + near, 0x100000000 - 0x200000 + near]);
  }

  /** One insn that needs no slot and no jump. */
  private plain(): SockFilter {
    const insn = (code: number, k = 0): SockFilter => ({ code, jt: 0, jf: 0, k });
    switch (this.below(12)) {
      case 0:
      case 1:
      case 2:
        return insn(this.of(LOADS), this.offset());
      case 3:
        return insn(0xb1, this.offset());
      case 4:
        return insn(this.of([0x00, 0x01]), this.constant());
      case 5:
        return insn(this.of([0x80, 0x81]));
      case 6:
        return insn(this.of([0x07, 0x87, 0x84]));
      case 7:
        return insn(this.of([0x20, 0x28, 0x30]), 0x100000000 - 0x1000 + this.of(STEADY_FIELDS));
      case 8:
      case 9: {
        const code = this.of(ALU_K);
        if (code === 0x64 || code === 0x74) return insn(code, this.below(32));
        return insn(code, Math.max(1, this.constant()));
      }
      // Shifts by X of 32 and more are undefined: none of them.
      default:
        return insn(this.of([0x0c, 0x1c, 0x2c, 0x3c, 0x4c, 0x5c, 0x9c, 0xac]));
    }
  }

  filter(): SockFilter[] {
    const length = 3 + this.below(40);
    const stored: number[] = [];
    const insns: SockFilter[] = [];
    // Slots that the first insns store are stored on every path.
    for (let i = this.below(3); i > 0; i--) {
      const k = this.below(16);
      insns.push(this.plain(), { code: this.of([0x02, 0x03]), jt: 0, jf: 0, k });
      stored.push(k);
    }
    while (insns.length < length) {
      const left = length - insns.length;
      const choice = this.below(10);
      if (choice < 2) {
        const [jt, jf] = [this.below(Math.min(left, 256)), this.below(Math.min(left, 256))];
        insns.push({ code: this.of(JUMPS), jt, jf, k: this.constant() });
      } else if (choice === 2 && this.below(3) === 0) insns.push({ code: 0x05, jt: 0, jf: 0, k: this.below(left) });
      else if (choice === 3 && this.below(3) === 0)
        insns.push({ code: this.of([0x06, 0x16]), jt: 0, jf: 0, k: this.constant() });
      else if (choice < 5) insns.push({ code: this.of([0x02, 0x03]), jt: 0, jf: 0, k: this.below(16) });
      else if (choice === 5 && stored.length > 0) {
        insns.push({ code: this.of([0x60, 0x61]), jt: 0, jf: 0, k: this.of(stored) });
      } else insns.push(this.plain());
    }
    insns.push({ code: this.of([0x06, 0x16]), jt: 0, jf: 0, k: this.constant() });
    return insns;
  }

  packet(shortest = SHORTEST): Uint8Array {
    const bytes = Uint8Array.from({ length: shortest + this.below(60) }, () => this.next());
    if (this.below(2) === 0) bytes.set([8, 0, 0x45], 12);
    return bytes;
  }
}
