// Objects that a program makes: lists and trees of them, shared ones, and those that a map's value keeps.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "experimental.h"

struct item {
  __u64 key;
  struct bpf_list_node node;
  __u32 value;
};

struct leaf {
  struct bpf_rb_node node;
  __u64 key;
};

// In a list and in a tree at once.
struct shared {
  __u32 value;
  struct bpf_list_node in_list;
  struct bpf_rb_node in_tree;
  struct bpf_refcount refs;
};

struct plain {
  __u64 a, b;
};

struct owner {
  __u64 id;
  struct plain __kptr *inner;
};

struct slot {
  struct plain __kptr *plain;
  struct owner __kptr *owner;
  struct shared __kptr *shared;
  __u32 uses;
};

struct percpu {
  __u64 count;
};

struct percpu_slot {
  struct percpu __percpu_kptr *counters;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct slot);
} slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct percpu_slot);
} percpu_slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8);
  __type(key, __u32);
  __type(value, struct slot);
} keyed SEC(".maps");

// Elements that hold lists and trees of their own.
struct holder {
  struct bpf_spin_lock lock;
  struct bpf_list_head items __contains(item, node);
  struct bpf_rb_root leaves __contains(leaf, node);
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct holder);
} holders SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __s64);
} seen SEC(".maps");

private(A) struct bpf_spin_lock list_lock;
private(A) struct bpf_list_head items __contains(item, node);

private(B) struct bpf_spin_lock tree_lock;
private(B) struct bpf_rb_root leaves __contains(leaf, node);

private(C) struct bpf_spin_lock shared_lock;
private(C) struct bpf_list_head shared_list __contains(shared, in_list);
private(C) struct bpf_rb_root shared_tree __contains(shared, in_tree);

static __always_inline void note(__u32 slot, __s64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

#define ARGUMENTS(ctx, a, b, c)                          \
  void *data = (void *)(long)(ctx)->data;                \
  if (data + 14 > (void *)(long)(ctx)->data_end)         \
    return XDP_ABORTED;                                  \
  __u32 a = *(__u8 *)data, b = *(__u8 *)(data + 1), c = *(__u8 *)(data + 2)

SEC("xdp")
int one(struct xdp_md *ctx) {
  ARGUMENTS(ctx, a, b, c);
  struct plain *p = bpf_obj_new(struct plain);
  if (!p)
    return XDP_DROP;
  p->a = a;
  p->b = b;
  note(0, p->a * 256 + p->b + c);
  bpf_obj_drop(p);
  return XDP_PASS;
}

// One step on the list: what the packet's first byte says. Notes what was taken and what the list looks like.
SEC("xdp")
int list(struct xdp_md *ctx) {
  ARGUMENTS(ctx, a, b, c);
  struct bpf_list_node *node = 0;
  struct item *item;
  __s64 front = -1, back = -1, taken = -1;
  if (a % 8 < 5) {
    item = bpf_obj_new(struct item);
    if (!item)
      return XDP_DROP;
    item->key = b;
    item->value = c;
    bpf_spin_lock(&list_lock);
    if (a % 2)
      bpf_list_push_front(&items, &item->node);
    else
      bpf_list_push_back(&items, &item->node);
    bpf_spin_unlock(&list_lock);
  } else {
    bpf_spin_lock(&list_lock);
    node = a % 2 ? bpf_list_pop_front(&items) : bpf_list_pop_back(&items);
    bpf_spin_unlock(&list_lock);
    if (node) {
      item = container_of(node, struct item, node);
      taken = item->key * 256 + item->value;
      bpf_obj_drop(item);
    }
  }
  bpf_spin_lock(&list_lock);
  node = bpf_list_front(&items);
  if (node)
    front = container_of(node, struct item, node)->key;
  node = bpf_list_back(&items);
  if (node)
    back = container_of(node, struct item, node)->value;
  bpf_spin_unlock(&list_lock);
  note(0, taken);
  note(1, front);
  note(2, back);
  return XDP_PASS;
}

static _Bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b) {
  return container_of(a, struct leaf, node)->key < container_of(b, struct leaf, node)->key;
}

// The shape of the top of the tree, as a number.
static __always_inline __s64 key_of(struct bpf_rb_node *node) {
  return container_of(node, struct leaf, node)->key;
}

