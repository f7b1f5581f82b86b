// Keys and values of many types, in maps of every type that has both.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum colour { RED, GREEN = 5, BLUE = -1 };

struct flags {
  __u32 a : 3;
  __s32 b : 5;
  __u64 wide : 40;
  _Bool last : 1;
};

union number {
  __u64 whole;
  __u32 half[2];
};

struct value {
  __u64 big;
  __s64 small;
  enum colour colour;
  char name[8];
  struct flags flags;
  union number number;
};

struct key {
  __u32 id;
  enum colour colour;
  __u64 big;
};

struct prefix {
  __u32 prefixlen;
  __u8 data[4];
};

#define MAP(NAME, TYPE, KEY, VALUE, FLAGS) \
  struct {                                 \
    __uint(type, TYPE);                    \
    __uint(max_entries, 4);                \
    __uint(map_flags, FLAGS);              \
    __type(key, KEY);                      \
    __type(value, VALUE);                  \
  } NAME SEC(".maps")

MAP(array, BPF_MAP_TYPE_ARRAY, __u32, struct value, 0);
MAP(percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct value, 0);
MAP(hash, BPF_MAP_TYPE_HASH, struct key, struct value, 0);
MAP(percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, struct key, struct value, 0);
MAP(lru_hash, BPF_MAP_TYPE_LRU_HASH, struct key, struct value, 0);
MAP(lru_percpu_hash, BPF_MAP_TYPE_LRU_PERCPU_HASH, struct key, struct value, 0);
MAP(lpm_trie, BPF_MAP_TYPE_LPM_TRIE, struct prefix, struct value, BPF_F_NO_PREALLOC);
MAP(by_colour, BPF_MAP_TYPE_HASH, enum colour, enum colour, 0);
MAP(by_number, BPF_MAP_TYPE_HASH, __u64, __s16, 0);
MAP(by_union, BPF_MAP_TYPE_PERCPU_HASH, union number, union number, 0);

char _license[] SEC("license") = "GPL";
