// A path-compressed binary trie over prefixes of up to 128 bits: longest-prefix matching for routes.
//
// node  0  hi     u64  the prefix, first bits in the highest ones; bits behind its length are 0
//       8  lo     u64
//       16 zero   u32  child whose next bit is 0
//       20 one    u32  child whose next bit is 1
//       24 len    u32  bits of the prefix
//       28 head   u32  what hangs at the prefix; 0 for a node that only branches
//       32 next   u32  in its bucket, and
//       36 owner  u32  the trie, once something hung at it: prefixes.ts
import { alloc } from '../mem';
import { THREADS, threadRoom } from '../thread';

const SIZE: u32 = 40;

@unmanaged
export class TrieNode {
  hi: u64;
  lo: u64;
  zero: u32;
  one: u32;
  len: u32;
  head: u32;
  next: u32;
  owner: u32;
}

if (offsetof<TrieNode>() != SIZE) ERROR('TrieNode: its size drifted from the picture');

/** Nodes with something at them that the last `trieWalk` came by, shallowest first. */
const path: u32 = THREADS ? threadRoom(129 * 4) : <u32>memory.data(129 * 4);

/** The first `len` bits of `word`, the rest 0. */
export function head(word: u64, len: u32): u64 {
  if (len == 0) return 0;
  return len >= 64 ? word : word & ~(<u64>-1 >> len);
}

/** Bit `at` of a key, counted from its first. */
function bit(hi: u64, lo: u64, at: u32): u32 {
  return <u32>((at < 64 ? hi >> (63 - at) : lo >> (127 - at)) & 1);
}

/** Whether the node's prefix begins the key. */
function covers(node: TrieNode, hi: u64, lo: u64): bool {
  const len = node.len;
  if (len <= 64) return head(hi ^ node.hi, len) == 0;
  return hi == node.hi && head(lo ^ node.lo, len - 64) == 0;
}

function newNode(hi: u64, lo: u64, len: u32): u32 {
  const at = alloc(SIZE);
  if (!at) return 0;
  const node = changetype<TrieNode>(at);
  node.hi = head(hi, len);
  node.lo = len > 64 ? head(lo, len - 64) : 0;
  node.len = len;
  return at;
}

/** How many first bits two keys share, `most` at most. */
function common(hiA: u64, loA: u64, hiB: u64, loB: u64, most: u32): u32 {
  const hi = hiA ^ hiB;
  if (hi) return min(<u32>clz(hi), most);
  const lo = loA ^ loB;
  return lo ? min(64 + <u32>clz(lo), most) : most;
}

/** The node of a prefix, made if it is not there; 0 without memory. `root` is the address of the root's link. */
export function trieInsert(root: u32, hi: u64, lo: u64, len: u32): u32 {
  let link = root;
  for (let at = load<u32>(link); at; at = load<u32>(link)) {
    const node = changetype<TrieNode>(at);
    const shared = common(hi, lo, node.hi, node.lo, min(len, node.len));
    if (shared == node.len) {
      if (shared == len) return at;
      link = at + (bit(hi, lo, shared) ? offsetof<TrieNode>('one') : offsetof<TrieNode>('zero'));
      continue;
    }
    // The two part here, or the new prefix lies above the node.
    const fork = newNode(hi, lo, shared);
    if (!fork) return 0;
    const side: u32 = bit(node.hi, node.lo, shared) ? offsetof<TrieNode>('one') : offsetof<TrieNode>('zero');
    store<u32>(fork + side, at);
    store<u32>(link, fork);
    if (shared == len) return fork;
    link = fork + (bit(hi, lo, shared) ? offsetof<TrieNode>('one') : offsetof<TrieNode>('zero'));
  }
  const made = newNode(hi, lo, len);
  if (made) store<u32>(link, made);
  return made;
}

/** The node of exactly this prefix, or 0. */
export function trieFind(root: u32, hi: u64, lo: u64, len: u32): u32 {
  let at = load<u32>(root);
  while (at) {
    const node = changetype<TrieNode>(at);
    if (node.len > len || !covers(node, hi, lo)) return 0;
    if (node.len == len) return at;
    at = bit(hi, lo, node.len) ? node.one : node.zero;
  }
  return 0;
}

/** Walks down towards a key: the number of prefixes of it that hold something. `trieStep` gives them. */
export function trieWalk(root: u32, hi: u64, lo: u64, bits: u32): u32 {
  let count: u32 = 0;
  let at = load<u32>(root);
  while (at) {
    const node = changetype<TrieNode>(at);
    if (!covers(node, hi, lo)) break;
    if (node.head) store<u32>(path + (count++ << 2), at);
    if (node.len >= bits) break;
    at = bit(hi, lo, node.len) ? node.one : node.zero;
  }
  return count;
}

/** What hangs at the `index`th prefix of the last walk. */
export function trieStep(index: u32): u32 {
  return changetype<TrieNode>(load<u32>(path + (index << 2))).head;
}
