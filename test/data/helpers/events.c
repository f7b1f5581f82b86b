// Records for readers in JavaScript.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct event {
  __u32 length;
  __u16 kind;
  __u8 bytes[6];
};

// So that its type is in the object's BTF.
const struct event *unused __attribute__((unused));

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");

static __always_inline int emit(struct xdp_md *ctx, __u64 flags) {
  struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) return XDP_DROP;
  __builtin_memset(event, 0, sizeof(*event));
  event->length = bpf_xdp_get_buff_len(ctx);
  bpf_ringbuf_submit(event, flags);
  return XDP_PASS;
}

SEC("xdp")
int always(struct xdp_md *ctx) {
  return emit(ctx, 0);
}

// Even lengths wake nobody, those from 200 on wake in any case.
SEC("xdp")
int quiet_or_loud(struct xdp_md *ctx) {
  __u64 length = bpf_xdp_get_buff_len(ctx);
  return emit(ctx, length >= 200 ? BPF_RB_FORCE_WAKEUP : length & 1 ? 0 : BPF_RB_NO_WAKEUP);
}

SEC("xdp")
int shorter(struct xdp_md *ctx) {
  __u32 length = bpf_xdp_get_buff_len(ctx);
  bpf_ringbuf_output(&events, &length, sizeof(length), 0);
  return XDP_PASS;
}

// With a record in its hands it takes more insns than a test allows.
SEC("xdp")
int endless_if_long(struct xdp_md *ctx) {
  struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) return XDP_DROP;
  __builtin_memset(event, 0, sizeof(*event));
  volatile __u32 sum = 0;
  if (bpf_xdp_get_buff_len(ctx) > 100)
    for (__u32 i = 0; i < 4000; i++) sum += i;
  bpf_ringbuf_submit(event, 0);
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
