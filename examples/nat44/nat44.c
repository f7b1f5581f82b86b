// SPDX-License-Identifier: MIT
/*
 * Network address and port translation for IPv4 (NAT44, RFC 3022), for TCP, UDP and ICMP echo.
 *
 * Hosts of the inside network share one outside address. The first packet of a flow takes a port of that address; both directions are
 * remembered in hash maps that forget what was not used for the longest time. Checksums are updated, not computed anew (RFC 1624).
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ICMP_ECHOREPLY 0
#define ICMP_ECHO 8
#define FRAGMENT_MASK 0x3fff /* more fragments, or an offset */
#define FLOWS 4096
/* Ports that are tried for a new flow. */
#define PORT_TRIES 16

/* linux/icmp.h takes half the C library with it. */
struct icmp_echo {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__be16 id;
	__be16 sequence;
};

/* One direction of a flow as the packet has it. Ports in host order; the identifier of ICMP echo stands for both. */
struct tuple {
	__u8 src[4];
	__u8 dst[4];
	__u16 sport;
	__u16 dport;
	__u8 protocol;
	__u8 unused[3];
};

/* What an outgoing packet becomes. */
struct outgoing {
	__u16 port;
	__u16 unused[3];
	__u64 packets;
	__u64 bytes;
};

/* What an incoming packet becomes. */
struct incoming {
	__u8 addr[4];
	__u16 port;
	__u8 mac[6];
	__u16 unused[2];
	__u64 packets;
	__u64 bytes;
};

enum event {
	EVENT_OUT,
	EVENT_IN,
	EVENT_NEW_FLOW,
	/* Every port that was tried is in use: dropped. */
	EVENT_NO_PORT,
	/* From outside, and nobody asked: dropped. */
	EVENT_UNKNOWN,
	/* Fragments, protocols without ports, headers that are cut: dropped. */
	EVENT_UNSUPPORTED,
	EVENT_COUNT,
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS);
	__type(key, struct tuple);
	__type(value, struct outgoing);
} outgoing_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS);
	__type(key, struct tuple);
	__type(value, struct incoming);
} incoming_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EVENT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} events SEC(".maps");

const volatile __u8 outside_addr[4] = { 203, 0, 113, 1 };
const volatile __u8 outside_mac[6] = { 2, 0, 0, 0, 1, 1 };
const volatile __u8 gateway_mac[6] = { 2, 0, 0, 0, 1, 254 };
const volatile __u8 inside_mac[6] = { 2, 0, 0, 0, 0, 1 };
const volatile __u8 inside_net[4] = { 192, 168, 1, 0 };
const volatile __u8 inside_mask[4] = { 255, 255, 255, 0 };
const volatile __u32 inside_ifindex = 1;
const volatile __u32 outside_ifindex = 2;
const volatile __u16 port_first = 40000;
/* A power of two. */
const volatile __u16 port_count = 16384;

char _license[] SEC("license") = "Dual MIT/GPL";

/* The parts of a packet that change. */
struct packet {
	struct ethhdr *eth;
	struct iphdr *iph;
	/* The port that is translated: of the source on the way out, of the destination on the way in. */
	__be16 *port;
	/* NULL: there is none. */
	__u16 *check;
	/* UDP: a sum of 0 is written as 0xffff. */
	__u8 is_udp;
	/* Addresses are part of the transport's checksum. */
	__u8 has_pseudo;
};

static __always_inline void count(__u32 event)
{
	__u64 *counter = bpf_map_lookup_elem(&events, &event);

	if (counter)
		*counter += 1;
}

static __always_inline int drop(__u32 event)
{
	count(event);
	return XDP_DROP;
}

/* RFC 1624, equation 3: HC' = ~(~HC + ~m + m'), for a word that changes from `from` to `to`. */
static __always_inline void update16(__u16 *check, __u16 from, __u16 to)
{
	__u32 sum = (__u16)~*check;

	sum += (__u16)~from;
	sum += to;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	*check = ~sum;
}

