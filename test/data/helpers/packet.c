// Packet helpers away from a program's first function: in static and global subprograms, callbacks and programs entered by tail calls; checksums of packet
// memory; words at odd places.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

static void note(__u32 slot, __u64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

static __u32 first(struct xdp_md *ctx) {
  __u8 *data = (__u8 *)(long)ctx->data;
  if (data + 4 > (__u8 *)(long)ctx->data_end) return -1;
  return *(__u32 *)data;
}

static __noinline long push(struct xdp_md *ctx, __u32 bytes) {
  if (bpf_xdp_adjust_head(ctx, -(int)bytes)) return -1;
  __u8 *data = (__u8 *)(long)ctx->data;
  if (data + 4 > (__u8 *)(long)ctx->data_end) return -2;
  *(__u32 *)data = 0xa1b2c3d4;
  return ctx->data_end - ctx->data;
}

__noinline long shorten(struct xdp_md *ctx, int by) {
  long error = bpf_xdp_adjust_tail(ctx, -by);
  return error ? error : (long)bpf_xdp_get_buff_len(ctx);
}

SEC("xdp")
int subprogs(struct xdp_md *ctx) {
  note(0, first(ctx));
  note(1, push(ctx, 8));
  note(2, first(ctx));
  note(3, shorten(ctx, 5));
  note(4, shorten(ctx, 1000));
  note(5, push(ctx, 300));
  note(6, bpf_xdp_adjust_meta(ctx, -8));
  note(7, push(ctx, 4));
  note(8, ctx->data - ctx->data_meta);
  note(9, first(ctx));
  return XDP_TX;
}

struct walk {
  struct xdp_md *ctx;
  __u64 sum;
  __u32 failed;
};

static long step(__u32 index, void *data) {
  struct walk *walk = data;
  __u8 bytes[3];
  if (bpf_xdp_load_bytes(walk->ctx, index * 7, bytes, sizeof(bytes))) {
    walk->failed++;
    return index > 12;
  }
  walk->sum = walk->sum * 31 + bytes[0] + bytes[2];
  bytes[1] += index;
  if (bpf_xdp_store_bytes(walk->ctx, index * 7 + 1, bytes, 2)) walk->failed += 100;
  return index & 4 ? bpf_xdp_adjust_tail(walk->ctx, -1) != 0 : 0;
}

SEC("xdp.frags")
int callbacks(struct xdp_md *ctx) {
  struct walk walk = {.ctx = ctx};
  note(0, bpf_loop(20, step, &walk, 0));
  note(1, walk.sum);
  note(2, walk.failed);
  note(3, bpf_xdp_get_buff_len(ctx));
  note(4, first(ctx));
  return XDP_PASS;
}

int grow(struct xdp_md *ctx);
int mark(struct xdp_md *ctx);

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 2);
  __uint(key_size, 4);
  __array(values, int(void *));
} next SEC(".maps") = {.values = {[0] = (void *)&grow, [1] = (void *)&mark}};

SEC("xdp")
int mark(struct xdp_md *ctx) {
  __u8 *meta = (__u8 *)(long)ctx->data_meta;
  __u8 *data = (__u8 *)(long)ctx->data;
  if (meta + 4 <= data) *(__u32 *)meta = bpf_xdp_get_buff_len(ctx);
  note(3, first(ctx));
  return bpf_redirect(7, 0);
}

SEC("xdp")
int grow(struct xdp_md *ctx) {
  note(1, bpf_xdp_adjust_tail(ctx, 16));
  note(2, bpf_xdp_adjust_meta(ctx, -4));
  bpf_tail_call(ctx, &next, 1);
  return XDP_ABORTED;
}

SEC("xdp")
int tails(struct xdp_md *ctx) {
  note(0, push(ctx, 12));
  bpf_tail_call(ctx, &next, 0);
  return XDP_ABORTED;
}

SEC("xdp")
int sums(struct xdp_md *ctx) {
  __u8 *data = (__u8 *)(long)ctx->data;
  __u8 *end = (__u8 *)(long)ctx->data_end;
  __u8 local[20] = {};
  if (data + 60 > end) return XDP_DROP;
  note(0, bpf_csum_diff(0, 0, (__be32 *)(data + 14), 20, 0));
  note(1, bpf_csum_diff((__be32 *)data, 40, (__be32 *)(data + 4), 40, 0xffff1234));
  note(2, bpf_csum_diff((__be32 *)(data + 1), 12, 0, 0, data[0]));
  note(3, bpf_csum_diff((__be32 *)local, 20, (__be32 *)(data + 3), 56, ~0));
  note(4, bpf_csum_diff(0, 0, 0, 0, data[1] << 8 | 3));
  note(5, *(__u64 *)(data + 3));
  note(6, *(__u32 *)(data + 41));
  *(__u16 *)(data + 5) = *(__u16 *)(data + 7) + 1;
  *(__u64 *)(data + 51) ^= *(__u64 *)(data + 9);
  return XDP_PASS;
}

// What can be said of it anywhere: time does not run backwards, a number of 32 bits, one of the CPUs.
SEC("xdp")
int state(struct xdp_md *ctx) {
  __u64 before = bpf_ktime_get_ns();
  __u32 random = 0;
  for (int i = 0; i < 8; i++) random |= bpf_get_prandom_u32();
  note(0, bpf_ktime_get_ns() >= before && before > 0);
  note(1, random > 0xffff);
  note(2, bpf_get_smp_processor_id());
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
