/**
 * Keys of lookups as values. A program writes a key to its stack, field by field, because the helper wants its address; where the stores are known
 * (ir/written), each keeps what it stores in a local, and the lookup puts the key's words together from those. A processor cannot forward two stores
 * to one load, so a key that is read back costs more than looking it up. What nobody reads back is not stored either.
 */

import * as abi from '../../assembly/verifier/abi/types.ts';
import type { Ops } from '../ir/block.ts';
import type { Stored } from '../ir/bytes.ts';
import type { Cfg } from '../ir/cfg.ts';
import { findWriters, frameOffset, type Target } from '../ir/written.ts';
import { HELPER_BY_ID } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { Code } from './code.ts';
import { type FuncEnv, type ProgEnv, pushReg, pushReg32 } from './env.ts';
import { pushStored } from './lower-kept.ts';
import * as w from './opcodes.ts';
import type { Plan } from './plan.ts';
import { proofOf } from './proved.ts';

/** A byte of a key: byte `at` of what the store at `pc` writes. */
export interface KeyByte {
  readonly pc: number;
  readonly at: number;
}

/** By pc of the lookup. */
export type Keys = ReadonlyMap<number, readonly KeyByte[]>;

/** Locals that keep what stores write, by pc of the store: i64 for eight bytes, else i32. */
export type KeyLocals = ReadonlyMap<number, number>;

/** Where what is not on the stack lies, of what the verifier tells apart. Memory of other kinds may be lent from the stack. */
const OFF_STACK: readonly number[] = [abi.PTR_TO_CTX, abi.PTR_TO_MAP_VALUE, abi.PTR_TO_PACKET, abi.PTR_TO_PACKET_META];

function targetOf(prog: ProgEnv, pc: number, op: Op & { kind: 'store' | 'atomic' }): Target {
  const proof = proofOf(prog.checked);
  const fact = prog.facts.base[pc];
  if (prog.arena?.holds(pc) === true) return 'elsewhere';
  if (fact?.kind === 'stack' && fact.off !== undefined) return fact.off + op.off;
  if (!prog.checks && proof !== undefined) {
    const region = proof.access(pc)?.region;
    return region !== undefined && OFF_STACK.includes(region & abi.BASE_MASK) ? 'elsewhere' : 'anywhere';
  }
  const isOff = fact?.kind === 'ctx' || fact?.kind === 'packet' || fact?.kind === 'map_value';
  return isOff ? 'elsewhere' : 'anywhere';
}

const READS: readonly string[] = [
  'ctx',
  'const_map_ptr',
  'map_key',
  'map_value',
  'mem',
  'mem_or_null',
  'const_str',
  'size',
  'size_or_zero',
  'anything',
  'object',
];

/** A helper that is given nothing to write to. */
function callWrites(op: Op & { kind: 'call' }): boolean {
  const proto = HELPER_BY_ID.get(op.helper);
  return proto === undefined || proto.callsBack || !proto.args.every((arg) => READS.includes(arg));
}

/** The place in the frame that a register points to at the call, as an offset from R10. */
function placeOf(prog: ProgEnv, start: number, pc: number, reg: number): number | undefined {
  const fact = prog.facts.args[pc]?.[reg - 1];
  if (fact?.kind === 'stack') return fact.off;
  return frameOffset(prog.checked.ops, start, pc, reg);
}

/** An argument that a call wants as a value: the register that points to it, and its bytes. */
export interface Wanted {
  readonly reg: number;
  readonly size: number;
}

/** What calls are given on the stack, of those for which `wanted` says what they want as a value. */
export function findKeys(
  prog: ProgEnv,
  cfg: Cfg,
  wanted: (op: Op & { kind: 'call' }, pc: number) => Wanted | undefined,
): Keys {
  const { ops } = prog.checked;
  const target = (pc: number, op: Op & { kind: 'store' | 'atomic' }) => targetOf(prog, pc, op);
  const keys = new Map<number, KeyByte[]>();
  cfg.blocks.forEach(({ start, end }, block) => {
    for (let pc = start; pc < end; pc++) {
      const op = ops[pc];
      const want = op?.kind === 'call' ? wanted(op, pc) : undefined;
      const off = want === undefined ? undefined : placeOf(prog, start, pc, want.reg);
      if (want === undefined || off === undefined) continue;
      const writers = findWriters(cfg, ops, { block, pc, off, size: want.size }, { target, callWrites });
      if (writers === undefined) continue;
      keys.set(
        pc,
        Array.from(writers, (by, i) => ({ pc: by, at: off + i - (storeOffset(prog, by) as number) })),
      );
    }
  });
  return keys;
}

function storeOffset(prog: ProgEnv, pc: number): number | undefined {
  const op = prog.checked.ops[pc];
  const fact = prog.facts.base[pc];
  return op?.kind === 'store' && fact?.kind === 'stack' && fact.off !== undefined ? fact.off + op.off : undefined;
}