SEC("xdp")
int tree(struct xdp_md *ctx) {
  ARGUMENTS(ctx, a, b, c);
  struct bpf_rb_node *node, *root, *found = 0;
  struct leaf *leaf;
  __s64 keys[8] = {};
  if (a % 8 < 5) {
    leaf = bpf_obj_new(struct leaf);
    if (!leaf)
      return XDP_DROP;
    leaf->key = b;
    bpf_spin_lock(&tree_lock);
    bpf_rbtree_add(&leaves, &leaf->node, less);
    bpf_spin_unlock(&tree_lock);
  } else {
    // Takes out a node on the way to a key.
    bpf_spin_lock(&tree_lock);
    node = a % 8 == 5 ? bpf_rbtree_first(&leaves) : bpf_rbtree_root(&leaves);
    if (!node) {
      bpf_spin_unlock(&tree_lock);
      return XDP_TX;
    }
    if (a % 8 == 7 && key_of(node) > b) {
      root = bpf_rbtree_left(&leaves, node);
      if (root)
        node = root;
    } else if (a % 8 == 7) {
      root = bpf_rbtree_right(&leaves, node);
      if (root)
        node = root;
    }
    if (c % 2 && a % 8 == 7) {
      root = c & 4 ? bpf_rbtree_left(&leaves, node) : bpf_rbtree_right(&leaves, node);
      if (root)
        node = root;
    }
    node = bpf_rbtree_remove(&leaves, node);
    bpf_spin_unlock(&tree_lock);
    if (node) {
      leaf = container_of(node, struct leaf, node);
      note(0, leaf->key);
      bpf_obj_drop(leaf);
    }
  }
  bpf_spin_lock(&tree_lock);
  node = bpf_rbtree_first(&leaves);
  if (node)
    keys[0] = key_of(node) + 1;
  root = bpf_rbtree_root(&leaves);
  if (root) {
    keys[1] = key_of(root) + 1;
    node = bpf_rbtree_left(&leaves, root);
    if (node) {
      keys[2] = key_of(node) + 1;
      found = bpf_rbtree_right(&leaves, node);
      if (found)
        keys[3] = key_of(found) + 1;
      found = bpf_rbtree_left(&leaves, node);
      if (found)
        keys[4] = key_of(found) + 1;
    }
    node = bpf_rbtree_right(&leaves, root);
    if (node) {
      keys[5] = key_of(node) + 1;
      found = bpf_rbtree_left(&leaves, node);
      if (found)
        keys[6] = key_of(found) + 1;
      found = bpf_rbtree_right(&leaves, node);
      if (found)
        keys[7] = key_of(found) + 1;
    }
  }
  bpf_spin_unlock(&tree_lock);
  for (int i = 0; i < 8; i++)
    note(1 + i, keys[i]);
  return XDP_PASS;
}

static _Bool shared_less(struct bpf_rb_node *a, const struct bpf_rb_node *b) {
  return container_of(a, struct shared, in_tree)->value < container_of(b, struct shared, in_tree)->value;
}

SEC("xdp")
int refcounted(struct xdp_md *ctx) {
  ARGUMENTS(ctx, a, b, c);
  struct shared *one, *two;
  struct bpf_list_node *node;
  struct bpf_rb_node *top;
  int first, second, third;
  one = bpf_obj_new(struct shared);
  if (!one)
    return XDP_DROP;
  one->value = a;
  two = bpf_refcount_acquire(one);
  bpf_spin_lock(&shared_lock);
  first = bpf_list_push_back(&shared_list, &one->in_list);
  second = bpf_rbtree_add(&shared_tree, &two->in_tree, shared_less);
  bpf_spin_unlock(&shared_lock);
  note(0, first);
  note(1, second);
  // A node that is in a list already is not put into it a second time.
  bpf_spin_lock(&shared_lock);
  node = bpf_list_front(&shared_list);
  if (!node) {
    bpf_spin_unlock(&shared_lock);
    return XDP_TX;
  }
  one = bpf_refcount_acquire(container_of(node, struct shared, in_list));
  if (!one) {
    bpf_spin_unlock(&shared_lock);
    return XDP_TX;
  }
  third = bpf_list_push_front(&shared_list, &one->in_list);
  bpf_spin_unlock(&shared_lock);
  note(2, third);
  bpf_spin_lock(&shared_lock);
  top = bpf_rbtree_first(&shared_tree);
  top = top ? bpf_rbtree_remove(&shared_tree, top) : 0;
  node = b % 4 ? bpf_list_pop_front(&shared_list) : 0;
  bpf_spin_unlock(&shared_lock);
  if (top) {
    one = container_of(top, struct shared, in_tree);
    note(3, one->value);
    one->value += 1000;
    bpf_obj_drop(one);
  }
  if (node) {
    one = container_of(node, struct shared, in_list);
    note(4, one->value);
    bpf_obj_drop(one);
  }
  note(5, c);
  return XDP_PASS;
}

