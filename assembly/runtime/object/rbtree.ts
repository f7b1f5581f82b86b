// Trees that own objects: struct bpf_rb_root (16 bytes) and bpf_rb_node (32). Programs may walk them, so a tree has the shape that Linux gives it:
// that of the textbook's red-black trees (Cormen et al., Introduction to Algorithms), in which a node with two children is replaced by its successor.
//
//   root  0  node    u32
//   node  0  parent  u32
//         4  left    u32
//         8  right   u32
//         12 red     u32
//         16 owner   u32  the root of the tree it is in; 0 for none
//         20 object  u32  the object it is in (RB_NODE_OBJECT)
import { EINVAL } from '../../isa';
import { callback } from '../callback';
import { OWNER_GONE } from './list';
import { dropObject } from './object';

@unmanaged
class Node {
  parent: u32;
  left: u32;
  right: u32;
  red: u32;
  owner: u32;
  object: u32;
}

function at(node: u32): Node {
  return changetype<Node>(node);
}

function isRed(node: u32): bool {
  return node != 0 && at(node).red != 0;
}

/** The parent of `from`, or the root, has `to` in its place. */
function replace(root: u32, from: u32, to: u32): void {
  const parent = at(from).parent;
  if (!parent) store<u32>(root, to);
  else if (at(parent).left == from) at(parent).left = to;
  else at(parent).right = to;
  if (to) at(to).parent = parent;
}

/** `node` goes down to the left (or right), its other child takes its place. */
function rotate(root: u32, node: u32, left: bool): void {
  const n = at(node);
  const child = left ? n.right : n.left;
  const c = at(child);
  const inner = left ? c.left : c.right;
  if (left) n.right = inner;
  else n.left = inner;
  if (inner) at(inner).parent = node;
  replace(root, node, child);
  if (left) c.left = node;
  else c.right = node;
  n.parent = child;
}

function balanceInserted(root: u32, node: u32): void {
  while (isRed(at(node).parent)) {
    const parent = at(node).parent;
    const grand = at(parent).parent;
    const isLeft = at(grand).left == parent;
    const uncle = isLeft ? at(grand).right : at(grand).left;
    if (isRed(uncle)) {
      at(parent).red = 0;
      at(uncle).red = 0;
      at(grand).red = 1;
      node = grand;
      continue;
    }
    if (node == (isLeft ? at(parent).right : at(parent).left)) {
      rotate(root, parent, isLeft);
      node = parent;
    }
    at(at(node).parent).red = 0;
    at(grand).red = 1;
    rotate(root, grand, !isLeft);
  }
  at(load<u32>(root)).red = 0;
}

/** A black node is missing above `node` (0: a leaf), a child of `parent`. */
function balanceErased(root: u32, node: u32, parent: u32): void {
  while (parent && !isRed(node)) {
    const isLeft = at(parent).left == node;
    let sibling = isLeft ? at(parent).right : at(parent).left;
    if (isRed(sibling)) {
      at(sibling).red = 0;
      at(parent).red = 1;
      rotate(root, parent, isLeft);
      sibling = isLeft ? at(parent).right : at(parent).left;
    }
    const inner = isLeft ? at(sibling).left : at(sibling).right;
    let outer = isLeft ? at(sibling).right : at(sibling).left;
    if (!isRed(inner) && !isRed(outer)) {
      at(sibling).red = 1;
      node = parent;
      parent = at(node).parent;
      continue;
    }
    if (!isRed(outer)) {
      at(inner).red = 0;
      at(sibling).red = 1;
      rotate(root, sibling, !isLeft);
      outer = sibling;
      sibling = inner;
    }
    at(sibling).red = at(parent).red;
    at(parent).red = 0;
    at(outer).red = 0;
    rotate(root, parent, isLeft);
    return;
  }
  if (node) at(node).red = 0;
}

function leftmost(node: u32): u32 {
  while (node && at(node).left) node = at(node).left;
  return node;
}

function erase(root: u32, node: u32): void {
  const n = at(node);
  let red = n.red;
  let child = n.left ? n.left : n.right;
  let parent = n.parent;
  if (!n.left || !n.right) {
    replace(root, node, child);
  } else {
    const heir = leftmost(n.right);
    const h = at(heir);
    red = h.red;
    child = h.right;
    parent = h.parent;
    if (parent == node) parent = heir;
    else {
      replace(root, heir, child);
      h.right = n.right;
      at(h.right).parent = heir;
    }
    replace(root, node, heir);
    h.left = n.left;
    at(h.left).parent = heir;
    h.red = n.red;
  }
  if (!red) balanceErased(root, child, parent);
}

export function bpf_rbtree_add_impl(root: u64, node: u64, less: u64, _4: u64, _5: u64, fp: u32): u64 {
  const n = at(<u32>node);
  if (n.owner) {
    dropObject(n.object);
    return <u32>-EINVAL;
  }
  const tree = <u32>root;
  n.owner = tree;
  n.left = 0;
  n.right = 0;
  n.red = 1;
  let parent: u32 = 0;
  let link = tree;
  while (load<u32>(link)) {
    parent = load<u32>(link);
    const goesLeft = callback(<u32>less, fp, node, parent, 0) != 0;
    link = parent + <u32>(goesLeft ? offsetof<Node>('left') : offsetof<Node>('right'));
  }
  n.parent = parent;
  store<u32>(link, <u32>node);
  balanceInserted(tree, <u32>node);
  return 0;
}

/** The node, whose reference is the caller's now; 0 when it is not in this tree. */
export function bpf_rbtree_remove(root: u64, node: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const n = at(<u32>node);
  if (n.owner != <u32>root) return 0;
  erase(<u32>root, <u32>node);
  n.owner = 0;
  return <u32>node;
}

export function bpf_rbtree_first(root: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return leftmost(load<u32>(<u32>root));
}

export function bpf_rbtree_root(root: u64, _2: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return load<u32>(<u32>root);
}

export function bpf_rbtree_left(root: u64, node: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return at(<u32>node).owner == <u32>root ? at(<u32>node).left : 0;
}

export function bpf_rbtree_right(root: u64, node: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  return at(<u32>node).owner == <u32>root ? at(<u32>node).right : 0;
}

/** The tree's memory goes: so does what it owns, children before their parents. */
export function freeTree(root: u32): void {
  let node = load<u32>(root);
  store<u32>(root, 0);
  while (node) {
    const n = at(node);
    if (n.left) node = n.left;
    else if (n.right) node = n.right;
    else {
      const parent = n.parent;
      if (parent) {
        if (at(parent).left == node) at(parent).left = 0;
        else at(parent).right = 0;
      }
      n.owner = OWNER_GONE;
      dropObject(n.object);
      node = parent;
    }
  }
}
