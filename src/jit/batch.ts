/**
 * The batch loop: runs a program over an array of context records and writes each verdict. It is a function of the program's own
 * module, so that the call is direct; JavaScript calls it once per batch. Progress is in vm.ctx, so that after a violation
 * the engine can go on behind the packet that caused it.
 *
 * A program that tail-calls has those in its loop that it can reach (`family`), as a state machine:
 *
 *     loop packet
 *       the program
 *       loop dispatch
 *         br_table next -> count a run; another program's code, or back to the program
 *       verdict; the next packet, if there is one
 *
 * A tail call of one of them sets `next` and branches, forwards to the program itself where it lies behind, else to the dispatcher. Large families share one
 * loop, where packets go through the jump table as well.
 */
import {
  CTX_SIZE,
  CTX_VERDICT,
  STATS_RUNS,
  VM_BATCH_END,
  VM_BATCH_SCANNED,
  VM_BUDGET,
  VM_BUDGET_LIMIT,
  VM_CTX,
  VM_FRAME_TOP,
  VM_TAIL_COUNT,
} from '../../assembly/abi.ts';
import type { Cfg } from '../ir/cfg.ts';
import { BPF_FUNC_timer_start } from '../isa/helpers.ts';
import type { CheckedProg } from '../verifier/structural.ts';
import { withViolations } from './check.ts';
import { Code } from './code.ts';
import type { WasmWriter } from './encoder.ts';
import { type Again, type Bottom, count, type Hops, type ProgEnv, pushBase, type ViolationExit } from './env.ts';
import { countTailCalls, isInlined } from './family.ts';
import { inlineEntry, setBottom } from './lower.ts';
import { addPending } from './lower-exit.ts';
import { type Needs, needs, without } from './needs.ts';
import * as w from './opcodes.ts';

/** A program with the graph of its entry function. */
export interface LoopProg {
  readonly prog: ProgEnv;
  readonly cfg: Cfg;
}

/** The loop being written: its code and the locals that all of its programs use. */
interface Loop {
  readonly code: Code;
  readonly progs: readonly LoopProg[];
  /** Place of the program that packets enter; undefined where `first` says it. */
  readonly entry: number | undefined;
  /** i32 local: place of the program that packets enter. */
  readonly first: number | undefined;
  /** What is written for each packet, and what one of the programs needs. */
  readonly needs: Needs;
  readonly all: Needs;
  readonly ctx: number;
  readonly end: number;
  readonly fp: number;
  readonly bottoms: Map<ProgEnv, Bottom>;
  /** R0 of the packet. */
  readonly result: number;
  /** Tail calls of the packet; undefined where nobody makes any. */
  readonly count: number | undefined;
  readonly next: number;
  /** Whether the end is read again for each packet. */
  readonly endMoves: boolean;
  /** A tail call may leave the loop through the table, which is when its end may move. */
  readonly isCalledAway: boolean;
  /** `Code.depth` inside what is left behind the last packet, inside the loop over packets, and inside what a call through the table leaves. */
  readonly depths: { over: number; head: number; called: number | undefined };
  /** The program that packets enter, if its calls of itself go to the loop's head. */
  readonly again: ProgEnv | undefined;
  /** Of programs that may call themselves in a loop. */
  readonly settled: Map<ProgEnv, Again['settled']>;
}

function storeCell(loop: Loop, cell: number, push: () => void): void {
  const { code, progs } = loop;
  const offset = pushBase(code, progs[0].prog.vm);
  push();
  code.mem(w.I32_STORE, offset + cell);
}

function loadCell({ code, progs }: Loop, cell: number): void {
  code.mem(w.I32_LOAD, pushBase(code, progs[0].prog.vm) + cell);
}

function writeCells(loop: Loop, cells: Needs): void {
  if (cells.ctx) storeCell(loop, VM_CTX, () => loop.code.get(loop.ctx));
  if (cells.budget) storeCell(loop, VM_BUDGET, () => loadCell(loop, VM_BUDGET_LIMIT));
  if (cells.tailCount) storeCell(loop, VM_TAIL_COUNT, () => loop.code.i32(0));
}

