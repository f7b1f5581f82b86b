// Mostly valid programs: packet pointers with bounds checks of many shapes, map lookups with and without null checks, spills of odd sizes,
// chains of scalars, loops, functions, helpers, tail calls, atomics. Of some programs a part of the choices is wrong on purpose.

import type { CaseMap } from '../verifier/case.ts';
import { Emit } from './verifier-emit.ts';
import { GADGETS, type Gadget } from './verifier-gadgets.ts';
import { FUZZ_MAPS, type FuzzMap, type FuzzProgType, type Generated, Random } from './verifier-item.ts';
import { copy, join, type Kind, NONE, type Reg, type State, scalar } from './verifier-model.ts';

/** Where a type's ctx has its packet pointers, and words that can be read. */
export const CTX_FIELDS = {
  xdp: { data: 0, end: 4, meta: 8, words: [12, 16], stores: [] },
  sched_cls: { data: 76, end: 80, meta: 140, words: [0, 4, 8, 16, 24, 40, 52, 56], stores: [8, 32, 48, 56] },
  cgroup_skb: { data: 76, end: 80, meta: 76, words: [0, 16, 24, 40], stores: [8, 48, 52] },
  socket_filter: { data: 0, end: 0, meta: 0, words: [0, 4, 16, 24, 48], stores: [48, 52] },
} as const;

interface Sub {
  readonly label: number;
  readonly args: readonly Reg[];
  readonly callback: boolean;
}

const STACK_SLOTS = 64;
const MAX_DEPTH = 3;

/** The gadget at this place of all weights in a row. */
function weighted(gadgets: readonly Gadget[], place: number): Gadget {
  let left = place;
  for (const gadget of gadgets) {
    if (left < gadget.weight) return gadget;
    left -= gadget.weight;
  }
  return gadgets[0] as Gadget;
}

export class Aware {
  readonly random: Random;
  readonly emit = new Emit();
  readonly type: FuzzProgType;
  /** Percent of the choices that are careless. */
  readonly wild: number;
  state: State = { regs: new Array(11).fill(NONE), stack: new Array(STACK_SLOTS).fill(NONE) };
  /** Registers that a gadget around this one still needs. */
  readonly locked = new Set<number>();
  depth = 0;
  private ids = 1;
  private readonly subs: Sub[] = [];
  private readonly pending: { label: number; state: State }[] = [];
  private out = -1;
  private live = true;

  /** What it computes depends on packet, ctx and maps alone, and only on what every engine has. */
  readonly pure: boolean;

  constructor(random: Random, type: FuzzProgType, wild: number, pure = false) {
    this.random = random;
    this.pure = pure;
    this.type = type;
    this.wild = wild;
  }

  get ctx(): (typeof CTX_FIELDS)[FuzzProgType] {
    return CTX_FIELDS[this.type];
  }

  newId(): number {
    return this.ids++;
  }

  careless(): boolean {
    return this.random.chance(this.wild);
  }

  get(reg: number): Reg {
    return this.state.regs[reg] as Reg;
  }

  set(reg: number, value: Reg): void {
    this.state.regs[reg] = value;
  }

  /** A register of one of these kinds; undefined when there is none. */
  find(...kinds: readonly Kind[]): number | undefined {
    if (this.careless()) return this.random.below(11);
    const found = this.state.regs.flatMap((reg, i) => (kinds.includes(reg.kind) && i < 10 ? [i] : []));
    return found.length === 0 ? undefined : this.random.of(found);
  }

  /** A register that may be overwritten. */
  fresh(): number {
    for (;;) {
      const reg = this.random.below(10);
      if (this.locked.has(reg)) continue;
      if (this.get(reg).kind === 'ctx' && !this.random.chance(5)) continue;
      if (reg >= 6 || this.random.chance(70)) return reg;
    }
  }

  /** Runs `body` while these registers are not overwritten. */
  keeping(regs: readonly number[], body: () => void): void {
    const added = regs.filter((reg) => !this.locked.has(reg));
    for (const reg of added) this.locked.add(reg);
    body();
    for (const reg of added) this.locked.delete(reg);
  }

  /** A scalar's register; made when there is none. */
  scalarReg(max = Number.POSITIVE_INFINITY): number {
    const found = this.state.regs.flatMap((reg, i) => (reg.kind === 'scalar' && reg.size <= max ? [i] : []));
    if (found.length > 0 && this.random.chance(80)) return this.random.of(found);
    const dst = this.fresh();
    const value = Math.min(max, this.random.below(64));
    this.emit.mov(dst, { imm: value }, this.random.of([32, 64]));
    this.set(dst, scalar(value));
    return dst;
  }

  /** A place further on that this state reaches by the jump just emitted. */
  branch(label: number, state: State = this.state): void {
    this.pending.push({ label, state: copy(state) });
  }

  /** The common exit; whatever the state is, R0 is set there. */
  get bail(): number {
    if (this.out < 0) this.out = this.emit.newLabel();
    return this.out;
  }

