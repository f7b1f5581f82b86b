/** What the lowering of one function may refer to: imports, addresses, facts, and the function's own locals. */
import { VM_CTX } from '../../assembly/abi.ts';
import type { Unroll } from '../ir/unroll.ts';
import type { HelperProto } from '../isa/helpers.ts';
import type { Facts } from '../verifier/facts.ts';
import type { CheckedProg } from '../verifier/structural.ts';
import type { Code } from './code.ts';
import type { KeyLocals } from './key.ts';
import * as op from './opcodes.ts';
import type { Plan } from './plan.ts';
import type { Registers } from './registers.ts';

/** A number known when the module is compiled, or an imported i32 global that holds it. */
export type Ref =
  | { readonly kind: 'const'; readonly value: number }
  | { readonly kind: 'global'; readonly index: number };

/** Puts the value of `ref` on the stack. */
export function pushRef(code: Code, ref: Ref): void {
  if (ref.kind === 'const') code.i32(ref.value);
  else {
    code.op(op.GLOBAL_GET);
    code.w.u32(ref.index);
  }
}

/** Puts a base on the stack so that base + the returned offset is `ref`: constants go into the access itself. */
export function pushBase(code: Code, ref: Ref): number {
  if (ref.kind === 'const') {
    code.i32(0);
    return ref.value;
  }
  pushRef(code, ref);
  return 0;
}

/** Function indices of what the module imports. */
export interface ImportedFuncs {
  readonly trap: number;
  readonly checkMem: number;
  readonly checkMap: number;
  /** -1 unless a program has an arena. */
  readonly arenaAt: number;
  readonly helper: (name: string) => number;
  readonly kfunc: (name: string) => number;
}

/** Programs with ids that follow one another. */
export interface Siblings {
  /** Id of the first. */
  readonly base: Ref;
  /** Wasm function index of each. */
  readonly entries: readonly number[];
}

/** What accesses of an arena need. */
export interface Arena {
  readonly map: Ref;
  /** Function that says where an access goes: (map, ptr, size) -> address. */
  readonly at: number;
  /** Whether the access at a pc is one: part of what the insn does, as in Linux, and so also known to programs with checks. */
  readonly holds: (pc: number) => boolean;
}

/** One program being compiled. */
export interface ProgEnv {
  readonly checked: CheckedProg;
  readonly facts: Facts;
  /** Emit the checks that facts do not answer. */
  readonly checks: boolean;
  readonly funcs: ImportedFuncs;
  /** Several threads run on the memory. */
  readonly shared: boolean;
  readonly vm: Ref;
  /** CPUs of the engine, where that is known. */
  readonly cpus: number | undefined;
  readonly progId: Ref;
  readonly stats: Ref;
  readonly map: (index: number) => Ref;
  /** The u32 at an address of the engine, one that stays as it is while the map is there; undefined for code of no engine. */
  readonly word: ((address: number) => number) | undefined;
  /** First table slot of a prog array. */
  readonly mapTable: (index: number) => Ref;
  /** Table slot of the function that starts at `pc`, for callbacks. */
  readonly funcSlot: (pc: number) => Ref;
  /** The program's arena. */
  readonly arena: Arena | undefined;
  /** Address of the type of the objects that the call at `pc` makes. */
  readonly objectType: (pc: number) => Ref;
  /** Address of a kernel variable. */
  readonly ksym: (id: number) => Ref;
  /** Wasm function index of the BPF function that starts at `pc`. */
  readonly callee: (pc: number) => number;
  /** Local function that records a violation and traps: (what: i64, pc: i32, addr: i64). */
  readonly violation: number;
  /** Type index of (ctx: i32, fp: i32) -> i64. */
  readonly progType: number;
  /** A function that the entry may call makes tail calls. */
  readonly tailCallsBelow: boolean;
  /** Programs of the module that a tail call can jump to directly. */
  readonly siblings: Siblings | undefined;
  /** Number of each tail-call site in the statistics, by pc. */
  readonly sites: ReadonlyMap<number, number>;
  readonly proto: (helper: number) => HelperProto;
  /** What was found out about a function, by its start. */
  readonly plans: Map<number, Plan>;
  /** Writes the code of a function of the program where it is called; `lower` knows how. */
  readonly inline: (target: number, frame: InlineFrame) => void;
}

/** Whether the program's context is a `struct __sk_buff`; the others see the record itself, a `struct xdp_md`. */
export function seesSkb(prog: CheckedProg['prog']): boolean {
  return prog.type === 'socket_filter';
}

/** Sizes of packet accesses, each with the local that holds its limit. */
export interface PacketLocals {
  /** i64: address of data_meta. */
  readonly lo: number;
  /** By access size: i64, how many start addresses from `lo` on are inside the packet. */
  readonly limit: ReadonlyMap<number, number>;
}

