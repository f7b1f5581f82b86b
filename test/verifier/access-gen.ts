// Random programs that load and store: stack slots of every width, variable offsets, map values, packet bytes, memory filled by helpers.

import type { CaseMap, VerifierCase } from './case.ts';

const MAPS: Readonly<Record<string, CaseMap>> = {
  array: { type: 'array', value: 16 },
  hash: { type: 'hash', key: 8, value: 16 },
  data: { type: 'array', rodata: '0102030405060780' },
};
const REGS = ['r0', 'r2', 'r3', 'r4', 'r5', 'r7', 'r8'];
const STORE = ['u8', 'u16', 'u32', 'u64'];
const LOAD = [...STORE, 's8', 's16', 's32'];
/** What a call leaves unreadable. */
const AFTER_CALL = ['r2 = 0', 'r3 = 0', 'r4 = 0', 'r5 = 0', 'r1 = r6'];

/** mulberry32: the same programs on every machine. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const signed = (off: number): string => (off < 0 ? `- ${-off}` : `+ ${off}`);

class Generator {
  private readonly next: () => number;
  private labels = 0;

  constructor(seed: number) {
    this.next = random(seed);
  }

  int(n: number): number {
    return Math.floor(this.next() * n);
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.int(from.length)] as T;
  }

  private slot(size: string): string {
    const bytes = Number(size.slice(1)) / 8;
    const off = -8 * (1 + this.int(4)) + (this.int(3) === 0 ? this.int(8) : 0);
    return `*(${size} *)(r10 ${signed(Math.floor(off / bytes) * bytes)})`;
  }

  private access(base: string, within: number): string {
    if (this.int(2) === 0) return `r3 = *(${this.pick(LOAD)} *)(${base} ${signed(this.int(within))})`;
    return `*(${this.pick(STORE)} *)(${base} ${signed(this.int(within))}) = ${this.pick(['0', 'r7', 'r8'])}`;
  }

  private readonly makers: readonly (() => string[])[] = [
    () => [`${this.slot(this.pick(STORE))} = ${this.pick([...REGS, '0', '1', '-1'])}`],
    () => [`${this.slot('u64')} = ${this.pick([...REGS, 'r6', 'r9'])}`],
    () => [`${this.pick(REGS)} = ${this.slot(this.pick(LOAD))}`],
    () => [`${this.pick(REGS)} = ${this.slot('u64')}`],
    () => [`${this.pick(REGS)} &= ${this.pick([1, 7, 15, 255])}`],
    () => this.guarded((skip) => [`if ${this.pick(REGS)} > ${this.int(16)} goto ${skip}`, `r8 = ${this.pick(REGS)}`]),
    () => this.moveFrame('r9', 'r7'),
    () => [`${this.pick(REGS)} = *(${this.pick(['u8', 's8', 'u16', 'u64'])} *)(r9 + ${this.int(3) * 4})`],
    () => [`*(${this.pick(STORE)} *)(r9 + ${this.int(3) * 4}) = ${this.pick([...REGS, '0'])}`],
    () => [`r2 = map[array]+${this.int(2) * 4}`, this.access('r2', 8)],
    () => ['r2 = map[data]+0', `r3 = *(${this.pick(LOAD)} *)(r2 + ${this.int(3)})`, ...this.moveFrame('r5', 'r3')],
    () => [`lock ${this.slot('u64')} += r7`],
    () => [`r8 = atomic_fetch_add((u64 *)${this.slot('u64').slice('*(u64 *)'.length)}, r8)`],
    () => this.packet(),
    () => this.lookup(),
    () => ['r1 = r6', 'r2 = 0', ...this.frame('r3'), 'r4 = 8', 'call bpf_xdp_load_bytes', ...AFTER_CALL],
  ];

  private guarded(body: (skip: string) => string[]): string[] {
    const skip = `l${this.labels++}`;
    return [...body(skip), `${skip}: r1 = r6`];
  }

  private frame(reg: string): string[] {
    return [`${reg} = r10`, `${reg} += ${this.pick([-8, -16, -24, -12])}`];
  }

  /** `reg` points into the frame, at an offset that `by` decides. */
  private moveFrame(reg: string, by: string): string[] {
    return [
      `${by} &= ${this.pick([1, 7, 8, 15, 4])}`,
      `${reg} = r10`,
      `${reg} += ${-16 - 8 * this.int(3)}`,
      `${reg} += ${by}`,
    ];
  }

  private packet(): string[] {
    const variable = this.int(2) === 0 ? [] : ['r7 = *(u32 *)(r6 + 12)', 'r7 &= 31', 'r2 += r7'];
    const start = [
      'r2 = *(u32 *)(r6 + 0)',
      'r3 = *(u32 *)(r6 + 4)',
      ...variable,
      'r4 = r2',
      `r4 += ${14 + this.int(8)}`,
    ];
    return this.guarded((skip) => [...start, `if r4 > r3 goto ${skip}`, this.access('r2', 14)]);
  }

  private lookup(): string[] {
    const call = [...this.frame('r2'), 'r1 = map[hash]', 'call bpf_map_lookup_elem', ...AFTER_CALL];
    return this.guarded((skip) => [...call, `if r0 == 0 goto ${skip}`, this.access('r0', 10)]);
  }

  program(): string {
    const lines = ['r6 = r1', 'r7 = *(u32 *)(r1 + 12)', 'r8 = 0', 'r9 = r10', 'r9 += -16'];
    for (const reg of ['r0', 'r2', 'r3', 'r4', 'r5'])
      lines.push(`${reg} = ${this.pick(['0', '1', 'r7', '-1', '0x12345'])}`);
    for (let i = 3 + this.int(14); i > 0; i--) lines.push(...this.pick(this.makers)());
    return [...lines, 'r0 = 0', 'exit'].join('\n');
  }
}

export function accessProgram(seed: number): VerifierCase {
  return { name: `seed ${seed}`, maps: MAPS, insns: new Generator(seed).program(), verdict: 'accept' };
}