/** The same where stores became wider ones: a byte is then one of the wide store's. */
export function widenKeys(prog: ProgEnv, keys: Keys, stores: ReadonlyMap<number, Stored>): Keys {
  if (keys.size === 0 || stores.size === 0) return keys;
  const wide = [...stores].flatMap(([pc, stored]) => {
    const off = storeOffset(prog, pc);
    return stored.kind === 'wide' && off !== undefined ? [{ pc, off: off + stored.delta, size: stored.size }] : [];
  });
  const widened = (byte: KeyByte): KeyByte => {
    if (!stores.has(byte.pc)) return byte;
    const at = (storeOffset(prog, byte.pc) as number) + byte.at;
    // The first one behind it: bytes of one group are written once.
    const by = wide
      .filter(({ pc, off, size }) => pc >= byte.pc && off <= at && at < off + size)
      .reduce((a, b) => (a.pc < b.pc ? a : b));
    return { pc: by.pc, at: at - by.off };
  };
  return new Map([...keys].map(([pc, bytes]) => [pc, bytes.map(widened)]));
}

/** Bytes that the store at `pc` writes. */
function sizeOfStore(plan: Pick<Plan, 'wide'>, ops: Ops, pc: number): number {
  const stored = plan.wide.stores.get(pc);
  if (stored?.kind === 'wide') return stored.size;
  const op = ops[pc];
  return op?.kind === 'store' ? op.size : 0;
}

/** Stores of registers, by their pcs, whose registers keys read: how many of their bits, as a `Demand`. */
export function keyReads(
  keys: readonly Keys[],
  ops: Ops,
  stores: ReadonlyMap<number, Stored>,
): ReadonlyMap<number, 1 | 2> {
  const reads = new Map<number, 1 | 2>();
  for (const bytes of keys.flatMap((some) => [...some.values()])) {
    for (const { pc } of bytes) {
      const op = ops[pc];
      if (op?.kind === 'store' && op.src.kind === 'reg' && !stores.has(pc)) reads.set(pc, op.size === 8 ? 2 : 1);
    }
  }
  return reads;
}

/** A number known here and now that the store writes: its low and its high half. */
function constantOf(plan: Plan, ops: Ops, pc: number): readonly [lo: number, hi: number] | undefined {
  const stored = plan.wide.stores.get(pc);
  if (stored?.kind === 'wide') return stored.keep === undefined ? [stored.lo, stored.hi] : undefined;
  const op = ops[pc];
  if (op?.kind !== 'store') return undefined;
  if (op.src.kind === 'imm') return [op.src.value, op.src.value >> 31];
  return plan.max[plan.operands.second[pc - plan.values.effects.start]] === 0 ? [0, 0] : undefined;
}

export function keyLocals(plan: Plan, ops: Ops, code: Code): KeyLocals {
  const locals = new Map<number, number>();
  for (const bytes of [...plan.keys.values(), ...plan.data.values()]) {
    for (const { pc } of bytes) {
      if (locals.has(pc) || constantOf(plan, ops, pc) !== undefined) continue;
      locals.set(pc, code.addLocal(sizeOfStore(plan, ops, pc) === 8 ? 'i64' : 'i32'));
    }
  }
  return locals;
}

/** Before the store at `pc`: keeps what it stores, if a key wants it. */
export function keepStored(f: FuncEnv, op: Op & { kind: 'store' }, pc: number): void {
  const local = f.keys.get(pc);
  if (local === undefined) return;
  const stored = f.plan.wide.stores.get(pc);
  if (stored?.kind === 'wide') pushStored(f, stored);
  else if (op.src.kind === 'reg') (op.size === 8 ? pushReg : pushReg32)(f, op.src.reg);
  f.code.set(local);
}

/** Bytes of a word that lie side by side in one store: `count` of them from its byte `from` on, at byte `to` of the word. */
interface Run {
  readonly pc: number;
  readonly from: number;
  readonly to: number;
  count: number;
}

function runsOf(bytes: readonly KeyByte[]): Run[] {
  const runs: Run[] = [];
  bytes.forEach(({ pc, at }, to) => {
    const last = runs[runs.length - 1];
    if (last?.pc === pc && last.from + last.count === at) last.count++;
    else runs.push({ pc, from: at, to, count: 1 });
  });
  return runs;
}

const mask = (bytes: number): number => 2 ** (8 * bytes) - 1;

/** Bytes of what was kept of the store at `pc` that may not be zero. */
function heldBytes(plan: Plan, ops: Ops, pc: number): number {
  const size = sizeOfStore(plan, ops, pc);
  if (plan.wide.stores.has(pc)) return size;
  const value = plan.operands.second[pc - plan.values.effects.start];
  const local = size === 8 ? 8 : 4;
  for (let bytes = 1; value >= 0 && bytes < local; bytes++) if (plan.max[value] <= mask(bytes)) return bytes;
  return local;
}

