// What programs leave in a value whose element they have deleted: its address stays good until the program ends. And updates under a value's lock.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "experimental.h"

#define CLOCK_MONOTONIC 1

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __s64);
} results SEC(".maps");

static __always_inline void note(__u32 slot, __s64 value) {
  bpf_map_update_elem(&results, &slot, &value, BPF_ANY);
}

struct belongings {
  __u64 bytes[100];
};

struct owner {
  struct belongings __kptr *held;
  __u64 n;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct owner);
} hash SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u32);
  __type(value, struct owner);
} no_prealloc SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct owner);
} lru SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct owner);
} percpu SEC(".maps");

// The value of an element that is deleted, with an object in it.
static __always_inline struct owner *late(void *map) {
  __u32 key = 1;
  struct owner none = {};
  bpf_map_update_elem(map, &key, &none, BPF_ANY);
  struct owner *value = bpf_map_lookup_elem(map, &key);
  if (!value)
    return 0;
  bpf_map_delete_elem(map, &key);
  struct belongings *object = bpf_obj_new(struct belongings);
  if (!object)
    return 0;
  object = bpf_kptr_xchg(&value->held, object);
  if (object)
    bpf_obj_drop(object);
  return value;
}

static __always_inline int reuse(void *map) {
  if (!late(map))
    return XDP_ABORTED;
  __u32 key = 2;
  struct owner none = {};
  bpf_map_update_elem(map, &key, &none, BPF_ANY);
  struct owner *value = bpf_map_lookup_elem(map, &key);
  if (!value)
    return XDP_ABORTED;
  struct belongings *object = bpf_kptr_xchg(&value->held, 0);
  note(0, object != 0);
  if (object)
    bpf_obj_drop(object);
  return XDP_PASS;
}

SEC("xdp")
int reuse_hash(struct xdp_md *ctx) {
  return reuse(&hash);
}

SEC("xdp")
int reuse_no_prealloc(struct xdp_md *ctx) {
  return reuse(&no_prealloc);
}

SEC("xdp")
int reuse_lru(struct xdp_md *ctx) {
  return reuse(&lru);
}

SEC("xdp")
int reuse_percpu(struct xdp_md *ctx) {
  return reuse(&percpu);
}

SEC("xdp")
int leave_objects(struct xdp_md *ctx) {
  return late(&hash) && late(&no_prealloc) && late(&lru) && late(&percpu) ? XDP_PASS : XDP_ABORTED;
}

struct timed {
  struct bpf_timer timer;
  __u64 fired;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct timed);
} timers SEC(".maps");

static int again(void *map, __u32 *key, struct timed *value) {
  value->fired++;
  bpf_timer_start(&value->timer, 1000, 0);
  return 0;
}

SEC("xdp")
int late_timer(struct xdp_md *ctx) {
  __u32 key = 1;
  struct timed none = {};
  bpf_map_update_elem(&timers, &key, &none, BPF_ANY);
  struct timed *value = bpf_map_lookup_elem(&timers, &key);
  if (!value)
    return XDP_ABORTED;
  bpf_map_delete_elem(&timers, &key);
  note(0, bpf_timer_init(&value->timer, &timers, CLOCK_MONOTONIC));
  note(1, bpf_timer_set_callback(&value->timer, again));
  note(2, bpf_timer_start(&value->timer, 1ULL << 50, 0));
  key = 3;
  bpf_map_update_elem(&timers, &key, &none, BPF_ANY);
  value = bpf_map_lookup_elem(&timers, &key);
  if (!value)
    return XDP_ABORTED;
  note(3, bpf_timer_init(&value->timer, &timers, CLOCK_MONOTONIC));
  bpf_map_delete_elem(&timers, &key);
  note(4, bpf_timer_init(&value->timer, &timers, CLOCK_MONOTONIC));
  note(5, bpf_timer_set_callback(&value->timer, again));
  note(6, bpf_timer_start(&value->timer, 1ULL << 50, 0));
  return XDP_PASS;
}

struct locked {
  struct bpf_spin_lock lock;
  __u32 a;
  __u64 b;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct locked);
} locked_array SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct locked);
} locked_hash SEC(".maps");

SEC("xdp")
int update_locked(struct xdp_md *ctx) {
  __u32 key = 1;
  struct locked value = {.a = 7, .b = 9};
  note(0, bpf_map_update_elem(&locked_array, &key, &value, BPF_F_LOCK));
  value.a = 8;
  note(1, bpf_map_update_elem(&locked_array, &key, &value, BPF_F_LOCK | BPF_EXIST));
  note(2, bpf_map_update_elem(&locked_array, &key, &value, BPF_F_LOCK | BPF_NOEXIST));
  note(3, bpf_map_update_elem(&locked_array, &key, &value, 8));
  note(4, bpf_map_update_elem(&locked_hash, &key, &value, BPF_F_LOCK));
  note(5, bpf_map_update_elem(&locked_hash, &key, &value, BPF_F_LOCK | BPF_EXIST));
  note(6, bpf_map_update_elem(&locked_hash, &key, &value, BPF_F_LOCK | BPF_NOEXIST));
  note(7, bpf_map_update_elem(&results, &key, &value, BPF_F_LOCK));
  key = 4;
  note(8, bpf_map_update_elem(&locked_array, &key, &value, BPF_F_LOCK));
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
