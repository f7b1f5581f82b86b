// bpf_redirect, bpf_redirect_map with every kind of map and flag, lookups in these maps; bpf_check_mtu. What to ask is in the packet.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define REDIRECT_MAP(name, kind, size, value_type) \
  struct {                                         \
    __uint(type, kind);                            \
    __uint(max_entries, size);                     \
    __type(key, __u32);                            \
    __type(value, value_type);                     \
  } name SEC(".maps")

REDIRECT_MAP(devs, BPF_MAP_TYPE_DEVMAP, 4, struct bpf_devmap_val);
REDIRECT_MAP(devs4, BPF_MAP_TYPE_DEVMAP, 4, __u32);
REDIRECT_MAP(devhash, BPF_MAP_TYPE_DEVMAP_HASH, 4, struct bpf_devmap_val);
REDIRECT_MAP(cpus, BPF_MAP_TYPE_CPUMAP, 4, struct bpf_cpumap_val);
REDIRECT_MAP(socks, BPF_MAP_TYPE_XSKMAP, 4, __u32);

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

static void note(__u32 slot, __u64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

struct question {
  __u8 eth[14];
  __u64 key;
  __u64 flags;
} __attribute__((packed));

static struct question *ask(struct xdp_md *ctx) {
  struct question *q = (void *)(long)ctx->data;
  return (void *)(q + 1) > (void *)(long)ctx->data_end ? 0 : q;
}

SEC("xdp")
int codes(struct xdp_md *ctx) {
  struct question *q = ask(ctx);
  if (!q) return XDP_DROP;
  note(0, bpf_redirect_map(&devs, q->key, q->flags));
  note(1, bpf_redirect_map(&devs4, q->key, q->flags));
  note(2, bpf_redirect_map(&devhash, q->key, q->flags));
  note(3, bpf_redirect_map(&cpus, q->key, q->flags));
  note(4, bpf_redirect_map(&socks, q->key, q->flags));
  note(5, bpf_redirect(q->key, q->flags));
  return XDP_PASS;
}

SEC("xdp")
int lookups(struct xdp_md *ctx) {
  struct question *q = ask(ctx);
  if (!q) return XDP_DROP;
  __u32 key = q->key;
  struct bpf_devmap_val *dev = bpf_map_lookup_elem(&devs, &key);
  note(0, dev ? dev->ifindex : -1);
  note(1, dev ? dev->bpf_prog.id != 0 : -1);
  __u32 *ifindex = bpf_map_lookup_elem(&devs4, &key);
  note(2, ifindex ? *ifindex : -1);
  dev = bpf_map_lookup_elem(&devhash, &key);
  note(3, dev ? dev->ifindex : -1);
  struct bpf_xdp_sock *sock = bpf_map_lookup_elem(&socks, &key);
  note(4, sock ? sock->queue_id : -1);
  return XDP_PASS;
}

SEC("xdp")
int to_dev(struct xdp_md *ctx) {
  struct question *q = ask(ctx);
  return q ? bpf_redirect_map(&devs, q->key, q->flags) : XDP_DROP;
}

SEC("xdp")
int to_hash(struct xdp_md *ctx) {
  struct question *q = ask(ctx);
  return q ? bpf_redirect_map(&devhash, q->key, q->flags) : XDP_DROP;
}

SEC("xdp")
int to_cpu(struct xdp_md *ctx) {
  struct question *q = ask(ctx);
  return q ? bpf_redirect_map(&cpus, q->key, q->flags) : XDP_DROP;
}

SEC("xdp")
int to_sock(struct xdp_md *ctx) {
  struct question *q = ask(ctx);
  return q ? bpf_redirect_map(&socks, q->key, q->flags) : XDP_DROP;
}

SEC("xdp")
int to_index(struct xdp_md *ctx) {
  struct question *q = ask(ctx);
  return q ? bpf_redirect(q->key, q->flags) : XDP_DROP;
}

// A map is asked first, then another one or bpf_redirect: the last that was found counts.
SEC("xdp")
int twice(struct xdp_md *ctx) {
  struct question *q = ask(ctx);
  if (!q) return XDP_DROP;
  bpf_redirect_map(&devs, 0, 0);
  if (q->flags) return bpf_redirect_map(&cpus, q->key, 0);
  bpf_redirect_map(&devs, 9, 0);
  return XDP_REDIRECT;
}

SEC("xdp")
int mtu(struct xdp_md *ctx) {
  struct question *q = ask(ctx);
  if (!q) return XDP_DROP;
  __u32 length = 0;
  note(0, bpf_check_mtu(ctx, q->key, &length, 0, 0));
  note(1, length);
  length = q->flags;
  note(2, bpf_check_mtu(ctx, q->key, &length, 0, 0));
  note(3, length);
  length = q->flags;
  note(4, bpf_check_mtu(ctx, q->key, &length, (__s32)(q->flags >> 32), 0));
  note(5, length);
  length = 0;
  note(6, bpf_check_mtu(ctx, q->key, &length, (__s32)q->flags, 0));
  note(7, length);
  length = 77;
  note(8, bpf_check_mtu(ctx, q->key, &length, 0, BPF_MTU_CHK_SEGS));
  note(9, length);
  length = 77;
  note(10, bpf_check_mtu(ctx, q->key, &length, 0, 2));
  note(11, length);
  return XDP_PASS;
}

SEC("xdp/devmap")
int on_dev(struct xdp_md *ctx) {
  return ctx->egress_ifindex == 2 ? XDP_DROP : XDP_PASS;
}

SEC("xdp/cpumap")
int on_cpu(struct xdp_md *ctx) {
  return XDP_PASS;
}

SEC("xdp.frags/devmap")
int on_dev_frags(struct xdp_md *ctx) {
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
