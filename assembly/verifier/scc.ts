// Loops of each function as strongly connected components (Tarjan, 1972, without recursion): `Aux.scc` numbers those that are loops.
import { alloc, allocZeroed, free } from './arena';
import { Env } from './env';
import { branch, fallthrough } from './successors';

const DONE: u32 = u32.MAX_VALUE;

@unmanaged
class Tarjan {
  /** Visit number of each insn, 0 before; DONE once its component is known. */
  number: usize;
  low: usize;
  step: usize;
  stack: usize;
  depth: u32;
  /** Insns whose component is not known yet. */
  open: usize;
  openCount: u32;
  visited: u32;
}

function get(table: usize, pc: u32): u32 {
  return load<u32>(table + ((<usize>pc) << 2));
}

function set(table: usize, pc: u32, value: u32): void {
  store<u32>(table + ((<usize>pc) << 2), value);
}

/** False when memory has run out. */
export function computeSccs(env: Env): bool {
  const count = <usize>env.input.insnCount;
  const t = changetype<Tarjan>(alloc(offsetof<Tarjan>()));
  if (changetype<usize>(t) == 0) return false;
  t.number = allocZeroed(count << 2);
  t.low = allocZeroed(count << 2);
  t.step = allocZeroed(count);
  t.stack = alloc(count << 2);
  t.open = alloc(count << 2);
  t.depth = 0;
  t.openCount = 0;
  t.visited = 0;
  const ok = t.number != 0 && t.low != 0 && t.step != 0 && t.stack != 0 && t.open != 0;
  if (ok) {
    for (let i: u32 = 0; i < env.subprogCount; i++) walk(env, t, env.subprog(i).start);
  }
  free(t.number, count << 2);
  free(t.low, count << 2);
  free(t.step, count);
  free(t.stack, count << 2);
  free(t.open, count << 2);
  free(changetype<usize>(t), offsetof<Tarjan>());
  return ok;
}

function enter(t: Tarjan, pc: u32): void {
  t.visited++;
  set(t.number, pc, t.visited);
  set(t.low, pc, t.visited);
  set(t.stack, t.depth++, pc);
  set(t.open, t.openCount++, pc);
}

function walk(env: Env, t: Tarjan, start: u32): void {
  if (get(t.number, start) != 0) return;
  enter(t, start);
  while (t.depth > 0) {
    const pc = get(t.stack, t.depth - 1);
    const step = load<u8>(t.step + pc);
    if (step > 1) {
      t.depth--;
      leave(env, t, pc);
      continue;
    }
    store<u8>(t.step + pc, step + 1);
    const next = step == 0 ? fallthrough(env.insn(pc), pc) : branch(env.insn(pc), pc);
    if (next < 0 || <u32>next >= env.input.insnCount) continue;
    const seen = get(t.number, next);
    if (seen == 0) enter(t, next);
    else if (seen != DONE && seen < get(t.low, pc)) set(t.low, pc, seen);
  }
}

function leave(env: Env, t: Tarjan, pc: u32): void {
  const low = get(t.low, pc);
  if (t.depth > 0) {
    const parent = get(t.stack, t.depth - 1);
    if (low < get(t.low, parent)) set(t.low, parent, low);
  }
  if (low == get(t.number, pc)) close(env, t, pc);
}

/** `pc` is the first insn of its component: all insns above it on the open stack belong to it. */
function close(env: Env, t: Tarjan, pc: u32): void {
  let from = t.openCount;
  while (get(t.open, from - 1) != pc) from--;
  from--;
  const insn = env.insn(pc);
  const isLoop = t.openCount - from > 1 || branch(insn, pc) == <i32>pc || fallthrough(insn, pc) == <i32>pc;
  if (isLoop) env.sccCount++;
  for (let i = from; i < t.openCount; i++) {
    const member = get(t.open, i);
    set(t.number, member, DONE);
    env.auxOf(member).scc = isLoop ? env.sccCount : 0;
  }
  t.openCount = from;
}
