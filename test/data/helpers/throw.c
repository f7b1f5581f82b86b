// bpf_throw: from the program itself, from subprograms, with a handler and without.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define __exception_cb(name) __attribute__((btf_decl_tag("exception_callback:" #name)))

extern void bpf_throw(__u64 cookie) __ksym;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

static void note(__u32 slot, __u64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

__attribute__((noinline)) int deep(__u32 value) {
  if (value & 1) bpf_throw(value + 16);
  note(0, value);
  return value;
}

__attribute__((noinline)) int deeper(__u32 value) {
  return deep(value) + deep(value / 2);
}

static __attribute__((noinline)) __u64 inner(__u64 value) {
  if (value == 15 * 3) bpf_throw(0x900000000 | value);
  note(2, value);
  return value;
}

static int anywhere(struct xdp_md *ctx) {
  __u32 length = ctx->data_end - ctx->data;
  if (length == 14) bpf_throw(1);
  note(1, length);
  if (length == 60) return deeper(length) & 3;
  if (length == 61) return deeper(length);
  note(2, 0x700000003);
  note(0, inner(length * 3));
  note(3, 1);
  return XDP_TX;
}

SEC("xdp")
int plain(struct xdp_md *ctx) {
  return anywhere(ctx);
}

__noinline int handler(__u64 cookie) {
  note(3, cookie);
  return XDP_DROP;
}

SEC("xdp")
__exception_cb(handler) int handled(struct xdp_md *ctx) {
  return anywhere(ctx);
}

char _license[] SEC("license") = "GPL";
