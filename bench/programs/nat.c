// SPDX-License-Identifier: MIT
/*
 * Stateless address and port translation: both addresses and both ports change, IP and TCP or UDP checksums with them,
 * incrementally (RFC 1624). What maps one side to the other is an exclusive or, so that a second run undoes the first
 * and no run does less than another.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* 192.0.2.0/24 <-> 203.0.113.0/24 and 198.51.100.0/24 <-> 10.11.12.0/24. */
#define SOURCE_NET bpf_htonl(0xc0000200 ^ 0xcb007100)
#define DESTINATION_NET bpf_htonl(0xc6336400 ^ 0x0a0b0c00)
#define PORTS bpf_htons(0x2710)

char _license[] SEC("license") = "GPL";

static __always_inline __u32 halves(__u32 word)
{
	return (word & 0xffff) + (word >> 16);
}

/* Eqn. 3 of RFC 1624, HC' = ~(~HC + ~m + m'), `change` being the sum of all ~m and m'. */
static __always_inline __u16 adjusted(__u16 checksum, __u32 change)
{
	__u32 sum = (__u16)~checksum + change;

	sum = halves(sum);
	sum = halves(sum);
	return ~sum;
}

static __always_inline __u32 translate_word(__be32 *word, __be32 net)
{
	__be32 before = *word, after = before ^ net;

	*word = after;
	return halves(~before) + halves(after);
}

static __always_inline __u32 translate_half(__be16 *half, __be16 bits)
{
	__be16 before = *half, after = before ^ bits;

	*half = after;
	return (__u16)~before + after;
}

SEC("xdp")
int nat(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *iph = (void *)(eth + 1);
	struct udphdr *ports = (void *)(iph + 1);
	__u32 addresses, change;

	if ((void *)(ports + 1) > data_end)
		return XDP_ABORTED;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || iph->ihl != 5)
		return XDP_PASS;
	if (iph->protocol == IPPROTO_TCP) {
		if ((void *)(ports + 1) + sizeof(struct tcphdr) - sizeof(*ports) > data_end)
			return XDP_ABORTED;
	} else if (iph->protocol != IPPROTO_UDP) {
		return XDP_PASS;
	}

	addresses = translate_word(&iph->saddr, SOURCE_NET) + translate_word(&iph->daddr, DESTINATION_NET);
	iph->check = adjusted(iph->check, addresses);
	change = addresses + translate_half(&ports->source, PORTS) + translate_half(&ports->dest, PORTS);
	if (iph->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = (void *)ports;

		tcp->check = adjusted(tcp->check, change);
	} else if (ports->check) {
		__u16 check = adjusted(ports->check, change);

		/* In UDP zero means that there is none. */
		ports->check = check ? check : 0xffff;
	}
	return XDP_TX;
}
