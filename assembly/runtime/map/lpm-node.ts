// What a BPF_MAP_TYPE_LPM_TRIE is made of: nodes of a path-compressed binary trie, and values, which lie apart from them so that an update
// can give a key a new value and leave the old one to programs that still hold it.
//
//   node  0   child0  u32     value  0  next  u32  in the list of free ones
//         4   child1  u32            8  the value, padded to 8
//         8   length  u32  bits
//         12  value   u32  address of the value; 0 for a node that only branches
//         16  key     u64 words whose first bit is the highest, as given: bits behind `length` mean nothing but are kept
import { MAP_DATA } from '../../abi';
import { alloc, free } from '../mem';
import { removeRegion, reserveRegion } from '../region';
import { BpfMap, mapRegion } from './map';

@unmanaged
export class LpmNode {
  child0: u32;
  child1: u32;
  length: u32;
  value: u32;
}

/** Pieces of one size: free ones in a list through their first word, fresh ones in [cursor, limit) of the newest chunk. */
@unmanaged
class Pool {
  size: u32;
  free: u32;
  cursor: u32;
  limit: u32;
  /** Chunks, a list through their first word. */
  chunks: u32;
  /** Pieces of the next chunk. */
  chunkSize: u32;
}

/** Behind struct Map. */
@unmanaged
export class LpmTrie {
  root: u32;
  /** Bits of the longest key. */
  maxLength: u32;
  /** Bytes of a key behind its length. */
  bytes: u32;
  /** Words of a key in a node. */
  words: u32;
  /** The table of the first `bits` bits; see lpm-table.ts. */
  table: u32;
  bits: u32;
  nodeSize: u32;
  nodeFree: u32;
  nodeCursor: u32;
  nodeLimit: u32;
  nodeChunks: u32;
  nodeChunkSize: u32;
  valueSize: u32;
  valueFree: u32;
  valueCursor: u32;
  valueLimit: u32;
  valueChunks: u32;
  valueChunkSize: u32;
  /** Smaller tables from before: lpm-table.ts. */
  retired: u32;
  retired2: u32;
}

export const LPM_TRIE: u32 = MAP_DATA;
export const LPM_SIZE: u32 = 128;
export const NODE_KEY: u32 = 16;
export const VALUE_OFFSET: u32 = 8;
/** struct bpf_lpm_trie_key: the bytes are behind the length. */
export const KEY_BYTES: u32 = 4;
const CHUNK_HEADER: u32 = 64;
const FIRST_CHUNK_SIZE: u32 = 32;
const MAX_CHUNK_SIZE: u32 = 16384;

if (offsetof<LpmTrie>() > LPM_SIZE) ERROR('LpmTrie outgrew its room');
if (offsetof<LpmNode>() != NODE_KEY) ERROR('LpmNode: its size drifted');

export function trieOf(map: u32): LpmTrie {
  return changetype<LpmTrie>(map + LPM_TRIE);
}

function nodePool(map: u32): Pool {
  return changetype<Pool>(map + LPM_TRIE + offsetof<LpmTrie>('nodeSize'));
}

function valuePool(map: u32): Pool {
  return changetype<Pool>(map + LPM_TRIE + offsetof<LpmTrie>('valueSize'));
}

export function initPools(map: u32): void {
  const t = trieOf(map);
  t.nodeSize = NODE_KEY + t.words * 8;
  t.valueSize = changetype<BpfMap>(map).stride;
  t.nodeChunkSize = FIRST_CHUNK_SIZE;
  t.valueChunkSize = FIRST_CHUNK_SIZE;
}

/** A new chunk of pieces, entered as a region of `map` when programs may see them. */
function addChunk(pool: Pool, map: u32): bool {
  const size = <u64>CHUNK_HEADER + <u64>pool.chunkSize * pool.size;
  if (size >> 32 || !reserveRegion()) return false;
  const chunk = alloc(<u32>size);
  if (!chunk) return false;
  store<u32>(chunk, pool.chunks);
  pool.chunks = chunk;
  pool.cursor = chunk + CHUNK_HEADER;
  pool.limit = chunk + <u32>size;
  pool.chunkSize = min(pool.chunkSize * 2, MAX_CHUNK_SIZE);
  if (map) mapRegion(changetype<BpfMap>(map), chunk, pool.limit, pool.cursor, VALUE_OFFSET, 1);
  return true;
}

function take(pool: Pool, map: u32): u32 {
  const piece = pool.free;
  if (piece) {
    pool.free = load<u32>(piece);
    return piece;
  }
  if (pool.cursor == pool.limit && !addChunk(pool, map)) return 0;
  const fresh = pool.cursor;
  pool.cursor = fresh + pool.size;
  return fresh;
}

function give(pool: Pool, piece: u32): void {
  store<u32>(piece, pool.free);
  pool.free = piece;
}

/** A node without children and value, or 0: no memory. Its key is for the caller to write. */
export function takeNode(map: u32, length: u32): u32 {
  const node = take(nodePool(map), 0);
  if (!node) return 0;
  const n = changetype<LpmNode>(node);
  n.child0 = 0;
  n.child1 = 0;
  n.length = length;
  n.value = 0;
  return node;
}

export function giveNode(map: u32, node: u32): void {
  give(nodePool(map), node);
}

/** Address of a value that no node has, or 0: no memory. */
export function takeValue(map: u32): u32 {
  const piece = take(valuePool(map), map);
  return piece ? piece + VALUE_OFFSET : 0;
}

export function giveValue(map: u32, value: u32): void {
  give(valuePool(map), value - VALUE_OFFSET);
}

export function freePools(map: u32): void {
  for (let chunk = nodePool(map).chunks; chunk; ) {
    const next = load<u32>(chunk);
    free(chunk);
    chunk = next;
  }
  for (let chunk = valuePool(map).chunks; chunk; ) {
    const next = load<u32>(chunk);
    removeRegion(chunk);
    free(chunk);
    chunk = next;
  }
}
