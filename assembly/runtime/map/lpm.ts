// BPF_MAP_TYPE_LPM_TRIE: the value of the longest prefix that a key begins with.
import { BPF_EXIST, BPF_NOEXIST, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC } from '../../isa';
import { free } from '../mem';
import { THREADS, threadRoom } from '../thread';
import { copyValue, freeFields, freeKinds, initValue } from './fields';
import { beginChange, endChange, isUnchanged, lockMap, unlockMap, waitForChange } from './guard';
import { common, keyBit, loadKey, nodeBit, shortKey, storeKey, writeKey } from './lpm-key';
import {
  freePools,
  giveNode,
  giveValue,
  initPools,
  KEY_BYTES,
  LPM_SIZE,
  LPM_TRIE,
  LpmNode,
  LpmTrie,
  NODE_KEY,
  takeNode,
  takeValue,
  trieOf,
  VALUE_OFFSET,
} from './lpm-node';
import { freeRetired, growTable, tableChanged } from './lpm-table';
import { BpfMap, dropMap, MapSpec, newMap, round8 } from './map';

if (offsetof<LpmTrie>('root') != 0) ERROR('LpmTrie.root: the trie begins with the link to its first node');

export function lpmCreate(spec: MapSpec): u32 {
  const size: u32 = LPM_TRIE + LPM_SIZE;
  const map = newMap(spec, size, size, VALUE_OFFSET + round8(spec.valueSize), VALUE_OFFSET);
  if (map >= <u32>-4095) return map;
  const t = trieOf(map);
  t.bytes = spec.keySize - KEY_BYTES;
  t.maxLength = t.bytes * 8;
  t.words = (t.bytes + 7) >> 3;
  initPools(map);
  return map;
}

export function lpmDestroy(map: u32): void {
  freePools(map);
  free(trieOf(map).table);
  freeRetired(trieOf(map));
  dropMap(map);
}

/** Lookup in a trie whose keys have at most 8 bytes. */
export function lpm_lookup_short(map: u32, key: u32): u32 {
  if (!THREADS) return Lookup.short(map, key);
  let sequence: u32;
  let found: u32;
  do {
    sequence = waitForChange(map);
    found = Lookup.short(map, key);
  } while (!isUnchanged(map, sequence));
  return found;
}

/** Lookup whatever the key's size: the value's address, or 0. */
export function lpm_lookup(map: u32, key: u32): u32 {
  if (trieOf(map).words == 1) return lpm_lookup_short(map, key);
  if (!THREADS) return Lookup.long(map, key);
  let sequence: u32;
  let found: u32;
  do {
    sequence = waitForChange(map);
    found = Lookup.long(map, key);
  } while (!isUnchanged(map, sequence));
  return found;
}

/** Copied to where they are used. With threads, nodes may change under them: every pointer leads to a node all the same, and who called begins anew. */
class Lookup {
  @inline
  static short(map: u32, key: u32): u32 {
    const t = trieOf(map);
    const limit = load<u32>(key);
    if (limit > t.maxLength) return 0;
    const word = shortKey(key, t.bytes);
    let link = map + LPM_TRIE;
    let found: u32 = 0;
    // Nodes that are taken out meanwhile may lead round in a circle, on which lengths do not always grow.
    let before: i32 = -1;
    const bits = bitsOf(t);
    if (bits && limit >= bits) {
      const entry = t.table + ((<u32>(word >> (64 - bits))) << 3);
      link = load<u32>(entry);
      found = load<u32>(entry, 4);
    }
    for (let node = load<u32>(link); node; node = load<u32>(link)) {
      const n = changetype<LpmNode>(node);
      const length = n.length;
      if (THREADS) {
        if (<i32>length <= before) break;
        before = length;
      }
      if (length > limit || ((word ^ load<u64>(node, NODE_KEY)) >> 1) >> (63 - length)) break;
      if (n.value) found = n.value;
      if (length == t.maxLength) break;
      link = node + ((<u32>((word >> (63 - length)) & 1)) << 2);
    }
    return found;
  }

