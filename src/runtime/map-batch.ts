/** BPF_MAP_*_BATCH: many elements of a map at once, with the kernel's counts. Which types have which follows Linux 6.18. */
import {
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
  ENOENT,
  ENOSPC,
} from '../../assembly/isa.ts';
import type { RuntimeExports } from './exports.ts';
import type { Memory } from './memory.ts';

const HASHES: readonly number[] = [
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
];
const ARRAYS: readonly number[] = [BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY];

export type BatchOp = 'lookup' | 'lookup and delete' | 'update' | 'delete';

export function hasBatch(type: number, op: BatchOp): boolean {
  if (HASHES.includes(type)) return true;
  if (type === BPF_MAP_TYPE_LPM_TRIE) return op !== 'lookup and delete';
  return ARRAYS.includes(type) && (op === 'lookup' || op === 'update');
}

/** Bytes that tell where a batch begins: the number of a bucket, or a key. */
export function batchBytes(type: number, keySize: number): number {
  return HASHES.includes(type) ? 4 : keySize;
}

export interface BatchKeys {
  readonly keys: readonly Uint8Array[];
  /** What to ask with for the next ones; undefined when there are none. */
  readonly batch: Uint8Array | undefined;
}

/** A map as its memory has it. */
export interface BatchMap {
  readonly memory: Memory;
  readonly runtime: RuntimeExports;
  readonly address: number;
  readonly type: number;
  readonly keySize: number;
  scratch(bytes: number): number;
}

/** Keys of the next batch, or a negated errno. Hashes go on by buckets, which come whole; other types by the last key. */
export function batchKeys(map: BatchMap, count: number, from: Uint8Array | undefined): BatchKeys | number {
  return HASHES.includes(map.type) ? bucketKeys(map, count, from) : followingKeys(map, count, from);
}

function bucketKeys(map: BatchMap, count: number, from: Uint8Array | undefined): BatchKeys | number {
  const { memory, runtime, address, keySize } = map;
  const bucket =
    from === undefined ? 0 : new DataView(from.buffer, from.byteOffset, from.byteLength).getUint32(0, true);
  const out = map.scratch(4 + 4 * count);
  const found = runtime.hash_batch(address, bucket, count, out);
  if (found === -ENOENT) return { keys: [], batch: undefined };
  if (found === -ENOSPC) return -ENOSPC;
  const keys = Array.from({ length: found }, (_, i) => memory.read(memory.u32(out + 4 + 4 * i), keySize));
  const next = memory.read(out, 4);
  return { keys, batch: runtime.hash_buckets(address) === memory.u32(out) ? undefined : next };
}

function followingKeys(map: BatchMap, count: number, from: Uint8Array | undefined): BatchKeys {
  const { memory, runtime, address, keySize } = map;
  const room = (keySize + 7) & ~7;
  const keys: Uint8Array[] = [];
  let last = from;
  while (keys.length < count) {
    const at = map.scratch(2 * room);
    if (last !== undefined) memory.write(at, last);
    if (runtime.map_next_key(address, last === undefined ? 0 : at, at + room) < 0) return { keys, batch: undefined };
    last = memory.read(at + room, keySize);
    keys.push(last);
  }
  return { keys, batch: last };
}
