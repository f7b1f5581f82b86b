// Translated connections: a new one is allocated, its addresses are set, it is inserted; what finds it, and how it looks, goes to a map.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_ct_opts {
  __s32 netns_id;
  __s32 error;
  __u8 l4proto;
  __u8 dir;
  __u16 ct_zone_id;
  __u8 ct_zone_dir;
  __u8 reserved[3];
};

/** As Linux 6.18 lays it out; programs of one's own would relocate the offset. */
struct nf_conn {
  __u8 before[128];
  __u64 status;
};
struct nf_conn___init {};
union nf_inet_addr {
  __u32 all[4];
};
enum nf_nat_manip_type { NF_NAT_MANIP_SRC, NF_NAT_MANIP_DST };

extern struct nf_conn___init *bpf_xdp_ct_alloc(struct xdp_md *, struct bpf_sock_tuple *, __u32, struct bpf_ct_opts *, __u32) __ksym;
extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *, struct bpf_sock_tuple *, __u32, struct bpf_ct_opts *, __u32) __ksym;
extern struct nf_conn *bpf_ct_insert_entry(struct nf_conn___init *) __ksym;
extern void bpf_ct_release(struct nf_conn *) __ksym;
extern int bpf_ct_set_nat_info(struct nf_conn___init *, union nf_inet_addr *, int port, enum nf_nat_manip_type) __ksym;

struct translation {
  /** 1 the source, 2 the destination, 3 both. */
  __u32 which;
  union nf_inet_addr src;
  union nf_inet_addr dst;
  __s32 src_port;
  __s32 dst_port;
};

struct request {
  __u8 eth[14];
  __u8 size;
  __u8 make;
  struct translation nat;
  struct bpf_sock_tuple tuple;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __s64);
} seen SEC(".maps");

static __always_inline void note(__u32 slot, __s64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

SEC("xdp")
int nat(struct xdp_md *ctx) {
  struct request *request = (void *)(long)ctx->data;
  if ((void *)(request + 1) > (void *)(long)ctx->data_end) return -1;
  struct request q = *request;
  struct bpf_ct_opts opts = {.netns_id = -1, .l4proto = 6, .dir = 9};
  __u32 size = q.size;
  if (size > sizeof(q.tuple)) size = sizeof(q.tuple);
  if (q.make) {
    struct nf_conn___init *init = bpf_xdp_ct_alloc(ctx, &q.tuple, size, &opts, sizeof(opts));
    if (!init) return -2;
    note(0, 1);
    note(1, 1);
    if (q.nat.which & 1) note(0, bpf_ct_set_nat_info(init, &q.nat.src, q.nat.src_port, NF_NAT_MANIP_SRC));
    if (q.nat.which & 2) note(1, bpf_ct_set_nat_info(init, &q.nat.dst, q.nat.dst_port, NF_NAT_MANIP_DST));
    struct nf_conn *ct = bpf_ct_insert_entry(init);
    if (!ct) return -3;
    note(2, ct->status);
    bpf_ct_release(ct);
    return 1;
  }
  struct nf_conn *ct = bpf_xdp_ct_lookup(ctx, &q.tuple, size, &opts, sizeof(opts));
  if (!ct) return opts.error;
  note(2, ct->status);
  bpf_ct_release(ct);
  return 10 + opts.dir;
}

char _license[] SEC("license") = "GPL";
