/**
 * bpf_tail_call: index in range, count below the limit, slot not empty -> count, then an indirect call that replaces this frame;
 * otherwise the next insn runs. Only a taken call counts. The mirror of program ids answers "empty" with one load.
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
  VM_TAIL_COUNT,
} from '../../assembly/abi.ts';
import { BPF_MAP_TYPE_PROG_ARRAY, MAX_TAIL_CALL_CNT } from '../../assembly/isa.ts';
import type { RegFact } from '../verifier/facts.ts';
import { emitViolation } from './check.ts';
import { type FuncEnv, pushBase, pushRecord, pushRef, pushReg32 } from './env.ts';
import { leave, saveBudget } from './lower-exit.ts';
import * as w from './opcodes.ts';

/** Adds one to an u64 of the program's statistics. */
export function count(f: FuncEnv, offset: number): void {
  const { code } = f;
  const at = pushBase(code, f.prog.stats) + offset;
  code.mem(w.I64_LOAD, pushBase(code, f.prog.stats) + offset);
  code.i64(1);
  code.op(w.I64_ADD);
  code.mem(w.I64_STORE, at);
}

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

export function lowerTailCall(f: FuncEnv, pc: number, map: RegFact, index: RegFact): void {
  const { code, prog } = f;
  const known = map.kind === 'map' ? map.map : undefined;
  if (known !== undefined && prog.checked.prog.maps[known].type !== BPF_MAP_TYPE_PROG_ARRAY) {
    emitViolation(f, TRAP_ARGUMENT, { pc, reg: 2, off: 0, size: 0, write: false });
    return;
  }
  if (known === undefined && prog.checks) checkProgArray(f, pc);
  const site = STATS_SITES + (prog.sites.get(pc) as number) * STATS_SITE_SIZE;
  const entries = known === undefined ? undefined : prog.checked.prog.maps[known].maxEntries;
  if (index.kind === 'const' && entries !== undefined && index.value >>> 0 >= entries) {
    count(f, site + STATS_SITE_MISSED);
    return;
  }
  const slot = code.local('slot', 'i32');
  code.block(w.BLOCK);
  if (index.kind === 'const') code.i32(index.value | 0);
  else pushReg32(f, 3);
  code.tee(slot);
  if (entries === undefined) {
    pushReg32(f, 2);
    code.mem(w.I32_LOAD, MAP_MAX_ENTRIES);
  } else {
    code.i32(entries | 0);
  }
  code.op(w.I32_GE_U);
  code.br(w.BR_IF, 0);
  code.mem(w.I32_LOAD, pushBase(code, prog.vm) + VM_TAIL_COUNT);
  code.i32(MAX_TAIL_CALL_CNT);
  code.op(w.I32_GE_U);
  code.br(w.BR_IF, 0);
  const mirror = pushMirror(f, slot, known);
  code.mem(w.I32_LOAD, mirror);
  code.op(w.I32_EQZ);
  code.br(w.BR_IF, 0);
  take(f, site, slot, known);
  code.op(w.END);
  count(f, site + STATS_SITE_MISSED);
}

/** Base of the slot's entry in the mirror; returns the offset to load at. */
function pushMirror(f: FuncEnv, slot: number, known: number | undefined): number {
  const { code } = f;
  code.get(slot);
  code.i32(2);
  code.op(w.I32_SHL);
  if (known === undefined) {
    pushReg32(f, 2);
    code.op(w.I32_ADD);
    return MAP_DATA;
  }
  const ref = f.prog.map(known);
  if (ref.kind === 'const') return ref.value + MAP_DATA;
  pushRef(code, ref);
  code.op(w.I32_ADD);
  return MAP_DATA;
}

function take(f: FuncEnv, site: number, slot: number, known: number | undefined): void {
  const { code, prog } = f;
  const at = pushBase(code, prog.vm);
  code.mem(w.I32_LOAD, pushBase(code, prog.vm) + VM_TAIL_COUNT);
  code.i32(1);
  code.op(w.I32_ADD);
  code.mem(w.I32_STORE, at + VM_TAIL_COUNT);
  count(f, site + STATS_SITE_TAKEN);
  saveBudget(f);
  pushRecord(f);
  code.get(f.fp);
  code.get(slot);
  if (known === undefined) {
    pushReg32(f, 2);
    code.mem(w.I32_LOAD, MAP_TABLE_BASE);
  } else {
    pushRef(code, prog.mapTable(known));
  }
  // Inside the batch loop there is no frame of the program to replace: an ordinary call, and out.
  code.op(w.I32_ADD, f.exit === undefined ? w.RETURN_CALL_INDIRECT : w.CALL_INDIRECT);
  code.w.u32(prog.progType);
  code.w.u32(0);
  if (f.exit !== undefined) leave(f);
}
