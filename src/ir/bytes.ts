/**
 * Finds accesses of single bytes that together are one wider access. clang loads and stores what may not be aligned byte by byte; memory here takes
 * any address. Within a block:
 *
 *     w1 = byte 0; w2 = byte 1; w2 <<= 8; w2 |= w1          the last insn is a load of two bytes
 *     byte 6 = byte 0; byte 7 = byte 1; ...                 the last store writes them all
 *
 * A wide load stands where the last of its bytes is loaded: its address is at hand there, and nothing in between has stored to them. Where something
 * has, as in a memmove whose loads and stores take turns, it stands where the first of them is loaded, if none of them was stored to before its own
 * load: what it reads is the program's to read, because nothing in between can end the program or take its memory away. A wide store stands where the last
 * of its bytes is stored, if nothing before reads or overwrites the others. Neighbours that are exchanged, as addresses and ports are in an answer, are what
 * lay there before, rotated.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import type { Block } from './cfg.ts';
import { FRAME, type Operands } from './operands.ts';
import type { Values } from './values.ts';

/** `shift`, `count`, `off`: in bytes. A value that is memory's bytes [off, off + count) at `root`, and zero around them. */
interface Bytes {
  readonly root: number;
  readonly off: number;
  readonly count: number;
  readonly shift: number;
  /** Pc of a load where memory has them. */
  readonly at: number;
}

/** A load of `size` bytes beside the load at some pc: `delta` bytes behind where that one goes. */
export interface WideLoad {
  readonly delta: number;
  readonly size: 2 | 4 | 8;
  /** Number of the local that keeps it until it is used. */
  readonly keep: number;
  /** The pc of the insn that uses it. */
  readonly user: number;
}

/** What the insn at a pc becomes. */
export type Joined =
  /** The value is what was kept, so many bytes to the left. */
  {
    readonly kind: 'kept';
    readonly size: 2 | 4 | 8;
    readonly keep: number;
    readonly shift: number;
    readonly at: number;
  };

export type Stored =
  /** Another store writes these bytes as well. */
  | { readonly kind: 'gone' }
  /** A store of `size` bytes, `delta` bytes behind where this one goes: what was kept, its bytes rotated to the left, or a constant. */
  | {
      readonly kind: 'wide';
      readonly delta: number;
      readonly size: 2 | 4 | 8;
      readonly keep: number | undefined;
      readonly rotate: number;
      readonly at: number;
      readonly lo: number;
      readonly hi: number;
    };

export interface WideAccesses {
  /** By pc of the load that they stand beside. */
  readonly loads: ReadonlyMap<number, readonly WideLoad[]>;
  readonly joins: ReadonlyMap<number, Joined>;
  readonly stores: ReadonlyMap<number, Stored>;
}

/** Where an access goes. Different regions never overlap. */
export interface Place {
  readonly root: number;
  readonly off: number;
  readonly region: string;
}

export interface WideOptions {
  /** Region of the access at `pc`, and its offset in it if it begins at a known place (R10, the context). */
  readonly region: (pc: number) => { readonly name: string; readonly off: number | undefined } | undefined;
  /** Stores may be put together: nothing can stop the program between them. */
  readonly stores: boolean;
  readonly slotAt: ReadonlyMap<number, number>;
}

type Load = Op & { kind: 'load' };
type Store = Op & { kind: 'store' };
type Alu = Op & { kind: 'alu' };

interface Access extends Place {
  readonly pc: number;
  readonly size: number;
  /** Pc of the store that writes its bytes: a later one, if they were put together. */
  lands: number;
}

/** A store that may be put together with its neighbours. */
interface Part extends Access {
  readonly source: Bytes | undefined;
  readonly value: number;
}

/** Roots of accesses in R10's frame and in the context, whatever register they go through. */
const CONTEXT = -3;
const MAX_GROUP = 32;
/** Stores between a byte's load and its use that are looked at: compilers put no more there, and blocks can be as long as programs. */
const MAX_BETWEEN = 128;
const SIZES = [8, 4, 2] as const;

const overlaps = (a: { off: number; size: number }, b: { off: number; size: number }): boolean =>
  a.off < b.off + b.size && b.off < a.off + a.size;

/** Two accesses that may touch the same bytes. */
function mayMeet(a: Place & { size: number }, b: Place & { size: number }): boolean {
  if (a.root === b.root) return overlaps(a, b);
  return a.region === '' || b.region === '' || a.region === b.region;
}

