// Programs of a virtual network: forwarding, reflecting, spreading, broadcasting; programs of a devmap's and of a cpumap's entries; AF_XDP.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define REDIRECT_MAP(name, kind, size, value_type) \
  struct {                                         \
    __uint(type, kind);                            \
    __uint(max_entries, size);                     \
    __type(key, __u32);                            \
    __type(value, value_type);                     \
  } name SEC(".maps")

REDIRECT_MAP(ports, BPF_MAP_TYPE_DEVMAP, 8, struct bpf_devmap_val);
REDIRECT_MAP(flood, BPF_MAP_TYPE_DEVMAP_HASH, 8, struct bpf_devmap_val);
REDIRECT_MAP(cpus, BPF_MAP_TYPE_CPUMAP, 4, struct bpf_cpumap_val);
REDIRECT_MAP(socks, BPF_MAP_TYPE_XSKMAP, 4, __u32);

const volatile __u32 backends = 3;

struct frame {
  __u8 dst[6];
  __u8 src[6];
  __u16 proto;
  __u8 payload[4];
} __attribute__((packed));

static struct frame *frame_of(struct xdp_md *ctx) {
  struct frame *f = (void *)(long)ctx->data;
  return (void *)(f + 1) > (void *)(long)ctx->data_end ? 0 : f;
}

SEC("xdp")
int pass(struct xdp_md *ctx) {
  return XDP_PASS;
}

// The first byte of the payload is the verdict.
SEC("xdp")
int obey(struct xdp_md *ctx) {
  struct frame *f = frame_of(ctx);
  return f ? f->payload[0] : XDP_DROP;
}

SEC("xdp")
int reflect(struct xdp_md *ctx) {
  struct frame *f = frame_of(ctx);
  if (!f) return XDP_DROP;
  __u8 mac[6];
  __builtin_memcpy(mac, f->dst, 6);
  __builtin_memcpy(f->dst, f->src, 6);
  __builtin_memcpy(f->src, mac, 6);
  return XDP_TX;
}

// To the device whose number the first byte of the payload is.
SEC("xdp")
int by_index(struct xdp_md *ctx) {
  struct frame *f = frame_of(ctx);
  return f ? bpf_redirect(f->payload[0], 0) : XDP_DROP;
}

// Spreads flows over the backends, as a load balancer does.
SEC("xdp")
int spread(struct xdp_md *ctx) {
  struct frame *f = frame_of(ctx);
  if (!f || !backends) return XDP_DROP;
  __u32 hash = f->payload[0] * 31 + f->payload[1];
  return bpf_redirect_map(&ports, hash % backends, XDP_PASS);
}

SEC("xdp")
int broadcast(struct xdp_md *ctx) {
  return bpf_redirect_map(&flood, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
}

SEC("xdp")
int everywhere(struct xdp_md *ctx) {
  return bpf_redirect_map(&flood, 0, BPF_F_BROADCAST);
}

SEC("xdp")
int to_cpu(struct xdp_md *ctx) {
  struct frame *f = frame_of(ctx);
  return f ? bpf_redirect_map(&cpus, f->payload[0], XDP_DROP) : XDP_DROP;
}

SEC("xdp")
int to_socket(struct xdp_md *ctx) {
  return bpf_redirect_map(&socks, ctx->rx_queue_index, XDP_PASS);
}

// Says who sent it; the device of number 99 gets nothing.
SEC("xdp/devmap")
int stamp(struct xdp_md *ctx) {
  struct frame *f = frame_of(ctx);
  if (!f || ctx->egress_ifindex == 99) return XDP_DROP;
  f->src[0] = 2;
  f->src[4] = ctx->ingress_ifindex;
  f->src[5] = ctx->egress_ifindex;
  return XDP_PASS;
}

SEC("xdp/cpumap")
int on_cpu(struct xdp_md *ctx) {
  struct frame *f = frame_of(ctx);
  if (!f) return XDP_DROP;
  f->src[4] = bpf_get_smp_processor_id();
  f->src[5] = ctx->ingress_ifindex;
  if (f->payload[1] == 'd') return XDP_DROP;
  if (f->payload[1] == 'r') return bpf_redirect_map(&ports, 0, 0);
  if (f->payload[1] == 'c') return bpf_redirect_map(&cpus, 1, 0);
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
