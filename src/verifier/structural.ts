/**
 * The checks that need no state: known opcodes and registers, jump and call targets, no falling off the end, no recursion,
 * no more than MAX_CALL_FRAMES frames. What passes can be turned into Wasm; whether its accesses are right is checked as it runs.
 */
import { MAX_CALL_FRAMES } from '../../assembly/isa.ts';
import { InsnError, VerifierError } from '../errors/index.ts';
import { decodeInsns, decodeOp } from '../isa/decode.ts';
import type { Insn } from '../isa/insn.ts';
import type { Op } from '../isa/op.ts';
import type { LinkedFunc, LinkedProg } from '../link/types.ts';
import { checkImplemented } from './implemented.ts';

const CHECKED: unique symbol = Symbol('checked');

/** A program that passed `checkStructure`; nothing else makes one. */
export interface CheckedProg {
  readonly [CHECKED]: true;
  readonly prog: LinkedProg;
  /** By pc; undefined for the second slot of `ld_imm64`. */
  readonly ops: readonly (Op | undefined)[];
  /** Functions that the entry reaches, callers before callees; the entry first. */
  readonly funcs: readonly LinkedFunc[];
}

/** Whether some path comes to a pc. */
type Reached = (pc: number) => boolean;

/** What no path reaches need not mean anything: Linux does not look at its reserved fields. It stands for the end of the program then. */
function decodeAt(insns: readonly Insn[], pc: number, reached: Reached): Op {
  try {
    return decodeOp(insns[pc], insns[pc + 1], pc);
  } catch (error) {
    if (error instanceof InsnError && !reached(pc)) return { kind: 'exit' };
    throw error;
  }
}

function decode(prog: LinkedProg, reached: Reached): (Op | undefined)[] {
  const insns = decodeInsns(prog.insns);
  const ops: (Op | undefined)[] = new Array(insns.length).fill(undefined);
  for (let pc = 0; pc < insns.length; pc++) {
    const op = decodeAt(insns, pc, reached);
    ops[pc] = op;
    if (op.kind === 'lddw') pc++;
  }
  return ops;
}

function writesFrame(op: Op): boolean {
  switch (op.kind) {
    case 'alu':
    case 'movsx':
    case 'cast_user':
    case 'swap':
    case 'load':
    case 'lddw':
      return op.dst === 10;
    case 'atomic':
      if (op.op === 'load_acq') return op.dst === 10;
      return op.fetch && op.op !== 'cmpxchg' && op.src === 10;
    default:
      return false;
  }
}

function checkTarget(
  prog: LinkedProg,
  ops: readonly (Op | undefined)[],
  func: LinkedFunc,
  pc: number,
  target: number,
): void {
  if (target < func.start || target >= func.end) {
    throw new VerifierError('VERIFIER_JUMP_RANGE', { prog: prog.name, pc, target, func: func.name });
  }
  if (ops[target] === undefined) throw new VerifierError('VERIFIER_JUMP_MIDDLE', { prog: prog.name, pc, target });
}

function checkOp(prog: LinkedProg, ops: readonly (Op | undefined)[], func: LinkedFunc, pc: number): void {
  const op = ops[pc] as Op;
  if (writesFrame(op)) throw new VerifierError('VERIFIER_FRAME_POINTER', { prog: prog.name, pc });
  if (op.kind === 'ja' || op.kind === 'jcond' || op.kind === 'may_goto') checkTarget(prog, ops, func, pc, op.target);
  if (op.kind === 'lddw') checkReference(prog, op, pc);
}

function checkReference(prog: LinkedProg, op: Op & { kind: 'lddw' }, pc: number): void {
  const { value } = op;
  switch (value.kind) {
    case 'map_fd':
    case 'map_idx':
    case 'map_value':
    case 'map_idx_value':
      if (value.map < 0 || value.map >= prog.maps.length) {
        throw new VerifierError('VERIFIER_MAP_INDEX', { prog: prog.name, pc, map: value.map, maps: prog.maps.length });
      }
      return;
    case 'func':
      if (!prog.funcs.some((f) => f.start === value.target)) {
        throw new VerifierError('VERIFIER_CALL_TARGET', { prog: prog.name, pc, target: value.target });
      }
      return;
    default:
      return;
  }
}

function checkFunc(prog: LinkedProg, ops: readonly (Op | undefined)[], func: LinkedFunc): void {
  if (func.start >= func.end || func.end > ops.length) {
    throw new VerifierError('VERIFIER_EMPTY', { prog: prog.name, func: func.name });
  }
  for (let pc = func.start; pc < func.end; pc++) if (ops[pc] !== undefined) checkOp(prog, ops, func, pc);
  const last = ops[func.end - 1];
  if (last?.kind !== 'exit' && last?.kind !== 'ja') {
    throw new VerifierError('VERIFIER_FALLS_OFF', { prog: prog.name, pc: func.end - 1, func: func.name });
  }
}

