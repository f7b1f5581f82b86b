/** One BPF function to one Wasm function: its locals, then its structured control flow, op by op. */

import { ARENA_USER_START, CTX_SKB, MAP_DATA, STATS_RUNS, TRAP_BUDGET } from '../../assembly/abi.ts';
import { BPF_F_NO_USER_CONV, BPF_MAP_TYPE_ARENA, BPF_MAX_LOOPS, MAX_BPF_STACK } from '../../assembly/isa.ts';
import { CompileError } from '../errors/index.ts';
import type { Cfg } from '../ir/cfg.ts';
import type { Move } from '../ir/choices.ts';
import { isTaken } from '../ir/least.ts';
import type { Flow } from '../ir/structure.ts';
import type { Op } from '../isa/op.ts';
import type { LinkedFunc } from '../link/types.ts';
import { emitViolation, isOpenPacket, refreshPacket, withViolations } from './check.ts';
import { Code } from './code.ts';
import type { WasmWriter } from './encoder.ts';
import {
  type Bottom,
  count,
  type FuncEnv,
  type InlineExit,
  type InlineFrame,
  type PacketLocals,
  type ProgEnv,
  pushBase,
  pushRef,
  pushReg,
  pushReg32,
  seesSkb,
  setReg,
  type ViolationExit,
} from './env.ts';
import { keepStored, keyLocals } from './key.ts';
import { lowerAlu, lowerMovsx, lowerSwap } from './lower-alu.ts';
import { lowerAtomic } from './lower-atomic.ts';
import { lowerHelper, lowerKfunc, lowerLocalCall } from './lower-call.ts';
import { lowerChoice } from './lower-choice.ts';
import { leave, loadBudget } from './lower-exit.ts';
import { lowerCondition } from './lower-jmp.ts';
import { lowerLoad, lowerPacketLoad, lowerStore } from './lower-mem.ts';
import { pushFailure } from './lower-round.ts';
import * as w from './opcodes.ts';
import { type Plan, planOf } from './plan.ts';
import { Registers } from './registers.ts';

function lowerWide(f: FuncEnv, op: Op & { kind: 'lddw' }): void {
  const { value } = op;
  const { code, prog } = f;
  switch (value.kind) {
    case 'const':
      code.i64parts(value.lo, value.hi);
      break;
    case 'map_fd':
    case 'map_idx':
      pushRef(code, prog.map(value.map));
      code.op(w.I64_EXTEND_I32_U);
      break;
    case 'map_value':
    case 'map_idx_value':
      pushMapValue(f, value.map, value.offset);
      break;
    case 'func':
      pushRef(code, prog.funcSlot(value.target));
      code.op(w.I64_EXTEND_I32_U);
      break;
    case 'btf_id':
      pushRef(code, prog.ksym(value.id));
      code.op(w.I64_EXTEND_I32_U);
      break;
  }
  setReg(f, op.dst);
}

/** A pointer into the arena gets user space's upper half back, NULL stays NULL. */
function lowerCastUser(f: FuncEnv, op: Op & { kind: 'cast_user' }): void {
  const { code, prog } = f;
  if (prog.arena === undefined) throw new CompileError('COMPILE_INTERNAL', { detail: 'a cast without an arena' });
  const keepsKernel = prog.checked.prog.maps.some((map) => (map.flags & BPF_F_NO_USER_CONV) !== 0);
  pushReg32(f, op.src);
  code.op(w.I64_EXTEND_I32_U);
  if (!keepsKernel) {
    code.mem(w.I64_LOAD32_U, pushBase(code, prog.arena.map) + ARENA_USER_START + 4);
    code.i64(32);
    code.op(w.I64_SHL);
    code.i64(0);
    pushReg32(f, op.src);
    code.op(w.SELECT, w.I64_OR);
  }
  setReg(f, op.dst);
}

function pushMapValue(f: FuncEnv, map: number, offset: number): void {
  const { code, prog } = f;
  if (prog.checked.prog.maps[map].type === BPF_MAP_TYPE_ARENA) {
    code.mem(w.I64_LOAD, pushBase(code, prog.map(map)) + ARENA_USER_START);
    code.i64(offset);
    code.op(w.I64_ADD);
    return;
  }
  const ref = prog.map(map);
  if (ref.kind === 'const') {
    code.i64parts((ref.value + MAP_DATA + offset) | 0, 0);
    return;
  }
  pushRef(code, ref);
  code.i32(MAP_DATA + offset);
  code.op(w.I32_ADD, w.I64_EXTEND_I32_U);
}

