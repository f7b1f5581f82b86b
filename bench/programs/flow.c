// SPDX-License-Identifier: MIT
/* A flow table: the 5-tuple of an IPv4 packet as the key of a hash. */
#include "five-tuple.h"

#define ENTRIES 4096
#define FILLED 1024

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ENTRIES);
	__type(key, struct five_tuple);
	__type(value, struct traffic);
} flows SEC(".maps");

/* How far the filling is. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} filled SEC(".maps");

char _license[] SEC("license") = "GPL";

/* Counts in place what is there. */
SEC("xdp")
int lookup(struct xdp_md *ctx)
{
	struct five_tuple key;
	struct traffic *traffic;

	if (!five_tuple_of(ctx, &key))
		return XDP_ABORTED;
	traffic = bpf_map_lookup_elem(&flows, &key);
	if (!traffic)
		return XDP_DROP;
	traffic->packets++;
	traffic->bytes += ctx->data_end - ctx->data;
	return XDP_PASS;
}

/* Puts a new value in the old one's place. */
SEC("xdp")
int update(struct xdp_md *ctx)
{
	struct traffic next = { 1, ctx->data_end - ctx->data };
	struct five_tuple key;
	struct traffic *traffic;

	if (!five_tuple_of(ctx, &key))
		return XDP_ABORTED;
	traffic = bpf_map_lookup_elem(&flows, &key);
	if (traffic) {
		next.packets += traffic->packets;
		next.bytes += traffic->bytes;
	}
	return bpf_map_update_elem(&flows, &key, &next, BPF_ANY) ? XDP_DROP : XDP_PASS;
}

/* A flow that comes and goes: one element more, and away again. */
SEC("xdp")
int churn(struct xdp_md *ctx)
{
	struct traffic one = { 1, ctx->data_end - ctx->data };
	struct five_tuple key;

	if (!five_tuple_of(ctx, &key))
		return XDP_ABORTED;
	key.source_port ^= bpf_htons(1);
	if (bpf_map_update_elem(&flows, &key, &one, BPF_NOEXIST))
		return XDP_DROP;
	return bpf_map_delete_elem(&flows, &key) ? XDP_DROP : XDP_PASS;
}

/* One run, one flow: first that of the packet, then its neighbours. */
SEC("xdp")
int fill(struct xdp_md *ctx)
{
	__u32 zero = 0, *at = bpf_map_lookup_elem(&filled, &zero);
	struct traffic none = {};
	struct five_tuple key;

	if (!at || !five_tuple_of(ctx, &key))
		return XDP_ABORTED;
	if (*at >= FILLED)
		return XDP_PASS;
	key.source ^= bpf_htonl(*at);
	bpf_map_update_elem(&flows, &key, &none, BPF_ANY);
	++*at;
	return XDP_PASS;
}