  @inline
  static long(map: u32, key: u32): u32 {
    const t = trieOf(map);
    const limit = load<u32>(key);
    if (limit > t.maxLength) return 0;
    const bytes = key + KEY_BYTES;
    let link = map + LPM_TRIE;
    let found: u32 = 0;
    // Nodes that are taken out meanwhile may lead round in a circle, on which lengths do not always grow.
    let before: i32 = -1;
    // Words in front of this one are known to be equal.
    let at: u32 = 0;
    let word = wordAt(t, bytes, 0);
    const bits = bitsOf(t);
    if (bits && limit >= bits) {
      const entry = t.table + ((<u32>(word >> (64 - bits))) << 3);
      link = load<u32>(entry);
      found = load<u32>(entry, 4);
    }
    for (let node = load<u32>(link); node; node = load<u32>(link)) {
      const n = changetype<LpmNode>(node);
      const length = n.length;
      if (THREADS) {
        if (<i32>length <= before) break;
        before = length;
      }
      if (length > limit) break;
      while (at < length >> 6) {
        if (word != load<u64>(node + (at << 3), NODE_KEY)) return found;
        at++;
        word = at < t.words ? wordAt(t, bytes, at) : 0;
      }
      if (n.length & 63 && ((word ^ load<u64>(node + (at << 3), NODE_KEY)) >> 1) >> (63 - (length & 63))) break;
      if (n.value) found = n.value;
      if (length == t.maxLength) break;
      link = node + ((<u32>((word >> (63 - (length & 63))) & 1)) << 2);
    }
    return found;
  }
}

/** The table's index. The table, read behind it, is the one for it or a larger one. */
function bitsOf(t: LpmTrie): u32 {
  return THREADS ? atomic.load<u32>(changetype<u32>(t) + offsetof<LpmTrie>('bits')) : t.bits;
}

/** Word `index` of a key's bytes. */
function wordAt(t: LpmTrie, bytes: u32, index: u32): u64 {
  const offset = index << 3;
  const rest = t.bytes - offset;
  return rest >= 8 ? bswap<u64>(load<u64>(bytes + offset)) : shortKey(bytes + offset - KEY_BYTES, rest);
}

/** Where a walk towards the key at hand ends. */
@unmanaged
class Place {
  /** Pointer to the node, or to nothing, at which the walk ended. */
  link: u32;
  node: u32;
  /** Bits that node and key have in common. */
  match: u32;
  /** The value of the longest prefix above the node. */
  best: u32;
  /** The node whose child `link` is, the pointer to that, and the best value above that. */
  parent: u32;
  parentLink: u32;
  parentBest: u32;
}

const place = changetype<Place>(THREADS ? threadRoom(offsetof<Place>()) : <u32>memory.data(offsetof<Place>()));

function walk(map: u32, length: u32): Place {
  const p = place;
  p.link = map + LPM_TRIE;
  p.best = 0;
  p.parent = 0;
  for (p.node = load<u32>(p.link); p.node; p.node = load<u32>(p.link)) {
    const n = changetype<LpmNode>(p.node);
    p.match = common(p.node, min(n.length, length));
    if (p.match != n.length || n.length == length) break;
    p.parent = p.node;
    p.parentLink = p.link;
    p.parentBest = p.best;
    if (n.value) p.best = n.value;
    p.link = p.node + (keyBit(n.length) << 2);
  }
  return p;
}

/** Whether the walk ended at a node of exactly this key, be it one that only branches. */
function isAt(p: Place, length: u32): bool {
  return p.node != 0 && p.match == length && changetype<LpmNode>(p.node).length == length;
}

function setChild(node: u32, bit: u32, child: u32): void {
  store<u32>(node + (bit << 2), child);
}

/** Puts a new node where the walk ended: false without memory. Sets `match` to the length of the topmost node that is new. */
function insert(map: u32, p: Place, length: u32, value: u32): bool {
  const t = trieOf(map);
  const node = takeNode(map, length);
  if (!node) return false;
  storeKey(t, node);
  changetype<LpmNode>(node).value = value;
  if (!p.node) {
    p.match = length;
    store<u32>(p.link, node);
    return true;
  }
  if (p.match == length) {
    setChild(node, nodeBit(p.node, length), p.node);
    store<u32>(p.link, node);
    return true;
  }
  const branch = takeNode(map, p.match);
  if (!branch) {
    giveNode(map, node);
    return false;
  }
  storeKey(t, branch);
  setChild(branch, nodeBit(p.node, p.match), p.node);
  setChild(branch, keyBit(p.match), node);
  store<u32>(p.link, branch);
  return true;
}

export function lpmUpdate(map: u32, key: u32, value: u32, flags: u64): i32 {
  beginChange(map);
  const error = update(map, key, value, flags);
  endChange(map);
  return error;
}

