// bpf_for_each_map_elem: what is handed on, where it ends, and elements that go while they are visited.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MAP(name, kind, key_type, size)            \
  struct {                                         \
    __uint(type, BPF_MAP_TYPE_##kind);             \
    __uint(max_entries, size);                     \
    __type(key, key_type);                         \
    __type(value, __u64);                          \
  } name SEC(".maps")

struct wide {
  __u32 a, b, c;
};

MAP(numbers, ARRAY, __u32, 9);
MAP(copies, PERCPU_ARRAY, __u32, 7);
MAP(table, HASH, __u32, 50);
MAP(wides, HASH, struct wide, 50);
MAP(seen, ARRAY, __u32, 24);

static void note(__u32 slot, __u64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

struct state {
  __u64 sum;
  __u64 stop;
  __u64 calls;
};

static long add(void *map, __u32 *key, __u64 *value, void *ctx) {
  struct state *state = ctx;
  state->sum += *key * 31 + *value;
  *value += 3;
  return ++state->calls == state->stop;
}

static long count_to(void *map, __u32 *key, __u64 *value, void *ctx) {
  struct state *state = ctx;
  return ++state->calls == state->stop;
}

static long drop_odd(void *map, __u32 *key, __u64 *value, void *ctx) {
  struct state *state = ctx;
  state->sum += *key;
  if (*key & 1) bpf_map_delete_elem(map, key);
  return 0;
}

static long add_wide(void *map, struct wide *key, __u64 *value, void *ctx) {
  struct state *state = ctx;
  state->sum += key->a ^ key->b ^ key->c ^ *value;
  struct wide copy = *key;
  if (copy.c % 3 == 0) bpf_map_delete_elem(map, &copy);
  return 0;
}

static long inner(void *map, __u32 *key, __u64 *value, void *ctx) {
  struct state *state = ctx;
  struct state own = {.sum = *key, .stop = *key * 77 + 50, .calls = *key};
  state->sum += bpf_for_each_map_elem(&copies, add, &own, 0) + own.sum;
  return 0;
}

static long in_loop(__u32 index, void *ctx) {
  struct state *state = ctx;
  state->stop = index + 1;
  state->calls = index >> 8;
  state->sum += bpf_for_each_map_elem(&numbers, add, state, 0);
  return 0;
}

SEC("xdp")
int arrays(struct xdp_md *ctx) {
  __u64 length = ctx->data_end - ctx->data;
  struct state state = {.stop = length & 7, .calls = ctx->rx_queue_index};
#pragma clang loop unroll(full)
  for (__u32 i = 0; i < 9; i++) {
    __u32 key = i;
    __u64 value = i * length;
    bpf_map_update_elem(&numbers, &key, &value, BPF_ANY);
  }
  note(0, bpf_for_each_map_elem(&numbers, add, &state, 0));
  note(1, state.sum);
  note(2, bpf_for_each_map_elem(&copies, add, &state, 0));
  note(3, state.sum);
  note(4, bpf_for_each_map_elem(&copies, add, &state, length & 1));
  note(5, bpf_for_each_map_elem(&copies, inner, &state, 0));
  note(6, bpf_loop(length & 15, in_loop, &state, 0));
  note(7, state.sum);
  return XDP_PASS;
}

SEC("xdp")
int hashes(struct xdp_md *ctx) {
  __u64 length = ctx->data_end - ctx->data;
  struct state state = {.stop = length + 500, .calls = ctx->rx_queue_index};
  for (__u32 i = 0; i < 40; i++) {
    __u64 value = i + length;
    __u32 key = i * length;
    struct wide wide = {length, i, i & 7};
    bpf_map_update_elem(&table, &key, &value, BPF_ANY);
    bpf_map_update_elem(&wides, &wide, &value, BPF_ANY);
  }
  note(8, bpf_for_each_map_elem(&table, add, &state, 0));
  note(9, state.sum);
  note(10, bpf_for_each_map_elem(&table, drop_odd, &state, 0));
  note(11, state.sum);
  note(12, bpf_for_each_map_elem(&table, drop_odd, &state, 0));
  note(13, bpf_for_each_map_elem(&wides, add_wide, &state, 0));
  note(14, bpf_for_each_map_elem(&wides, add_wide, &state, 0));
  note(15, state.sum);
  state.calls = ctx->rx_queue_index;
  state.stop = 3 + (length & 1);
  note(16, bpf_for_each_map_elem(&table, count_to, &state, 0));
  note(17, bpf_for_each_map_elem(&table, inner, &state, 0));
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
