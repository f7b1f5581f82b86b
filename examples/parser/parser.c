// SPDX-License-Identifier: MIT
/*
 * A packet parser in pieces: one program for each protocol, joined by tail calls.
 *
 * Each stage checks its header, counts, moves the cursor behind it and jumps to the program of the protocol that comes next. Two prog arrays say
 * which one that is: by EtherType for layer 3, by protocol number for layer 4 and the extension headers of IPv6. A protocol is added, replaced or
 * taken away by changing a slot, while packets flow. Tags (VLAN, QinQ) and extension headers jump to themselves, as often as there are any; the
 * limit of 33 tail calls ends what never ends.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Of ICMP and ICMPv6: type, code, checksum and a word that depends. */
#define ICMP_HEADER 8
#define IP_MF 0x2000
#define IP_OFFSET_MASK 0x1fff
#define IP6_MF 1
#define IP6_OFFSET_MASK 0xfff8
/* No packet's headers end behind this: what the verifier needs to know of the cursor. */
#define OFFSET_MAX 0x7ff
/* MAX_TAIL_CALL_CNT of the kernel: one more falls through. */
#define JUMPS_MAX 33

enum counter {
	COUNT_PACKETS,
	COUNT_VLAN,
	COUNT_QINQ,
	COUNT_ARP,
	COUNT_IPV4,
	COUNT_IPV4_OPTIONS,
	COUNT_IPV6,
	COUNT_EXTENSION,
	COUNT_FRAGMENT,
	COUNT_TCP,
	COUNT_UDP,
	COUNT_ICMP,
	COUNT_ICMPV6,
	COUNT_OTHER_L3,
	COUNT_OTHER_L4,
	/* A header that is cut or says what cannot be. */
	COUNT_MALFORMED,
	/* More headers than there are tail calls. */
	COUNT_TOO_DEEP,
	COUNT_COUNT,
};

/* Slots of `layer3`: EtherTypes are too far apart for an array. */
enum ethertype {
	ETHERTYPE_IPV4,
	ETHERTYPE_IPV6,
	ETHERTYPE_ARP,
	ETHERTYPE_VLAN,
	ETHERTYPE_COUNT,
};

/* What a stage leaves to the next one. */
struct cursor {
	__u32 offset;
	/* Of the header at `offset`: EtherType or IP protocol, host order. */
	__u16 protocol;
	__u8 tags;
	/* Tail calls so far. */
	__u8 jumps;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cursor);
} cursors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* By IP protocol number, of what lies behind IP and its extension headers. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 256);
	__type(key, __u8);
	__type(value, __u64);
} protocols SEC(".maps");

int parse_ipv4(struct xdp_md *ctx);
int parse_ipv6(struct xdp_md *ctx);
int parse_arp(struct xdp_md *ctx);
int parse_vlan(struct xdp_md *ctx);
int parse_extension(struct xdp_md *ctx);
int parse_tcp(struct xdp_md *ctx);
int parse_udp(struct xdp_md *ctx);
int parse_icmp(struct xdp_md *ctx);
int parse_icmpv6(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, ETHERTYPE_COUNT);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} layer3 SEC(".maps") = {
	.values = {
		[ETHERTYPE_IPV4] = (void *)&parse_ipv4,
		[ETHERTYPE_IPV6] = (void *)&parse_ipv6,
		[ETHERTYPE_ARP] = (void *)&parse_arp,
		[ETHERTYPE_VLAN] = (void *)&parse_vlan,
	},
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 256);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} layer4 SEC(".maps") = {
	.values = {
		[IPPROTO_HOPOPTS] = (void *)&parse_extension,
		[IPPROTO_ICMP] = (void *)&parse_icmp,
		[IPPROTO_TCP] = (void *)&parse_tcp,
		[IPPROTO_UDP] = (void *)&parse_udp,
		[IPPROTO_ROUTING] = (void *)&parse_extension,
		[IPPROTO_FRAGMENT] = (void *)&parse_extension,
		[IPPROTO_ICMPV6] = (void *)&parse_icmpv6,
		[IPPROTO_DSTOPTS] = (void *)&parse_extension,
	},
};

char _license[] SEC("license") = "Dual MIT/GPL";

