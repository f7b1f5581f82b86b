// Special fields in values of every type of map: what may be where, what an update does to them, and updates under a lock.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "experimental.h"

#ifndef __uptr
#define __uptr __attribute__((btf_type_tag("uptr")))
#endif
#define __kptr_untrusted_ __attribute__((btf_type_tag("kptr_untrusted")))

struct bpf_res_spin_lock {
  __u32 val;
} __attribute__((aligned(4)));
struct bpf_wq {
  __u64 __opaque[2];
} __attribute__((aligned(8)));
struct bpf_task_work {
  __u64 __opaque;
} __attribute__((aligned(8)));

struct plain {
  __u64 a, b;
};

struct item {
  __u64 key;
  struct bpf_list_node node;
};

struct leaf {
  struct bpf_rb_node node;
  __u64 key;
};

// By its name it is the kernel's.
struct task_struct {
  __u64 a;
};

struct value_none {
  __u64 a, b;
};
struct value_lock {
  struct bpf_spin_lock lock;
  __u32 a;
  __u64 b;
};
struct value_res_lock {
  struct bpf_res_spin_lock lock;
  __u64 b;
};
struct value_timer {
  __u64 a;
  struct bpf_timer timer;
};
struct value_wq {
  struct bpf_wq work;
  __u64 b;
};
struct value_task_work {
  struct bpf_task_work work;
  __u64 b;
};
struct value_kptr {
  struct plain __kptr *ptr;
  __u64 b;
};
struct value_unref {
  struct task_struct __kptr_untrusted_ *ptr;
  __u64 b;
};
struct value_percpu_kptr {
  struct plain __percpu_kptr *ptr;
  __u64 b;
};
struct value_uptr {
  struct plain __uptr *ptr;
  __u64 b;
};
struct value_refcount {
  __u64 a;
  struct bpf_refcount refs;
};
// A list without a lock, or two locks, make no BTF: Linux takes no type with them.
struct value_list {
  struct bpf_spin_lock lock;
  struct bpf_list_head items __contains(item, node);
};
struct value_tree {
  struct bpf_spin_lock lock;
  struct bpf_rb_root leaves __contains(leaf, node);
};
struct value_node {
  struct bpf_list_node node;
  __u64 b;
};
struct value_lock_kptr {
  struct bpf_spin_lock lock;
  __u32 a;
  struct plain __kptr *ptr;
};
struct value_lock_timer {
  struct bpf_spin_lock lock;
  struct bpf_timer timer;
};

#define MAP(NAME, TYPE, VALUE)    \
  struct {                        \
    __uint(type, TYPE);           \
    __uint(max_entries, 4);       \
    __type(key, __u32);           \
    __type(value, struct VALUE);  \
  } NAME SEC(".maps")

// Only for their types: a test makes maps of every type of them.
#define TYPED(VALUE) MAP(VALUE, BPF_MAP_TYPE_ARRAY, VALUE)
TYPED(value_none);
TYPED(value_lock);
TYPED(value_res_lock);
TYPED(value_timer);
TYPED(value_wq);
TYPED(value_task_work);
TYPED(value_kptr);
TYPED(value_unref);
TYPED(value_percpu_kptr);
TYPED(value_uptr);
TYPED(value_refcount);
TYPED(value_list);
TYPED(value_tree);
TYPED(value_node);
TYPED(value_lock_kptr);
TYPED(value_lock_timer);

struct prefix {
  __u32 prefixlen;
  __u8 data[4];
};
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 4);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct prefix);
  __type(value, struct value_none);
} prefixes SEC(".maps");

MAP(array, BPF_MAP_TYPE_ARRAY, value_kptr);
MAP(percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, value_kptr);
MAP(hash, BPF_MAP_TYPE_HASH, value_kptr);
MAP(percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, value_kptr);
MAP(lru_hash, BPF_MAP_TYPE_LRU_HASH, value_kptr);
MAP(lru_percpu_hash, BPF_MAP_TYPE_LRU_PERCPU_HASH, value_kptr);
MAP(locked_array, BPF_MAP_TYPE_ARRAY, value_lock_kptr);
MAP(locked_hash, BPF_MAP_TYPE_HASH, value_lock_kptr);

char _license[] SEC("license") = "GPL";

// So that the BTF has its members.
struct task_struct unused_task;
struct item unused_item;
struct leaf unused_leaf;

// put: an object into the value of key 1. look: 16 of nothing there, 1 of an object, and what is beside it.
#define KPTR(NAME, VALUE, BESIDE)                                   \
  SEC("xdp") int NAME##_put(struct xdp_md *ctx) {                   \
    __u32 key = 1;                                                  \
    struct VALUE *value = bpf_map_lookup_elem(&NAME, &key);         \
    struct plain *made;                                             \
    if (!value) return 100;                                         \
    made = bpf_obj_new(typeof(*made));                              \
    if (!made) return 101;                                          \
    made = bpf_kptr_xchg(&value->ptr, made);                        \
    if (!made) return 0;                                            \
    bpf_obj_drop(made);                                             \
    return 1;                                                       \
  }                                                                 \
  SEC("xdp") int NAME##_look(struct xdp_md *ctx) {                  \
    __u32 key = 1;                                                  \
    struct VALUE *value = bpf_map_lookup_elem(&NAME, &key);         \
    if (!value) return 100;                                         \
    return (value->ptr ? 1 : 16) + 256 * (value->BESIDE & 255);     \
  }                                                                 \
  SEC("xdp") int NAME##_update(struct xdp_md *ctx) {                \
    __u32 key = 1;                                                  \
    struct VALUE value = {};                                        \
    value.BESIDE = 7;                                               \
    return -bpf_map_update_elem(&NAME, &key, &value, 0);            \
  }

KPTR(array, value_kptr, b)
KPTR(percpu_array, value_kptr, b)
KPTR(hash, value_kptr, b)
KPTR(percpu_hash, value_kptr, b)
KPTR(lru_hash, value_kptr, b)
KPTR(lru_percpu_hash, value_kptr, b)
KPTR(locked_array, value_lock_kptr, a)
KPTR(locked_hash, value_lock_kptr, a)

// Updates under the value's lock by a program, with every other flag.
#define LOCKED(NAME)                                                               \
  SEC("xdp") int NAME##_locked(struct xdp_md *ctx) {                               \
    __u8 *data = (void *)(long)ctx->data;                                          \
    __u32 key = 1;                                                                 \
    struct value_lock_kptr value = {.a = 9};                                       \
    if (data + 2 > (__u8 *)(long)ctx->data_end) return 99;                         \
    key = data[1] & 7;                                                             \
    return -bpf_map_update_elem(&NAME, &key, &value, BPF_F_LOCK | (data[0] & 15)); \
  }
LOCKED(locked_array)
LOCKED(locked_hash)
