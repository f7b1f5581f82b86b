/* SPDX-License-Identifier: MIT */
/* Addresses, ports and protocol of a packet: what flow tables are keyed by. */
#pragma once
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct five_tuple {
	__be32 source;
	__be32 destination;
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol;
	__u8 padding[3];
};

/* Both ports are where they are in TCP and in UDP. False for anything else, and for IPv4 with options. */
static __always_inline int five_tuple_of(struct xdp_md *ctx, struct five_tuple *key)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *iph = (void *)(eth + 1);
	__be16 *ports = (void *)(iph + 1);

	if ((void *)(ports + 2) > data_end)
		return 0;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || iph->ihl != 5)
		return 0;
	if (iph->protocol != IPPROTO_TCP && iph->protocol != IPPROTO_UDP)
		return 0;
	*key = (struct five_tuple){ iph->saddr, iph->daddr, ports[0], ports[1], iph->protocol, {} };
	return 1;
}
