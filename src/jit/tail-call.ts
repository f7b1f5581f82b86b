/**
 * bpf_tail_call: index in range, count below the limit, slot not empty -> count, then a call that replaces this frame; otherwise the next
 * insn runs. Only a taken call counts. The mirror of program ids answers "empty" with one load, and the same number says whether the slot holds
 * a program of this module: those are reached without the shared table, by a branch in a batch loop and by a direct call elsewhere. What
 * sits in a slot is asked at every call, so slots may be replaced at any time.
 */
import {
  MAP_DATA,
  MAP_MAX_ENTRIES,
  MAP_TABLE_BASE,
  MAP_TYPE,
  STATS_SITE_MISSED,
  STATS_SITE_SIZE,
  STATS_SITE_TAKEN,
  STATS_SITES,
  TRAP_ARGUMENT,
  VM_BUDGET,
  VM_BUDGET_LIMIT,
  VM_CTX,
  VM_TAIL_COUNT,
} from '../../assembly/abi.ts';
import { BPF_MAP_TYPE_PROG_ARRAY, MAX_TAIL_CALL_CNT } from '../../assembly/isa.ts';
import type { RegFact } from '../verifier/facts.ts';
import { emitViolation } from './check.ts';
import { count, type FuncEnv, type Hops, pushBase, pushRecord, pushRef, pushReg32 } from './env.ts';
import { leave, saveBudget, settlePending } from './lower-exit.ts';
import * as w from './opcodes.ts';

/** A map that is not a prog array cannot be jumped through. */
function checkProgArray(f: FuncEnv, pc: number): void {
  pushReg32(f, 2);
  f.code.mem(w.I32_LOAD, MAP_TYPE);
  f.code.i32(BPF_MAP_TYPE_PROG_ARRAY);
  f.code.op(w.I32_NE);
  f.code.block(w.IF);
  emitViolation(f, TRAP_ARGUMENT, { pc, reg: 2, off: 0, size: 0, write: false });
  f.code.op(w.END);
}

/** One call being lowered. */
interface Site {
  /** Offset of its counts in the statistics. */
  readonly stats: number;
  /** The prog array, where it is known. */
  readonly map: number | undefined;
  /** The index, or the local that holds it. */
  readonly slot: { readonly value: number } | { readonly local: number };
}

export function lowerTailCall(f: FuncEnv, pc: number, map: RegFact, index: RegFact): void {
  const { code, prog } = f;
  const known = map.kind === 'map' ? map.map : undefined;
  if (known !== undefined && prog.checked.prog.maps[known].type !== BPF_MAP_TYPE_PROG_ARRAY) {
    emitViolation(f, TRAP_ARGUMENT, { pc, reg: 2, off: 0, size: 0, write: false });
    return;
  }
  if (known === undefined && prog.checks) checkProgArray(f, pc);
  const stats = STATS_SITES + (prog.sites.get(pc) as number) * STATS_SITE_SIZE;
  const entries = known === undefined ? undefined : prog.checked.prog.maps[known].maxEntries;
  if (index.kind === 'const' && entries !== undefined && index.value >>> 0 >= entries) {
    count(code, prog, stats + STATS_SITE_MISSED);
    return;
  }
  code.block(w.BLOCK);
  const miss = code.depth;
  const site = { stats, map: known, slot: slotOf(f, index) };
  if (index.kind !== 'const' || entries === undefined) checkRange(f, site, entries, miss);
  pushCount(f);
  code.i32(MAX_TAIL_CALL_CNT);
  code.op(w.I32_GE_U);
  code.br(w.BR_IF, code.depth - miss);
  const mirror = pushSlotBase(f, site);
  code.mem(w.I32_LOAD, mirror);
  const id = code.local('slot_prog', 'i32');
  code.set(id);
  hopAgain(f, id);
  code.get(id);
  code.op(w.I32_EQZ);
  code.br(w.BR_IF, code.depth - miss);
  take(f, site, id);
  code.op(w.END);
  count(code, prog, stats + STATS_SITE_MISSED);
}

function slotOf(f: FuncEnv, index: RegFact): Site['slot'] {
  if (index.kind === 'const') return { value: index.value | 0 };
  const local = f.code.local('slot', 'i32');
  pushReg32(f, 3);
  f.code.set(local);
  return { local };
}

function pushSlot({ code }: FuncEnv, { slot }: Site): void {
  if ('local' in slot) code.get(slot.local);
  else code.i32(slot.value);
}

function checkRange(f: FuncEnv, site: Site, entries: number | undefined, miss: number): void {
  const { code } = f;
  pushSlot(f, site);
  if (entries === undefined) {
    pushReg32(f, 2);
    code.mem(w.I32_LOAD, MAP_MAX_ENTRIES);
  } else {
    code.i32(entries | 0);
  }
  code.op(w.I32_GE_U);
  code.br(w.BR_IF, code.depth - miss);
}

function hopsOf(f: FuncEnv): Hops | undefined {
  return f.exit?.hops;
}

/** Tail calls taken in this invocation. */
function pushCount(f: FuncEnv): void {
  const hops = hopsOf(f);
  if (hops !== undefined) f.code.get(hops.count);
  else f.code.mem(w.I32_LOAD, pushBase(f.code, f.prog.vm) + VM_TAIL_COUNT);
}

/** Base of the slot's entry in the mirror; returns the offset to load at. */
function pushSlotBase(f: FuncEnv, site: Site): number {
  const { code } = f;
  const ref = site.map === undefined ? undefined : f.prog.map(site.map);
  const at = 'value' in site.slot ? site.slot.value * 4 : 0;
  if (ref !== undefined && 'value' in site.slot) return pushBase(code, ref) + MAP_DATA + at;
  pushSlot(f, site);
  code.i32(2);
  code.op(w.I32_SHL);
  if (ref?.kind === 'const') return ref.value + MAP_DATA;
  if (ref === undefined) pushReg32(f, 2);
  else pushRef(code, ref);
  code.op(w.I32_ADD);
  return MAP_DATA;
}

