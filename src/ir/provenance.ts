/**
 * Where pointers come from: a forward dataflow over registers and 8-byte stack slots. It decides nothing about safety by itself:
 * it tells the JIT which check an access of an unverified program needs, and drops those that constants already answer.
 *
 * Sound because its sources are: R10 cannot be written, R1 of the entry is the context, addresses of maps and results of lookups
 * come from the engine. A spilled pointer counts only until a store that might overwrite it.
 */
import { HELPER_BY_ID } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { Facts, RegFact } from '../verifier/facts.ts';
import type { Ops } from './block.ts';
import { type Block, successors } from './cfg.ts';
import { reversePostorder } from './order.ts';

const UNKNOWN: RegFact = { kind: 'unknown' };
const PACKET: RegFact = { kind: 'packet' };
const FRAME: RegFact = { kind: 'stack', off: 0 };
const ANY_STACK: RegFact = { kind: 'stack', off: undefined };

interface State {
  readonly regs: RegFact[];
  /** By offset from R10, 8-byte spills only. */
  readonly slots: Map<number, RegFact>;
}

export interface FuncShape {
  readonly start: number;
  readonly end: number;
  readonly blocks: readonly Block[];
}

function same(a: RegFact, b: RegFact): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case 'unknown':
    case 'packet':
      return a.kind === b.kind;
    case 'const':
      return b.kind === 'const' && a.value === b.value;
    case 'stack':
    case 'ctx':
      return b.kind === a.kind && a.off === b.off;
    case 'map':
      return b.kind === 'map' && a.map === b.map;
    case 'map_value':
      return b.kind === 'map_value' && a.map === b.map && a.off === b.off && a.nonNull === b.nonNull;
  }
}

/** Least upper bound. */
function join(a: RegFact, b: RegFact): RegFact {
  if (same(a, b)) return a;
  if (a.kind === 'stack' && b.kind === 'stack') return ANY_STACK;
  if (a.kind === 'map_value' && b.kind === 'map_value' && a.map === b.map && a.off === b.off)
    return { ...a, nonNull: false };
  return UNKNOWN;
}

/** Joins `from` into `into`; true when that changed it. */
function joinState(into: State, from: State): boolean {
  let changed = false;
  for (let r = 0; r < into.regs.length; r++) {
    const next = join(into.regs[r], from.regs[r]);
    if (!same(next, into.regs[r])) {
      into.regs[r] = next;
      changed = true;
    }
  }
  for (const [off, fact] of into.slots) {
    const other = from.slots.get(off);
    const next = other === undefined ? UNKNOWN : join(fact, other);
    if (same(next, fact)) continue;
    if (next.kind === 'unknown') into.slots.delete(off);
    else into.slots.set(off, next);
    changed = true;
  }
  return changed;
}

const copyState = (s: State): State => ({ regs: s.regs.slice(), slots: new Map(s.slots) });

function shift(fact: RegFact, by: RegFact, sign: 1 | -1): RegFact {
  if (fact.kind === 'packet') return by.kind === 'packet' ? UNKNOWN : PACKET;
  if (by.kind !== 'const') return fact.kind === 'stack' ? ANY_STACK : UNKNOWN;
  const delta = sign * by.value;
  switch (fact.kind) {
    case 'stack':
      return fact.off === undefined ? ANY_STACK : { kind: 'stack', off: fact.off + delta };
    case 'ctx':
      return { kind: 'ctx', off: fact.off + delta };
    case 'map_value':
      return { ...fact, off: fact.off + delta };
    default:
      return UNKNOWN;
  }
}

function alu(state: State, op: Op & { kind: 'alu' }): RegFact {
  if (op.op === 'neg' || op.src === undefined) return UNKNOWN;
  const src: RegFact = op.src.kind === 'imm' ? { kind: 'const', value: op.src.value } : state.regs[op.src.reg];
  if (op.op === 'mov') {
    if (op.width === 64) return src;
    return src.kind === 'const' ? { kind: 'const', value: src.value >>> 0 } : UNKNOWN;
  }
  if (op.width === 32) return UNKNOWN;
  const dst = state.regs[op.dst];
  if (op.op === 'sub') return shift(dst, src, -1);
  if (op.op !== 'add') return UNKNOWN;
  if (dst.kind === 'const' || dst.kind === 'unknown') return shift(src, dst, 1);
  return shift(dst, src, 1);
}

