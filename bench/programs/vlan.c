// SPDX-License-Identifier: MIT
/* Pushes an 802.1Q tag, looks at what it made, and pops the tag: each way the packet's front moves by bpf_xdp_adjust_head. */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TAG 42

struct vlan_ethhdr {
	__u8 destination[ETH_ALEN];
	__u8 source[ETH_ALEN];
	__be16 tpid;
	__be16 tci;
	__be16 protocol;
};

char _license[] SEC("license") = "GPL";

static __always_inline int push(struct xdp_md *ctx)
{
	struct vlan_ethhdr *tagged;
	struct ethhdr *eth;

	if (bpf_xdp_adjust_head(ctx, -4))
		return -1;
	tagged = (void *)(long)ctx->data;
	eth = (void *)tagged + 4;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return -1;
	__builtin_memmove(tagged->destination, eth->h_dest, 2 * ETH_ALEN);
	tagged->tpid = bpf_htons(ETH_P_8021Q);
	tagged->tci = bpf_htons(TAG);
	return 0;
}

static __always_inline int pop(struct xdp_md *ctx)
{
	struct vlan_ethhdr *tagged = (void *)(long)ctx->data;
	struct ethhdr *eth = (void *)tagged + 4;
	__u8 addresses[2 * ETH_ALEN];

	if ((void *)(tagged + 1) > (void *)(long)ctx->data_end)
		return -1;
	if (tagged->tpid != bpf_htons(ETH_P_8021Q))
		return -1;
	__builtin_memcpy(addresses, tagged->destination, sizeof(addresses));
	__builtin_memcpy(eth->h_dest, addresses, sizeof(addresses));
	return bpf_xdp_adjust_head(ctx, 4);
}

SEC("xdp")
int vlan(struct xdp_md *ctx)
{
	return push(ctx) || pop(ctx) ? XDP_ABORTED : XDP_TX;
}