/** Tail calls of an entry function inlined into a batch loop. */
export interface Hops {
  /** Id of the family's first program; the others' follow. */
  readonly base: Ref;
  /** Of each program of the family, `Code.depth` inside what a tail call of it branches to; none for a program alone. */
  readonly targets: readonly number[];
  /** i32 local: tail calls taken since the packet came. */
  readonly count: number;
  /** i32 local for the dispatcher: where in its jump table to go, `nextBase` plus the place of the program that is called. */
  readonly next: number;
  readonly nextBase: number;
  /** `Code.depth` inside what a call through the table leaves when it is back, where the batch's end may only have moved there; else the packet just ends. */
  readonly called: number | undefined;
  /** Cells of the VM state that the loop has written for this packet. */
  readonly cells: { readonly ctx: boolean; readonly budget: boolean };
  /**
   * Of a program with one tail call: a loop around its code for calls of itself, and an i32 local, what `count` was when the statistics were right. What it
   * is more by now are such calls.
   */
  readonly again: Again | undefined;
}

export interface Again {
  /** `Code.depth` inside the loop. */
  readonly depth: number;
  readonly settled: number;
}

/** Where an entry function inlined into a batch loop goes when it is done. */
export interface InlineExit {
  /** `Code.depth` inside the block to leave. */
  readonly depth: number;
  /** i64 local for R0. */
  readonly result: number;
  /** Undefined where neither the program nor another of its family tail-calls. */
  readonly hops: Hops | undefined;
}

/** What a function needs that is written where it is called. */
export interface InlineFrame {
  readonly code: Code;
  /** Local of its R10, i32. */
  readonly fp: number;
  /** The first of five i64 locals, one behind the other: R1 to R5. */
  readonly args: number;
  readonly exit: InlineExit;
  readonly violation: ViolationExit;
}

/**
 * Where a violation goes: out of all loops to the function's end, where one call tells the runtime. A loop without calls is one that engines
 * unroll and keep in registers.
 */
export interface ViolationExit {
  /** `Code.depth` inside the block to leave. */
  readonly depth: number;
  /** i64 local: code, direction and size. */
  readonly what: number;
  /** i32 local. */
  readonly pc: number;
  /** i64 local. */
  readonly addr: number;
}

/** The lowest place in a frame that accesses go to: offsets from there are not negative, so they are part of the access, and they are as small as can be. */
export interface Bottom {
  /** i32 local. */
  readonly local: number;
  /** What it is from R10. */
  readonly off: number;
}

/** One BPF function being lowered. */
export interface FuncEnv {
  readonly prog: ProgEnv;
  readonly code: Code;
  readonly plan: Plan;
  readonly regs: Registers;
  /** Inlined into the batch loop; otherwise a function that returns. */
  readonly exit: InlineExit | undefined;
  /** Local of R10, i32. */
  readonly fp: number;
  readonly bottom: Bottom;
  /** Local of the context record's address, i32; only the entry function has one. */
  readonly ctx: number | undefined;
  /** Local of the context as the program sees it, i32: the record, or the `struct Skb` it names. Only the entry function has one. */
  readonly uapi: number | undefined;
  readonly packet: PacketLocals | undefined;
  readonly violation: ViolationExit;
  readonly keys: KeyLocals;
  /** i32 copy of vm.budget in functions with loops. */
  readonly budget: number | undefined;
  /** i32 counter in functions with `may_goto`. */
  readonly mayGoto: number | undefined;
  /** i32 label variable of dispatchers. */
  readonly label: number | undefined;
  /** Set while the code of one of several rounds at a time is written. */
  round: Round | undefined;
}

/** One of several rounds of a loop that are run without tests. */
export interface Round {
  readonly unroll: Unroll;
  /** From 0 on. */
  readonly index: number;
  /** i32 locals with base addresses of round 0: by value. */
  readonly bases: Map<number, number>;
}

/** Puts the address of the context record on the stack. */
export function pushRecord(f: FuncEnv): void {
  if (f.ctx !== undefined) f.code.get(f.ctx);
  else f.code.mem(op.I32_LOAD, pushBase(f.code, f.prog.vm) + VM_CTX);
}

/** Adds one to an u64 of the program's statistics. */
export function count(code: Code, prog: ProgEnv, offset: number): void {
  addStat(code, prog, offset, () => code.i64(1));
}

/** Adds the i64 that `push` makes to an u64 of the program's statistics. */
export function addStat(code: Code, prog: ProgEnv, offset: number, push: () => void): void {
  const at = pushBase(code, prog.stats) + offset;
  code.mem(op.I64_LOAD, pushBase(code, prog.stats) + offset);
  push();
  code.op(op.I64_ADD);
  code.mem(op.I64_STORE, at);
}

/** Puts a register's 64-bit value on the stack. */
export function pushReg(f: FuncEnv, reg: number): void {
  if (reg === 10) {
    f.code.get(f.fp);
    f.code.op(op.I64_EXTEND_I32_U);
  } else {
    f.regs.push(reg);
  }
}

/** Puts a register's low 32 bits on the stack. */
export function pushReg32(f: FuncEnv, reg: number): void {
  if (reg === 10) {
    f.code.get(f.fp);
  } else {
    f.regs.pushLow(reg);
  }
}

/** Takes the value for a register, an i64, from the stack. */
export function setReg(f: FuncEnv, reg: number): void {
  f.regs.set(reg, 'i64');
}

/** Takes an i32 from the stack and writes it zero-extended. */
export function setReg32(f: FuncEnv, reg: number): void {
  f.regs.set(reg, 'i32');
}

/** Whether the upper half of a register is known to be zero. */
export function fits32(f: FuncEnv, reg: number): boolean {
  return reg === 10 || f.regs.fits(reg);
}