static __always_inline void count(__u32 counter)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &counter);

	if (value)
		*value += 1;
}

static __always_inline int finish(__u32 counter, int verdict)
{
	count(counter);
	return verdict;
}

static __always_inline struct cursor *find_cursor(void)
{
	const __u32 zero = 0;

	return bpf_map_lookup_elem(&cursors, &zero);
}

/* The header at the cursor, or NULL when the packet ends inside it. */
static __always_inline void *header(struct xdp_md *ctx, const struct cursor *cursor, __u32 bytes)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	__u32 offset = cursor->offset;
	void *at;

	if (offset > OFFSET_MAX)
		return NULL;
	at = data + offset;
	return at + bytes > data_end ? NULL : at;
}

static __always_inline void count_protocol(__u8 protocol)
{
	__u64 *packets = bpf_map_lookup_elem(&protocols, &protocol), first = 1;

	if (packets)
		*packets += 1;
	else
		bpf_map_update_elem(&protocols, &protocol, &first, BPF_NOEXIST);
}

/* Jumps to layer 3; comes back where nobody waits for that EtherType. */
static __always_inline int next_layer3(struct xdp_md *ctx, struct cursor *cursor)
{
	if (cursor->jumps++ == JUMPS_MAX)
		return finish(COUNT_TOO_DEEP, XDP_DROP);
	switch (cursor->protocol) {
	case ETH_P_IP:
		bpf_tail_call(ctx, &layer3, ETHERTYPE_IPV4);
		break;
	case ETH_P_IPV6:
		bpf_tail_call(ctx, &layer3, ETHERTYPE_IPV6);
		break;
	case ETH_P_ARP:
		bpf_tail_call(ctx, &layer3, ETHERTYPE_ARP);
		break;
	case ETH_P_8021Q:
	case ETH_P_8021AD:
		bpf_tail_call(ctx, &layer3, ETHERTYPE_VLAN);
		break;
	}
	return finish(COUNT_OTHER_L3, XDP_PASS);
}

static __always_inline int next_layer4(struct xdp_md *ctx, struct cursor *cursor)
{
	__u32 protocol = cursor->protocol & 0xff;

	if (cursor->jumps++ == JUMPS_MAX)
		return finish(COUNT_TOO_DEEP, XDP_DROP);
	bpf_tail_call(ctx, &layer4, protocol);
	count_protocol(protocol);
	return finish(COUNT_OTHER_L4, XDP_PASS);
}

SEC("xdp")
int parse_ethernet(struct xdp_md *ctx)
{
	struct cursor *cursor = find_cursor();
	struct ethhdr *eth;

	if (!cursor)
		return XDP_ABORTED;
	count(COUNT_PACKETS);
	cursor->offset = 0;
	cursor->tags = 0;
	cursor->jumps = 0;
	eth = header(ctx, cursor, sizeof(*eth));
	if (!eth)
		return finish(COUNT_MALFORMED, XDP_DROP);
	cursor->offset = sizeof(*eth);
	cursor->protocol = bpf_ntohs(eth->h_proto);
	return next_layer3(ctx, cursor);
}

SEC("xdp")
int parse_vlan(struct xdp_md *ctx)
{
	struct cursor *cursor = find_cursor();
	/* Tag control information, and the EtherType of what follows. */
	__be16 *tag;

	if (!cursor)
		return XDP_ABORTED;
	tag = header(ctx, cursor, 2 * sizeof(*tag));
	if (!tag)
		return finish(COUNT_MALFORMED, XDP_DROP);
	cursor->tags += 1;
	/* A packet counts once as tagged, and once more with the second tag. */
	if (cursor->tags == 1)
		count(COUNT_VLAN);
	else if (cursor->tags == 2)
		count(COUNT_QINQ);
	cursor->offset += 2 * sizeof(*tag);
	cursor->protocol = bpf_ntohs(tag[1]);
	return next_layer3(ctx, cursor);
}

SEC("xdp")
int parse_arp(struct xdp_md *ctx)
{
	struct cursor *cursor = find_cursor();

	if (!cursor)
		return XDP_ABORTED;
	/* For Ethernet and IPv4. */
	if (!header(ctx, cursor, 28))
		return finish(COUNT_MALFORMED, XDP_DROP);
	return finish(COUNT_ARP, XDP_PASS);
}