/** Functions reached from the entry, each with the deepest frame it can run in; callers before callees, callbacks behind those. */
function orderFuncs(prog: LinkedProg, ops: readonly (Op | undefined)[]): LinkedFunc[] {
  const byStart = new Map(prog.funcs.map((f) => [f.start, f]));
  const found = (pc: number, target: number): LinkedFunc => {
    const func = byStart.get(target);
    if (func === undefined) throw new VerifierError('VERIFIER_CALL_TARGET', { prog: prog.name, pc, target });
    return func;
  };
  // Who takes a function's address does not call it: a timer's callback may set itself again. Nothing calls the handler of exceptions.
  const callbacks: LinkedFunc[] = prog.handler === undefined ? [] : [found(0, prog.handler)];
  const callees = (func: LinkedFunc): LinkedFunc[] => {
    const called = new Set<LinkedFunc>();
    for (let pc = func.start; pc < func.end; pc++) {
      const op = ops[pc];
      if (op?.kind === 'call_local') called.add(found(pc, op.target));
      else if (op?.kind === 'lddw' && op.value.kind === 'func') callbacks.push(found(pc, op.value.target));
    }
    return [...called];
  };
  // Height: frames needed below and including a function; found by depth-first search, which also finds recursion.
  const height = new Map<LinkedFunc, number>();
  const postorder: LinkedFunc[] = [];
  const path: { func: LinkedFunc; rest: LinkedFunc[]; below: number }[] = [];
  const onPath = new Set<LinkedFunc>();
  const enter = (func: LinkedFunc) => {
    onPath.add(func);
    path.push({ func, rest: callees(func), below: 0 });
  };
  const entry = prog.funcs[0];
  enter(entry);
  for (;;) {
    if (path.length === 0) {
      const next = callbacks.pop();
      if (next === undefined) break;
      if (!height.has(next)) enter(next);
      continue;
    }
    const top = path[path.length - 1];
    const next = top.rest.pop();
    if (next === undefined) {
      path.pop();
      onPath.delete(top.func);
      height.set(top.func, top.below + 1);
      postorder.push(top.func);
      if (path.length > 0) path[path.length - 1].below = Math.max(path[path.length - 1].below, top.below + 1);
    } else if (onPath.has(next)) {
      throw new VerifierError('VERIFIER_RECURSION', { prog: prog.name, func: next.name });
    } else if (height.has(next)) {
      top.below = Math.max(top.below, height.get(next) as number);
    } else {
      enter(next);
    }
  }
  const frames = Math.max(...height.values());
  if (frames > MAX_CALL_FRAMES) {
    throw new VerifierError('VERIFIER_CALL_DEPTH', { prog: prog.name, frames, limit: MAX_CALL_FRAMES });
  }
  // Nobody calls the entry: it may stand before all others.
  return [entry, ...postorder.reverse().filter((func) => func !== entry)];
}

/**
 * A program that the verifier has accepted, whose form is right, with `rest` on it. Its ops and functions are made when they are first asked for:
 * who only judges needs none, and not all that Linux takes can be compiled. `reached`: what is known of dead code.
 */
export function structureOf<T extends object>(prog: LinkedProg, reached: Reached, rest: T): CheckedProg & T {
  let ops: CheckedProg['ops'] | undefined;
  let funcs: CheckedProg['funcs'] | undefined;
  const checked = {
    [CHECKED]: true as const,
    prog,
    get ops() {
      ops ??= decode(prog, reached);
      return ops;
    },
    get funcs() {
      funcs ??= orderFuncs(prog, this.ops);
      return funcs;
    },
  };
  return Object.assign(checked, rest);
}

/**
 * Judges the form of a program, not what it does.
 * @throws VerifierError or InsnError with the pc of the first insn that cannot stand
 */
export function checkStructure(prog: LinkedProg): CheckedProg {
  if (prog.insns.length === 0 || prog.funcs.length === 0) {
    throw new VerifierError('VERIFIER_EMPTY', { prog: prog.name, func: prog.name });
  }
  const ops = decode(prog, () => true);
  for (const func of prog.funcs) checkFunc(prog, ops, func);
  const checked: CheckedProg = { [CHECKED]: true, prog, ops, funcs: orderFuncs(prog, ops) };
  checkImplemented(checked);
  return checked;
}