static __always_inline void update32(__u16 *check, __u32 from, __u32 to)
{
	update16(check, from & 0xffff, to & 0xffff);
	update16(check, from >> 16, to >> 16);
}

static __always_inline __u32 load_addr(const volatile __u8 *bytes)
{
	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (__u32)bytes[3] << 24;
}

/* Rewrites an address and a port, and the sums that cover them. */
static __always_inline void translate(struct packet *packet, __be32 *addr, __be32 new_addr, __u16 port)
{
	__be16 new_port = bpf_htons(port);
	struct iphdr *iph = packet->iph;
	__u16 old_word;

	update32(&iph->check, *addr, new_addr);
	if (packet->check) {
		if (packet->has_pseudo)
			update32(packet->check, *addr, new_addr);
		update16(packet->check, *packet->port, new_port);
		if (packet->is_udp && *packet->check == 0)
			*packet->check = 0xffff;
	}
	*addr = new_addr;
	*packet->port = new_port;

	/* A router takes one from the time to live; it shares its word with the protocol. */
	old_word = *(__u16 *)&iph->ttl;
	iph->ttl -= 1;
	update16(&iph->check, old_word, *(__u16 *)&iph->ttl);
}

/* Finds ports and checksum behind the IPv4 header; 0 when there are none. */
static __always_inline int find_ports(struct packet *packet, void *l4, void *data_end, struct tuple *tuple, int out)
{
	struct icmp_echo *icmp = l4;
	struct tcphdr *tcp = l4;
	struct udphdr *udp = l4;

	switch (packet->iph->protocol) {
	case IPPROTO_TCP:
		if ((void *)(tcp + 1) > data_end)
			return 0;
		packet->check = &tcp->check;
		break;
	case IPPROTO_UDP:
		if ((void *)(udp + 1) > data_end)
			return 0;
		packet->check = udp->check ? &udp->check : NULL;
		packet->is_udp = 1;
		break;
	case IPPROTO_ICMP:
		if ((void *)(icmp + 1) > data_end || icmp->type != (out ? ICMP_ECHO : ICMP_ECHOREPLY))
			return 0;
		packet->check = &icmp->checksum;
		packet->port = &icmp->id;
		tuple->sport = tuple->dport = bpf_ntohs(icmp->id);
		return 1;
	default:
		return 0;
	}
	packet->has_pseudo = 1;
	packet->port = out ? &udp->source : &udp->dest;
	tuple->sport = bpf_ntohs(udp->source);
	tuple->dport = bpf_ntohs(udp->dest);
	return 1;
}

static __always_inline __u32 tuple_hash(const struct tuple *tuple)
{
	__u32 hash = load_addr(tuple->src) * 0x9e3779b1;

	hash = (hash ^ hash >> 15 ^ load_addr(tuple->dst)) * 0x85ebca6b;
	hash = (hash ^ hash >> 13 ^ tuple->sport ^ (__u32)tuple->dport << 16) * 0xc2b2ae35;
	return hash ^ hash >> 16 ^ tuple->protocol;
}

/* The flow as answers will have it: from the remote end to the outside address. The port is still to be found. */
static __always_inline void reversed(const struct tuple *tuple, struct tuple *answer)
{
	__builtin_memcpy(answer->src, tuple->dst, 4);
	__builtin_memcpy(answer->dst, (const void *)outside_addr, 4);
	answer->sport = tuple->dport;
	answer->protocol = tuple->protocol;
}