function newLoop(progs: readonly LoopProg[], entry: number | undefined): Loop {
  const code = new Code(entry === undefined ? 3 : 2);
  const all = progs.map(({ prog }) => prog.checked);
  const each = progs.map(({ prog }) => prog);
  const first = entry === undefined ? undefined : each[entry];
  const endMoves = all.some(movesEnd);
  const calls = all.some((checked) => countTailCalls(checked) > 0);
  const again = first !== undefined && isInlined(first.checked) && mayRepeat(first) ? first : undefined;
  return {
    code,
    progs,
    entry,
    first: entry === undefined ? 2 : undefined,
    needs: needs(entry === undefined ? each : [each[entry]]),
    all: needs(each),
    ctx: 0,
    end: 1,
    fp: code.addLocal('i32'),
    bottoms: new Map(),
    result: code.addLocal('i64'),
    count: calls ? code.addLocal('i32') : undefined,
    next: code.addLocal('i32'),
    endMoves,
    isCalledAway: calls && !endMoves,
    depths: { over: 0, head: 0, called: undefined },
    again,
    settled: new Map(again && [[again, code.addLocal('i32')]]),
  };
}

/**
 * Body of the loop of a program, (ctx: i32, end: i32) -> (): of the one at place `entry` of `progs`, which are all that its tail calls reach by branches.
 * Without an entry it is (ctx, end, place of the entry).
 */
export function batchLoop(progs: readonly LoopProg[], entry: number | undefined): WasmWriter {
  const loop = newLoop(progs, entry);
  const { code } = loop;
  loadCell(loop, VM_FRAME_TOP);
  code.set(loop.fp);
  for (const { prog } of progs) loop.bottoms.set(prog, setBottom(code, prog, prog.checked.funcs[0], loop.fp));
  if (progs.some(({ prog }) => stopsEarly(prog.checked))) {
    storeCell(loop, VM_BATCH_END, () => code.get(loop.end));
    storeCell(loop, VM_BATCH_SCANNED, () => code.i32(0));
  }
  nestViolations(loop, [], (violations) => {
    code.block(w.BLOCK);
    loop.depths.over = code.depth;
    if (loop.isCalledAway) runAndCall(loop, violations);
    else runPackets(loop, violations);
    code.op(w.END, w.RETURN);
  });
  code.op(w.END);
  return code.body();
}

/** Each program's violations have an end of their own, behind the loop: it names the program. */
function nestViolations(
  loop: Loop,
  outer: readonly ViolationExit[],
  body: (exits: readonly ViolationExit[]) => void,
): void {
  const next = loop.progs[outer.length];
  if (next === undefined) {
    body(outer);
  } else {
    const inner = (exit: ViolationExit) => nestViolations(loop, [...outer, exit], body);
    withViolations(next.prog, loop.code, inner, () => {
      const settled = loop.settled.get(next.prog);
      if (settled !== undefined) addPending(loop.code, next.prog, loop.count as number, settled);
    });
  }
}

/** Puts an i32 on the stack that is not zero behind the last packet. */
function pushIsOver(loop: Loop): void {
  const { code } = loop;
  code.get(loop.ctx);
  if (loop.endMoves) loadCell(loop, VM_BATCH_END);
  else code.get(loop.end);
  code.op(w.I32_GE_U);
}

/**
 * Before the loop and behind each packet, so that who comes back to the loop's head goes on with the same packet: that is where the program that packets
 * enter is called again. A loop of its own for that would cost each packet what engines do at the head of every loop.
 */
function beginPacket(loop: Loop): void {
  const { code, count, settled } = loop;
  writeCells(loop, loop.needs);
  for (const local of [count, loop.again && settled.get(loop.again)]) {
    if (local === undefined) continue;
    code.i32(0);
    code.set(local);
  }
}

/**
 * Writes the verdict, and goes on to the next record. Where few packets take a call through the table the address is made here: as the record's own with an
 * offset it would be the one that the program begins with, which engines then keep on the stack from there to here, in every packet. Where a
 * loop of its own dispatches each packet they would make this one in front of it.
 */
