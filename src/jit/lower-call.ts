/** Calls of helpers, subprograms and kfuncs. Helpers are imports; their prototypes give the Wasm signature and the checks. */
import { MAP_KEY_SIZE, MAP_VALUE_SIZE, TRAP_BUDGET, TRAP_THROW, VM_BUDGET, VM_TRACE_ON } from '../../assembly/abi.ts';
import { BPF_F_RDONLY_PROG, BPF_MAP_TYPE_BLOOM_FILTER, MAX_BPF_STACK } from '../../assembly/isa.ts';
import {
  BPF_FUNC_map_lookup_elem,
  BPF_FUNC_map_update_elem,
  BPF_FUNC_tail_call,
  BPF_FUNC_xdp_adjust_head,
  FIXED_SIZE,
  type HelperProto,
  wasmArg,
  wasmRet,
} from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { RegFact } from '../verifier/facts.ts';
import {
  checkArgument,
  checkCtx,
  checkMap,
  checkSize,
  checkSizedArgument,
  emitViolation,
  refreshPacket,
} from './check.ts';
import { makeData, storeData } from './data.ts';
import { type FuncEnv, pushBase, pushRef, pushReg, pushReg32, setReg, setReg32 } from './env.ts';
import { lowerHashLookup, pushKeyWords } from './hash-lookup.ts';
import { inlineCall, isInlinable } from './inline-call.ts';
import type { Pair } from './key.ts';
import { lowerArrayLookup } from './lookup.ts';
import { afterCall, beforeCall, leave } from './lower-exit.ts';
import { checkBudget, lowerLoop } from './lower-loop.ts';
import { lowerAdjustHead } from './lower-packet.ts';
import { lowerState } from './lower-state.ts';
import { makesObject } from './object-site.ts';
import * as w from './opcodes.ts';
import { inlineRing, lowerCommit, lowerOutput, lowerReserve } from './ring.ts';
import { lowerTailCall } from './tail-call.ts';
import { variantOf } from './variants.ts';

const UNKNOWN: RegFact = { kind: 'unknown' };
/** A round of an iterator's loop takes from the budget. */
const ITERATOR_NEXT = /^bpf_iter_\w+_next$/;

/** Facts of R1..R5 at a call. */
function argFact(f: FuncEnv, pc: number, i: number): RegFact {
  return f.prog.facts.args[pc]?.[i] ?? UNKNOWN;
}

/** What is asked of a bloom filter is only read. One that is not known by name can only be the inner map of another. */
function mayBeBloom(f: FuncEnv, map: RegFact): boolean {
  const { maps } = f.prog.checked.prog;
  if (map.kind === 'map') return maps[map.map].type === BPF_MAP_TYPE_BLOOM_FILTER;
  return maps.some(({ innerMap }) => innerMap?.type === BPF_MAP_TYPE_BLOOM_FILTER);
}

/** A key or value argument: its size is the map's. */
function checkMapMemory(f: FuncEnv, pc: number, i: number, what: 'keySize' | 'valueSize', out = false): void {
  const reg = i + 1;
  const map = argFact(f, pc, 0);
  const write = out && !mayBeBloom(f, map);
  const at = { pc, reg, off: 0, write, fact: argFact(f, pc, i) };
  if (map.kind === 'map') {
    checkArgument(f, { ...at, size: f.prog.checked.prog.maps[map.map][what] });
    return;
  }
  checkSizedArgument(f, at, () => {
    pushReg32(f, 1);
    f.code.mem(w.I32_LOAD, what === 'keySize' ? MAP_KEY_SIZE : MAP_VALUE_SIZE);
  });
}

/** A memory argument whose size is in the next register. */
function checkMemory(f: FuncEnv, pc: number, i: number, write: boolean): void {
  const reg = i + 1;
  const at = { pc, reg, off: 0, write, fact: argFact(f, pc, i) };
  const size = argFact(f, pc, i + 1);
  if (size.kind === 'const' && size.value >= 0) checkArgument(f, { ...at, size: size.value });
  else checkSizedArgument(f, at, () => pushReg32(f, reg + 1));
}

const DENIED: Readonly<Record<string, number>> = {
  map_update_elem: BPF_F_RDONLY_PROG,
  map_delete_elem: BPF_F_RDONLY_PROG,
  map_push_elem: BPF_F_RDONLY_PROG,
  map_pop_elem: BPF_F_RDONLY_PROG,
};

const TRUSTING_COMMITS: readonly string[] = ['ringbuf_submit_proved', 'ringbuf_discard_proved'];

/** Flags of a map that forbid a program this helper. */
function deniedFlags(proto: HelperProto): number {
  return DENIED[proto.name] ?? 0;
}

