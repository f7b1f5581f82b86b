// The prefixes of routing tables by hash. As long as those of a table have few lengths, asking for each length, the longest first, takes fewer steps
// than walking its trie, and none of them depends on the one before.
import { alloc, free } from '../mem';
import { head, TrieNode } from './trie';

/** A table's trie, and which lengths its prefixes have. One that is gone leaves its length. */
@unmanaged
export class Prefixes {
  /** The link to the trie's first node. */
  root: u32;
  /** How many lengths there are. */
  count: u32;
  /** Bit n: prefixes of n bits; in `high`, of 64 + n. */
  low: u64;
  high: u64;
  /** Whether there are prefixes of all 128. */
  whole: u32;
}

if (offsetof<Prefixes>('root') != 0) ERROR('Prefixes.root: a trie is known by the link to its first node');

/** With more lengths than these, the trie is walked. */
const MAX_PROBES: u32 = 8;
const FIRST: u32 = 256;
/** Buckets for each prefix, at least: most lengths that are asked for have none, and an empty bucket says so at once. */
const SPARE: u32 = 4;

@unmanaged
class Buckets {
  at: u32;
  size: u32;
  count: u32;
}

const buckets = changetype<Buckets>(memory.data(offsetof<Buckets>(), 4));

function bucketOf(trie: u32, hi: u64, lo: u64, len: u32): u32 {
  const h = (hi ^ trie) * 0x9e3779b97f4a7c15 + (lo ^ len) * 0xd6e8feb86659fd93;
  return buckets.at + ((<u32>((h ^ (h >> 29)) >> 16) & (buckets.size - 1)) << 2);
}

function bucketOfNode(node: TrieNode): u32 {
  return bucketOf(node.owner, node.hi, node.lo, node.len);
}

function grow(): bool {
  const old = buckets.at;
  const oldSize = buckets.size;
  const larger = alloc(oldSize ? oldSize * 8 : FIRST * 4);
  if (!larger) return false;
  buckets.at = larger;
  buckets.size = oldSize ? oldSize * 2 : FIRST;
  for (let i: u32 = 0; i < oldSize; i++) {
    for (let at = load<u32>(old + (i << 2)); at; ) {
      const node = changetype<TrieNode>(at);
      const next = node.next;
      const bucket = bucketOfNode(node);
      node.next = load<u32>(bucket);
      store<u32>(bucket, at);
      at = next;
    }
  }
  free(old);
  return true;
}

function noteLength(p: Prefixes, len: u32): void {
  const before = len < 64 ? (p.low >> len) & 1 : len < 128 ? (p.high >> (len - 64)) & 1 : p.whole;
  if (before) return;
  p.count++;
  if (len < 64) p.low |= (<u64>1) << len;
  else if (len < 128) p.high |= (<u64>1) << (len - 64);
  else p.whole = 1;
}

/** Something hangs at this node of the trie now: false without memory. */
export function prefixAdd(trie: u32, at: u32): bool {
  const node = changetype<TrieNode>(at);
  if (node.owner) return true;
  if (buckets.count * SPARE >= buckets.size && !grow()) return false;
  node.owner = trie;
  const bucket = bucketOfNode(node);
  node.next = load<u32>(bucket);
  store<u32>(bucket, at);
  buckets.count++;
  noteLength(changetype<Prefixes>(trie), node.len);
  return true;
}

/** Whether asking is shorter than walking. */
export function hasFewLengths(trie: u32): bool {
  return changetype<Prefixes>(trie).count <= MAX_PROBES;
}

/** The lengths of IPv4's prefixes: bit n for n bits. */
export function lengths4(trie: u32): u64 {
  return changetype<Prefixes>(trie).low;
}

/** Copied to where it is used: lookups are made of little else. */
export class Probe {
  /** What hangs at the prefix of `len` bits, all others of the key being 0, or 0 for nothing. */
  @inline
  static head(trie: u32, hi: u64, lo: u64, len: u32): u32 {
    let at = load<u32>(bucketOf(trie, hi, lo, len));
    for (; at; at = changetype<TrieNode>(at).next) {
      const node = changetype<TrieNode>(at);
      if (node.hi == hi && node.lo == lo && node.len == len && node.owner == trie) break;
    }
    return at ? changetype<TrieNode>(at).head : 0;
  }
}

/** What hangs at the prefix of `len` bits of a key, or 0. */
export function prefixHead(trie: u32, hi: u64, lo: u64, len: u32): u32 {
  return Probe.head(trie, head(hi, len), len > 64 ? head(lo, len - 64) : 0, len);
}

/** The longest length there is below `limit`, plus one; 0 for none. Begins at 129. */
export function lengthBelow(trie: u32, limit: u32): u32 {
  const p = changetype<Prefixes>(trie);
  if (limit > 128) {
    if (p.whole) return 129;
    limit = 128;
  }
  if (limit > 64) {
    const rest = limit - 64;
    const high = rest == 64 ? p.high : p.high & (((<u64>1) << rest) - 1);
    if (high) return 128 - <u32>clz(high);
    limit = 64;
  }
  const low = limit == 64 ? p.low : p.low & (((<u64>1) << limit) - 1);
  return 64 - <u32>clz(low);
}