function endPacket(loop: Loop): void {
  const { code } = loop;
  const offset = loop.isCalledAway && loop.entry !== undefined ? 0 : CTX_VERDICT;
  code.get(loop.ctx);
  if (offset === 0) {
    code.i32(CTX_VERDICT);
    code.op(w.I32_ADD);
  }
  code.get(loop.result);
  code.mem(w.I64_STORE32, offset);
  code.get(loop.ctx);
  code.i32(CTX_SIZE);
  code.op(w.I32_ADD);
  code.set(loop.ctx);
}

function leaveIfOver(loop: Loop): void {
  const { code } = loop;
  pushIsOver(loop);
  code.br(w.BR_IF, code.depth - loop.depths.over);
}

/** The loop over packets; there is one at least. */
function runPackets(loop: Loop, violations: readonly ViolationExit[]): void {
  const { code } = loop;
  leaveIfOver(loop);
  beginPacket(loop);
  code.block(w.LOOP);
  loop.depths.head = code.depth;
  code.block(w.BLOCK);
  runPrograms(loop, violations);
  code.op(w.END);
  endPacket(loop);
  leaveIfOver(loop);
  beginPacket(loop);
  code.br(w.BR, 0);
  code.op(w.END);
}

/**
 * Calls through the table leave the loop over packets, and then it begins anew with the end that it finds in memory: what is never written in the loop costs
 * no packet a register, or a store and a load that the next packet waits for.
 */
function runAndCall(loop: Loop, violations: readonly ViolationExit[]): void {
  const { code } = loop;
  code.block(w.LOOP);
  loadCell(loop, VM_BATCH_END);
  code.set(loop.end);
  code.block(w.BLOCK);
  loop.depths.called = code.depth;
  runPackets(loop, violations);
  code.op(w.UNREACHABLE, w.END);
  endPacket(loop);
  code.br(w.BR, 0);
  code.op(w.END);
}

/** What makes the packet's verdict: it leaves the block it is in, with R0 in `result`. */
function runPrograms(loop: Loop, violations: readonly ViolationExit[]): void {
  const { code, entry } = loop;
  const { head } = loop.depths;
  const done = code.depth;
  if (entry === undefined) {
    code.get(loop.first as number);
    code.set(loop.next);
    dispatch(loop, violations, done, undefined);
    return;
  }
  const { prog } = loop.progs[entry];
  if (!isInlined(prog.checked)) {
    callEntry(loop, prog);
  } else if (loop.progs.length === 1) {
    inlineOne(loop, 0, { violation: violations[0], done, targets: [], cells: loop.needs, head });
  } else {
    code.block(w.BLOCK);
    const targets = loop.progs.map(() => code.depth);
    inlineOne(loop, entry, { violation: violations[entry], done, targets, cells: loop.needs, head });
    code.op(w.END);
    writeCells(loop, without(loop.all, loop.needs));
    dispatch(loop, violations, done, head);
  }
}

function callEntry({ code, ctx, fp, result }: Loop, prog: ProgEnv): void {
  code.get(ctx);
  code.get(fp);
  code.call(prog.callee(prog.checked.funcs[0].start));
  code.set(result);
}

/** Where the code of one program of a loop goes. */
interface Place {
  readonly violation: ViolationExit;
  /** `Code.depth` inside the block that ends the packet. */
  readonly done: number;
  /** Of each program of the family, `Code.depth` inside what a tail call of it leaves or repeats. */
  readonly targets: readonly number[];
  /** What has been written when the program begins. */
  readonly cells: Needs;
  /** Of the program that packets enter, `Code.depth` inside the loop that begins with it. */
  readonly head?: number;
}

/** The code of the program at place `self`. The loop that begins with it is where its tail calls of itself go, if it has but one. */
function inlineOne(loop: Loop, self: number, { violation, done, targets, cells, head }: Place): void {
  const { code, ctx, fp, result, next } = loop;
  const { prog, cfg } = loop.progs[self];
  const bottom = loop.bottoms.get(prog);
  let hops: Hops | undefined;
  if (loop.count !== undefined) {
    const again = mayRepeat(prog) ? repeat(loop, prog, loop.count, head) : undefined;
    const { called } = loop.depths;
    const base = loop.progs[0].prog.progId;
    hops = { base, targets, count: loop.count, next, nextBase: nextBase(loop), called, cells, again };
  }
  inlineEntry(prog, cfg, { code, ctx, fp, ...(bottom && { bottom }), violation, exit: { depth: done, result, hops } });
  if (hops?.again !== undefined && head === undefined) code.op(w.END, w.UNREACHABLE);
}

