// Lists that own objects: struct bpf_list_head (16 bytes) and bpf_list_node (24), in a ring through both.
//
//   0   next    u32  0 in a head that was never used
//   4   prev    u32
//   8   owner   u32  node: the head of the list it is in; 0 for none
//   12  object  u32  node: the object it is in (LIST_NODE_OBJECT)
import { EINVAL } from '../../isa';
import { dropObject } from './object';

@unmanaged
class Node {
  next: u32;
  prev: u32;
  owner: u32;
  object: u32;
}

/** The owner of a node whose list is gone: it is in no list, and will be in none, as in Linux. */
export const OWNER_GONE: u32 = 0xffffffff;

function init(head: u32): void {
  const h = changetype<Node>(head);
  if (h.next) return;
  h.next = head;
  h.prev = head;
}

function push(head: u32, node: u32, back: bool): u64 {
  init(head);
  const n = changetype<Node>(node);
  if (n.owner) {
    // The caller has given its reference away, wherever the node may be.
    dropObject(n.object);
    return <u32>-EINVAL;
  }
  const h = changetype<Node>(head);
  const prev = back ? h.prev : head;
  const next = back ? head : h.next;
  n.owner = head;
  n.prev = prev;
  n.next = next;
  changetype<Node>(prev).next = node;
  changetype<Node>(next).prev = node;
  return 0;
}

function peek(head: u32, back: bool): u32 {
  const h = changetype<Node>(head);
  const node = back ? h.prev : h.next;
  return node == head ? 0 : node;
}

function pop(head: u32, back: bool): u32 {
  init(head);
  const node = peek(head, back);
  if (!node) return 0;
  const n = changetype<Node>(node);
  changetype<Node>(n.prev).next = n.next;
  changetype<Node>(n.next).prev = n.prev;
  n.next = 0;
  n.prev = 0;
  n.owner = 0;
  return node;
}

/** The list's memory goes: so does what it owns. */
export function freeList(head: u32): void {
  const h = changetype<Node>(head);
  let node = h.next;
  h.next = 0;
  h.prev = 0;
  if (!node) return;
  while (node != head) {
    const n = changetype<Node>(node);
    const next = n.next;
    n.owner = OWNER_GONE;
    dropObject(n.object);
    node = next;
  }
}

export function bpf_list_push_front_impl(head: u64, node: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return push(<u32>head, <u32>node, false);
}

export function bpf_list_push_back_impl(head: u64, node: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return push(<u32>head, <u32>node, true);
}

export function bpf_list_pop_front(head: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return pop(<u32>head, false);
}

export function bpf_list_pop_back(head: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return pop(<u32>head, true);
}

export function bpf_list_front(head: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return peek(<u32>head, false);
}

export function bpf_list_back(head: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return peek(<u32>head, true);
}
