/** What is found out about a function before its code is written: its control flow, its values, and how wide each has to be. */
import { BPF_MAP_TYPE_ARENA } from '../../assembly/isa.ts';
import { type Addends, findAddends } from '../ir/addend.ts';
import { findWideAccesses, type WideAccesses, type WideOptions } from '../ir/bytes.ts';
import type { Block, Cfg } from '../ir/cfg.ts';
import { type Choices, findChoices } from '../ir/choices.ts';
import { countLoops } from '../ir/counted.ts';
import { type Demand, findDemands, findNarrow } from '../ir/demand.ts';
import { type Effects, findEffects, NO_SLOTS, type Slots } from '../ir/effects.ts';
import { findLeast } from '../ir/least.ts';
import { findOperands, type Operands, walkValues } from '../ir/operands.ts';
import { findRanges, type RangeOptions } from '../ir/range.ts';
import { findRotates, type Rotates } from '../ir/rotate.ts';
import { findSlots, type SlotOptions } from '../ir/slots.ts';
import { type Flow, structure } from '../ir/structure.ts';
import { findSwaps, type Swaps } from '../ir/swaps.ts';
import { findUnrolls, type Unroll } from '../ir/unroll.ts';
import { findValues, type Values } from '../ir/values.ts';
import { HELPER_BY_ID } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { LinkedFunc } from '../link/types.ts';
import type { VerifiedProg } from '../verifier/verify.ts';
import { type Access, isAnswered } from './check.ts';
import { dataOf, findData } from './data.ts';
import { type ProgEnv, seesSkb } from './env.ts';
import { findKeys, type Keys, keyReads, widenKeys } from './key.ts';
import { keyOf, knowsIndex } from './lookup.ts';
import { proofOf } from './proved.ts';

export interface Plan {
  readonly cfg: Cfg;
  readonly flow: readonly Flow[];
  readonly values: Values;
  readonly operands: Operands;
  /** By value: the largest number it can be. */
  readonly max: Float64Array;
  /** By value: the least number it can be, as far as that was looked for. */
  readonly least: Float64Array;
  /** By value: whether it is kept in 32 bits. */
  readonly narrow: Uint8Array;
  /** By value: how much of it is read. */
  readonly demand: Uint8Array;
  readonly rotates: Rotates;
  readonly swaps: Swaps;
  readonly addends: Addends;
  readonly wide: WideAccesses;
  readonly slots: Slots;
  /** Loops that run several rounds at a time, by header. */
  readonly unrolls: ReadonlyMap<number, Unroll>;
  /** Branches around a move. */
  readonly choices: Choices;
  /** Keys that lookups have as values. */
  readonly keys: Keys;
  /** What other calls are given that they have as values. */
  readonly data: Keys;
}

type Wanted = { readonly value: number; readonly demand: Demand }[];

/** Sums are looked for where their addresses are checked. */
const NO_ADDENDS: Addends = new Map();

/** Sums in a base are added at the access: both registers are read there. */
function readAddends(effects: Effects, addends: Addends): void {
  for (const [pc, regs] of addends) for (const reg of regs) if (reg < 10) effects.reads[pc - effects.start] |= 1 << reg;
}

function accessOf(prog: ProgEnv, op: Op, pc: number): Access | undefined {
  const fact = prog.facts.base[pc] ?? { kind: 'unknown' };
  if (op.kind === 'load') return { pc, reg: op.src, off: op.off, size: op.size, write: false, fact };
  if (op.kind === 'store') return { pc, reg: op.dst, off: op.off, size: op.size, write: true, fact };
  if (op.kind !== 'atomic') return undefined;
  const load = op.op === 'load_acq';
  return { pc, reg: load ? op.src : op.dst, off: op.off, size: op.size, write: !load, fact };
}

/** A load of one of the packet's ends from a `struct xdp_md`. */
function loadsAddress(prog: ProgEnv, pc: number): boolean {
  const op = prog.checked.ops[pc];
  const fact = prog.facts.base[pc];
  if (op?.kind !== 'load' || op.size !== 4 || fact?.kind !== 'ctx' || seesSkb(prog.checked.prog)) return false;
  const at = fact.off + op.off;
  return at === 0 || at === 4 || at === 8;
}

