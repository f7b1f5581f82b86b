// An arena: variables in it, pointers that it keeps as user space has them, and pages that are not there.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

// Not in the bpf_helpers.h of older distributions.
#ifndef __ulong
#define __ulong(name, val) enum { arena_##name = val } name
#endif
#define __arena __attribute__((address_space(1)))
#define BPF_MAP_TYPE_ARENA 33

struct {
  __uint(type, BPF_MAP_TYPE_ARENA);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 8);
  __ulong(map_extra, 0x7f0010000000ull);
} arena SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 32);
  __type(key, __u32);
  __type(value, __s64);
} seen SEC(".maps");

struct node {
  struct node __arena *next;
  __u64 value;
};

struct node __arena *head;
__u64 __arena counter = 5;
struct node __arena nodes[16] = {{0, 1}};
__u32 __arena words[4] = {7, 8, 9, 10};

static __always_inline void note(__u32 slot, __s64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

SEC("xdp")
int uses(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  if (data + 14 > (void *)(long)ctx->data_end)
    return XDP_ABORTED;
  __u32 a = *(__u8 *)data, b = *(__u8 *)(data + 1);
  // A pointer that leaves through a map is user space's.
  note(0, (__s64)(void *)(__u64)(long)&counter);
  counter += a;
  note(1, counter);
  struct node __arena *node = &nodes[a & 15];
  node->value = b;
  node->next = head;
  head = node;
  note(2, *(volatile __u64 __arena *)&node->next);
  struct node __arena *at = head;
  __u64 sum = 0;
  for (int i = 0; i < 8 && at; i++) {
    sum += at->value;
    at = at->next;
  }
  note(3, sum);
  words[a & 3] = b;
  note(4, words[b & 3]);
  note(5, *((__s8 __arena *)words + (a & 7)));
  __sync_fetch_and_add(&counter, b);
  note(6, counter);
  note(7, __sync_val_compare_and_swap(&counter, counter, b));
  return XDP_PASS;
}

// Pages that nobody has touched, places in front of the arena and behind it, accesses across their ends.
SEC("xdp")
int misses(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data;
  if (data + 14 > (void *)(long)ctx->data_end)
    return XDP_ABORTED;
  __u64 a = *(__u32 *)data, b = *(__u16 *)(data + 4);
  char __arena *start = (char __arena *)&counter;
  start = (char __arena *)((__u64)(long)start & ~4095ull);
  volatile __u64 __arena *place = (volatile __u64 __arena *)(start + 4096 * 3 + (b & 0xff8));
  *place = a;
  note(10, *place);
  place = (volatile __u64 __arena *)(start + 4096 * 8 + (b & 0xff8));
  *place = a;
  note(11, *place);
  place = (volatile __u64 __arena *)(start - 8);
  *place = a;
  note(12, *place);
  place = (volatile __u64 __arena *)(start + 4096 - 8);
  *place = a;
  note(13, *place);
  place = (volatile __u64 __arena *)(start + 4096 * 2);
  *place = b;
  note(14, *place);
  note(15, *(volatile __u64 __arena *)(start + (a & 0x7ff8)));
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