  /** Places a label, joined with all states that jump there. */
  place(label: number): void {
    for (let i = this.pending.length - 1; i >= 0; i--) {
      const jump = this.pending[i] as { label: number; state: State };
      if (jump.label !== label) continue;
      this.pending.splice(i, 1);
      this.state = this.live ? join(this.state, jump.state) : copy(jump.state);
      this.live = true;
    }
    this.emit.place(label);
  }

  /** What follows cannot be reached but by a label. */
  dead(): void {
    this.live = false;
  }

  /** Places some of the labels that are waited for. */
  private settle(all: boolean): void {
    const labels = new Set(this.pending.map((jump) => jump.label));
    for (const label of labels) if (all || this.random.chance(25)) this.place(label);
  }

  /** A function with these arguments, written behind the main one. */
  function(args: readonly Reg[], callback = false): number {
    const known = this.subs.find((sub) => !callback && !sub.callback && sub.args.length === args.length);
    if (known !== undefined && this.random.chance(30)) return known.label;
    const label = this.emit.newLabel();
    this.subs.push({ label, args, callback });
    return label;
  }

  /** A call has been emitted: R1 to R5 are gone. */
  clobber(result: Reg): void {
    this.set(0, result);
    for (let reg = 1; reg <= 5; reg++) if (!this.careless()) this.set(reg, NONE);
  }

  get nested(): boolean {
    return this.depth >= MAX_DEPTH;
  }

  body(gadgets: number): void {
    this.depth++;
    for (let i = 0; i < gadgets; i++) {
      const usable = GADGETS.filter(
        (gadget) => !(gadget.nests === true && this.nested) && !(gadget.impure === true && this.pure),
      );
      const total = usable.reduce((sum, gadget) => sum + gadget.weight, 0);
      weighted(usable, this.random.below(total)).run(this);
      if (this.depth === 1) this.settle(!this.live);
    }
    this.depth--;
  }

  /** Returns: R0 is a verdict. */
  finish(): void {
    this.settle(true);
    const known = this.get(0).kind === 'scalar';
    if (this.careless()) this.emit.exit();
    else {
      if (!known || this.type === 'cgroup_skb' || this.random.chance(50))
        this.emit.mov(0, { imm: this.random.below(2) }, this.random.of([32, 64]));
      this.emit.exit();
    }
    if (this.out < 0) return;
    this.emit.place(this.out);
    this.emit.mov(0, { imm: 1 });
    this.emit.exit();
    this.out = -1;
  }

  main(gadgets: number): void {
    this.set(1, { kind: 'ctx', off: 0, size: 0, id: 0 });
    this.set(10, { kind: 'fp', off: 0, size: 0, id: 0 });
    if (this.random.chance(85)) {
      this.emit.mov(6, { reg: 1 });
      this.set(6, this.get(1));
    }
    this.body(gadgets);
    this.finish();
    for (let i = 0; i < this.subs.length && i < 6; i++) this.sub(this.subs[i] as Sub);
    for (const sub of this.subs.slice(6)) {
      this.emit.place(sub.label);
      this.emit.mov(0, { imm: 0 });
      this.emit.exit();
    }
  }

  private sub(sub: Sub): void {
    this.state = { regs: new Array(11).fill(NONE), stack: new Array(STACK_SLOTS).fill(NONE) };
    this.set(10, { kind: 'fp', off: 0, size: 0, id: 0 });
    for (const [i, arg] of sub.args.entries()) this.set(i + 1, arg);
    this.live = true;
    this.emit.place(sub.label);
    this.body(this.random.between(1, 5));
    this.settle(true);
    this.emit.mov(0, { imm: sub.callback ? this.random.below(2) : this.random.below(16) });
    if (this.out >= 0) this.emit.place(this.out);
    this.out = -1;
    // A jump to the common exit has not set R0 when it came from a callback or a function.
    if (!this.careless()) this.emit.mov(0, { imm: 0 });
    this.emit.exit();
  }

  valueSize(name: FuzzMap): number {
    const map: CaseMap = FUZZ_MAPS[name];
    return map.rodata === undefined ? (map.value ?? 4) : map.rodata.replaceAll(' ', '').length / 2;
  }
}

/** An XDP program whose verdict, packet and maps can be compared between engines. */
export function generatePure(seed: number): Generated {
  const random = new Random(seed);
  const aware = new Aware(random, 'xdp', 0, true);
  aware.main(random.of([3, 6, 10, 16, 30]));
  return { type: 'xdp', lines: aware.emit.lines, testStateFreq: false };
}

export function generateAware(seed: number): Generated {
  const random = new Random(seed);
  const type = random.of<FuzzProgType>(['xdp', 'xdp', 'xdp', 'xdp', 'sched_cls', 'cgroup_skb', 'socket_filter']);
  const wild = random.of([0, 0, 0, 1, 2, 5]);
  const aware = new Aware(random, type, wild);
  aware.main(random.of([3, 6, 10, 16, 30]));
  return { type, lines: aware.emit.lines, testStateFreq: random.chance(10) };
}
