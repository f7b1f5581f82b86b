// bpf_map_push_elem, bpf_map_pop_elem and bpf_map_peek_elem: every flag, full and empty, on queue, stack and bloom filter.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct value {
  __u32 number;
  __u8 text[9];
};

#define KEYLESS(NAME, TYPE, VALUE) \
  struct { \
    __uint(type, TYPE); \
    __uint(max_entries, 5); \
    __type(value, VALUE); \
  } NAME SEC(".maps")

KEYLESS(queue, BPF_MAP_TYPE_QUEUE, struct value);
KEYLESS(stack, BPF_MAP_TYPE_STACK, struct value);

struct {
  __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
  __uint(max_entries, 1000);
  __uint(map_extra, 3);
  __type(value, struct value);
} bloom SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 8);
  __type(key, __u32);
  __type(value, struct value);
} values SEC(".maps");

const volatile struct value asked = {.number = 1};

static void note(__u32 slot, long result) {
  __u64 value = result;
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

static struct value *value_at(__u32 slot) {
  return bpf_map_lookup_elem(&values, &slot);
}

static void fill(struct value *value, __u32 number) {
  __builtin_memset(value, 0, sizeof(*value));
  value->number = number;
  value->text[3] = number * 7;
}

// Slots 0.. of `seen` from `at` on: how it went; the values that came out, in `values`.
static __always_inline void cycle(void *map, __u32 at, __u32 base) {
  struct value value;
  note(at, bpf_map_pop_elem(map, &value));
  for (int i = 0; i < 7; i++) {
    fill(&value, base + i);
    note(at + 1 + i, bpf_map_push_elem(map, &value, i == 6 ? BPF_EXIST : BPF_ANY));
  }
  note(at + 8, bpf_map_push_elem(map, &value, BPF_NOEXIST));
  note(at + 9, bpf_map_push_elem(map, &value, 3));
  note(at + 10, bpf_map_push_elem(map, &value, BPF_F_LOCK));
  struct value *out = value_at(0);
  if (out) note(at + 11, bpf_map_peek_elem(map, out));
  out = value_at(1);
  if (out) note(at + 12, bpf_map_pop_elem(map, out));
  out = value_at(2);
  if (out) note(at + 13, bpf_map_pop_elem(map, out));
  fill(&value, base + 100);
  note(at + 14, bpf_map_push_elem(map, &value, BPF_EXIST));
  out = value_at(3);
  if (out) note(at + 15, bpf_map_peek_elem(map, out));
}

SEC("xdp")
int queue_cycle(struct xdp_md *ctx) {
  cycle(&queue, 0, ctx->data_end - ctx->data);
  return XDP_PASS;
}

SEC("xdp")
int stack_cycle(struct xdp_md *ctx) {
  cycle(&stack, 16, ctx->data_end - ctx->data);
  return XDP_PASS;
}

// Empties both: the last pops and peeks clear what they are given.
SEC("xdp")
int empty(struct xdp_md *ctx) {
  struct value value;
  long count = 0;
  for (int i = 0; i < 6; i++) {
    count += bpf_map_pop_elem(&queue, &value) == 0;
    count += bpf_map_pop_elem(&stack, &value) == 0;
  }
  note(40, count);
  struct value *out = value_at(4);
  if (out) {
    out->number = 77;
    note(41, bpf_map_pop_elem(&queue, out));
    note(42, out->number);
    out->number = 78;
    note(43, bpf_map_peek_elem(&stack, out));
    note(44, out->number);
  }
  return XDP_PASS;
}

SEC("xdp")
int filter(struct xdp_md *ctx) {
  struct value value;
  __u32 length = ctx->data_end - ctx->data;
  fill(&value, length);
  note(48, bpf_map_push_elem(&bloom, &value, BPF_ANY));
  note(49, bpf_map_push_elem(&bloom, &value, BPF_EXIST));
  note(50, bpf_map_push_elem(&bloom, &value, BPF_NOEXIST));
  note(51, bpf_map_peek_elem(&bloom, &value));
  // Of read-only data it can be asked as well.
  note(52, bpf_map_peek_elem(&bloom, (void *)&asked));
  return XDP_PASS;
}

// The system calls see what programs pushed.
SEC("xdp")
int push_length(struct xdp_md *ctx) {
  struct value value;
  fill(&value, ctx->data_end - ctx->data);
  note(56, bpf_map_push_elem(&queue, &value, BPF_EXIST));
  note(57, bpf_map_push_elem(&stack, &value, BPF_EXIST));
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
