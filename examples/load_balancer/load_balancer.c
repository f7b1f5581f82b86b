// SPDX-License-Identifier: MIT
/*
 * A layer-4 load balancer: packets to a virtual address and port go, inside an IPv4-in-IPv4 tunnel (RFC 2003), to one of several backends.
 *
 * Which one, a consistent hash says: the flow's hash picks a slot of the address's ring, and the slot holds a backend's number. User space fills
 * the rings (maglev.ts shows how), so that a backend that comes or goes moves few flows but its own. No state is kept for a flow.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* A prime: the rings of Maglev need one. */
#define RING_SIZE 251
#define MAX_VIPS 4
#define MAX_BACKENDS 16

#define IP_MF 0x2000
#define IP_DF 0x4000
#define IP_OFFSET_MASK 0x1fff

/* Where traffic comes in: a virtual address, port (host order) and protocol. */
struct vip_key {
	__u8 addr[4];
	__u16 port;
	__u8 protocol;
	__u8 unused;
};

struct vip {
	/* Its ring is slots [ring * RING_SIZE, (ring + 1) * RING_SIZE) of `rings`. */
	__u32 ring;
};

struct backend {
	__u8 addr[4];
	/* Of the backend, or of the router that leads there. */
	__u8 mac[6];
	__u16 unused;
	/* The device to send through; 0: the one the packet came from. */
	__u32 ifindex;
};

struct counts {
	__u64 packets;
	__u64 bytes;
};

/* Why a packet for a virtual address was not forwarded. */
enum refusal {
	REFUSED_NO_BACKEND,
	REFUSED_TOO_BIG,
	REFUSED_FRAGMENT,
	REFUSED_COUNT,
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_VIPS);
	__type(key, struct vip_key);
	__type(value, struct vip);
} vips SEC(".maps");

/* Numbers of backends, from 1; 0 is a slot without one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_VIPS * RING_SIZE);
	__type(key, __u32);
	__type(value, __u32);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_BACKENDS);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

/* By the number of the backend. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_BACKENDS);
	__type(key, __u32);
	__type(value, struct counts);
} forwarded SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REFUSED_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} refused SEC(".maps");

/* The source of the tunnel: the balancer itself. */
const volatile __u8 own_addr[4] = { 10, 0, 0, 1 };
/* Largest packet, without its Ethernet header, that the way to the backends takes. */
const volatile __u32 mtu = 1500;

char _license[] SEC("license") = "Dual MIT/GPL";

static __always_inline int refuse(__u32 reason)
{
	__u64 *count = bpf_map_lookup_elem(&refused, &reason);

	if (count)
		*count += 1;
	return XDP_DROP;
}

/* Every bit of the input changes about half of those of the output. */
static __always_inline __u32 mix(__u32 hash)
{
	hash ^= hash >> 16;
	hash *= 0x85ebca6b;
	hash ^= hash >> 13;
	hash *= 0xc2b2ae35;
	hash ^= hash >> 16;
	return hash;
}

static __always_inline __u32 flow_hash(const struct iphdr *iph, __u32 ports)
{
	__u32 hash = mix(bpf_ntohl(iph->saddr));

	hash = mix(hash ^ bpf_ntohl(iph->daddr));
	return mix(hash ^ ports ^ iph->protocol);
}

/* The checksum of a header without options whose check field is 0 (RFC 1071). */
static __always_inline __u16 ip_checksum(const struct iphdr *iph)
{
	const __u16 *words = (const __u16 *)iph;
	__u32 sum = 0;
	int i;

	for (i = 0; i < (int)sizeof(*iph) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline void outer_header(struct iphdr *outer, __u16 inner_bytes, __u8 tos, const struct backend *backend)
{
	outer->version = 4;
	outer->ihl = 5;
	outer->tos = tos;
	outer->tot_len = bpf_htons(inner_bytes + sizeof(*outer));
	outer->id = 0;
	outer->frag_off = bpf_htons(IP_DF);
	outer->ttl = 64;
	outer->protocol = IPPROTO_IPIP;
	outer->check = 0;
	__builtin_memcpy(&outer->saddr, (const void *)own_addr, 4);
	__builtin_memcpy(&outer->daddr, backend->addr, 4);
	outer->check = ip_checksum(outer);
}

static __always_inline int forward(struct xdp_md *ctx, const struct backend *backend, __u16 inner_bytes, __u8 tos)
{
	void *data, *data_end;
	struct ethhdr *eth, *old;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr)))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	eth = data;
	old = data + sizeof(struct iphdr);
	if ((void *)(old + 1) > data_end)
		return XDP_ABORTED;

	/* The two headers overlap by nothing: 20 bytes lie between their starts, 14 are copied. */
	__builtin_memcpy(eth->h_source, old->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, backend->mac, ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IP);
	outer_header((void *)(eth + 1), inner_bytes, tos, backend);
	return backend->ifindex ? bpf_redirect(backend->ifindex, 0) : XDP_TX;
}

SEC("xdp")
int load_balancer(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *iph = (void *)(eth + 1);
	__be16 *ports = (void *)(iph + 1);
	struct vip_key key = {};
	struct backend *backend;
	struct counts *counts;
	__u16 inner_bytes;
	__u32 slot, *number;
	struct vip *vip;

	/* Headers with options are rare, and nothing a balancer's clients need: the stack may have them. */
	if ((void *)(ports + 2) > data_end || eth->h_proto != bpf_htons(ETH_P_IP) || iph->version != 4 || iph->ihl != 5)
		return XDP_PASS;
	if (iph->protocol != IPPROTO_TCP && iph->protocol != IPPROTO_UDP)
		return XDP_PASS;

	__builtin_memcpy(key.addr, &iph->daddr, 4);
	key.port = bpf_ntohs(ports[1]);
	key.protocol = iph->protocol;
	/* Only the first fragment has ports, and the others must not go elsewhere. */
	if (iph->frag_off & bpf_htons(IP_OFFSET_MASK))
		return XDP_PASS;
	vip = bpf_map_lookup_elem(&vips, &key);
	if (!vip)
		return XDP_PASS;
	if (iph->frag_off & bpf_htons(IP_MF))
		return refuse(REFUSED_FRAGMENT);
	inner_bytes = bpf_ntohs(iph->tot_len);
	if (inner_bytes + sizeof(struct iphdr) > mtu)
		return refuse(REFUSED_TOO_BIG);

	slot = flow_hash(iph, (__u32)bpf_ntohs(ports[0]) << 16 | bpf_ntohs(ports[1])) % RING_SIZE;
	slot += vip->ring * RING_SIZE;
	number = bpf_map_lookup_elem(&rings, &slot);
	if (!number || *number == 0)
		return refuse(REFUSED_NO_BACKEND);
	backend = bpf_map_lookup_elem(&backends, number);
	if (!backend)
		return refuse(REFUSED_NO_BACKEND);

	counts = bpf_map_lookup_elem(&forwarded, number);
	if (counts) {
		counts->packets += 1;
		counts->bytes += data_end - data;
	}
	return forward(ctx, backend, inner_bytes, iph->tos);
}