/* Takes a port that no other flow to the same remote end has, and remembers both directions; 0 when there is none. */
static __always_inline __u16 new_flow(const struct tuple *tuple, const struct ethhdr *eth)
{
	struct incoming incoming = { .port = tuple->sport };
	struct outgoing outgoing = {};
	struct tuple answer = {};
	__u32 start = tuple_hash(tuple);
	int i;

	reversed(tuple, &answer);
	__builtin_memcpy(incoming.addr, tuple->src, 4);
	__builtin_memcpy(incoming.mac, eth->h_source, ETH_ALEN);
	for (i = 0; i < PORT_TRIES; i++) {
		__u16 port = port_first + ((start + i) & (port_count - 1));

		answer.dport = port;
		/* An answer to an echo has the one identifier there is. */
		if (tuple->protocol == IPPROTO_ICMP)
			answer.sport = port;
		if (bpf_map_update_elem(&incoming_flows, &answer, &incoming, BPF_NOEXIST))
			continue;
		outgoing.port = port;
		if (bpf_map_update_elem(&outgoing_flows, tuple, &outgoing, BPF_ANY))
			return 0;
		return port;
	}
	return 0;
}

static __always_inline int send_out(struct packet *packet, const struct tuple *tuple)
{
	struct ethhdr *eth = packet->eth;
	struct outgoing *flow = bpf_map_lookup_elem(&outgoing_flows, tuple);

	if (!flow) {
		if (!new_flow(tuple, eth))
			return drop(EVENT_NO_PORT);
		count(EVENT_NEW_FLOW);
		flow = bpf_map_lookup_elem(&outgoing_flows, tuple);
		if (!flow)
			return drop(EVENT_NO_PORT);
	}
	__sync_fetch_and_add(&flow->packets, 1);
	__sync_fetch_and_add(&flow->bytes, bpf_ntohs(packet->iph->tot_len));
	translate(packet, &packet->iph->saddr, load_addr(outside_addr), flow->port);
	__builtin_memcpy(eth->h_source, (const void *)outside_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, (const void *)gateway_mac, ETH_ALEN);
	count(EVENT_OUT);
	return bpf_redirect(outside_ifindex, 0);
}

static __always_inline int send_in(struct packet *packet, const struct tuple *tuple)
{
	struct incoming *flow = bpf_map_lookup_elem(&incoming_flows, tuple);
	struct ethhdr *eth = packet->eth;

	if (!flow)
		return drop(EVENT_UNKNOWN);
	__sync_fetch_and_add(&flow->packets, 1);
	__sync_fetch_and_add(&flow->bytes, bpf_ntohs(packet->iph->tot_len));
	translate(packet, &packet->iph->daddr, load_addr(flow->addr), flow->port);
	__builtin_memcpy(eth->h_source, (const void *)inside_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, flow->mac, ETH_ALEN);
	count(EVENT_IN);
	return bpf_redirect(inside_ifindex, 0);
}

SEC("xdp")
int nat44(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *iph = (void *)(eth + 1);
	struct packet packet = { .eth = eth, .iph = iph };
	__u32 net = load_addr(inside_net), mask = load_addr(inside_mask);
	struct tuple tuple = {};
	int in, out;

	if ((void *)(iph + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	in = iph->daddr == load_addr(outside_addr);
	out = !in && (iph->saddr & mask) == net && (iph->daddr & mask) != net;
	/* Neighbours among themselves, and the router's own business. */
	if (!in && !out)
		return XDP_PASS;
	/* The stack answers a packet that has no time left. */
	if (iph->ttl <= 1)
		return XDP_PASS;
	if (iph->version != 4 || iph->ihl < 5 || (iph->frag_off & bpf_htons(FRAGMENT_MASK)))
		return drop(EVENT_UNSUPPORTED);

	__builtin_memcpy(tuple.src, &iph->saddr, 4);
	__builtin_memcpy(tuple.dst, &iph->daddr, 4);
	tuple.protocol = iph->protocol;
	if (!find_ports(&packet, (void *)iph + iph->ihl * 4, data_end, &tuple, out))
		return drop(EVENT_UNSUPPORTED);
	return out ? send_out(&packet, &tuple) : send_in(&packet, &tuple);
}