class WideFinder {
  readonly loads = new Map<number, WideLoad[]>();
  readonly joins = new Map<number, Joined>();
  readonly stores = new Map<number, Stored>();
  /** By value: what it is a sum of constants to. */
  private readonly root: Int32Array;
  private readonly delta: Float64Array;
  private readonly bytes = new Map<number, Bytes>();
  /** Stores of this block, and the pc of its last insn that may do anything to memory. */
  private written: Access[] = [];
  /** Those of them that land later, in the order in which they land. */
  private moved: Access[] = [];
  private barrier = -1;
  private group: Part[] = [];
  private kept = 0;
  private readonly ops: Ops;
  private readonly values: Values;
  private readonly operands: Operands;
  private readonly options: WideOptions;

  constructor(ops: Ops, values: Values, operands: Operands, options: WideOptions) {
    this.ops = ops;
    this.values = values;
    this.operands = operands;
    this.options = options;
    this.root = Int32Array.from({ length: values.count }, (_, v) => v);
    this.delta = new Float64Array(values.count);
  }

  block({ start, end }: Block): void {
    this.bytes.clear();
    this.written = [];
    this.moved = [];
    this.barrier = -1;
    this.kept = 0;
    for (let pc = start; pc < end; pc++) {
      const op = this.ops[pc];
      if (op !== undefined) this.step(op, pc, pc - this.values.effects.start);
    }
    this.close();
  }

  private step(op: Op, pc: number, i: number): void {
    const made = this.values.made[i];
    switch (op.kind) {
      case 'alu':
        this.follow(op, i, made);
        this.alu(op, pc, i, made);
        return;
      case 'load':
        if (this.options.slotAt.has(pc)) this.copy(made, this.operands.first[i], op.size, op.signed);
        else this.load(op, pc, i, made);
        return;
      case 'store':
        if (this.options.slotAt.has(pc)) this.copy(made, this.operands.second[i], op.size, false);
        else this.store(op, pc, i);
        return;
      case 'atomic':
      case 'call':
      case 'call_local':
      case 'call_kfunc':
        this.close();
        this.barrier = pc;
        this.written = [];
        this.moved = [];
        return;
      case 'ldabs':
      case 'ldind':
        // May end the program: what was stored before stays stored.
        this.close();
        return;
      default:
        return;
    }
  }

  /** Constants that are added to an address. */
  private follow(op: Alu, i: number, made: number): void {
    if (op.width !== 64 || made < 0) return;
    if (op.op === 'mov' && op.src?.kind === 'reg') this.derive(made, this.operands.second[i], 0);
    else if (op.op === 'add' && op.src?.kind === 'imm') this.derive(made, this.operands.first[i], op.src.value);
  }

  private derive(made: number, from: number, by: number): void {
    this.root[made] = from < 0 ? FRAME : this.root[from];
    this.delta[made] = (from < 0 ? 0 : this.delta[from]) + by;
  }

  private place(pc: number, base: number, off: number): Place {
    const known = this.options.region(pc);
    const region = known?.name ?? '';
    if (known?.off !== undefined) return { root: region === 'stack' ? FRAME : CONTEXT, off: known.off + off, region };
    if (base < 0) return { root: FRAME, off, region };
    return { root: this.root[base], off: this.delta[base] + off, region };
  }

  /** A value that is the low bytes of another one. */
  private copy(made: number, from: number, size: number, signed: boolean): void {
    const source = from < 0 ? undefined : this.bytes.get(from);
    if (source === undefined || made < 0 || (signed && size < 8)) return;
    const count = Math.min(source.count, size - source.shift);
    if (count > 0) this.bytes.set(made, { ...source, count });
  }

  private load(op: Load, pc: number, i: number, made: number): void {
    const place = this.place(pc, this.operands.first[i], op.off);
    if (this.group.length > 0) {
      const access = { root: place.root, off: place.off, region: place.region, size: op.size };
      if (this.group.some((part) => mayMeet(part, access))) this.close();
    }
    if (op.signed || made < 0) return;
    this.bytes.set(made, { root: place.root, off: place.off, count: op.size, shift: 0, at: pc });
  }

