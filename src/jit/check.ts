/**
 * Explicit checks of an unverified program: each access is compared with what the program was given. Where the address comes from
 * (facts) picks the check: constants are answered here and now, packet and stack pointers by one compare, the rest by the runtime.
 * A violation writes a `Trap` record and leaves Wasm; the engine gives that packet XDP_ABORTED and goes on with the next.
 */
import {
  CTX_SKB,
  MAP_FLAGS,
  SK_BUFF_SIZE,
  SKB_CB,
  SKB_CB_END,
  STACK_BASE,
  STACK_TOP,
  TRAP_ACCESS,
  TRAP_ARGUMENT,
  VM_CTX,
  VM_SIZE,
  XDP_MD_DATA_END,
  XDP_MD_DATA_META,
  XDP_MD_SIZE,
} from '../../assembly/abi.ts';
import {
  BPF_F_RDONLY_PROG,
  BPF_F_WRONLY_PROG,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_XSKMAP,
  MAX_BPF_STACK,
} from '../../assembly/isa.ts';
import type { MapSpec } from '../object/types.ts';
import type { RegFact } from '../verifier/facts.ts';
import type { Code } from './code.ts';
import {
  type FuncEnv,
  type ProgEnv,
  pushBase,
  pushRecord,
  pushRef,
  pushReg,
  pushReg32,
  seesSkb,
  type ViolationExit,
} from './env.ts';
import * as w from './opcodes.ts';

/** An access of `size` bytes at register `reg` + `off`. */
export interface Access {
  readonly pc: number;
  readonly reg: number;
  readonly off: number;
  readonly size: number;
  readonly write: boolean;
  readonly fact: RegFact;
}

/**
 * Ends the invocation: pc and address as the program had them. `what` is code and direction in its low half, the size in the high one; a size
 * that is known only now is an i32 that `pushSize` makes.
 */
export function emitViolation(f: FuncEnv, code: number, a: Omit<Access, 'fact'>, pushSize?: () => void): void {
  const { violation } = f;
  f.code.i64parts(code | (a.write ? 0x100 : 0), a.size);
  if (pushSize !== undefined) {
    pushSize();
    f.code.op(w.I64_EXTEND_I32_U);
    f.code.i64(32);
    f.code.op(w.I64_SHL, w.I64_OR);
  }
  f.code.set(violation.what);
  f.code.i32(a.pc);
  f.code.set(violation.pc);
  pushAddress64(f, a.reg, a.off);
  f.code.set(violation.addr);
  f.code.br(w.BR, f.code.depth - violation.depth);
}

/** The function's end: `body` is inside the block that violations leave; `last` is what is left to do before the engine is told. */
export function withViolations(
  prog: ProgEnv,
  code: Code,
  body: (exit: ViolationExit) => void,
  last?: () => void,
): void {
  const what = code.local('violation_what', 'i64');
  const pc = code.local('violation_pc', 'i32');
  const addr = code.local('violation_addr', 'i64');
  code.block(w.BLOCK);
  body({ depth: code.depth, what, pc, addr });
  code.op(w.END);
  last?.();
  code.get(what);
  code.get(pc);
  code.get(addr);
  code.call(prog.violation);
  code.op(w.UNREACHABLE);
}

/** Takes an i32 from the stack; not zero is a violation. */
function violateIf(f: FuncEnv, code: number, a: Omit<Access, 'fact'>, pushSize?: () => void): void {
  f.code.block(w.IF);
  emitViolation(f, code, a, pushSize);
  f.code.op(w.END);
}

export function pushAddress64(f: FuncEnv, reg: number, off: number): void {
  pushReg(f, reg);
  if (off !== 0) {
    f.code.i64(off);
    f.code.op(w.I64_ADD);
  }
}

/** Maps whose values programs may read and never write. */
const READ_ONLY = [BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_DEVMAP_HASH, BPF_MAP_TYPE_XSKMAP];

/** Maps whose lookup gives the address of a value. */
const WITH_VALUES = [
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
];

/** What a map lets programs reach of one value. */
function valueBytes(map: MapSpec, write: boolean): number {
  if (READ_ONLY.includes(map.type)) return write ? 0 : map.valueSize;
  const denied = (map.flags & (write ? BPF_F_RDONLY_PROG : BPF_F_WRONLY_PROG)) !== 0;
  return WITH_VALUES.includes(map.type) && !denied ? map.valueSize : 0;
}

/** What may be reached of a record of `size` bytes; nobody has one of a map that is no ring buffer. */
function recordBytes(map: MapSpec, size: number): number {
  return map.type === BPF_MAP_TYPE_RINGBUF ? size : 0;
}

