// Open-coded iterators over numbers and bits.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_iter_num {
  __u64 opaque[1];
};

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

struct bpf_iter_bits {
  __u64 opaque[2];
};

extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const __u64 *words, __u32 count) __ksym;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __ksym;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 32);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

static void note(__u32 slot, __u64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64[520]);
} many SEC(".maps");

static __u64 numbers_from(int start, int end, __u32 slot) {
  struct bpf_iter_num it;
  __u64 sum = 0;
  int *v;
  note(slot, bpf_iter_num_new(&it, start, end));
  while ((v = bpf_iter_num_next(&it))) sum = sum * 3 + *v;
  bpf_iter_num_destroy(&it);
  return sum;
}

SEC("xdp")
int numbers(struct xdp_md *ctx) {
  int length = ctx->data_end - ctx->data;
  note(0, numbers_from(0, length, 1));
  note(2, numbers_from(-length, length >> 1, 3));
  note(4, numbers_from(length, 10, 5));
  note(6, numbers_from(-length, (1 << 23) - 60, 7));
  note(8, numbers_from(7, 7, 9));
  note(10, numbers_from(-2147483647 - 1, 2147483647, 11));
  return XDP_PASS;
}

static __u64 bits_of(const __u64 *words, __u32 count, __u32 slot) {
  struct bpf_iter_bits it;
  __u64 sum = 0;
  int *v;
  note(slot, bpf_iter_bits_new(&it, words, count));
  while ((v = bpf_iter_bits_next(&it))) sum = sum * 5 + *v + 1;
  bpf_iter_bits_destroy(&it);
  return sum;
}

SEC("xdp")
int bits(struct xdp_md *ctx) {
  __u64 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (data + 7 > end) return XDP_DROP;
  __u32 zero = 0;
  __u64 *words = bpf_map_lookup_elem(&many, &zero);
  if (!words) return XDP_ABORTED;
  __u64 copy[3] = {data[0], data[1] & data[2], data[3] | data[4]};
  note(12, bits_of(copy, 1, 13));
  note(14, bits_of(copy, 3, 15));
  note(16, bits_of(copy, 0, 17));
  note(18, bits_of(0, 2, 19));
  words[0] = words[510] = data[5];
  note(20, bits_of(words, 511, 21));
  note(22, bits_of(words, 512, 23));
  note(24, bits_of((__u64 *)(0xffff81ull << 40), 2, 25));
  copy[0] = 0;
  copy[2] = 1ull << 63;
  note(26, bits_of(copy, 1, 27));
  note(28, bits_of(copy, 3, 29));
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