SEC("xdp")
int kept(struct xdp_md *ctx) {
  ARGUMENTS(ctx, a, b, c);
  __u32 index = b % 4, key = c % 12;
  struct slot *slot = bpf_map_lookup_elem(&slots, &index);
  struct plain *plain, *old;
  struct owner *owner;
  struct shared *shared;
  if (!slot)
    return XDP_ABORTED;
  slot->uses++;
  plain = bpf_obj_new(struct plain);
  if (!plain)
    return XDP_DROP;
  plain->a = a;
  plain->b = c;
  old = bpf_kptr_xchg(&slot->plain, plain);
  note(0, old ? old->a + old->b : -1);
  if (old)
    bpf_obj_drop(old);
  bpf_rcu_read_lock();
  plain = slot->plain;
  note(1, plain ? (__s64)plain->a : -1);
  bpf_rcu_read_unlock();
  if (a % 3 == 0) {
    old = bpf_kptr_xchg(&slot->plain, 0);
    note(2, old ? old->a : -1);
    if (old)
      bpf_obj_drop(old);
  }
  // An object that keeps another.
  owner = bpf_obj_new(struct owner);
  if (!owner)
    return XDP_DROP;
  owner->id = b;
  plain = bpf_obj_new(struct plain);
  if (!plain) {
    bpf_obj_drop(owner);
    return XDP_DROP;
  }
  plain->a = c;
  plain = bpf_kptr_xchg(&owner->inner, plain);
  if (plain)
    bpf_obj_drop(plain);
  owner = bpf_kptr_xchg(&slot->owner, owner);
  if (owner) {
    note(3, owner->id);
    plain = bpf_kptr_xchg(&owner->inner, 0);
    if (plain) {
      note(4, plain->a);
      bpf_obj_drop(plain);
    }
    bpf_obj_drop(owner);
  }
  shared = bpf_obj_new(struct shared);
  if (!shared)
    return XDP_DROP;
  shared->value = a;
  shared = bpf_kptr_xchg(&slot->shared, shared);
  if (shared) {
    note(5, shared->value);
    bpf_obj_drop(shared);
  }
  // Elements that come and go with what they keep.
  struct slot empty = {.uses = a};
  if (a % 2)
    note(6, bpf_map_update_elem(&keyed, &key, &empty, BPF_ANY));
  else
    note(6, bpf_map_delete_elem(&keyed, &key));
  slot = bpf_map_lookup_elem(&keyed, &key);
  if (!slot)
    return XDP_PASS;
  plain = bpf_obj_new(struct plain);
  if (!plain)
    return XDP_DROP;
  plain->a = b;
  old = bpf_kptr_xchg(&slot->plain, plain);
  note(7, old ? old->a : -1);
  if (old)
    bpf_obj_drop(old);
  return XDP_PASS;
}

SEC("xdp")
int held(struct xdp_md *ctx) {
  ARGUMENTS(ctx, a, b, c);
  struct holder *holder, fresh = {};
  struct bpf_list_node *node;
  struct bpf_rb_node *top;
  struct item *item;
  struct leaf *leaf;
  __u32 key = a % 3;
  __s64 found = -1, least = -1;
  if (b % 8 == 0)
    note(0, bpf_map_delete_elem(&holders, &key));
  if (b % 8 == 1)
    note(1, bpf_map_update_elem(&holders, &key, &fresh, BPF_ANY));
  holder = bpf_map_lookup_elem(&holders, &key);
  if (!holder) {
    bpf_map_update_elem(&holders, &key, &fresh, BPF_NOEXIST);
    holder = bpf_map_lookup_elem(&holders, &key);
    if (!holder)
      return XDP_DROP;
  }
  item = bpf_obj_new(struct item);
  if (!item)
    return XDP_DROP;
  item->value = c;
  leaf = bpf_obj_new(struct leaf);
  if (!leaf) {
    bpf_obj_drop(item);
    return XDP_DROP;
  }
  leaf->key = c;
  bpf_spin_lock(&holder->lock);
  bpf_list_push_back(&holder->items, &item->node);
  bpf_rbtree_add(&holder->leaves, &leaf->node, less);
  node = bpf_list_front(&holder->items);
  if (node)
    found = container_of(node, struct item, node)->value;
  top = bpf_rbtree_first(&holder->leaves);
  if (top)
    least = key_of(top);
  bpf_spin_unlock(&holder->lock);
  note(2, found);
  note(3, least);
  return XDP_PASS;
}

SEC("xdp")
int percpu(struct xdp_md *ctx) {
  ARGUMENTS(ctx, a, b, c);
  __u32 index = 0;
  struct percpu_slot *slot = bpf_map_lookup_elem(&percpu_slots, &index);
  struct percpu __percpu_kptr *counters;
  struct percpu *mine;
  if (!slot)
    return XDP_ABORTED;
  if (a % 4 == 0) {
    counters = bpf_percpu_obj_new(struct percpu);
    if (!counters)
      return XDP_DROP;
    counters = bpf_kptr_xchg(&slot->counters, counters);
    if (counters)
      bpf_percpu_obj_drop(counters);
    note(3, 1);
  }
  bpf_rcu_read_lock();
  counters = slot->counters;
  if (counters) {
    mine = bpf_this_cpu_ptr(counters);
    if (a % 4 == 0)
      mine->count = 0;
    mine->count += b;
    note(0, mine->count);
    mine = bpf_per_cpu_ptr(counters, 0);
    note(1, mine ? 1 : 0);
    note(2, c);
  }
  bpf_rcu_read_unlock();
  return XDP_PASS;
}

SEC("xdp")
int irq(struct xdp_md *ctx) {
  unsigned long flags, inner;
  bpf_local_irq_save(&flags);
  bpf_local_irq_save(&inner);
  note(0, ctx->data_end - ctx->data);
  bpf_local_irq_restore(&inner);
  bpf_local_irq_restore(&flags);
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