/** What of its context a program may read, or write. */
function ctxRange(prog: ProgEnv, write: boolean): readonly [low: number, high: number] {
  if (seesSkb(prog.checked.prog)) return write ? [SKB_CB, SKB_CB_END] : [0, SK_BUFF_SIZE];
  return [0, write ? 0 : XDP_MD_SIZE];
}

type Answer = 'inside' | 'outside' | 'ask';

/** What constants alone say of an access. */
function answer(prog: ProgEnv, a: Access): Answer {
  const { fact } = a;
  if (fact.kind === 'stack' && fact.off !== undefined) {
    const at = fact.off + a.off;
    return at >= -MAX_BPF_STACK && at + a.size <= 0 ? 'inside' : 'outside';
  }
  if (fact.kind === 'ctx') {
    const at = fact.off + a.off;
    const [low, high] = ctxRange(prog, a.write);
    return at >= low && at + a.size <= high ? 'inside' : 'outside';
  }
  if (fact.kind === 'map_value') {
    const at = fact.off + a.off;
    const map = prog.checked.prog.maps[fact.map];
    const bytes = fact.size === undefined ? valueBytes(map, a.write) : recordBytes(map, fact.size);
    return at >= 0 && at + a.size <= bytes ? 'inside' : 'outside';
  }
  if (fact.kind === 'packet') {
    return isOpenPacket(fact, a.off, a.size) ? 'ask' : 'inside';
  }
  return 'ask';
}

/** Whether an access needs no check that looks at its address. */
export function isAnswered(prog: ProgEnv, a: Access): boolean {
  return answer(prog, a) === 'inside' && (a.fact.kind !== 'map_value' || a.fact.nonNull);
}

/** Whether an access at a packet pointer is checked as it runs: the program's own comparisons do not answer it. */
export function isOpenPacket(fact: RegFact | undefined, off: number, size: number): boolean {
  if (fact?.kind !== 'packet') return false;
  const at = (fact.base?.off ?? 0) + off;
  return fact.base === undefined || at < 0 || at + size > fact.base.range;
}

/** Emits the check of one access; afterwards its address is known to be good. */
export function checkAccess(f: FuncEnv, a: Access): void {
  if (!f.prog.checks) return;
  switch (answer(f.prog, a)) {
    case 'inside':
      if (a.fact.kind === 'map_value' && !a.fact.nonNull) checkNotNull(f, TRAP_ACCESS, a);
      return;
    case 'outside':
      emitViolation(f, TRAP_ACCESS, a);
      return;
    case 'ask':
      break;
  }
  const limit = f.packet?.limit.get(a.size);
  if (a.fact.kind === 'packet' && limit !== undefined) checkPacket(f, a, limit);
  else if (a.fact.kind === 'stack') checkStack(f, a);
  else askRuntime(f, TRAP_ACCESS, a);
}

/** NULL plus the constant offset that the register carries. */
function checkNotNull(f: FuncEnv, code: number, a: Access): void {
  pushReg(f, a.reg);
  const off = a.fact.kind === 'map_value' ? a.fact.off : 0;
  if (off === 0) f.code.op(w.I64_EQZ);
  else {
    f.code.i64(off);
    f.code.op(w.I64_EQ);
  }
  violateIf(f, code, a);
}

/** addr - lo is below the number of good start addresses. */
function checkPacket(f: FuncEnv, a: Access, limit: number): void {
  pushAddress64(f, a.reg, a.off);
  f.code.get(f.packet?.lo as number);
  f.code.op(w.I64_SUB);
  f.code.get(limit);
  f.code.op(w.I64_GE_U);
  violateIf(f, TRAP_ACCESS, a);
}

/** The stack is right behind the thread's struct Vm. */
function pushStackBase({ code, prog }: FuncEnv): void {
  const { vm } = prog;
  if (vm.kind === 'const') {
    code.i64(vm.value + VM_SIZE);
    return;
  }
  pushRef(code, vm);
  code.op(w.I64_EXTEND_I32_U);
  code.i64(VM_SIZE);
  code.op(w.I64_ADD);
}

function checkStack(f: FuncEnv, a: Access): void {
  pushAddress64(f, a.reg, a.off);
  pushStackBase(f);
  f.code.op(w.I64_SUB);
  f.code.i64(STACK_TOP - STACK_BASE - a.size);
  f.code.op(w.I64_GT_U);
  violateIf(f, TRAP_ACCESS, a);
}

function askRuntime(f: FuncEnv, code: number, a: Access): void {
  pushAddress64(f, a.reg, a.off);
  f.code.i32(a.size);
  f.code.i32(a.write ? 1 : 0);
  f.code.call(f.prog.funcs.checkMem);
  f.code.op(w.I32_EQZ);
  violateIf(f, code, a);
}