function load(state: State, op: Op & { kind: 'load' }): RegFact {
  const base = state.regs[op.src];
  if (base.kind === 'ctx' && op.size === 4 && !op.signed && base.off + op.off >= 0 && base.off + op.off <= 8)
    return PACKET;
  if (base.kind === 'stack' && base.off !== undefined && op.size === 8)
    return state.slots.get(base.off + op.off) ?? UNKNOWN;
  return UNKNOWN;
}

/** Forgets what a store of `size` bytes at `base` + `off` may overwrite. */
function clobber(state: State, base: RegFact, off: number, size: number): void {
  if (base.kind === 'packet' || base.kind === 'map_value' || base.kind === 'ctx') return;
  if (base.kind !== 'stack' || base.off === undefined) {
    state.slots.clear();
    return;
  }
  const at = base.off + off;
  for (let slot = at - 7; slot < at + size; slot++) state.slots.delete(slot);
}

function store(state: State, op: Op & { kind: 'store' }): void {
  const base = state.regs[op.dst];
  clobber(state, base, op.off, op.size);
  if (op.size !== 8 || op.src.kind !== 'reg' || base.kind !== 'stack' || base.off === undefined) return;
  const fact = state.regs[op.src.reg];
  if (fact.kind !== 'unknown') state.slots.set(base.off + op.off, fact);
}

function helperResult(state: State, id: number): RegFact {
  const proto = HELPER_BY_ID.get(id);
  const map = state.regs[1];
  if (proto?.ret === 'map_value_or_null' && map.kind === 'map') {
    return { kind: 'map_value', map: map.map, off: 0, nonNull: false };
  }
  return UNKNOWN;
}

function call(state: State, op: Op & { kind: 'call' }): void {
  const result = helperResult(state, op.helper);
  const args = HELPER_BY_ID.get(op.helper)?.args ?? [];
  args.forEach((arg, i) => {
    const fact = state.regs[i + 1];
    if (arg === 'uninit_mem' && (fact.kind === 'stack' || fact.kind === 'unknown')) state.slots.clear();
  });
  state.regs[0] = result;
  for (let r = 1; r <= 5; r++) state.regs[r] = UNKNOWN;
}

function transfer(state: State, op: Op): void {
  switch (op.kind) {
    case 'alu':
      state.regs[op.dst] = alu(state, op);
      return;
    case 'movsx':
    case 'swap':
      state.regs[op.dst] = UNKNOWN;
      return;
    case 'load':
      state.regs[op.dst] = load(state, op);
      return;
    case 'store':
      store(state, op);
      return;
    case 'atomic':
      clobber(state, state.regs[op.dst], op.off, op.size);
      if (op.op === 'load_acq') state.regs[op.dst] = UNKNOWN;
      else if (op.op === 'cmpxchg') state.regs[0] = UNKNOWN;
      else if (op.fetch) state.regs[op.src] = UNKNOWN;
      return;
    case 'lddw':
      state.regs[op.dst] = wide(op);
      return;
    case 'call':
      call(state, op);
      return;
    case 'call_local':
    case 'call_kfunc':
    case 'ldabs':
    case 'ldind':
      if (op.kind === 'call_local' || op.kind === 'call_kfunc') state.slots.clear();
      for (let r = 0; r <= 5; r++) state.regs[r] = UNKNOWN;
      return;
    case 'ja':
    case 'jcond':
    case 'may_goto':
    case 'exit':
      return;
  }
}

function wide(op: Op & { kind: 'lddw' }): RegFact {
  const { value } = op;
  if (value.kind === 'map_idx' || value.kind === 'map_fd') return { kind: 'map', map: value.map };
  if (value.kind === 'map_idx_value' || value.kind === 'map_value') {
    return { kind: 'map_value', map: value.map, off: value.offset, nonNull: true };
  }
  return UNKNOWN;
}

