// The first levels of an LPM trie as a table: with the first bits of a key as index it says where in the trie to go on, and which value is
// the best one up to there. So a lookup among many prefixes starts where the trie is thin.
//
//   entry  0  link   u32  address of the pointer to the next node (a child field, or the root)
//          4  value  u32  the longest prefix's among those above, or 0
//
// Whatever hangs on a link may change without the table: only nodes shorter than the table's index stand in it.
import { alloc, free } from '../mem';
import { THREADS } from '../thread';
import { publish } from './guard';
import { keyWord } from './lpm-key';
import { LpmNode, LpmTrie, NODE_KEY } from './lpm-node';

const ENTRY: u32 = 8;

/** Bits of the index that so many prefixes deserve. */
function wanted(count: u32): u32 {
  if (count < 64) return 0;
  if (count < 1024) return 8;
  return count < 16384 ? 12 : 16;
}

/** Entries [from, to) for keys that arrive at `link` with `value`. */
function fill(t: LpmTrie, link: u32, value: u32, from: u32, to: u32): void {
  const node = load<u32>(link);
  let low = to;
  let high = to;
  if (node && changetype<LpmNode>(node).length < t.bits) {
    const n = changetype<LpmNode>(node);
    const span: u32 = 1 << (t.bits - n.length);
    low = <u32>(load<u64>(node, NODE_KEY) >> (64 - t.bits)) & ~(span - 1);
    high = low + span;
    const middle = low + (span >> 1);
    const best = n.value ? n.value : value;
    fill(t, node, best, low, middle);
    fill(t, node + 4, best, middle, high);
  }
  for (; from < to; from++) {
    if (from == low) from = high;
    if (from >= to) return;
    store<u32>(t.table + from * ENTRY, link);
    store<u32>(t.table + from * ENTRY, value, 4);
  }
}

/** The node at `link`, of `length` bits of the key at hand, is new, gone or has another value; `value` is the best one above. */
export function tableChanged(t: LpmTrie, link: u32, value: u32, length: u32): void {
  if (length >= t.bits) return;
  const span: u32 = 1 << (t.bits - length);
  const from = <u32>(keyWord(0) >> (64 - t.bits)) & ~(span - 1);
  fill(t, link, value, from, from + span);
}

/** A table that is no more used. Another thread may be looking at it: it stays until the map ends. There are two at most. */
function retire(t: LpmTrie): void {
  if (!THREADS) free(t.table);
  else if (t.retired) t.retired2 = t.table;
  else t.retired = t.table;
}

export function freeRetired(t: LpmTrie): void {
  free(t.retired);
  free(t.retired2);
}

/** Makes the table larger when there are many more prefixes than it was made for. Without memory it stays as it is. */
export function growTable(t: LpmTrie, count: u32): void {
  const bits = min(wanted(count), t.maxLength);
  if (bits <= t.bits) return;
  const table = alloc(ENTRY << bits);
  if (!table) return;
  retire(t);
  // In this order: an index of fewer bits is in either table.
  publish(changetype<u32>(t) + offsetof<LpmTrie>('table'), table);
  publish(changetype<u32>(t) + offsetof<LpmTrie>('bits'), bits);
  fill(t, changetype<u32>(t), 0, 0, 1 << bits);
}
