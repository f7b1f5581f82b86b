/**
 * bpf_map_lookup_elem in a known array, without a call: an index below the number of elements is an addition away. An index that was proved to be one
 * number makes the address one.
 */
import { MAP_CPU_STRIDE, MAP_DATA, MAP_IMPL, VM_CPU } from '../../assembly/abi.ts';
import { BPF_MAP_TYPE_PERCPU_ARRAY } from '../../assembly/isa.ts';
import type { Block } from '../ir/cfg.ts';
import { storedKey } from '../ir/stored-key.ts';
import type { Op } from '../isa/op.ts';
import type { MapSpec } from '../object/types.ts';
import type { Code } from './code.ts';
import { type FuncEnv, type ProgEnv, pushBase, pushRef, pushReg32, setReg32 } from './env.ts';
import * as w from './opcodes.ts';
import { proofOf } from './proved.ts';
import { variantOf } from './variants.ts';

const INDEX_SIZE = 4;

/** Indices of lookups that are in a register when they are stored: i32 locals by pc of the store, and of the lookup. */
export interface Indices {
  readonly stores: ReadonlyMap<number, number>;
  readonly lookups: ReadonlyMap<number, number>;
}

/** The index of the lookup at `pc`, where all paths agree on one. With checks nothing is believed. */
function provedIndex({ checked, checks }: ProgEnv, pc: number): number | undefined {
  return checks ? undefined : proofOf(checked)?.key(pc);
}

function isLookup(prog: ProgEnv, op: Op | undefined, pc: number): boolean {
  return op?.kind === 'call' && variantOf(prog, pc, op).kind === 'inline';
}

/** Pcs of the stores of the indices that lookups find in a register, by pc of the lookup. */
export function findKeyStores(prog: ProgEnv, blocks: readonly Block[]): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  const { ops } = prog.checked;
  for (const { start, end } of blocks) {
    for (let pc = start; pc < end; pc++) {
      if (!isLookup(prog, ops[pc], pc) || provedIndex(prog, pc) !== undefined) continue;
      const store = storedKey(ops, start, pc, INDEX_SIZE);
      if (store !== undefined) found.set(pc, store);
    }
  }
  return found;
}

/** Whether the lookup at `pc` never looks at the memory of its key. */
export function knowsIndex(prog: ProgEnv, pc: number, keyStores: ReadonlyMap<number, number>): boolean {
  return isLookup(prog, prog.checked.ops[pc], pc) && (keyStores.has(pc) || provedIndex(prog, pc) !== undefined);
}

export function findIndices(keyStores: ReadonlyMap<number, number>, code: Code): Indices {
  const stores = new Map<number, number>();
  const lookups = new Map<number, number>();
  for (const [pc, store] of keyStores) {
    const local = stores.get(store) ?? code.addLocal('i32');
    stores.set(store, local);
    lookups.set(pc, local);
  }
  return { stores, lookups };
}

/** Before the store at `pc`: keeps what it stores, if a lookup wants it. */
export function keepIndex(f: FuncEnv, op: Op & { kind: 'store' }, pc: number): void {
  const local = f.indices.stores.get(pc);
  if (local === undefined) return;
  if (op.src.kind === 'reg') pushReg32(f, op.src.reg);
  else f.code.i32(op.src.value | 0);
  f.code.set(local);
}

function strideOf(spec: MapSpec): number {
  return (spec.valueSize + 7) & ~7;
}

/** Adds the constant on top of the stack's i32. */
function add({ code }: FuncEnv, value: number): void {
  if (value === 0) return;
  code.i32(value | 0);
  code.op(w.I32_ADD);
}

/** Puts the address of the map's first element on the stack, of the running CPU's copy, plus `offset`. */
function pushFirst(f: FuncEnv, map: number, offset: number): void {
  const { code, prog } = f;
  const ref = prog.map(map);
  if (ref.kind === 'const') {
    code.i32((ref.value + MAP_DATA + offset) | 0);
  } else {
    pushRef(code, ref);
    add(f, MAP_DATA + offset);
  }
  if (prog.checked.prog.maps[map].type !== BPF_MAP_TYPE_PERCPU_ARRAY || prog.cpus === 1) return;
  pushCopy(f, map);
  code.op(w.I32_ADD);
}

/** Bytes from the first CPU's copy to that of the running one; one without a copy has the first one's. */
function pushCopy(f: FuncEnv, map: number): void {
  const { code, prog } = f;
  const cpu = code.local('cpu', 'i32');
  code.mem(w.I32_LOAD, pushBase(code, prog.vm) + VM_CPU);
  code.tee(cpu);
  code.i32(0);
  code.get(cpu);
  if (prog.cpus === undefined) code.mem(w.I32_LOAD, pushBase(code, prog.map(map)) + MAP_IMPL);
  else code.i32(prog.cpus);
  code.op(w.I32_LT_U, w.SELECT);
  code.mem(w.I32_LOAD, pushBase(code, prog.map(map)) + MAP_CPU_STRIDE);
  code.op(w.I32_MUL);
}

function pushIndex(f: FuncEnv, pc: number): void {
  const known = f.indices.lookups.get(pc);
  if (known !== undefined) {
    f.code.get(known);
    return;
  }
  pushReg32(f, 2);
  f.code.mem(w.I32_LOAD, 0);
}

export function lowerArrayLookup(f: FuncEnv, map: number, pc: number): void {
  const { code } = f;
  const spec = f.prog.checked.prog.maps[map];
  const stride = strideOf(spec);
  const proved = provedIndex(f.prog, pc);
  if (proved !== undefined) {
    if (proved < spec.maxEntries) pushFirst(f, map, proved * stride);
    else code.i32(0);
    setReg32(f, 0);
    return;
  }
  const index = code.local('array_index', 'i32');
  pushIndex(f, pc);
  code.tee(index);
  code.i32(spec.maxEntries | 0);
  code.op(w.I32_LT_U);
  code.block(w.IF, w.I32);
  pushFirst(f, map, 0);
  code.get(index);
  code.i32(stride | 0);
  code.op(w.I32_MUL, w.I32_ADD, w.ELSE);
  code.i32(0);
  code.op(w.END);
  setReg32(f, 0);
}
