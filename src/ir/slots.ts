/**
 * Finds stack slots that can be variables: pieces of the frame that the function loads and stores at one constant offset and in one size, and that
 * nothing else can reach. An address in the frame that goes anywhere but to a helper's argument of known size reaches all of it.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import type { Block } from './cfg.ts';
import { FIRST_SLOT, MAX_VARS, NO_SLOTS, readsOf, type Slots, writeOf } from './effects.ts';

const FRAME_SIZE = 512;
const FRAME_POINTER = 10;
const CALLER_SAVED = 5;

export interface SlotOptions {
  /** Offset from R10 of the access at `pc`; undefined if it is not surely in this frame, at one place. */
  readonly frameOffset: (pc: number) => number | undefined;
  /** Bytes that the helper call at `pc` reaches from argument `n` (0 is R1) on; undefined if that is not known. */
  readonly reach: (pc: number, op: Op & { kind: 'call' }, n: number) => number | undefined;
}

interface Place {
  readonly pc: number;
  readonly off: number;
  readonly size: number;
}

class SlotFinder {
  readonly places: Place[] = [];
  /** By byte of the frame from its lowest on: something else may reach it. */
  readonly reached = new Uint8Array(FRAME_SIZE);
  all = false;
  /** What registers hold as offsets from R10, as far as this block shows. */
  private readonly held: (number | undefined)[] = new Array(11).fill(undefined);
  private readonly ops: Ops;
  private readonly options: SlotOptions;

  constructor(ops: Ops, options: SlotOptions) {
    this.ops = ops;
    this.options = options;
  }

  block({ start, end }: Block): void {
    this.held.fill(undefined);
    this.held[FRAME_POINTER] = 0;
    for (let pc = start; pc < end && !this.all; pc++) {
      const op = this.ops[pc];
      if (op !== undefined) this.step(op, pc);
    }
    // What is still held may be used elsewhere.
    if (this.held.some((off, reg) => off !== undefined && reg !== FRAME_POINTER)) this.all = true;
  }

  private step(op: Op, pc: number): void {
    if (op.kind === 'load' || op.kind === 'store') {
      this.access(op, pc);
      return;
    }
    if (op.kind === 'call') {
      this.call(op, pc);
      return;
    }
    if (op.kind === 'alu' && op.width === 64 && this.moves(op)) return;
    // Whatever else reads an address may do anything with it; a call in the program gives all five registers.
    if ((op.kind === 'call_local' || op.kind === 'call_kfunc') && this.holdsArgument()) this.all = true;
    if (op.kind !== 'call_local' && op.kind !== 'call_kfunc' && this.readsAddress(op)) this.all = true;
    this.forget(op);
  }

  private holdsArgument(): boolean {
    for (let reg = 1; reg <= CALLER_SAVED; reg++) if (this.held[reg] !== undefined) return true;
    return false;
  }

  private forget(op: Op): void {
    const written = writeOf(op);
    if (written >= 0) this.held[written] = undefined;
    if (op.kind === 'call' || op.kind === 'call_local' || op.kind === 'call_kfunc') {
      for (let reg = 0; reg <= CALLER_SAVED; reg++) this.held[reg] = undefined;
    }
  }

  private readsAddress(op: Op): boolean {
    const mask = readsOf(op);
    for (let reg = 0; reg < FRAME_POINTER; reg++)
      if ((mask & (1 << reg)) !== 0 && this.held[reg] !== undefined) return true;
    if (op.kind === 'alu' || op.kind === 'jcond') return op.src?.kind === 'reg' && op.src.reg === FRAME_POINTER;
    if (op.kind === 'movsx' || op.kind === 'cast_user') return op.src === FRAME_POINTER;
    return op.kind === 'atomic' && (op.src === FRAME_POINTER || op.dst === FRAME_POINTER);
  }

  /** Copies of an address, and constants added to one. */
  private moves(op: Op & { kind: 'alu' }): boolean {
    if (op.op === 'mov' && op.src?.kind === 'reg') {
      this.held[op.dst] = this.held[op.src.reg];
      return true;
    }
    const before = this.held[op.dst];
    if (op.op !== 'add' || op.src?.kind !== 'imm' || before === undefined) return false;
    this.held[op.dst] = before + op.src.value;
    return true;
  }

  private access(op: Op & { kind: 'load' | 'store' }, pc: number): void {
    const base = op.kind === 'load' ? op.src : op.dst;
    const off = this.options.frameOffset(pc);
    if (off !== undefined && this.held[base] !== undefined) this.places.push({ pc, off, size: op.size });
    else if (off !== undefined) this.reach(off, op.size);
    else if (this.held[base] !== undefined) this.all = true;
    if (op.kind === 'store' && op.src.kind === 'reg' && this.held[op.src.reg] !== undefined) this.all = true;
    this.forget(op);
  }

  private call(op: Op & { kind: 'call' }, pc: number): void {
    for (let n = 0; n < CALLER_SAVED; n++) {
      const off = this.held[n + 1];
      if (off === undefined) continue;
      const size = this.options.reach(pc, op, n);
      if (size === undefined) this.all = true;
      else this.reach(off, size);
    }
    this.forget(op);
  }

  private reach(off: number, size: number): void {
    const from = FRAME_SIZE + off;
    this.reached.fill(1, Math.max(0, from), Math.max(0, from + size));
  }
}

/** Pieces that are accessed in one way only, the ones with the most accesses first. */
function choose(finder: SlotFinder): number[] {
  const uses = new Map<number, number>();
  const size = new Map<number, number>();
  const owner = new Int32Array(FRAME_SIZE).fill(-1);
  const bad = new Set<number>();
  for (const place of finder.places) {
    const from = FRAME_SIZE + place.off;
    if (from < 0 || from + place.size > FRAME_SIZE) continue;
    uses.set(from, (uses.get(from) ?? 0) + 1);
    if ((size.get(from) ?? place.size) !== place.size) bad.add(from);
    size.set(from, place.size);
    for (let at = from; at < from + place.size; at++) {
      if (owner[at] >= 0 && owner[at] !== from) bad.add(owner[at]).add(from);
      if (finder.reached[at] === 1) bad.add(from);
      owner[at] = from;
    }
  }
  return [...uses.keys()]
    .filter((from) => !bad.has(from))
    .sort((a, b) => (uses.get(b) ?? 0) - (uses.get(a) ?? 0) || a - b);
}

export function findSlots(blocks: readonly Block[], ops: Ops, options: SlotOptions): Slots {
  const finder = new SlotFinder(ops, options);
  for (const block of blocks) finder.block(block);
  if (finder.all || finder.places.length === 0) return NO_SLOTS;
  const chosen = choose(finder).slice(0, MAX_VARS - FIRST_SLOT);
  const variable = new Map(chosen.map((from, i) => [from, FIRST_SLOT + i]));
  const at = new Map<number, number>();
  for (const { pc, off } of finder.places) {
    const found = variable.get(FRAME_SIZE + off);
    if (found !== undefined) at.set(pc, found);
  }
  return { count: chosen.length, at };
}