function update(map: u32, key: u32, value: u32, flags: u64): i32 {
  const m = changetype<BpfMap>(map);
  const t = trieOf(map);
  const length = load<u32>(key);
  if (flags > <u64>BPF_EXIST || length > t.maxLength) return -EINVAL;
  loadKey(t, key);
  const p = walk(map, length);
  const isThere = isAt(p, length);
  const n = changetype<LpmNode>(p.node);
  const old = isThere ? n.value : 0;
  if (old) {
    if (flags == BPF_NOEXIST) return -EEXIST;
  } else {
    if (flags == BPF_EXIST) return -ENOENT;
    if (m.count >= m.maxEntries) return -ENOSPC;
  }
  const fresh = takeValue(map);
  if (!fresh) return -ENOMEM;
  initValue(m, fresh);
  copyValue(m, fresh, value);
  if (isThere) {
    n.value = fresh;
    storeKey(t, p.node);
  } else if (!insert(map, p, length, fresh)) {
    giveValue(map, fresh);
    return -ENOMEM;
  }
  tableChanged(t, p.link, p.best, p.match);
  if (old) {
    freeFields(m, old);
    giveValue(map, old);
  } else {
    growTable(t, ++m.count);
  }
  return 0;
}

export function lpmDelete(map: u32, key: u32): i32 {
  beginChange(map);
  const error = remove(map, key);
  endChange(map);
  return error;
}

function remove(map: u32, key: u32): i32 {
  const m = changetype<BpfMap>(map);
  const t = trieOf(map);
  const length = load<u32>(key);
  if (length > t.maxLength) return -EINVAL;
  loadKey(t, key);
  const p = walk(map, length);
  const n = changetype<LpmNode>(p.node);
  if (!isAt(p, length) || !n.value) return -ENOENT;
  m.count--;
  freeFields(m, n.value);
  giveValue(map, n.value);
  n.value = 0;
  if (n.child0 && n.child1) {
    // It stays, to branch.
    tableChanged(t, p.link, p.best, length);
    return 0;
  }
  const child = n.child0 ? n.child0 : n.child1;
  giveNode(map, p.node);
  const parent = changetype<LpmNode>(p.parent);
  if (child || !p.parent || parent.value) {
    store<u32>(p.link, child);
    tableChanged(t, p.link, p.best, length);
    return 0;
  }
  // A parent that only branched has one child left: that takes its place.
  const shorter = parent.length;
  store<u32>(p.parentLink, parent.child0 == p.node ? parent.child1 : parent.child0);
  giveNode(map, p.parent);
  tableChanged(t, p.parentLink, p.parentBest, shorter);
  return 0;
}

/** The first node of a subtree, children before their parent. */
function first(node: u32): u32 {
  let n = changetype<LpmNode>(node);
  while (n.child0 || n.child1) {
    node = n.child0 ? n.child0 : n.child1;
    n = changetype<LpmNode>(node);
  }
  return node;
}

/** The node after the one of the key at hand, or 0; the first one when that is not there. */
function nextNode(map: u32, length: u32): u32 {
  // What follows the subtree of the node that the walk is at: a node, or the first one of `subtree`.
  let next: u32 = 0;
  let subtree: u32 = 0;
  const root = trieOf(map).root;
  for (let node = root; node; ) {
    const n = changetype<LpmNode>(node);
    const match = common(node, min(n.length, length));
    if (match != n.length) break;
    if (n.length == length) {
      if (!n.value) break;
      return subtree ? first(subtree) : next;
    }
    const bit = keyBit(n.length);
    if (!bit && n.child1) {
      subtree = n.child1;
    } else if (n.value) {
      subtree = 0;
      next = node;
    }
    node = bit ? n.child1 : n.child0;
  }
  return root ? first(root) : 0;
}

/** Keys in Linux's order: longer prefixes before the ones they begin with. */
export function lpmNextKey(map: u32, key: u32, out: u32): i32 {
  lockMap(map);
  const error = nextKey(map, key, out);
  unlockMap(map);
  return error;
}

function nextKey(map: u32, key: u32, out: u32): i32 {
  const t = trieOf(map);
  let node: u32 = 0;
  if (key && load<u32>(key) <= t.maxLength) {
    loadKey(t, key);
    node = nextNode(map, load<u32>(key));
  } else if (t.root) {
    node = first(t.root);
  }
  if (!node) return -ENOENT;
  writeKey(t, node, changetype<LpmNode>(node).length, out);
  return 0;
}

function freeBelow(m: BpfMap, node: u32, kinds: u32): void {
  if (!node) return;
  const n = changetype<LpmNode>(node);
  if (n.value) freeKinds(m, n.value, kinds);
  freeBelow(m, n.child0, kinds);
  freeBelow(m, n.child1, kinds);
}

/** Lets go of the fields of these kinds in every value. */
export function lpmFreeFields(map: u32, kinds: u32): void {
  freeBelow(changetype<BpfMap>(map), trieOf(map).root, kinds);
}
