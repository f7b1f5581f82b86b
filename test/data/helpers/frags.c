// Packets in several buffers: a script of helper calls that a map holds, and what each call returned and left. The same with a program that does not
// say that it knows of fragments.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define STEPS 8
#define ROOM 64

extern int bpf_xdp_pull_data(struct xdp_md *xdp, __u32 len) __ksym;

enum op { NONE, HEAD, META, TAIL, LOAD, STORE, SUM, PULL, TOUCH };

struct step {
  __u32 op;
  __u32 offset;
  __u32 size;
};

struct result {
  __u64 ret;
  __u32 linear;
  __u32 metadata;
  __u64 length;
  __u8 bytes[ROOM];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, STEPS);
  __type(key, __u32);
  __type(value, struct step);
} script SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, STEPS);
  __type(key, __u32);
  __type(value, struct result);
} results SEC(".maps");

// The first and the last word that can be reached by themselves.
static __u64 touch(struct xdp_md *ctx) {
  __u8 *data = (__u8 *)(long)ctx->data;
  __u8 *end = (__u8 *)(long)ctx->data_end;
  __u32 last = (end - data - 4) & 0xfff;
  __u64 seen = 0;
  if (data + 4 <= end) {
    seen = *(__u32 *)data;
    *(__u32 *)data = seen * 3 + 1;
  }
  if (data + last + 4 <= end) {
    seen += (__u64) * (__u32 *)(data + last) << 32;
    data[last] ^= 0x55;
  }
  return seen;
}

static __noinline __u64 call(struct xdp_md *ctx, struct step *step, struct result *result) {
  __u32 size = step->size;
  if (size > ROOM) size = ROOM;
  if (size == 0) size = 1;
  switch (step->op) {
    case HEAD:
      return bpf_xdp_adjust_head(ctx, step->offset);
    case META:
      return bpf_xdp_adjust_meta(ctx, step->offset);
    case TAIL:
      return bpf_xdp_adjust_tail(ctx, step->offset);
    case LOAD:
      return bpf_xdp_load_bytes(ctx, step->offset, result->bytes, size);
    case STORE:
      return bpf_xdp_store_bytes(ctx, step->offset, result->bytes, size);
    case SUM:
      return bpf_csum_diff(0, 0, (__be32 *)result->bytes, size & ~3, step->offset);
    case PULL:
      return bpf_xdp_pull_data(ctx, step->offset);
    case TOUCH:
      return touch(ctx);
  }
  return 0;
}

static __always_inline int play(struct xdp_md *ctx) {
  for (__u32 i = 0; i < STEPS; i++) {
    __u32 key = i;
    struct step *step = bpf_map_lookup_elem(&script, &key);
    struct result *result = bpf_map_lookup_elem(&results, &key);
    if (!step || !result) return XDP_ABORTED;
    result->ret = call(ctx, step, result);
    result->linear = ctx->data_end - ctx->data;
    result->metadata = ctx->data - ctx->data_meta;
    result->length = bpf_xdp_get_buff_len(ctx);
  }
  return XDP_PASS;
}

SEC("xdp.frags")
int several(struct xdp_md *ctx) {
  return play(ctx);
}

SEC("xdp")
int single(struct xdp_md *ctx) {
  return play(ctx);
}

// Writes how much it reaches by itself to the packet's last four bytes.
static __always_inline int note(struct xdp_md *ctx) {
  __u32 linear = ctx->data_end - ctx->data;
  return bpf_xdp_store_bytes(ctx, bpf_xdp_get_buff_len(ctx) - sizeof(linear), &linear, sizeof(linear));
}

SEC("xdp.frags")
int notes(struct xdp_md *ctx) {
  return note(ctx) ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int grows(struct xdp_md *ctx) {
  return note(ctx) || bpf_xdp_adjust_tail(ctx, 8) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