/** After `if rX == 0` and `if rX != 0`, the value is no NULL on one of the two edges. */
function refineNull(state: State, op: Op | undefined, taken: boolean): State {
  if (op?.kind !== 'jcond' || op.width !== 64 || op.src.kind !== 'imm' || op.src.value !== 0) return state;
  const fact = state.regs[op.dst];
  if (fact.kind !== 'map_value' || fact.off !== 0 || (op.op !== 'eq' && op.op !== 'ne') || (op.op === 'ne') !== taken)
    return state;
  // Only the register that was tested: that another one holds the same pointer is not tracked.
  const refined = copyState(state);
  refined.regs[op.dst] = { ...fact, nonNull: true };
  return refined;
}

class Analysis {
  readonly base: (RegFact | undefined)[] = [];
  readonly args: (readonly RegFact[] | undefined)[] = [];
  /** Facts of R1..R5 at the entry of functions by their start pc, joined over all callers. */
  readonly entries = new Map<number, State>();
  private readonly ops: Ops;

  constructor(ops: Ops) {
    this.ops = ops;
  }

  private enterCallee(target: number, state: State): void {
    const regs = state.regs.map((fact, r) => (r >= 1 && r <= 5 && fact.kind !== 'stack' ? fact : UNKNOWN));
    // An address in a caller's frame is on the stack, but at no known offset from the callee's R10.
    for (let r = 1; r <= 5; r++) if (state.regs[r].kind === 'stack') regs[r] = ANY_STACK;
    regs[10] = FRAME;
    const entry: State = { regs, slots: new Map() };
    const known = this.entries.get(target);
    if (known === undefined) this.entries.set(target, entry);
    else joinState(known, entry);
  }

  private walk(block: Block, state: State, record: boolean): void {
    for (let pc = block.start; pc < block.end; pc++) {
      const op = this.ops[pc];
      if (op === undefined) continue;
      if (record) this.record(pc, op, state);
      transfer(state, op);
    }
  }

  private record(pc: number, op: Op, state: State): void {
    if (op.kind === 'load') this.base[pc] = state.regs[op.src];
    else if (op.kind === 'store') this.base[pc] = state.regs[op.dst];
    else if (op.kind === 'atomic') this.base[pc] = state.regs[op.op === 'load_acq' ? op.src : op.dst];
    else if (op.kind === 'call') this.args[pc] = state.regs.slice(1, 6);
    else if (op.kind === 'call_local') this.enterCallee(op.target, state);
  }

  func(shape: FuncShape, isMain: boolean): void {
    const { blocks } = shape;
    const entry = this.entries.get(shape.start) ?? unknownEntry();
    if (isMain) entry.regs[1] = { kind: 'ctx', off: 0 };
    const inputs: (State | undefined)[] = new Array(blocks.length).fill(undefined);
    inputs[0] = copyState(entry);
    const rpo = reversePostorder(blocks);
    const dirty = new Uint8Array(blocks.length);
    dirty[0] = 1;
    for (let again = true; again; ) {
      again = false;
      for (const b of rpo) {
        if (dirty[b] === 0) continue;
        dirty[b] = 0;
        if (this.propagate(blocks, b, inputs, dirty)) again = true;
      }
    }
    for (const b of rpo) {
      const input = inputs[b];
      if (input !== undefined) this.walk(blocks[b], copyState(input), true);
    }
  }

  private propagate(blocks: readonly Block[], b: number, inputs: (State | undefined)[], dirty: Uint8Array): boolean {
    const state = copyState(inputs[b] as State);
    this.walk(blocks[b], state, false);
    const { term } = blocks[b];
    const last = term.kind === 'branch' ? this.ops[term.pc] : undefined;
    let changed = false;
    successors(term).forEach((to, i) => {
      const edge = refineNull(state, last, i === 0);
      const known = inputs[to];
      if (known === undefined) inputs[to] = copyState(edge);
      else if (!joinState(known, edge)) return;
      dirty[to] = 1;
      changed = true;
    });
    return changed;
  }
}

function unknownEntry(): State {
  const regs: RegFact[] = new Array(11).fill(UNKNOWN);
  regs[10] = FRAME;
  return { regs, slots: new Map() };
}

/** Facts of a whole program. `funcs` in an order in which callers come before callees; the first is the entry. */
export function findProvenance(ops: Ops, funcs: readonly FuncShape[]): Facts {
  const analysis = new Analysis(ops);
  funcs.forEach((func, i) => {
    analysis.func(func, i === 0);
  });
  return analysis;
}
