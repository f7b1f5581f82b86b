// Which element of a full LRU hash makes room. Approximate, as in Linux: a lookup only marks the element, and whoever needs room looks at the marks.
//
// Elements are in one of two rings. New ones go to the front of the inactive ring, victims come from its back; one that is marked there moves to the
// active ring instead. When the active ring is the longer one, the back of it is looked at first: what is still marked goes round again, what
// is not becomes inactive. So elements in use stay, and many new ones that are used once push out only each other.
//
//   struct LruNode, in front of an element      struct LruList, one for all CPUs or one for each
//   0   prev    u32  towards the front          0   the inactive ring's own node
//   4   next    u32                             16  the active ring's own node
//   8   list    u32  its struct LruList         32  inactiveCount, activeCount
//   12  ring    u8   1: active                  40  quota: elements it may have
//   13  used    u8   the mark
import { HASH_LRU_MARK } from '../../abi';
import { LRU_LIST_SIZE, LRU_NODE_SIZE } from './hash-table';

@unmanaged
export class LruNode {
  prev: u32;
  next: u32;
  list: u32;
  isActive: u8;
  isUsed: u8;
}

@unmanaged
export class LruList {
  inactiveBack: u32;
  inactiveFront: u32;
  own1: u64;
  activeBack: u32;
  activeFront: u32;
  own2: u64;
  inactiveCount: u32;
  activeCount: u32;
  quota: u32;
}

const ACTIVE_RING: u32 = 16;
/** Where an element has its mark: LruNode.isUsed. */
export const LRU_MARK: u32 = LRU_NODE_SIZE - offsetof<LruNode>('isUsed');

if (offsetof<LruNode>() > LRU_NODE_SIZE) ERROR('LruNode outgrew its room');
if (LRU_MARK != HASH_LRU_MARK) ERROR('LruNode.isUsed drifted from abi.ts');
if (offsetof<LruList>() > LRU_LIST_SIZE) ERROR('LruList outgrew its room');
if (offsetof<LruList>('activeBack') != ACTIVE_RING) ERROR('LruList.activeBack: its place drifted');

/** An empty list. */
export function lruInit(list: u32, quota: u32): void {
  const l = changetype<LruList>(list);
  // A ring's own node: `prev` is its last, `next` its first element.
  l.inactiveFront = l.inactiveBack = list;
  l.activeFront = l.activeBack = list + ACTIVE_RING;
  l.quota = quota;
}

function insertFront(ring: u32, node: u32): void {
  const first = load<u32>(ring, 4);
  store<u32>(node, ring);
  store<u32>(node, first, 4);
  store<u32>(first, node);
  store<u32>(ring, node, 4);
}

function takeOut(node: u32): void {
  const prev = load<u32>(node);
  const next = load<u32>(node, 4);
  store<u32>(prev, next, 4);
  store<u32>(next, prev);
}

export function lruIsFull(list: u32): bool {
  const l = changetype<LruList>(list);
  return l.inactiveCount + l.activeCount >= l.quota;
}

/** A new element. */
export function lruAdd(list: u32, element: u32): void {
  const node = element - LRU_NODE_SIZE;
  const n = changetype<LruNode>(node);
  n.list = list;
  n.isActive = 0;
  n.isUsed = 0;
  insertFront(list, node);
  changetype<LruList>(list).inactiveCount++;
}

/** An element that is deleted. */
export function lruRemove(element: u32): void {
  const node = element - LRU_NODE_SIZE;
  const n = changetype<LruNode>(node);
  const l = changetype<LruList>(n.list);
  takeOut(node);
  if (n.isActive) l.activeCount--;
  else l.inactiveCount--;
}

/** `element` takes the place of `old`, which was just used. */
export function lruReplace(old: u32, element: u32): void {
  const list = changetype<LruNode>(old - LRU_NODE_SIZE).list;
  lruRemove(old);
  lruAdd(list, element);
  store<u8>(element - LRU_MARK, 1);
}

function move(l: LruList, list: u32, node: u32, active: u8): void {
  const n = changetype<LruNode>(node);
  takeOut(node);
  insertFront(active ? list + ACTIVE_RING : list, node);
  if (n.isActive) l.activeCount--;
  else l.inactiveCount--;
  n.isActive = active;
  n.isUsed = 0;
  if (active) l.activeCount++;
  else l.inactiveCount++;
}

/** The element of a list that has to go; it stays in its ring. */
export function lruVictim(list: u32): u32 {
  const l = changetype<LruList>(list);
  // Each step takes a mark away or makes an element inactive: after two rounds there is one without.
  for (let steps = 2 * (l.inactiveCount + l.activeCount); steps; steps--) {
    if (l.inactiveCount < l.activeCount) {
      const last = load<u32>(list, ACTIVE_RING);
      move(l, list, last, changetype<LruNode>(last).isUsed);
      continue;
    }
    const last = load<u32>(list);
    if (!changetype<LruNode>(last).isUsed) return last + LRU_NODE_SIZE;
    move(l, list, last, 1);
  }
  return (l.inactiveCount ? load<u32>(list) : load<u32>(list, ACTIVE_RING)) + LRU_NODE_SIZE;
}
