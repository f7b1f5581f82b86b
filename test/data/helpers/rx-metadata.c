// What the network card says of a packet beside its bytes: each kfunc's answer, and what it wrote.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/** As Linux 6.18 has it (net/xdp.h); programs of one's own have it of vmlinux.h. */
enum xdp_rss_hash_type { XDP_RSS_TYPE_NONE = 0 };

extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *timestamp) __ksym;
extern int bpf_xdp_metadata_rx_hash(const struct xdp_md *ctx, __u32 *hash, enum xdp_rss_hash_type *rss_type) __ksym;
extern int bpf_xdp_metadata_rx_vlan_tag(const struct xdp_md *ctx, __be16 *vlan_proto, __u16 *vlan_tci) __ksym;

struct seen {
  __u64 timestamp;
  __u32 hash;
  __u32 type;
  __s32 timestamp_error;
  __s32 hash_error;
  __s32 vlan_error;
  __u16 proto;
  __u16 tci;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct seen);
} answers SEC(".maps");

static __always_inline void ask(struct xdp_md *ctx) {
  __u32 zero = 0;
  __u64 timestamp = 0x1111111111111111;
  __u32 hash = 0x22222222;
  enum xdp_rss_hash_type type = 0x33333333;
  __u16 proto = 0x4444, tci = 0x5555;
  struct seen *seen = bpf_map_lookup_elem(&answers, &zero);
  if (!seen) return;
  seen->timestamp_error = bpf_xdp_metadata_rx_timestamp(ctx, &timestamp);
  seen->hash_error = bpf_xdp_metadata_rx_hash(ctx, &hash, &type);
  seen->vlan_error = bpf_xdp_metadata_rx_vlan_tag(ctx, &proto, &tci);
  seen->timestamp = timestamp;
  seen->hash = hash;
  seen->type = type;
  seen->proto = proto;
  seen->tci = tci;
}

SEC("xdp")
int told(struct xdp_md *ctx) {
  ask(ctx);
  return XDP_PASS;
}

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} jumps SEC(".maps");

/** Jumps through an array that has no program bound to a device. */
SEC("xdp")
int jumper(struct xdp_md *ctx) {
  ask(ctx);
  bpf_tail_call(ctx, &jumps, 0);
  return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