/** An insn that only makes a value which nobody reads. Loads see to that themselves: they may have to be checked all the same. */
function isDead(f: FuncEnv, op: Op, pc: number): boolean {
  switch (op.kind) {
    case 'alu':
      return f.regs.isDead() && !f.plan.rotates.saves.has(pc);
    case 'movsx':
    case 'cast_user':
    case 'swap':
    case 'lddw':
      return f.regs.isDead();
    default:
      return false;
  }
}

function lowerOp(f: FuncEnv, op: Op, pc: number): void {
  f.regs.startInsn(pc);
  if (isDead(f, op, pc)) return;
  switch (op.kind) {
    case 'alu':
      lowerAlu(f, op, pc);
      return;
    case 'movsx':
      lowerMovsx(f, op);
      return;
    case 'cast_user':
      lowerCastUser(f, op);
      return;
    case 'swap':
      lowerSwap(f, op, pc);
      return;
    case 'load':
      lowerLoad(f, op, pc);
      return;
    case 'store':
      keepStored(f, op, pc);
      lowerStore(f, op, pc);
      return;
    case 'atomic':
      lowerAtomic(f, op, pc);
      return;
    case 'lddw':
      lowerWide(f, op);
      return;
    case 'ldabs':
    case 'ldind':
      lowerPacketLoad(f, op);
      return;
    case 'call':
      lowerHelper(f, op, pc);
      return;
    case 'call_local':
      lowerLocalCall(f, op);
      return;
    case 'call_kfunc':
      lowerKfunc(f, op, pc);
      return;
    // Control flow is in the structure, not in the body.
    case 'ja':
    case 'jcond':
    case 'may_goto':
    case 'exit':
      return;
  }
}

/** Which sizes of packet accesses a function makes, when they are checked. */
function packetSizes(prog: ProgEnv, func: LinkedFunc): number[] {
  const sizes = new Set<number>();
  if (!prog.checks) return [];
  for (let pc = func.start; pc < func.end; pc++) {
    const op = prog.checked.ops[pc];
    if (op === undefined || !('off' in op) || !('size' in op)) continue;
    if (isOpenPacket(prog.facts.base[pc], op.off, op.size)) sizes.add(op.size);
  }
  return [...sizes].sort((a, b) => a - b);
}

function hasOp(prog: ProgEnv, func: LinkedFunc, kind: Op['kind']): boolean {
  for (let pc = func.start; pc < func.end; pc++) if (prog.checked.ops[pc]?.kind === kind) return true;
  return false;
}

/** Where a function's parameters are, and how it ends. */
interface Frame {
  readonly code: Code;
  readonly ctx: number | undefined;
  readonly fp: number;
  /** If it was set before. */
  readonly bottom?: Bottom;
  /** Locals of R1..R5 when they are parameters. */
  readonly args: number | undefined;
  readonly exit: InlineExit | undefined;
  readonly violation: ViolationExit;
}

function makeFunc(prog: ProgEnv, func: LinkedFunc, frame: Frame, plan: Plan): FuncEnv {
  const { code } = frame;
  const sizes = packetSizes(prog, func);
  let packet: PacketLocals | undefined;
  if (sizes.length > 0) {
    packet = { lo: code.addLocal('i64'), limit: new Map(sizes.map((s) => [s, code.addLocal('i64')])) };
  }
  const loops = prog.checks && plan.flow.some((step) => step.kind === 'loop');
  return {
    prog,
    code,
    plan,
    regs: new Registers(code, plan, frame.args),
    fp: frame.fp,
    bottom: frame.bottom ?? setBottom(code, prog, func, frame.fp),
    ctx: frame.ctx,
    uapi: frame.ctx === undefined || !seesSkb(prog.checked.prog) ? frame.ctx : code.addLocal('i32'),
    exit: frame.exit,
    violation: frame.violation,
    keys: keyLocals(plan, prog.checked.ops, code),
    packet,
    budget: loops ? code.addLocal('i32') : undefined,
    mayGoto: hasOp(prog, func, 'may_goto') ? code.addLocal('i32') : undefined,
    label: plan.cfg.needsLabel ? code.addLocal('i32') : undefined,
    round: undefined,
  };
}