/** The call is taken: `id` is the local with the id of the program in the slot. */
function take(f: FuncEnv, site: Site, id: number): void {
  const hops = hopsOf(f);
  if (hops !== undefined) hop(f, site, id, hops);
  else jump(f, site, id);
}

/** From a function: the count is in memory. */
function jump(f: FuncEnv, site: Site, id: number): void {
  const { code, prog } = f;
  const at = pushBase(code, prog.vm);
  pushCount(f);
  code.i32(1);
  code.op(w.I32_ADD);
  code.mem(w.I32_STORE, at + VM_TAIL_COUNT);
  count(code, prog, site.stats + STATS_SITE_TAKEN);
  saveBudget(f);
  if (prog.siblings !== undefined) callSibling(f, id, prog.siblings.entries);
  callSlot(f, site);
}

/** A direct call of the program with that id, if it is one of the module's. */
function callSibling(f: FuncEnv, id: number, entries: readonly number[]): void {
  const { code, prog } = f;
  code.block(w.BLOCK);
  const elsewhere = code.depth;
  const targets = entries.map(() => {
    code.block(w.BLOCK);
    return code.depth;
  });
  pushPlace(f, id, prog.siblings?.base as Hops['base']);
  code.brTable(targets, elsewhere);
  // The innermost block is the last one's.
  for (const entry of [...entries].reverse()) {
    code.op(w.END);
    pushRecord(f);
    code.get(f.fp);
    code.op(w.RETURN_CALL);
    code.w.u32(entry);
  }
  code.op(w.END);
}

/** Place of the program with that id behind `base`; of another program a number beyond all places. */
function pushPlace({ code }: FuncEnv, id: number, base: Hops['base']): void {
  code.get(id);
  pushRef(code, base);
  code.op(w.I32_SUB);
}

/** From a batch loop: the count is in a local, and the programs of the family are branches away. */
function hop(f: FuncEnv, site: Site, id: number, hops: Hops): void {
  const { code, prog } = f;
  const { targets } = hops;
  settlePending(f);
  countHop(f, hops);
  if (hops.again !== undefined) {
    code.get(hops.count);
    code.set(hops.again.settled);
  }
  count(code, prog, site.stats + STATS_SITE_TAKEN);
  saveBudget(f);
  if (targets.length > 0) branch(f, id, hops);
  leaveThroughTable(f, site, hops);
}

/** To the program of the family that has that id, if one has it. */
function branch(f: FuncEnv, id: number, { base, targets, next, nextBase }: Hops): void {
  const { code } = f;
  const place = nextBase === 0 ? next : code.local('place', 'i32');
  pushPlace(f, id, base);
  code.set(place);
  if (place !== next) {
    code.get(place);
    code.i32(nextBase);
    code.op(w.I32_ADD);
    code.set(next);
  }
  if (targets.every((target) => target === targets[0])) {
    code.get(place);
    code.i32(targets.length);
    code.op(w.I32_LT_U);
    code.br(w.BR_IF, code.depth - targets[0]);
    return;
  }
  code.block(w.BLOCK);
  code.get(place);
  code.brTable(targets, code.depth);
  code.op(w.END);
}

function countHop({ code }: FuncEnv, hops: Hops): void {
  code.get(hops.count);
  code.i32(1);
  code.op(w.I32_ADD);
  code.set(hops.count);
}

/** A program that calls itself: a loop, whose rounds are counted in a register and brought into the statistics behind it. */
function hopAgain(f: FuncEnv, id: number): void {
  const { code, prog } = f;
  const hops = hopsOf(f);
  const again = hops?.again;
  if (hops === undefined || again === undefined) return;
  code.get(id);
  pushRef(code, prog.progId);
  code.op(w.I32_EQ);
  code.block(w.IF);
  countHop(f, hops);
  saveBudget(f);
  code.br(w.BR, code.depth - again.depth);
  code.op(w.END);
}

/** Into a program that is not in this loop: it finds in memory what the loop keeps in locals. */
function leaveThroughTable(f: FuncEnv, site: Site, { count: taken, called, cells }: Hops): void {
  const { code, prog } = f;
  const store = (cell: number, push: () => void) => {
    const at = pushBase(code, prog.vm);
    push();
    code.mem(w.I32_STORE, at + cell);
  };
  store(VM_TAIL_COUNT, () => code.get(taken));
  if (!cells.ctx) store(VM_CTX, () => pushRecord(f));
  if (!cells.budget) store(VM_BUDGET, () => code.mem(w.I32_LOAD, pushBase(code, prog.vm) + VM_BUDGET_LIMIT));
  callSlot(f, site);
  leave(f, called);
}

/** Through the shared table. Inside a batch loop there is no frame of the program to replace: an ordinary call. */
function callSlot(f: FuncEnv, site: Site): void {
  const { code, prog } = f;
  pushRecord(f);
  code.get(f.fp);
  pushSlot(f, site);
  if (site.map === undefined) {
    pushReg32(f, 2);
    code.mem(w.I32_LOAD, MAP_TABLE_BASE);
  } else {
    pushRef(code, prog.mapTable(site.map));
  }
  code.op(w.I32_ADD, f.exit === undefined ? w.RETURN_CALL_INDIRECT : w.CALL_INDIRECT);
  code.w.u32(prog.progType);
  code.w.u32(0);
}