SEC("xdp")
int parse_ipv4(struct xdp_md *ctx)
{
	struct cursor *cursor = find_cursor();
	struct iphdr *iph;

	if (!cursor)
		return XDP_ABORTED;
	iph = header(ctx, cursor, sizeof(*iph));
	if (!iph || iph->version != 4 || iph->ihl < 5 || bpf_ntohs(iph->tot_len) < iph->ihl * 4)
		return finish(COUNT_MALFORMED, XDP_DROP);
	count(COUNT_IPV4);
	if (iph->ihl > 5)
		count(COUNT_IPV4_OPTIONS);
	if (iph->frag_off & bpf_htons(IP_MF | IP_OFFSET_MASK))
		count(COUNT_FRAGMENT);
	/* Layer 4 begins in the first fragment only. */
	if (iph->frag_off & bpf_htons(IP_OFFSET_MASK)) {
		count_protocol(iph->protocol);
		return XDP_PASS;
	}
	cursor->offset += iph->ihl * 4;
	cursor->protocol = iph->protocol;
	return next_layer4(ctx, cursor);
}

SEC("xdp")
int parse_ipv6(struct xdp_md *ctx)
{
	struct cursor *cursor = find_cursor();
	struct ipv6hdr *ip6h;

	if (!cursor)
		return XDP_ABORTED;
	ip6h = header(ctx, cursor, sizeof(*ip6h));
	if (!ip6h || ip6h->version != 6)
		return finish(COUNT_MALFORMED, XDP_DROP);
	count(COUNT_IPV6);
	cursor->offset += sizeof(*ip6h);
	cursor->protocol = ip6h->nexthdr;
	return next_layer4(ctx, cursor);
}

/* Hop-by-hop options, routing, fragment and destination options (RFC 8200, section 4): all begin alike. */
SEC("xdp")
int parse_extension(struct xdp_md *ctx)
{
	struct cursor *cursor = find_cursor();
	/* Next header, length in units of 8 bytes without the first, and six bytes more at least. */
	__u8 *ext;

	if (!cursor)
		return XDP_ABORTED;
	ext = header(ctx, cursor, 8);
	if (!ext)
		return finish(COUNT_MALFORMED, XDP_DROP);
	count(COUNT_EXTENSION);
	if (cursor->protocol == IPPROTO_FRAGMENT) {
		__u16 offset = bpf_ntohs(*(__be16 *)(ext + 2));

		if (offset & (IP6_MF | IP6_OFFSET_MASK))
			count(COUNT_FRAGMENT);
		cursor->offset += 8;
		cursor->protocol = ext[0];
		if (offset & IP6_OFFSET_MASK) {
			count_protocol(ext[0]);
			return XDP_PASS;
		}
	} else {
		cursor->offset += (ext[1] + 1) * 8;
		cursor->protocol = ext[0];
	}
	return next_layer4(ctx, cursor);
}

/* Layer 4: the fixed part of the header must be there. */
static __always_inline int layer4_end(struct xdp_md *ctx, __u32 bytes, __u32 counter)
{
	struct cursor *cursor = find_cursor();

	if (!cursor)
		return XDP_ABORTED;
	if (!header(ctx, cursor, bytes))
		return finish(COUNT_MALFORMED, XDP_DROP);
	count_protocol(cursor->protocol);
	return finish(counter, XDP_PASS);
}

SEC("xdp")
int parse_tcp(struct xdp_md *ctx)
{
	return layer4_end(ctx, sizeof(struct tcphdr), COUNT_TCP);
}

SEC("xdp")
int parse_udp(struct xdp_md *ctx)
{
	return layer4_end(ctx, sizeof(struct udphdr), COUNT_UDP);
}

SEC("xdp")
int parse_icmp(struct xdp_md *ctx)
{
	return layer4_end(ctx, ICMP_HEADER, COUNT_ICMP);
}

SEC("xdp")
int parse_icmpv6(struct xdp_md *ctx)
{
	return layer4_end(ctx, ICMP_HEADER, COUNT_ICMPV6);
}
