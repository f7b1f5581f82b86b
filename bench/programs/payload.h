/* SPDX-License-Identifier: MIT */
/* Where the payload of an IPv4/UDP packet begins: what every program with a loop does first. */
#pragma once
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* NULL for anything but UDP in IPv4 without options. */
static __always_inline void *udp_payload(void *data, void *data_end)
{
	struct ethhdr *eth = data;
	struct iphdr *iph = (void *)(eth + 1);
	struct udphdr *udp = (void *)(iph + 1);

	if ((void *)(udp + 1) > data_end)
		return NULL;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || iph->ihl != 5 || iph->protocol != IPPROTO_UDP)
		return NULL;
	return udp + 1;
}

/* A return value that shows the whole result: the bench compares it with the kernel's. */
static __always_inline int fold(__u64 value)
{
	return (__u32)(value ^ value >> 32);
}