function checkArgs(f: FuncEnv, proto: HelperProto, pc: number): void {
  // Sizes first: the memory checks use them.
  proto.args.forEach((arg, i) => {
    if (arg === 'size' || arg === 'size_or_zero') checkSize(f, pc, i + 1, arg === 'size_or_zero');
  });
  proto.args.forEach((arg, i) => {
    switch (arg) {
      case 'ctx':
        checkCtx(f, pc, i + 1, argFact(f, pc, i));
        return;
      case 'const_map_ptr':
        checkMap(f, pc, i + 1, argFact(f, pc, i), deniedFlags(proto));
        return;
      case 'map_key':
        checkMapMemory(f, pc, i, 'keySize');
        return;
      case 'map_value':
        checkMapMemory(f, pc, i, 'valueSize');
        return;
      case 'map_value_out':
        checkMapMemory(f, pc, i, 'valueSize', true);
        return;
      case 'mem':
      case 'mem_or_null':
        checkMemory(f, pc, i, false);
        return;
      case 'uninit_mem':
      case 'inout_mem':
        checkMemory(f, pc, i, true);
        return;
      case 'const_str':
        checkArgument(f, { pc, reg: i + 1, off: 0, size: 1, write: false, fact: argFact(f, pc, i) });
        return;
      case 'size':
      case 'size_or_zero':
      case 'anything':
      case 'func':
      case 'callback_ctx':
      case 'object':
        return;
      default: {
        const { size, write } = FIXED_SIZE[arg];
        checkArgument(f, { pc, reg: i + 1, off: 0, size, write, fact: argFact(f, pc, i) });
      }
    }
  });
}

function pushArgs(f: FuncEnv, proto: HelperProto, pc: number): void {
  proto.args.forEach((arg, i) => {
    const fact = argFact(f, pc, i);
    if (arg === 'const_map_ptr' && fact.kind === 'map') pushRef(f.code, f.prog.map(fact.map));
    else if (wasmArg(arg) === 'i64') pushReg(f, i + 1);
    else pushReg32(f, i + 1);
  });
}

/** A lookup in a hash, or a change of one, by a key that is known as a value; false where it is not. */
function lowerByKey(f: FuncEnv, op: Op & { kind: 'call' }, pc: number, words: string | undefined): boolean {
  const key = f.plan.keys.get(pc);
  const map = argFact(f, pc, 0);
  if (key === undefined || map.kind !== 'map') return false;
  if (op.helper === BPF_FUNC_map_lookup_elem) {
    lowerHashLookup(f, map.map, key);
    return true;
  }
  const data = makeData(f, pc);
  if (data !== undefined) storeData(f, op, pc, data);
  pushKeyWords(f, map.map, key);
  if (op.helper === BPF_FUNC_map_update_elem) {
    pushReg32(f, 3);
    pushReg(f, 4);
  }
  f.code.call(f.prog.funcs.helper(words as string));
  setReg(f, 0);
  return true;
}

/** A reservation in a ring buffer, or the end of one, as far as it is written where it is called. */
function lowerRing(f: FuncEnv, name: string, pc: number, data: readonly Pair[] | undefined, call: () => void): boolean {
  const map = inlineRing(f.prog, argFact(f, pc, 0));
  if (name === 'ringbuf_reserve' && map !== undefined) lowerReserve(f, map, call);
  else if (name === 'ringbuf_output' && map !== undefined && data !== undefined) lowerOutput(f, map, data, call);
  else if (TRUSTING_COMMITS.includes(name) && !f.prog.shared) lowerCommit(f, name === 'ringbuf_discard_proved', call);
  else return false;
  return true;
}

export function lowerHelper(f: FuncEnv, op: Op & { kind: 'call' }, pc: number): void {
  const { code, prog } = f;
  const proto = prog.proto(op.helper);
  checkArgs(f, proto, pc);
  if (op.helper === BPF_FUNC_tail_call) {
    lowerTailCall(f, pc, argFact(f, pc, 1), argFact(f, pc, 2));
    return;
  }
  const variant = variantOf(prog, pc, op);
  if (variant.kind === 'inline') {
    lowerArrayLookup(f, variant.map, pc);
    return;
  }
  if (variant.kind === 'call' && lowerByKey(f, op, pc, variant.words)) return;
  if (variant.kind === 'state') {
    lowerState(f, variant.helper);
    return;
  }
  if (variant.kind === 'loop') {
    beforeCall(f);
    lowerLoop(f, variant.callback, pc);
    afterCall(f);
    refreshPacket(f);
    return;
  }
  // A line whose length no one asks for is formatted only when someone listens.
  const unheard = variant.name === 'trace_printk_void';
  if (unheard) {
    code.mem(w.I32_LOAD, pushBase(code, prog.vm) + VM_TRACE_ON);
    code.block(w.IF);
  }
  const call = () => {
    pushArgs(f, proto, pc);
    if (proto.callsBack) {
      beforeCall(f);
      pushCalleeFrame(f);
    }
    code.call(prog.funcs.helper(variant.name));
  };
  if (op.helper === BPF_FUNC_xdp_adjust_head) {
    lowerAdjustHead(f, call);
    refreshPacket(f);
    return;
  }
  const data = makeData(f, pc);
  const callWith = () => {
    if (data !== undefined) storeData(f, op, pc, data);
    call();
  };
  if (lowerRing(f, variant.name, pc, data, callWith)) return;
  callWith();
  if (unheard) code.op(w.END);
  else if (proto.ret !== 'void') (wasmRet(proto.ret) === 'i32' ? setReg32 : setReg)(f, 0);
  if (proto.callsBack) {
    checkBudget(f, pc);
    afterCall(f);
  }
  if (proto.changesPacket || proto.callsBack) refreshPacket(f);
}