/** Loops with this insn in them may be accepted though nobody knows how often they run. */
function mayGoRound(op: Op | undefined): boolean {
  if (op?.kind === 'call') return HELPER_BY_ID.get(op.helper)?.callsBack !== false;
  return op?.kind === 'may_goto' || op?.kind === 'call_kfunc';
}

/**
 * Insns that one run of a function executes at most. The verifier walked every path but for those that came to a state it knew already, whose rest it
 * had walked before: so no run is longer than all that it walked. Loops of `may_goto` and of iterators are not walked to their ends, nor are loops around a
 * helper that calls back: a state that comes to it again and is not new ends there.
 */
function insnLimit(prog: ProgEnv): number | undefined {
  const { ops } = prog.checked;
  if (prog.checks || proofOf(prog.checked) === undefined) return undefined;
  if (ops.some(mayGoRound)) return undefined;
  return (prog.checked as VerifiedProg).stats.insns;
}

/** What is read by insns that become others: rotations read what their shift to the left saw, wide accesses their addresses. */
function replacedReads(rotates: Rotates, wide: WideAccesses, { first }: Operands, start: number): Map<number, Wanted> {
  const reads = new Map<number, Wanted>();
  for (const [pc, { save, width }] of rotates.joins) {
    reads.set(pc, [{ value: first[save - start], demand: width === 64 ? 2 : 1 }]);
  }
  for (const [pc, { at }] of wide.joins) reads.set(pc, [{ value: first[at - start], demand: 1 }]);
  for (const [pc, stored] of wide.stores) {
    if (stored.kind === 'gone') reads.set(pc, []);
    else
      reads.set(
        pc,
        [pc, stored.at].map((by) => ({ value: first[by - start], demand: 1 })),
      );
  }
  return reads;
}

/** The part of memory that an access goes to, and its place there where that is known; nothing of another part is the same byte. */
function regionOf(prog: ProgEnv, pc: number): { name: string; off: number | undefined } | undefined {
  const fact = prog.facts.base[pc];
  if (fact === undefined || prog.arena?.holds(pc) === true) return undefined;
  if (fact.kind === 'stack' || fact.kind === 'ctx') return { name: fact.kind, off: fact.off };
  return fact.kind === 'packet' || fact.kind === 'map_value' ? { name: fact.kind, off: undefined } : undefined;
}

/** Bytes that a helper reaches from an argument in the frame on, where they are told by a map or by what was proved of the size beside it. */
function reachOf(prog: ProgEnv, op: Op & { kind: 'call' }, pc: number, n: number): number | undefined {
  const arg = HELPER_BY_ID.get(op.helper)?.args[n];
  const map = prog.facts.args[pc]?.[0];
  const size = proofOf(prog.checked)?.size(pc);
  switch (arg) {
    case 'map_key':
      return map?.kind === 'map' ? prog.checked.prog.maps[map.map].keySize : undefined;
    case 'map_value':
    case 'map_value_out':
      return map?.kind === 'map' ? prog.checked.prog.maps[map.map].valueSize : undefined;
    case 'mem':
    case 'mem_or_null':
    case 'uninit_mem':
    case 'inout_mem':
      return size !== undefined && size.reg === n + 2 ? size.hi : undefined;
    default:
      return undefined;
  }
}

function slotOptions(prog: ProgEnv, keys: Keys, data: Keys): SlotOptions {
  return {
    frameOffset: (pc) => {
      const fact = prog.facts.base[pc];
      const op = prog.checked.ops[pc];
      if (fact?.kind !== 'stack' || fact.off === undefined || op === undefined || !('off' in op)) return undefined;
      return fact.off + op.off;
    },
    reach: (pc, op, n) => {
      if (n === 1 && (keys.has(pc) || knowsIndex(prog, pc))) return 0;
      // It is stored anew, for this call alone.
      if (data.has(pc) && dataOf(prog, op, pc)?.reg === n + 1) return 0;
      return reachOf(prog, op, pc, n);
    },
  };
}

