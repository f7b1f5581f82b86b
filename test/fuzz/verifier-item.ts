// Generated programs: lists of items whose jumps name labels, so that a shrinker can drop any of them; items as bytes and as text.

import { BPF_INSN_SIZE, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC } from '../../assembly/isa.ts';
import type { Insn } from '../../src/isa/insn.ts';
import type { MapSpec, ProgType } from '../../src/object/types.ts';
import type { CaseMap } from '../verifier/case.ts';

export interface Item {
  readonly op: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
  /** Second half of `ld_imm64`. */
  readonly high?: number;
  /** Label that a jump, a call or a function reference goes to. */
  readonly to?: number;
}

/** A place that jumps go to. */
export interface Label {
  readonly label: number;
}

export type Line = Item | Label;

export const isLabel = (line: Line): line is Label => 'label' in line;

const LDDW = 0x18;
const CALL = 0x85;
const JMP32_JA = 0x06;
const MAY_GOTO = 0xe5;
const SLOT = BPF_INSN_SIZE;

/** A jump's distance is in imm for calls, function references and `gotol`. */
const wideTarget = (item: Item): boolean => item.op === CALL || item.op === LDDW || item.op === JMP32_JA;

/** The bytes of a program. A label that is nowhere is the end of the program. */
export function encodeLines(lines: readonly Line[]): Uint8Array {
  const places = new Map<number, number>();
  let slots = 0;
  for (const line of lines) {
    if (isLabel(line)) places.set(line.label, slots);
    else slots += line.op === LDDW ? 2 : 1;
  }
  const bytes = new Uint8Array(slots * SLOT);
  const view = new DataView(bytes.buffer);
  let pc = 0;
  for (const line of lines) {
    if (isLabel(line)) continue;
    const distance = line.to === undefined ? 0 : (places.get(line.to) ?? slots) - pc - 1;
    const wide = wideTarget(line);
    bytes[pc * SLOT] = line.op;
    bytes[pc * SLOT + 1] = (line.src << 4) | line.dst;
    view.setInt16(pc * SLOT + 2, line.to === undefined || wide ? line.off : distance, true);
    view.setInt32(pc * SLOT + 4, line.to === undefined || !wide ? line.imm : distance, true);
    if (line.op === LDDW) {
      pc++;
      view.setInt32(pc * SLOT + 4, line.high ?? 0, true);
    }
    pc++;
  }
  return bytes;
}

const isJump = (op: number): boolean => ((op & 7) === 5 || (op & 7) === 6) && op !== CALL && op !== 0x95;

/** Where an insn goes to, for those that go anywhere. */
function targetOf({ opcode, src, off, imm }: Insn, pc: number): number | undefined {
  if (isJump(opcode)) return pc + 1 + (opcode === JMP32_JA ? imm : off);
  const refers = (opcode === CALL && src === BPF_PSEUDO_CALL) || (opcode === LDDW && src === BPF_PSEUDO_FUNC);
  return refers ? pc + 1 + imm : undefined;
}

/** Insns as lines, their targets as labels. */
export function linesOf(insns: readonly Insn[]): Line[] {
  const targets = new Set(insns.flatMap((insn, pc) => targetOf(insn, pc) ?? []));
  const lines: Line[] = [];
  for (let pc = 0; pc < insns.length; pc++) {
    const insn = insns[pc] as Insn;
    if (targets.has(pc)) lines.push({ label: pc });
    const to = targetOf(insn, pc);
    const { opcode: op, dst, src, off, imm } = insn;
    const wide = op === LDDW ? { high: insns[++pc]?.imm ?? 0 } : {};
    lines.push({ op, dst, src, off, imm, ...wide, ...(to === undefined ? {} : { to }) });
  }
  return lines;
}

/** mulberry32, with what generators ask of it. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  u32(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }

  below(limit: number): number {
    return this.u32() % limit;
  }

  /** Both ends are possible. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

/** The maps that every generated program may use, in the order of their indices. */
export const FUZZ_MAPS = {
  array: { type: 'array', key: 4, value: 24, entries: 3 },
  hash: { type: 'hash', key: 8, value: 16, entries: 4 },
  progs: { type: 'prog_array', key: 4, value: 4, entries: 4 },
  percpu: { type: 'percpu_array', key: 4, value: 12, entries: 2 },
  rodata: { type: 'array', key: 4, entries: 1, rodata: '01000000ffffffff0800000000000000 10203040' },
  lru: { type: 'lru_hash', key: 4, value: 48, entries: 8 },
  ringbuf: { type: 'ringbuf', key: 0, value: 0, entries: 4096 },
  outer: { type: 'array_of_maps', entries: 2, inner: { type: 'array', key: 4, value: 8, entries: 2 } },
  data: { type: 'array', key: 4, value: 64, entries: 1 },
} as const satisfies Readonly<Record<string, CaseMap>>;

export type FuzzMap = keyof typeof FUZZ_MAPS;
export const FUZZ_MAP_NAMES = Object.keys(FUZZ_MAPS) as FuzzMap[];
export const mapIndex = (name: FuzzMap): number => FUZZ_MAP_NAMES.indexOf(name);

export const PSEUDO = { call: BPF_PSEUDO_CALL, func: BPF_PSEUDO_FUNC, mayGoto: MAY_GOTO } as const;

export type FuzzProgType = 'xdp' | 'sched_cls' | 'cgroup_skb' | 'socket_filter';

export interface Generated {
  readonly type: ProgType;
  /** FUZZ_MAPS unless given. */
  readonly maps?: readonly MapSpec[];
  readonly lines: readonly Line[];
  readonly testStateFreq: boolean;
}