  private alu(op: Alu, pc: number, i: number, made: number): void {
    const { first, second } = this.operands;
    const width = op.width / 8;
    if (op.op === 'mov') {
      if (op.src?.kind === 'reg') this.copy(made, second[i], width, false);
      return;
    }
    const a = this.bytes.get(first[i]);
    if (a === undefined) return;
    if (op.src?.kind === 'imm') {
      const moved = shifted(op.op, a, op.src.value, width);
      if (moved !== undefined) this.bytes.set(made, moved);
      return;
    }
    if (op.op !== 'or' && op.op !== 'xor' && op.op !== 'add') return;
    const b = this.bytes.get(second[i]);
    const joined = b === undefined ? undefined : together(a, b);
    if (b === undefined || joined === undefined || joined.shift + joined.count > width) return;
    const at = this.commonTime([a, b]);
    if (at === undefined) return;
    const whole: Bytes = { ...joined, at };
    this.bytes.set(made, whole);
    const { count } = whole;
    if (count !== 2 && count !== 4 && count !== 8) return;
    const keep = this.keep(at, whole.off, count, pc);
    this.joins.set(pc, { kind: 'kept', size: count, keep, shift: whole.shift, at });
  }

  /** The pc of a load where memory has all of them: the last, or else the first. */
  private commonTime(parts: readonly Bytes[]): number | undefined {
    let first = Number.POSITIVE_INFINITY;
    let last = -1;
    for (const { at } of parts) {
      if (at < first) first = at;
      if (at > last) last = at;
    }
    if (this.barrier >= first) return undefined;
    if (parts.every((part) => this.isStill(part, last))) return last;
    return this.options.stores && parts.every((part) => this.isAlready(part, first)) ? first : undefined;
  }

  /** Nothing stores to the bytes from where memory has them to a later pc. */
  private isStill({ root, off, count, at }: Bytes, later: number): boolean {
    const range = { root, off, size: count, region: this.options.region(at)?.name ?? '' };
    const oldest = this.written.length - MAX_BETWEEN;
    for (let s = this.written.length - 1; s >= 0 && this.written[s].pc > at; s--) {
      if (s < oldest) return false;
      const store = this.written[s];
      if (store.pc < later && mayMeet(store, range)) return false;
    }
    return true;
  }

  /** Nothing stores to the bytes from an earlier pc on, until memory has them: neither by its own store nor by one that it was moved to. */
  private isAlready(bytes: Bytes, earlier: number): boolean {
    const { root, off, count, at } = bytes;
    const range = { root, off, size: count, region: this.options.region(at)?.name ?? '' };
    if (!this.isStill({ ...bytes, at: earlier }, at)) return false;
    for (let m = this.moved.length - 1; m >= 0 && this.moved[m].lands > earlier; m--) {
      const store = this.moved[m];
      if (store.pc < at && mayMeet(store, range)) return false;
    }
    return true;
  }

  /** A load of `size` bytes at `off` beside the load at `pc`; the number of its local. */
  private keep(pc: number, off: number, size: 2 | 4 | 8, user: number): number {
    const op = this.ops[pc] as Load;
    const base = this.operands.first[pc - this.values.effects.start];
    const beside = this.place(pc, base, op.off);
    const keep = this.kept++;
    const list = this.loads.get(pc) ?? [];
    list.push({ delta: off - beside.off, size, keep, user });
    this.loads.set(pc, list);
    return keep;
  }

  private store(op: Store, pc: number, i: number): void {
    const source = op.src.kind === 'reg' ? this.bytes.get(this.operands.second[i]) : undefined;
    const { root, off, region } = this.place(pc, this.operands.first[i], op.off);
    const value = op.src.kind === 'imm' ? op.src.value : 0;
    // Field by field: V8 takes a microsecond to copy an object and to add to it.
    const part: Part = { root, off, region, pc, size: op.size, lands: pc, source, value };
    this.written.push(part);
    if (!this.options.stores) return;
    const takes =
      op.size < 8 && (op.src.kind === 'imm' || (source !== undefined && source.shift === 0 && source.count >= op.size));
    if (this.group.some((other) => mayMeet(other, part))) this.close();
    if (!takes) return;
    if (this.group.length > 0 && !this.continues(part)) this.close();
    this.group.push(part);
    if (this.group.length === MAX_GROUP) this.close();
  }

  /** The part's bytes go where those of the group do, and are of the same kind. */
  private continues(part: Part): boolean {
    const [known] = this.group;
    return known.root === part.root && (known.source === undefined) === (part.source === undefined);
  }

  /** Puts the stores of the group together, as far as they lie side by side. */
  private close(): void {
    const parts = this.group.sort((a, b) => a.off - b.off);
    this.group = [];
    for (let at = 0; at < parts.length; ) at += this.join(parts, at);
    const moved = parts.filter(({ pc, lands }) => lands > pc).sort((a, b) => a.lands - b.lands);
    for (const part of moved) this.moved.push(part);
  }