/** One tail call is told apart from others by where it is; of several nobody would know how often each was of the program itself. */
const mayRepeat = (prog: ProgEnv): boolean => countTailCalls(prog.checked, 0) === 1;

/** Opens the loop of a program that may call itself, unless it has one. */
function repeat({ code, settled }: Loop, prog: ProgEnv, taken: number, head: number | undefined): Again {
  const known = settled.get(prog);
  if (head !== undefined && known !== undefined) return { depth: head, settled: known };
  const local = code.addLocal('i32');
  settled.set(prog, local);
  code.get(taken);
  code.set(local);
  code.block(w.LOOP);
  return { depth: code.depth, settled: local };
}

/** Where in the dispatcher's jump table the entries of tail calls begin: behind those of packets, where packets go through it. */
function nextBase({ entry, progs }: Loop): number {
  return entry === undefined ? progs.length : 0;
}

/**
 * The state machine. Two blocks for each program, the inner one to count a run. The program that packets enter lies in front of it, inside the loop that
 * `again` is the `Code.depth` of; without such a program packets come through the jump table.
 */
function dispatch(loop: Loop, violations: readonly ViolationExit[], done: number, again: number | undefined): void {
  const { code, progs, next, all: cells } = loop;
  code.block(w.LOOP);
  const head = code.depth;
  const bodies: number[] = [];
  const counts: number[] = [];
  for (let i = progs.length - 1; i >= 0; i--) {
    code.block(w.BLOCK);
    bodies[i] = code.depth;
    code.block(w.BLOCK);
    counts[i] = code.depth;
  }
  code.get(next);
  code.brTable(again === undefined ? [...bodies, ...counts] : counts, counts[progs.length - 1]);
  progs.forEach(({ prog }, i) => {
    code.op(w.END);
    count(code, prog, STATS_RUNS);
    code.op(w.END);
    // What is behind is left forwards; what is in front is repeated.
    const targets = counts.map((depth, j) => (j > i ? depth : head));
    if (i === loop.entry) enterAgain(loop, again as number);
    else inlineOne(loop, i, { violation: violations[i], done, targets, cells });
  });
  code.op(w.END);
}

/** Goes on with the program that packets enter, from the loop's head: its statistics are right. */
function enterAgain({ code, again, settled, count }: Loop, head: number): void {
  const local = again && settled.get(again);
  if (local !== undefined) {
    code.get(count as number);
    code.set(local);
  }
  code.br(w.BR, code.depth - head);
}

/** The loop of one program of a family: `loop` is the one that they share. */
export function enterFamily(place: number, loop: number): WasmWriter {
  const code = new Code(2);
  code.get(0);
  code.get(1);
  code.i32(place);
  code.call(loop);
  code.op(w.END);
  return code.body();
}

function startsTimers({ ops, prog }: CheckedProg): boolean {
  for (const op of ops) {
    if (op?.kind === 'call' && op.helper === BPF_FUNC_timer_start) return true;
    if (op?.kind === 'call_kfunc' && prog.kfuncs[op.id] === 'bpf_wq_start') return true;
  }
  return false;
}

/** Whether a call that comes back to the loop may lower its end. A tail call in the loop itself reads the end again. */
function movesEnd(checked: CheckedProg): boolean {
  const own = isInlined(checked) ? countTailCalls(checked, 0) : 0;
  return countTailCalls(checked) > own || startsTimers(checked);
}

/**
 * Whether the loop may end before its last packet: a timer or work that the program started, or one that it tail-calls, is due before it. VM_BATCH_END then
 * says where. The others keep the end in a register.
 */
export function stopsEarly(checked: CheckedProg): boolean {
  return countTailCalls(checked) > 0 || startsTimers(checked);
}
