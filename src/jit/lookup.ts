/**
 * bpf_map_lookup_elem in a known array, without a call: an index below the number of elements is an addition away. An index that was proved to be one
 * number makes the address one.
 */
import { MAP_CPU_STRIDE, MAP_DATA } from '../../assembly/abi.ts';
import { BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_PERCPU_ARRAY } from '../../assembly/isa.ts';
import { BPF_FUNC_map_delete_elem, BPF_FUNC_map_lookup_elem, BPF_FUNC_map_update_elem } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { MapSpec } from '../object/types.ts';
import { type FuncEnv, type ProgEnv, pushBase, pushRef, pushReg32, setReg32 } from './env.ts';
import { isInlineHash } from './hash-lookup.ts';
import { pushKeyWord, type Wanted } from './key.ts';
import * as w from './opcodes.ts';
import { pushOwnCpu } from './per-cpu.ts';
import { proofOf } from './proved.ts';
import { variantOf } from './variants.ts';

const INDEX_SIZE = 4;
const BY_KEY: readonly number[] = [BPF_FUNC_map_lookup_elem, BPF_FUNC_map_update_elem, BPF_FUNC_map_delete_elem];

/** The index of the lookup at `pc`, where all paths agree on one. With checks nothing is believed. */
function provedIndex({ checked, checks }: ProgEnv, pc: number): number | undefined {
  return checks ? undefined : proofOf(checked)?.key(pc);
}

/** The key that the call would have as a value. */
export function keyOf(prog: ProgEnv, op: Op & { kind: 'call' }, pc: number): Wanted | undefined {
  const size = keySize(prog, op, pc);
  return size === 0 ? undefined : { reg: 2, size };
}

function keySize(prog: ProgEnv, op: Op & { kind: 'call' }, pc: number): number {
  if (!BY_KEY.includes(op.helper)) return 0;
  const variant = variantOf(prog, pc, op);
  if (variant.kind === 'inline') return provedIndex(prog, pc) === undefined ? INDEX_SIZE : 0;
  const map = prog.facts.args[pc]?.[0];
  if (variant.kind !== 'call' || map?.kind !== 'map' || prog.shared) return 0;
  const spec = prog.checked.prog.maps[map.map];
  const isValue = variant.words !== undefined || (op.helper === BPF_FUNC_map_lookup_elem && isInlineHash(prog, spec));
  return isValue ? spec.keySize : 0;
}

/** Whether the call at `pc` is a lookup in an array whose index is one number. */
export function knowsIndex(prog: ProgEnv, pc: number): boolean {
  const op = prog.checked.ops[pc];
  return op?.kind === 'call' && variantOf(prog, pc, op).kind === 'inline' && provedIndex(prog, pc) !== undefined;
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
  pushOwnCpu(f, map);
  code.mem(w.I32_LOAD, pushBase(code, prog.map(map)) + MAP_CPU_STRIDE);
  code.op(w.I32_MUL, w.I32_ADD);
}

function pushIndex(f: FuncEnv, pc: number): void {
  const key = f.plan.keys.get(pc);
  if (key !== undefined) {
    pushKeyWord(f, key);
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
  // An element is an inner map's address, or NULL.
  const isOfMaps = spec.type === BPF_MAP_TYPE_ARRAY_OF_MAPS;
  if (proved !== undefined) {
    if (proved < spec.maxEntries) {
      pushFirst(f, map, proved * stride);
      if (isOfMaps) code.mem(w.I32_LOAD, 0);
    } else code.i32(0);
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
  code.op(w.I32_MUL, w.I32_ADD);
  if (isOfMaps) code.mem(w.I32_LOAD, 0);
  code.op(w.ELSE);
  code.i32(0);
  code.op(w.END);
  setReg32(f, 0);
}
