// SPDX-License-Identifier: MIT
/*
 * Counts packets and bytes by IP protocol: a lookup and two additions to memory. In a per-CPU array, and in one for all
 * CPUs, where the additions are atomic.
 */
#include "payload.h"

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct traffic);
} traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct traffic);
} shared SEC(".maps");

char _license[] SEC("license") = "GPL";

SEC("xdp")
int counter(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *iph = (void *)(eth + 1);
	struct traffic *count;
	__u32 protocol;

	if ((void *)(iph + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	protocol = iph->protocol;
	count = bpf_map_lookup_elem(&traffic, &protocol);
	if (!count)
		return XDP_ABORTED;
	count->packets++;
	count->bytes += data_end - data;
	return XDP_PASS;
}

SEC("xdp")
int counter_atomic(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *iph = (void *)(eth + 1);
	struct traffic *count;
	__u32 protocol;

	if ((void *)(iph + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	protocol = iph->protocol;
	count = bpf_map_lookup_elem(&shared, &protocol);
	if (!count)
		return XDP_ABORTED;
	__sync_fetch_and_add(&count->packets, 1);
	__sync_fetch_and_add(&count->bytes, data_end - data);
	return XDP_PASS;
}
