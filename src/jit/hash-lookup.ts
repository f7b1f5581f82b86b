/**
 * bpf_map_lookup_elem in a hash by a key that is known as a value (key.ts), without a call: assembly/runtime/map/hash-find.ts in Wasm of the program's
 * own. Only where one thread uses the maps: among several, a lookup has to see whether an element left its bucket meanwhile.
 */
import { HASH_BUCKETS, HASH_ELEMENT_KEY, HASH_LRU_MARK, HASH_MASK, HASH_NUMBERS } from '../../assembly/abi.ts';
import {
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_HASH,
} from '../../assembly/isa.ts';
import type { MapSpec } from '../object/types.ts';
import { type FuncEnv, type ProgEnv, pushBase, pushRef, setReg32 } from './env.ts';
import { type KeyByte, makePairs, type Pair } from './key.ts';
import * as w from './opcodes.ts';
import { pushOwnCpu } from './per-cpu.ts';

/** Each word of a key is a load and a product; a longer one costs more code than a call. */
const MAX_KEY_SIZE = 40;
/** The last factor of a hash: C2 in hash-key.ts. */
const FINISH = [0x6659fd93, 0xd6e8feb8 | 0] as const;

const LRU: readonly number[] = [BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH];
const PER_CPU: readonly number[] = [BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH];
const HASHES: readonly number[] = [BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_HASH_OF_MAPS, ...LRU, ...PER_CPU];

/** Whether lookups in a map of this kind are written where they are, if their key is known. */
export function isInlineHash({ cpus }: ProgEnv, map: MapSpec): boolean {
  if (PER_CPU.includes(map.type) && cpus === undefined) return false;
  return HASHES.includes(map.type) && map.keySize <= MAX_KEY_SIZE;
}

/** Multiplies the i64 on the stack by one of the map's numbers. */
function timesNumber(f: FuncEnv, map: number, index: number): void {
  const { code, prog } = f;
  const ref = prog.map(map);
  const offset = HASH_NUMBERS + 8 * index;
  if (ref.kind === 'const' && prog.word !== undefined) {
    // Two hashes of one key are one to the engine's compiler if nothing is loaded for them.
    code.i64parts(prog.word(ref.value + offset), prog.word(ref.value + offset + 4));
  } else {
    code.mem(w.I64_LOAD, pushBase(code, ref) + offset);
  }
  code.op(w.I64_MUL);
}

/** Puts the hash on the stack, an i32. */
function pushHash(f: FuncEnv, map: number, pairs: readonly Pair[]): void {
  const { code } = f;
  const sum = code.local('hash', 'i64');
  pairs.forEach(({ local, size }, i) => {
    code.get(local);
    if (size > 4) {
      code.i64parts(-1, 0);
      code.op(w.I64_AND);
    }
    timesNumber(f, map, 2 * i);
    if (i > 0) code.op(w.I64_ADD);
    if (size <= 4) return;
    code.get(local);
    code.i64(32);
    code.op(w.I64_SHR_U);
    timesNumber(f, map, 2 * i + 1);
    code.op(w.I64_ADD);
  });
  code.tee(sum);
  code.get(sum);
  code.i64(32);
  code.op(w.I64_SHR_U, w.I64_XOR);
  code.i64parts(...FINISH);
  code.op(w.I64_MUL);
  code.i64(32);
  code.op(w.I64_SHR_U, w.I32_WRAP_I64);
}

/** Puts the first element of the bucket of the i32 on the stack there. */
function loadBucket(f: FuncEnv, map: number): void {
  const { code, prog } = f;
  const ref = prog.map(map);
  if (ref.kind === 'const' && prog.word !== undefined) code.i32(prog.word(ref.value + HASH_MASK));
  else code.mem(w.I32_LOAD, pushBase(code, ref) + HASH_MASK);
  code.op(w.I32_AND);
  code.i32(2);
  code.op(w.I32_SHL);
  if (ref.kind === 'const') {
    code.mem(w.I32_LOAD, ref.value + HASH_BUCKETS);
    return;
  }
  pushRef(code, ref);
  code.op(w.I32_ADD);
  code.mem(w.I32_LOAD, HASH_BUCKETS);
}

/** Puts 0 on the stack, an i64, if the element has this key. */
function pushDifference(f: FuncEnv, element: number, pairs: readonly Pair[]): void {
  const { code } = f;
  pairs.forEach(({ local, size }, i) => {
    code.get(element);
    // Behind a key that ends in its last word's middle there are zeros.
    code.mem(size > 4 ? w.I64_LOAD : w.I64_LOAD32_U, HASH_ELEMENT_KEY + 8 * i);
    code.get(local);
    code.op(w.I64_XOR);
    // One branch for all: which part differs is not foreseen.
    if (i > 0) code.op(w.I64_OR);
  });
}

/** Puts the arguments map, hash and key of a function of hash-words.ts on the stack. */
export function pushKeyWords(f: FuncEnv, map: number, bytes: readonly KeyByte[]): void {
  const { code, prog } = f;
  const pairs = makePairs(f, 'key', bytes);
  pushRef(code, prog.map(map));
  pushHash(f, map, pairs);
  code.get(pairs[0].local);
  if (pairs.length > 1) code.get(pairs[1].local);
  else code.i64(0);
}

/** From an element's address on the stack to what the lookup gives. */
function pushValue(f: FuncEnv, { type, keySize, valueSize }: MapSpec): void {
  const { code, prog } = f;
  const offset = HASH_ELEMENT_KEY + ((keySize + 7) & ~7);
  if (type === BPF_MAP_TYPE_HASH_OF_MAPS) {
    code.mem(w.I32_LOAD, offset);
    return;
  }
  code.i32(offset);
  code.op(w.I32_ADD);
  if (!PER_CPU.includes(type) || prog.cpus === 1) return;
  pushOwnCpu(f, -1);
  code.i32((valueSize + 7) & ~7);
  code.op(w.I32_MUL, w.I32_ADD);
}

export function lowerHashLookup(f: FuncEnv, map: number, bytes: readonly KeyByte[]): void {
  const { code } = f;
  const spec = f.prog.checked.prog.maps[map];
  const element = code.local('element', 'i32');
  const pairs = makePairs(f, 'key', bytes);
  pushHash(f, map, pairs);
  loadBucket(f, map);
  code.set(element);
  code.block(w.BLOCK, w.I32);
  code.i32(0);
  code.get(element);
  code.op(w.I32_EQZ);
  code.br(w.BR_IF, 0);
  code.op(w.DROP);
  code.block(w.LOOP);
  code.block(w.BLOCK);
  pushDifference(f, element, pairs);
  code.op(w.I64_EQZ);
  code.br(w.BR_IF, 0);
  code.i32(0);
  code.get(element);
  code.mem(w.I32_LOAD, 0);
  code.tee(element);
  code.op(w.I32_EQZ);
  code.br(w.BR_IF, 2);
  code.op(w.DROP);
  code.br(w.BR, 1);
  code.op(w.END, w.END);
  if (LRU.includes(spec.type)) {
    code.get(element);
    code.i32(HASH_LRU_MARK);
    code.op(w.I32_SUB);
    code.i32(1);
    code.mem(w.I32_STORE8, 0);
  }
  code.get(element);
  pushValue(f, spec);
  code.op(w.END);
  setReg32(f, 0);
}
