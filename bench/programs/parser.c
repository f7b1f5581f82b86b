// SPDX-License-Identifier: MIT
/* A packet parser unrolled by the compiler: VLAN tags, IPv6 extension headers, TCP options, tunnels in tunnels. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_TAGS 3
#define MAX_EXTENSIONS 4
#define MAX_TCP_OPTIONS 4
#define MAX_TUNNELS 24

char _license[] SEC("license") = "GPL";

struct flow {
	__u32 addresses[8];
	__u16 ports[2];
	__u8 protocol;
	__u8 tags;
	__u16 mss;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct flow);
	__type(value, __u64);
} flows SEC(".maps");

struct cursor {
	void *start;
	void *at;
	void *end;
};

struct extension {
	__u8 next;
	__u8 length;
};

static __always_inline void *take(struct cursor *cursor, __u32 bytes)
{
	void *at = cursor->at;

	/* One register for the check and the access: what is proven of a sum does not hold for another. */
	asm volatile("" : "+r"(at));
	if (at + bytes > cursor->end)
		return NULL;
	cursor->at = at + bytes;
	return at;
}

static __always_inline int parse_tags(struct cursor *cursor, struct flow *flow, __u16 protocol)
{
#pragma unroll
	for (int i = 0; i < MAX_TAGS; i++) {
		__u16 *tag;

		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		tag = take(cursor, 4);
		if (!tag)
			return -1;
		flow->tags++;
		protocol = tag[1];
	}
	return protocol;
}

static __always_inline int parse_extensions(struct cursor *cursor, __u8 next)
{
#pragma unroll
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		struct extension *header;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS && next != IPPROTO_FRAGMENT)
			return next;
		header = take(cursor, 8);
		if (!header)
			return -1;
		if (next != IPPROTO_FRAGMENT && header->length > 0) {
			if (header->length > 1 || !take(cursor, 8))
				return -1;
		}
		next = header->next;
	}
	return -1;
}

static __always_inline void parse_tcp_options(struct cursor *cursor, struct flow *flow, __u32 bytes)
{
#pragma unroll
	for (int i = 0; i < MAX_TCP_OPTIONS; i++) {
		__u8 *option = take(cursor, 1);
		__u8 *length;

		if (!option || *option == 0)
			return;
		if (*option == 1)
			continue;
		length = take(cursor, 1);
		if (!length)
			return;
		if (*option == 2) {
			__u8 *mss = take(cursor, 2);

			if (!mss)
				return;
			flow->mss = mss[0] << 8 | mss[1];
		} else if (*option == 3) {
			if (!take(cursor, 1))
				return;
		} else if (*option == 8) {
			if (!take(cursor, 8))
				return;
		} else if (*option != 4) {
			return;
		}
	}
}

static __always_inline int parse_transport(struct cursor *cursor, struct flow *flow)
{
	if (flow->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = take(cursor, sizeof(*tcp));

		if (!tcp)
			return -1;
		flow->ports[0] = tcp->source;
		flow->ports[1] = tcp->dest;
		if (tcp->doff > 5)
			parse_tcp_options(cursor, flow, tcp->doff * 4 - sizeof(*tcp));
		return 0;
	}
	if (flow->protocol == IPPROTO_UDP) {
		struct udphdr *udp = take(cursor, sizeof(*udp));

		if (!udp)
			return -1;
		flow->ports[0] = udp->source;
		flow->ports[1] = udp->dest;
		return 0;
	}
	return 0;
}

static __always_inline int parse_ipv4(struct cursor *cursor, struct flow *flow)
{
	struct iphdr *ip = take(cursor, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return -1;
	if (ip->ihl > 5 && (ip->ihl > 6 || !take(cursor, 4)))
		return -1;
	flow->addresses[0] = ip->saddr;
	flow->addresses[4] = ip->daddr;
	flow->protocol = ip->protocol;
	return 0;
}

static __always_inline int parse_ipv6(struct cursor *cursor, struct flow *flow)
{
	struct ipv6hdr *ip = take(cursor, sizeof(*ip));
	int next;

	if (!ip || ip->version != 6)
		return -1;
	__builtin_memcpy(flow->addresses, &ip->saddr, 16);
	__builtin_memcpy(flow->addresses + 4, &ip->daddr, 16);
	next = parse_extensions(cursor, ip->nexthdr);
	if (next < 0)
		return -1;
	flow->protocol = next;
	return 0;
}

static __always_inline int parse_network(struct cursor *cursor, struct flow *flow, __u16 protocol)
{
	if (protocol == bpf_htons(ETH_P_IP))
		return parse_ipv4(cursor, flow);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(cursor, flow);
	return -1;
}

/* However the cursor came where it is: from here on all that is known is that it is not far from the start, so that paths meet again. */
static __always_inline void forget_path(struct cursor *cursor)
{
	__u64 offset = cursor->at - cursor->start;

	asm volatile("" : "+r"(offset));
	offset &= 0xfff;
	asm volatile("" : "+r"(offset));
	cursor->at = cursor->start + offset;
}

/* An IP packet in the IP packet before it, if there is one. */
static __always_inline int parse_tunnel(struct cursor *cursor, struct flow *flow)
{
	if (flow->protocol == IPPROTO_IPIP)
		return parse_ipv4(cursor, flow);
	if (flow->protocol == IPPROTO_IPV6)
		return parse_ipv6(cursor, flow);
	return 0;
}

static __always_inline int count(struct flow *flow, __u64 bytes)
{
	__u64 *seen = bpf_map_lookup_elem(&flows, flow);

	if (!seen)
		return bpf_map_update_elem(&flows, flow, &bytes, BPF_ANY);
	__sync_fetch_and_add(seen, bytes);
	return 0;
}

SEC("xdp")
int parser(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct cursor cursor = { data, data, (void *)(long)ctx->data_end };
	__u64 bytes = cursor.end - cursor.at;
	struct flow flow = {};
	struct ethhdr *eth = take(&cursor, sizeof(*eth));
	int protocol;

	if (!eth)
		return XDP_DROP;
	protocol = parse_tags(&cursor, &flow, eth->h_proto);
	if (protocol < 0 || parse_network(&cursor, &flow, protocol) < 0)
		return XDP_PASS;
#pragma unroll
	for (int i = 0; i < MAX_TUNNELS; i++) {
		forget_path(&cursor);
		if (parse_tunnel(&cursor, &flow) < 0)
			return XDP_DROP;
	}
	forget_path(&cursor);
	if (parse_transport(&cursor, &flow) < 0)
		return XDP_DROP;
	count(&flow, bytes);
	return XDP_PASS;
}
