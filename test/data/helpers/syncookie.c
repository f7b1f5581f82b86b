// SYN cookies: made for the SYN in the packet, and checked as the ACK brings them back. What comes out is written over the packet's start.
#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct segment {
  struct tcphdr tcp;
  __u8 options[40];
};

struct request {
  __u8 eth[14];
  /** 4 or 6; 1 besides: what is sent back is not what was given. */
  __u8 version;
  __u8 spoil;
  __u8 size;
  __u8 wait;
  __u8 padding[2];
  union {
    struct iphdr v4;
    struct ipv6hdr v6;
  };
  struct segment segment;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 8);
  __type(key, __u32);
  __type(value, __u64);
} cookies SEC(".maps");

static __always_inline void note(__u32 slot, __u64 value) {
  bpf_map_update_elem(&cookies, &slot, &value, BPF_ANY);
}

/** The ACK that answers a SYN whose cookie is known. */
static __always_inline void answer(struct segment *ack, const struct segment *syn, __u32 cookie, __u8 spoil) {
  *ack = *syn;
  ack->tcp.seq = bpf_htonl(bpf_ntohl(syn->tcp.seq) + 1);
  ack->tcp.ack_seq = bpf_htonl(cookie + 1 + (spoil == 1));
  ack->tcp.syn = 0;
  ack->tcp.ack = 1;
  if (spoil == 2) ack->tcp.source ^= 1;
  if (spoil == 3) ack->tcp.seq ^= 1;
}

SEC("xdp")
int raw(struct xdp_md *ctx) {
  struct request *request = (void *)(long)ctx->data;
  if ((void *)(request + 1) > (void *)(long)ctx->data_end) return -1;
  struct segment syn = request->segment;
  struct segment ack;
  __u32 size = request->size;
  if (size > sizeof(syn)) size = sizeof(syn);
  struct ipv6hdr six = request->v6;
  struct iphdr four = request->v4;
  long made = request->version == 4 ? bpf_tcp_raw_gen_syncookie_ipv4(&four, &syn.tcp, size)
                                    : bpf_tcp_raw_gen_syncookie_ipv6(&six, &syn.tcp, size);
  note(0, made < 0 ? made : made >> 32);
  if (made < 0) return made;
  answer(&ack, &syn, made, request->spoil);
  long good = request->version == 4 ? bpf_tcp_raw_check_syncookie_ipv4(&four, &ack.tcp)
                                    : bpf_tcp_raw_check_syncookie_ipv6(&six, &ack.tcp);
  note(1, good);
  return good;
}

SEC("xdp")
int listener(struct xdp_md *ctx) {
  struct request *request = (void *)(long)ctx->data;
  if ((void *)(request + 1) > (void *)(long)ctx->data_end) return -1;
  struct segment syn = request->segment;
  struct segment ack;
  struct bpf_sock_tuple tuple = {};
  __u32 size = request->size, isv4 = request->version == 4;
  if (size > sizeof(syn)) size = sizeof(syn);
  if (size < 1) size = 1;
  struct ipv6hdr six = request->v6;
  struct iphdr four = request->v4;
  if (isv4) {
    tuple.ipv4.saddr = four.saddr;
    tuple.ipv4.daddr = four.daddr;
    tuple.ipv4.sport = syn.tcp.source;
    tuple.ipv4.dport = syn.tcp.dest;
  } else {
    __builtin_memcpy(tuple.ipv6.saddr, &six.saddr, 32);
    tuple.ipv6.sport = syn.tcp.source;
    tuple.ipv6.dport = syn.tcp.dest;
  }
  struct bpf_sock *sk = bpf_skc_lookup_tcp(ctx, &tuple, isv4 ? sizeof(tuple.ipv4) : sizeof(tuple.ipv6), -1, 0);
  if (!sk) return 1;
  answer(&ack, &syn, 12345, 0);
  note(2, bpf_tcp_check_syncookie(sk, &six, isv4 ? 20 : 40, &ack.tcp, size));
  long made = bpf_tcp_gen_syncookie(sk, &six, isv4 ? 20 : 40, &syn.tcp, size);
  note(3, made < 0 ? made : made >> 32);
  answer(&ack, &syn, made, request->spoil);
  long good = bpf_tcp_check_syncookie(sk, &six, isv4 ? 20 : 40, &ack.tcp, size);
  note(4, good);
  bpf_sk_release(sk);
  return made < 0 ? made : good;
}

char _license[] SEC("license") = "GPL";