/** What insns read for others: the parts of a sum where it is an address, the key of a lookup where it is stored. */
function otherReads(
  prog: ProgEnv,
  { addends, keys, data, operands, wide }: Pick<Plan, 'addends' | 'keys' | 'data' | 'operands' | 'wide'>,
  blocks: readonly Block[],
  values: Values,
): Map<number, Wanted> {
  const reads = new Map<number, Wanted>();
  for (const [store, demand] of keyReads([keys, data], prog.checked.ops, wide.stores)) {
    reads.set(store, [{ value: operands.second[store - values.effects.start], demand }]);
  }
  if (addends.size === 0) return reads;
  walkValues(blocks, prog.checked.ops, values, (pc, _op, now) => {
    const regs = addends.get(pc)?.filter((reg) => reg < 10) ?? [];
    if (regs.length === 0) return;
    const parts = regs.map((reg): Wanted[number] => ({ value: now[reg], demand: 1 }));
    reads.set(pc, [...(reads.get(pc) ?? []), ...parts]);
  });
  return reads;
}

function wideOptions(prog: ProgEnv, slots: Slots): WideOptions {
  return { region: (pc) => regionOf(prog, pc), stores: !prog.checks, slotAt: slots.at };
}

function rangeOptions(prog: ProgEnv, func: LinkedFunc, rounds: RangeOptions['rounds']): RangeOptions {
  return {
    loadsAddress: (pc) => loadsAddress(prog, pc),
    isMain: func === prog.checked.funcs[0],
    lowAddresses: !prog.checked.prog.maps.some((map) => map.type === BPF_MAP_TYPE_ARENA),
    insnLimit: insnLimit(prog),
    rounds,
  };
}

function makePlan(prog: ProgEnv, func: LinkedFunc, cfg: Cfg): Plan {
  const { ops } = prog.checked;
  const { blocks } = cfg;
  const counted = countLoops(cfg, ops);
  const keys = findKeys(prog, cfg, (op, pc) => keyOf(prog, op, pc));
  const data = findData(prog, cfg);
  const addends = prog.checks ? findAddends(ops, cfg) : NO_ADDENDS;
  const rotates = findRotates(ops, blocks);
  const slots =
    prog.checks || proofOf(prog.checked) === undefined
      ? NO_SLOTS
      : findSlots(blocks, ops, slotOptions(prog, keys, data));
  const effects = findEffects(ops, func.start, func.end, slots);
  readAddends(effects, addends);
  const values = findValues(blocks, effects, cfg.order);
  const operands = findOperands(blocks, ops, values, slots.at);
  const max = findRanges(ops, values, operands, rangeOptions(prog, func, counted.rounds));
  const least = findLeast(ops, values, operands, {
    loadsAddress: (pc) => loadsAddress(prog, pc),
    max,
    slotAt: slots.at,
  });
  const wide = findWideAccesses(blocks, ops, values, operands, wideOptions(prog, slots));
  const demand = findDemands(
    blocks,
    ops,
    values,
    { operands, max },
    {
      checks: prog.checks,
      isAnswered: (pc) => {
        const access = accessOf(prog, ops[pc] as Op, pc);
        return access !== undefined && isAnswered(prog, access);
      },
      isPureLoad: (pc) => !prog.checks && prog.arena?.holds(pc) !== true,
      slotAt: slots.at,
      madeOf: replacedReads(rotates, wide, operands, func.start),
      alsoReads: otherReads(prog, { addends, keys, data, operands, wide }, blocks, values),
    },
  );
  const narrow = findNarrow(values, max, demand);
  const { rounds, loops } = counted;
  const unrolls = findUnrolls(cfg, loops, { ops, values, operands, max, narrow, slotAt: slots.at, rounds });
  return {
    cfg,
    flow: structure(cfg, ops, counted),
    values,
    operands,
    max,
    least,
    narrow,
    demand,
    rotates,
    swaps: findSwaps(blocks, ops, values),
    addends,
    wide,
    slots,
    unrolls,
    choices: findChoices(cfg, ops),
    keys: widenKeys(prog, keys, wide.stores),
    data: widenKeys(prog, data, wide.stores),
  };
}

/** The plan of a function: made once, though a small entry is written twice. */
export function planOf(prog: ProgEnv, func: LinkedFunc, cfg: Cfg): Plan {
  let plan = prog.plans.get(func.start);
  if (plan === undefined) {
    plan = makePlan(prog, func, cfg);
    prog.plans.set(func.start, plan);
  }
  return plan;
}
