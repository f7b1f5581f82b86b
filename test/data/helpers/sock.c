// bpf_sk_lookup_tcp, bpf_sk_lookup_udp, bpf_skc_lookup_tcp: the packet says what to look for and gets what was found.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/** One load each: sums of a socket's address are not allowed. */
#define READ(field) (*(volatile typeof(field) *)&(field))

struct request {
  __u8 eth[14];
  __u8 which;
  __u8 size;
  __u32 netns;
  __u32 netns_high;
  __u32 flags;
  struct bpf_sock_tuple tuple;
  struct bpf_sock found;
};

static __always_inline void copy_common(struct request *request, struct bpf_sock *sk) {
  request->found.bound_dev_if = READ(sk->bound_dev_if);
  request->found.family = READ(sk->family);
  request->found.src_port = READ(sk->src_port);
  request->found.dst_port = READ(sk->dst_port);
  request->found.dst_ip4 = READ(sk->dst_ip4);
  request->found.state = READ(sk->state);
  request->found.rx_queue_mapping = READ(sk->rx_queue_mapping);
  request->found.src_ip4 = READ(sk->src_ip4);
  if (sk->family != 10) return;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    request->found.src_ip6[i] = READ(sk->src_ip6[i]);
    request->found.dst_ip6[i] = READ(sk->dst_ip6[i]);
  }
}

SEC("xdp")
int full(struct xdp_md *ctx) {
  struct request *request = (void *)(long)ctx->data;
  if ((void *)(request + 1) > (void *)(long)ctx->data_end) return -1;
  struct bpf_sock_tuple tuple = request->tuple;
  struct bpf_sock *sk;
  __u32 size = request->size;
  __u64 netns = request->netns | (__u64)request->netns_high << 32;
  if (size > sizeof(tuple)) size = sizeof(tuple);
  if (request->which == 0) sk = bpf_sk_lookup_tcp(ctx, &tuple, size, netns, request->flags);
  else sk = bpf_sk_lookup_udp(ctx, &tuple, size, netns, request->flags);
  if (!sk) return 0;
  copy_common(request, sk);
  request->found.type = READ(sk->type);
  request->found.protocol = READ(sk->protocol);
  request->found.mark = READ(sk->mark);
  request->found.priority = READ(sk->priority);
  bpf_sk_release(sk);
  return 1;
}

SEC("xdp")
int common(struct xdp_md *ctx) {
  struct request *request = (void *)(long)ctx->data;
  if ((void *)(request + 1) > (void *)(long)ctx->data_end) return -1;
  struct bpf_sock_tuple tuple = request->tuple;
  __u32 size = request->size;
  __u64 netns = request->netns | (__u64)request->netns_high << 32;
  if (size > sizeof(tuple)) size = sizeof(tuple);
  struct bpf_sock *sk = bpf_skc_lookup_tcp(ctx, &tuple, size, netns, request->flags);
  if (!sk) return 0;
  copy_common(request, sk);
  bpf_sk_release(sk);
  return 1;
}

char _license[] SEC("license") = "GPL";