/** Puts the bytes of a run on the stack, an i32, at their place in the word. */
function pushRun(f: FuncEnv, { pc, from, to, count }: Run): void {
  const { code, plan } = f;
  const { ops } = f.prog.checked;
  const size = sizeOfStore(plan, ops, pc);
  code.get(f.keys.get(pc) as number);
  if (size === 8) {
    if (from > 0) {
      code.i64(8 * from);
      code.op(w.I64_SHR_U);
    }
    code.op(w.I32_WRAP_I64);
  } else if (from > 0) {
    code.i32(8 * from);
    code.op(w.I32_SHR_U);
  }
  // Above what was stored there may be more of the register; shifting a run to the word's end drops it as well.
  const isClean = from + count >= heldBytes(plan, ops, pc);
  if (count < 4 && to + count < 4 && !isClean) {
    code.i32(mask(count));
    code.op(w.I32_AND);
  }
  if (to > 0) {
    code.i32(8 * to);
    code.op(w.I32_SHL);
  }
}

/** What of these bytes is known here and now, and the rest. */
function split(f: FuncEnv, bytes: readonly KeyByte[]): { constant: number; runs: Run[] } {
  let constant = 0;
  const rest: Run[] = [];
  for (const run of runsOf(bytes)) {
    const known = constantOf(f.plan, f.prog.checked.ops, run.pc);
    if (known === undefined) {
      rest.push(run);
      continue;
    }
    for (let i = 0; i < run.count; i++) {
      const at = run.from + i;
      constant |= ((known[at >> 2] >>> (8 * (at & 3))) & 0xff) << (8 * (run.to + i));
    }
  }
  return { constant, runs: rest };
}

/** Puts up to four bytes of a key on the stack, an i32; those above them are zero. */
export function pushKeyWord(f: FuncEnv, bytes: readonly KeyByte[]): void {
  const { code } = f;
  const { constant, runs } = split(f, bytes);
  runs.forEach((run, i) => {
    pushRun(f, run);
    if (i > 0) code.op(w.I32_OR);
  });
  if (runs.length === 0) code.i32(constant);
  else if (constant !== 0) {
    code.i32(constant);
    code.op(w.I32_OR);
  }
}

/** The local of the eight bytes that one store wrote, if it wrote all of these. */
function storedWhole(f: FuncEnv, bytes: readonly KeyByte[]): number | undefined {
  const [{ pc, at }] = bytes;
  const isOne = bytes.length === 8 && at === 0 && bytes.every((byte, i) => byte.pc === pc && byte.at === i);
  return isOne ? f.keys.get(pc) : undefined;
}

/** Eight bytes of what is on the stack, or what is left of it, with zeros behind: in a local, i64. */
export interface Pair {
  readonly local: number;
  readonly size: number;
}

function pushExtended(f: FuncEnv, bytes: readonly KeyByte[]): void {
  pushKeyWord(f, bytes);
  f.code.op(w.I64_EXTEND_I32_U);
}

/** Puts words together in pairs, in locals of that name. */
export function makePairs(f: FuncEnv, name: string, bytes: readonly KeyByte[]): Pair[] {
  const { code } = f;
  const pairs: Pair[] = [];
  for (let at = 0; at < bytes.length; at += 8) {
    const part = bytes.slice(at, at + 8);
    let local = storedWhole(f, part);
    if (local === undefined) {
      local = code.local(`${name} ${pairs.length}`, 'i64');
      pushExtended(f, part.slice(0, 4));
      if (part.length > 4) {
        pushExtended(f, part.slice(4));
        code.i64(32);
        code.op(w.I64_SHL, w.I64_OR);
      }
      code.set(local);
    }
    pairs.push({ local, size: part.length });
  }
  return pairs;
}

const PAIR_STORE = { 8: w.I64_STORE, 4: w.I64_STORE32, 2: w.I64_STORE16, 1: w.I64_STORE8 } as const;

/** Stores pairs at an address, `offset` behind what `push` puts on the stack. */
export function storePairs(f: FuncEnv, pairs: readonly Pair[], push: () => void, offset = 0): void {
  const { code } = f;
  pairs.forEach(({ local, size }, i) => {
    let at = 0;
    for (const piece of [8, 4, 2, 1] as const) {
      if (size - at < piece) continue;
      push();
      code.get(local);
      if (at > 0) {
        code.i64(8 * at);
        code.op(w.I64_SHR_U);
      }
      code.mem(PAIR_STORE[piece], offset + 8 * i + at);
      at += piece;
    }
  });
}
