// Lookups, updates and deletes in per-CPU and LRU hashes and LPM tries, by constant map and by map of maps.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct wide {
  __u64 low;
  __u64 high;
};

struct prefix {
  __u32 length;
  __u8 bytes[4];
};

struct long_prefix {
  __u32 length;
  __u8 bytes[16];
};

#define MAP(NAME, TYPE, KEY, VALUE, FLAGS) \
  struct {                                 \
    __uint(type, TYPE);                    \
    __uint(max_entries, 256);              \
    __uint(map_flags, FLAGS);              \
    __type(key, KEY);                      \
    __type(value, VALUE);                  \
  } NAME SEC(".maps")

MAP(percpu, BPF_MAP_TYPE_PERCPU_HASH, __u32, struct wide, 0);
MAP(lru4, BPF_MAP_TYPE_LRU_HASH, __u32, __u64, 0);
MAP(lru8, BPF_MAP_TYPE_LRU_HASH, __u64, __u64, BPF_F_NO_COMMON_LRU);
MAP(lru16, BPF_MAP_TYPE_LRU_HASH, struct wide, __u64, 0);
MAP(lru_percpu, BPF_MAP_TYPE_LRU_PERCPU_HASH, __u32, __u32, 0);
MAP(lpm, BPF_MAP_TYPE_LPM_TRIE, struct prefix, __u64, BPF_F_NO_PREALLOC);
MAP(long_lpm, BPF_MAP_TYPE_LPM_TRIE, struct long_prefix, __u64, BPF_F_NO_PREALLOC);
MAP(percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 0);

struct inner {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 64);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct prefix);
  __type(value, __u64);
} inner_lpm SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 1);
  __type(key, __u32);
  __array(values, struct inner);
} outer SEC(".maps") = {.values = {&inner_lpm}};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 32);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

static __always_inline void note(__u32 slot, __u64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

#define COUNT(MAP, KEY, SLOT)                                     \
  do {                                                            \
    typeof(KEY) key_ = KEY;                                       \
    __u64 *value_ = bpf_map_lookup_elem(&MAP, &key_);             \
    if (value_)                                                   \
      *value_ += 3;                                               \
    else {                                                        \
      __u64 fresh_[2] = {1, 2};                                   \
      note(SLOT, bpf_map_update_elem(&MAP, &key_, fresh_, BPF_NOEXIST)); \
    }                                                             \
    __u64 other_[2] = {7, 8};                                     \
    note(SLOT + 1, bpf_map_update_elem(&MAP, &key_, other_, BPF_NOEXIST)); \
  } while (0)

SEC("xdp")
int keyed(struct xdp_md *ctx) {
  __u8 *data = (void *)(long)ctx->data;
  if (data + 14 > (__u8 *)(long)ctx->data_end)
    return XDP_DROP;
  __u32 small = data[0] & 31;
  struct wide wide = {.low = small, .high = data[1] & 1};
  struct prefix prefix = {.length = data[2] & 31, .bytes = {data[3] & 3, data[4], 1, 1}};
  struct long_prefix longer = {.length = data[5] & 127, .bytes = {[0] = data[3] & 3, [9] = data[6] & 3}};
  COUNT(percpu, small, 0);
  COUNT(lru4, small, 2);
  COUNT(lru8, (__u64)small, 4);
  COUNT(lru16, wide, 6);
  COUNT(lpm, prefix, 8);
  COUNT(long_lpm, longer, 10);
  __u32 *count = bpf_map_lookup_elem(&lru_percpu, &small);
  __u32 one = 1;
  if (count)
    *count += 1;
  else
    note(12, bpf_map_update_elem(&lru_percpu, &small, &one, BPF_ANY));
  __u32 zero = 0;
  __u32 cpu = bpf_get_smp_processor_id();
  __u64 *own = bpf_map_lookup_percpu_elem(&percpu_array, &zero, cpu);
  if (own)
    *own += small;
  struct wide *copy = bpf_map_lookup_percpu_elem(&percpu, &small, cpu);
  note(13, copy ? copy->high : 99);
  note(14, bpf_map_lookup_percpu_elem(&percpu, &small, 1 << 20) == 0);
  if (data[7] & 1) {
    note(15, bpf_map_delete_elem(&lpm, &prefix));
    note(16, bpf_map_delete_elem(&percpu, &small));
    note(17, bpf_map_delete_elem(&lru4, &small));
    note(18, bpf_map_delete_elem(&lru16, &wide));
    note(19, bpf_map_delete_elem(&long_lpm, &longer));
    note(20, bpf_map_delete_elem(&lru_percpu, &small));
  }
  void *map = bpf_map_lookup_elem(&outer, &zero);
  if (map) {
    __u64 value = small;
    note(21, bpf_map_update_elem(map, &prefix, &value, BPF_ANY));
    prefix.length = 32;
    __u64 *found = bpf_map_lookup_elem(map, &prefix);
    note(22, found ? *found : 99);
  }
  prefix.length = 33;
  note(23, bpf_map_lookup_elem(&lpm, &prefix) == 0);
  __u64 nothing = 0;
  note(24, bpf_map_update_elem(&lpm, &prefix, &nothing, BPF_ANY));
  note(25, bpf_map_update_elem(&lru4, &small, &nothing, BPF_F_LOCK));
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