/** A helper's memory argument of constant size. */
export function checkArgument(f: FuncEnv, a: Access): void {
  if (!f.prog.checks || a.size === 0) return;
  const known = answer(f.prog, a);
  if (known === 'outside') emitViolation(f, TRAP_ARGUMENT, a);
  else if (known === 'ask' || a.fact.kind === 'ctx') askRuntime(f, TRAP_ARGUMENT, a);
  else if (a.fact.kind === 'map_value' && !a.fact.nonNull) checkNotNull(f, TRAP_ARGUMENT, a);
}

/** A helper's memory argument whose size, an i32 on the stack's place `pushSize` makes, is known at run time only; 0 needs no memory. */
export function checkSizedArgument(f: FuncEnv, a: Omit<Access, 'size'>, pushSize: () => void): void {
  if (!f.prog.checks) return;
  const { code } = f;
  const at = { ...a, size: 0 };
  pushSize();
  code.block(w.IF);
  pushAddress64(f, a.reg, 0);
  pushSize();
  code.i32(a.write ? 1 : 0);
  code.call(f.prog.funcs.checkMem);
  code.op(w.I32_EQZ);
  violateIf(f, TRAP_ARGUMENT, at, pushSize);
  code.op(w.END);
}

/** Largest byte count a helper may be given (BPF_MAX_VAR_SIZ). */
const MAX_SIZE = 1 << 29;

/** A byte count in a register is not absurd, and unless `zero` it is above 0: the memory of no bytes may be anywhere. */
export function checkSize(f: FuncEnv, pc: number, reg: number, zero: boolean): void {
  if (!f.prog.checks) return;
  const least = zero ? 0 : 1;
  pushAddress64(f, reg, -least);
  f.code.i64(MAX_SIZE - least);
  f.code.op(w.I64_GE_U);
  violateIf(f, TRAP_ARGUMENT, { pc, reg, off: 0, size: 0, write: false });
}

/** The register holds this invocation's context. */
export function checkCtx(f: FuncEnv, pc: number, reg: number, fact: RegFact): void {
  if (!f.prog.checks || (fact.kind === 'ctx' && fact.off === 0)) return;
  pushReg(f, reg);
  if (seesSkb(f.prog.checked.prog)) {
    f.code.mem(w.I32_LOAD, pushBase(f.code, f.prog.vm) + VM_CTX);
    f.code.mem(w.I64_LOAD32_U, CTX_SKB);
  } else {
    f.code.mem(w.I64_LOAD32_U, pushBase(f.code, f.prog.vm) + VM_CTX);
  }
  f.code.op(w.I64_NE);
  violateIf(f, TRAP_ARGUMENT, { pc, reg, off: 0, size: 0, write: false });
}

/** The register holds the address of a map, and the map has none of the flags in `denied` (BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG). */
export function checkMap(f: FuncEnv, pc: number, reg: number, fact: RegFact, denied: number): void {
  if (!f.prog.checks) return;
  const at = { pc, reg, off: 0, size: 0, write: false };
  if (fact.kind === 'map') {
    if ((f.prog.checked.prog.maps[fact.map].flags & denied) !== 0) emitViolation(f, TRAP_ARGUMENT, at);
    return;
  }
  pushReg(f, reg);
  f.code.call(f.prog.funcs.checkMap);
  f.code.op(w.I32_EQZ);
  violateIf(f, TRAP_ARGUMENT, at);
  if (denied === 0) return;
  pushReg32(f, reg);
  f.code.mem(w.I32_LOAD, MAP_FLAGS);
  f.code.i32(denied);
  f.code.op(w.I32_AND);
  violateIf(f, TRAP_ARGUMENT, at);
}

/**
 * Reads the packet's bounds into locals: at the entry and after whatever may have moved them. `limit` of size s is
 * max(0, length - s + 1), so that one unsigned compare answers both ends.
 */
export function refreshPacket(f: FuncEnv): void {
  if (f.packet === undefined) return;
  const { code } = f;
  const ctx = code.local('ctx', 'i32');
  const length = code.local('length', 'i64');
  pushRecord(f);
  code.tee(ctx);
  code.mem(w.I64_LOAD32_U, XDP_MD_DATA_END);
  code.get(ctx);
  code.mem(w.I64_LOAD32_U, XDP_MD_DATA_META);
  code.tee(f.packet.lo);
  code.op(w.I64_SUB);
  code.set(length);
  for (const [size, limit] of f.packet.limit) {
    code.get(length);
    if (size > 1) {
      code.i64(size - 1);
      code.op(w.I64_SUB);
      code.i64(0);
      code.get(length);
      code.i64(size - 1);
      code.op(w.I64_GT_S, w.SELECT);
    }
    code.set(limit);
  }
}