/** Where a function called from here has its R10. */
function pushCalleeFrame(f: FuncEnv): void {
  f.code.get(f.fp);
  f.code.i32(MAX_BPF_STACK);
  f.code.op(w.I32_SUB);
}

/** A call takes its callee's size from the budget: eight levels of a hundred calls each would not end in a lifetime, without any loop. */
function payCall(f: FuncEnv, target: number): void {
  const { code, prog } = f;
  if (!prog.checks) return;
  const callee = prog.checked.funcs.find((func) => func.start === target);
  const at = pushBase(code, prog.vm) + VM_BUDGET;
  code.mem(w.I32_LOAD, pushBase(code, prog.vm) + VM_BUDGET);
  code.i32(callee === undefined ? 1 : callee.end - callee.start);
  code.op(w.I32_SUB);
  code.mem(w.I32_STORE, at);
  code.mem(w.I32_LOAD, pushBase(code, prog.vm) + VM_BUDGET);
  code.i32(0);
  code.op(w.I32_LT_S);
  code.block(w.IF);
  emitViolation(f, TRAP_BUDGET, { pc: target, reg: 10, off: 0, size: 0, write: false });
  code.op(w.END);
}

/** The callee's frame lies right below this one. R6..R9 are this function's locals, so nothing has to be saved. */
export function lowerLocalCall(f: FuncEnv, op: Op & { kind: 'call_local' }): void {
  const { code } = f;
  beforeCall(f);
  payCall(f, op.target);
  const args = [1, 2, 3, 4, 5];
  if (isInlinable(f.prog, op.target)) {
    code.get(
      inlineCall(
        f,
        op.target,
        args.map((r) => () => pushReg(f, r)),
      ),
    );
  } else {
    for (const r of args) pushReg(f, r);
    pushCalleeFrame(f);
    code.call(f.prog.callee(op.target));
  }
  setReg(f, 0);
  afterCall(f);
  refreshPacket(f);
}

/**
 * bpf_throw ends the program: with its cookie, or with what the program's handler makes of it. The program's own function just returns; from deeper
 * down a trap unwinds what lies between.
 */
function lowerThrow(f: FuncEnv, pc: number): void {
  const { handler } = f.prog.checked.prog;
  if (f.ctx === undefined) {
    emitViolation(f, TRAP_THROW, { pc, reg: 1, off: 0, size: 0, write: false });
    return;
  }
  pushReg(f, 1);
  if (handler !== undefined) {
    beforeCall(f);
    for (let r = 2; r <= 5; r++) f.code.i64(0);
    pushCalleeFrame(f);
    f.code.call(f.prog.callee(handler));
    afterCall(f);
  }
  leave(f);
}

/** The type of what bpf_obj_new makes is its second argument, which the program leaves open. */
function pushObjectType(f: FuncEnv, pc: number): void {
  pushRef(f.code, f.prog.objectType(pc));
  f.code.op(w.I64_EXTEND_I32_U);
}

/** kfuncs take five 64-bit registers and the frame for a callback, and give one register; their prototypes are BTF's business. */
export function lowerKfunc(f: FuncEnv, op: Op & { kind: 'call_kfunc' }, pc: number): void {
  const name = f.prog.checked.prog.kfuncs[op.id] ?? `#${op.id}`;
  if (name === 'bpf_throw') {
    lowerThrow(f, pc);
    return;
  }
  beforeCall(f);
  const makes = makesObject(f.prog.checked.prog, op);
  for (let r = 1; r <= 5; r++) {
    if (makes && r === 2) pushObjectType(f, pc);
    else pushReg(f, r);
  }
  pushCalleeFrame(f);
  f.code.call(f.prog.funcs.kfunc(name));
  setReg(f, 0);
  if (ITERATOR_NEXT.test(name)) checkBudget(f, pc);
  afterCall(f);
  refreshPacket(f);
}
