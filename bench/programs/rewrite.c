// SPDX-License-Identifier: MIT
/*
 * Sends a UDP packet back: swaps MAC addresses, IPv4 addresses and ports. No checksum changes with a swap, and
 * a second run undoes the first: a packet that is run again and again is always one of two.
 */
#include "payload.h"

char _license[] SEC("license") = "GPL";

SEC("xdp")
int rewrite(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct ethhdr *eth = data;
	struct iphdr *iph = (void *)(eth + 1);
	struct udphdr *udp = (void *)(iph + 1);
	__u8 mac[ETH_ALEN];
	__be32 address;
	__be16 port;

	if (!udp_payload(data, (void *)(long)ctx->data_end))
		return XDP_PASS;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	address = iph->daddr;
	iph->daddr = iph->saddr;
	iph->saddr = address;
	port = udp->dest;
	udp->dest = udp->source;
	udp->source = port;
	return XDP_TX;
}
