// Connection tracking from XDP: the packet says what is asked with, the map gets what came out.
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
union nf_inet_addr;

extern struct nf_conn___init *bpf_xdp_ct_alloc(struct xdp_md *, struct bpf_sock_tuple *, __u32, struct bpf_ct_opts *, __u32) __ksym;
extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *, struct bpf_sock_tuple *, __u32, struct bpf_ct_opts *, __u32) __ksym;
extern struct nf_conn *bpf_ct_insert_entry(struct nf_conn___init *) __ksym;
extern void bpf_ct_release(struct nf_conn *) __ksym;
extern void bpf_ct_set_timeout(struct nf_conn___init *, __u32) __ksym;
extern int bpf_ct_change_timeout(struct nf_conn *, __u32) __ksym;
extern int bpf_ct_set_status(const struct nf_conn___init *, __u32) __ksym;
extern int bpf_ct_change_status(struct nf_conn *, __u32) __ksym;

struct request {
  __u8 eth[14];
  __u8 size;
  __u8 opts_size;
  struct bpf_ct_opts opts;
  __u32 timeout;
  __u32 status;
  __u32 change;
  __u32 insert;
  struct bpf_sock_tuple tuple;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 8);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

static __always_inline void note(__u32 slot, __u64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

SEC("xdp")
int track(struct xdp_md *ctx) {
  struct request *request = (void *)(long)ctx->data;
  if ((void *)(request + 1) > (void *)(long)ctx->data_end) return -1;
  struct request q = *request;
  struct bpf_ct_opts opts = q.opts;
  __u32 size = q.size;
  if (size > sizeof(q.tuple)) size = sizeof(q.tuple);
  note(0, 0);
  note(1, 0);
  note(2, 0);
  struct nf_conn *ct = q.opts_size == 12 ? bpf_xdp_ct_lookup(ctx, &q.tuple, size, &opts, 12)
                       : q.opts_size == 8 ? bpf_xdp_ct_lookup(ctx, &q.tuple, size, &opts, 8)
                                          : bpf_xdp_ct_lookup(ctx, &q.tuple, size, &opts, 16);
  request->opts = opts;
  if (ct) {
    note(0, ct->status);
    note(1, bpf_ct_change_timeout(ct, q.timeout));
    note(2, bpf_ct_change_status(ct, q.change));
    __u64 status = ct->status;
    bpf_ct_release(ct);
    note(3, status);
    return 1;
  }
  if (!q.insert) return 2;
  opts = q.opts;
  struct nf_conn___init *init = q.opts_size == 12 ? bpf_xdp_ct_alloc(ctx, &q.tuple, size, &opts, 12)
                                                  : bpf_xdp_ct_alloc(ctx, &q.tuple, size, &opts, 16);
  request->opts = opts;
  if (!init) return 3;
  bpf_ct_set_timeout(init, q.timeout);
  note(4, bpf_ct_set_status(init, q.status));
  ct = bpf_ct_insert_entry(init);
  if (!ct) return 4;
  note(5, ct->status);
  bpf_ct_release(ct);
  return 5;
}

char _license[] SEC("license") = "GPL";