/** The lowest offset from R10 of the function's accesses. */
function lowestOffset({ checked, facts }: ProgEnv, func: LinkedFunc): number {
  let lowest = 0;
  for (let pc = func.start; pc < func.end; pc++) {
    const fact = facts.base[pc];
    const op = checked.ops[pc];
    if (fact?.kind !== 'stack' || fact.off === undefined || op === undefined || !('off' in op)) continue;
    lowest = Math.min(lowest, fact.off + op.off);
  }
  return Math.max(lowest, -MAX_BPF_STACK);
}

/** Writes the local of the function's lowest place in its frame. */
export function setBottom(code: Code, prog: ProgEnv, func: LinkedFunc, fp: number): Bottom {
  const off = lowestOffset(prog, func);
  if (off === 0) return { local: fp, off };
  const local = code.addLocal('i32');
  code.get(fp);
  code.i32(off);
  code.op(w.I32_ADD);
  code.set(local);
  return { local, off };
}

/** What registers hold before the first insn: R1 the context, a subprogram's parameters; the others are zero, in every round of a batch loop. */
function enterRegs(f: FuncEnv, args: number | undefined): void {
  for (const reg of f.regs.initial()) {
    if (reg === 1 && f.uapi !== undefined) {
      f.code.get(f.uapi);
      f.regs.setInitial(reg, 'i32');
    } else if (args !== undefined && reg >= 1 && reg <= 5) {
      if (!f.regs.isLowInitial(reg)) continue;
      f.code.get(args + reg - 1);
      f.regs.setInitial(reg, 'i64');
    } else if (f.exit !== undefined) {
      f.code.i64(0);
      f.regs.setInitial(reg, 'i64');
    }
  }
}

function enter(f: FuncEnv, args: number | undefined): void {
  if (f.ctx !== undefined && f.uapi !== undefined) {
    if (f.uapi !== f.ctx) {
      f.code.get(f.ctx);
      f.code.mem(w.I32_LOAD, CTX_SKB);
      f.code.set(f.uapi);
    }
    // Runs of the batch loop are counted by the batch.
    if (f.exit === undefined) count(f.code, f.prog, STATS_RUNS);
  }
  enterRegs(f, args);
  if (f.mayGoto !== undefined) {
    f.code.i32(BPF_MAX_LOOPS);
    f.code.set(f.mayGoto);
  }
  loadBudget(f);
  refreshPacket(f);
}

/** A loop takes what it costs from the budget, each round or all at once; what never ends runs out of it. */
function payLoop(f: FuncEnv, cost: number, pc: number): void {
  if (f.budget === undefined) return;
  const { code } = f;
  code.get(f.budget);
  code.i32(cost);
  code.op(w.I32_SUB);
  code.tee(f.budget);
  code.i32(0);
  code.op(w.I32_LT_S);
  code.block(w.IF);
  emitViolation(f, TRAP_BUDGET, { pc, reg: 10, off: 0, size: 0, write: false });
  code.op(w.END);
}

function lowerBody(f: FuncEnv, cfg: Cfg, step: Flow & { kind: 'body' }): void {
  // It is written with the branch around it.
  if (f.plan.choices.blocks.has(step.block)) return;
  const block = cfg.blocks[step.block];
  f.regs.startBlock(step.block);
  for (let pc = block.start; pc < block.end; pc++) {
    const op = f.prog.checked.ops[pc];
    if (op !== undefined) lowerOp(f, op, pc);
  }
  if (step.exit) {
    if (block.returns !== undefined) f.code.i64parts(block.returns.lo, block.returns.hi);
    else pushReg(f, 0);
    leave(f);
  }
}

/** Several rounds at a time, in front of the loop. With checks each round has to be paid for: there it takes a loop that was paid for as a whole. */
function lowerRounds(f: FuncEnv, cfg: Cfg, step: Flow & { kind: 'loop' }): void {
  const unroll = f.plan.unrolls.get(step.header);
  if (unroll === undefined || (f.budget !== undefined && step.rounds === undefined)) return;
  const { code } = f;
  code.block(w.BLOCK);
  code.block(w.LOOP);
  f.regs.startBlock(step.header);
  for (const guard of unroll.guards) {
    pushFailure(f, guard);
    code.br(w.BR_IF, 1);
  }
  const bases = new Map<number, number>();
  for (let index = 0; index < unroll.times; index++) {
    f.round = { unroll, index, bases };
    for (const block of unroll.blocks) lowerBody(f, cfg, { kind: 'body', block, exit: false });
  }
  f.round = undefined;
  code.br(w.BR, 0);
  code.op(w.END, w.END);
}