  /** Joins as many parts from `at` on as make a wide store; how many parts are done with. */
  private join(parts: readonly Part[], at: number): number {
    for (const size of SIZES) {
      let bytes = 0;
      let n = 0;
      while (at + n < parts.length && bytes < size && parts[at + n].off === parts[at].off + bytes)
        bytes += parts[at + n++].size;
      if (bytes === size && n > 1 && this.joinParts(parts.slice(at, at + n), size)) return n;
    }
    return 1;
  }

  private joinParts(parts: readonly Part[], size: 2 | 4 | 8): boolean {
    const last = parts.reduce((a, b) => (a.pc > b.pc ? a : b));
    const delta = parts[0].off - last.off;
    const sources = parts.flatMap(({ source }) => source ?? []);
    if (sources.length === 0) {
      const [lo, hi] = constantOf(parts);
      this.stores.set(last.pc, { kind: 'wide', delta, size, keep: undefined, rotate: 0, at: last.pc, lo, hi });
    } else {
      const from = sourceOf(parts, size);
      const at = from && this.commonTime(sources);
      if (from === undefined || at === undefined) return false;
      const keep = this.keep(at, from.off, size, last.pc);
      this.stores.set(last.pc, { kind: 'wide', delta, size, keep, rotate: from.rotate, at, lo: 0, hi: 0 });
    }
    for (const part of parts) {
      if (part.pc === last.pc) continue;
      this.stores.set(part.pc, { kind: 'gone' });
      part.lands = last.pc;
    }
    return true;
  }
}

/** Where in memory the bytes of adjacent parts, `size` together, are in a row: as they are, or rotated to the left by so many bytes in their own place. */
function sourceOf(parts: readonly Part[], size: number): { off: number; rotate: number } | undefined {
  const [{ source: first, off, root }] = parts;
  if (first === undefined) return undefined;
  const by = first.off - off;
  const isMoved = ({ source, off }: Part): boolean => source?.root === first.root && source.off - off === by;
  if (parts.every(isMoved)) return { off: first.off, rotate: 0 };
  // Engines rotate words.
  if (first.root !== root || by <= 0 || by >= size || size < 4) return undefined;
  const end = off + size - by;
  const isRotated = (part: Part): boolean => {
    if (part.off + part.size <= end) return isMoved(part);
    return part.off >= end && part.source?.root === root && part.source.off - part.off === by - size;
  };
  return parts.every(isRotated) ? { off, rotate: size - by } : undefined;
}

/** Little-endian halves of what the constants of adjacent stores are together. */
function constantOf(parts: readonly Part[]): readonly [number, number] {
  const bytes = new DataView(new ArrayBuffer(8));
  let at = 0;
  for (const { value, size } of parts)
    for (let b = 0; b < size; b++) bytes.setUint8(at++, b < 4 ? value >> (8 * b) : value >> 31);
  return [bytes.getInt32(0, true), bytes.getInt32(4, true)];
}

/** Bytes shifted by a constant, or cut off by a mask. */
function shifted(op: Alu['op'], a: Bytes, value: number, width: number): Bytes | undefined {
  if (a.shift + a.count > width && op !== 'and') return undefined;
  const by = (value & (width * 8 - 1)) / 8;
  if (op === 'lsh' && Number.isInteger(by)) {
    const count = Math.min(a.count, width - a.shift - by);
    return count > 0 ? { ...a, count, shift: a.shift + by } : undefined;
  }
  if (op === 'rsh' && Number.isInteger(by) && a.shift === 0 && by < a.count) {
    return { ...a, off: a.off + by, count: a.count - by };
  }
  const kept = value === 0xff ? 1 : value === 0xffff ? 2 : 0;
  return op === 'and' && a.shift === 0 && kept > 0 ? { ...a, count: Math.min(a.count, kept) } : undefined;
}

/** What two neighbours in memory are, if they are in the same order in the value. */
function together(a: Bytes, b: Bytes): Omit<Bytes, 'at'> | undefined {
  const [low, high] = a.shift < b.shift ? [a, b] : [b, a];
  if (low.root !== high.root || high.shift !== low.shift + low.count || high.off !== low.off + low.count)
    return undefined;
  return { root: low.root, off: low.off, count: low.count + high.count, shift: low.shift };
}

export function findWideAccesses(
  blocks: readonly Block[],
  ops: Ops,
  values: Values,
  operands: Operands,
  options: WideOptions,
): WideAccesses {
  const finder = new WideFinder(ops, values, operands, options);
  for (const b of values.order.rpo) finder.block(blocks[b]);
  return finder;
}