/** Whether the jump at `pc` is taken, if that is known when compiling. */
function knownJump({ plan }: FuncEnv, op: Op, pc: number): boolean | undefined {
  const value = plan.operands.first[pc - plan.values.effects.start];
  return value < 0 ? undefined : isTaken(op, plan.least[value], plan.max[value]);
}

function lowerBranch(f: FuncEnv, step: Flow & { kind: 'br_if' }): void {
  const { ops } = f.prog.checked;
  const op = ops[step.pc];
  if (op?.kind !== 'jcond' && op?.kind !== 'may_goto') return;
  const at = f.plan.choices.moves.get(step.pc);
  if (at !== undefined) {
    f.regs.startInsn(at);
    lowerChoice(f, ops[at] as Move, () => lowerCondition(f, op, step.pc, step.negate));
    return;
  }
  const known = knownJump(f, op, step.pc);
  if (known !== undefined) {
    if (known !== step.negate) f.code.br(w.BR, step.depth);
    return;
  }
  lowerCondition(f, op, step.pc, step.negate);
  f.code.br(w.BR_IF, step.depth);
}

function lowerFlow(f: FuncEnv, cfg: Cfg, step: Flow): void {
  const { code } = f;
  switch (step.kind) {
    case 'block':
      code.block(w.BLOCK);
      return;
    case 'loop':
      if (step.rounds !== undefined) payLoop(f, step.cost * step.rounds, step.pc);
      lowerRounds(f, cfg, step);
      code.block(w.LOOP);
      if (step.rounds === undefined) payLoop(f, step.cost, step.pc);
      return;
    case 'end':
      code.op(w.END);
      return;
    case 'body':
      lowerBody(f, cfg, step);
      return;
    case 'br':
      code.br(w.BR, step.depth);
      return;
    case 'br_if':
      lowerBranch(f, step);
      return;
    case 'set_label':
      code.i32(step.label);
      code.set(f.label as number);
      return;
    case 'br_table':
      code.get(f.label as number);
      code.op(w.BR_TABLE);
      code.w.u32(step.depths.length - 1);
      for (const depth of step.depths) code.w.u32(depth);
  }
}

function lowerInto(frame: Frame, prog: ProgEnv, func: LinkedFunc, cfg: Cfg): void {
  const plan = planOf(prog, func, cfg);
  const f = makeFunc(prog, func, frame, plan);
  enter(f, frame.args);
  for (const step of plan.flow) lowerFlow(f, cfg, step);
  f.code.op(w.UNREACHABLE);
}

/** The body of one function: (ctx: i32, fp: i32) -> i64 for the entry, (r1..r5: i64, fp: i32) -> i64 for subprograms. */
export function lowerFunc(prog: ProgEnv, func: LinkedFunc, cfg: Cfg): WasmWriter {
  const isMain = func === prog.checked.funcs[0];
  const code = new Code(isMain ? 2 : 6);
  const params = isMain ? { ctx: 0, fp: 1, args: undefined } : { ctx: undefined, fp: 5, args: 0 };
  withViolations(prog, code, (violation) => {
    lowerInto({ ...params, code, exit: undefined, violation }, prog, func, cfg);
  });
  code.op(w.END);
  return code.body();
}

/** The code of one of the program's functions where it is called. */
export function inlineFunc(prog: ProgEnv, func: LinkedFunc, cfg: Cfg, frame: InlineFrame): void {
  lowerInto({ ...frame, ctx: undefined }, prog, func, cfg);
}

/** The entry function's code inside its batch loop: it leaves the block that `exit` names, with R0 in its local. */
export function inlineEntry(prog: ProgEnv, cfg: Cfg, at: Omit<Frame, 'args'>): void {
  lowerInto({ ...at, args: undefined }, prog, prog.checked.funcs[0], cfg);
}
