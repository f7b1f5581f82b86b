// SPDX-License-Identifier: MIT
/*
 * SYN cookies in front of a server (RFC 4987, section 3.6): a SYN is answered here, and costs no memory.
 *
 * The answer's sequence number is a cookie: a hash of the flow, the minute and a secret. A client that means it sends it back, one higher, in its
 * ACK: then the flow is remembered and the packet passes. Forged ACKs are dropped. A flood of SYNs gets answers, and leaves nothing behind.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP_DF 0x4000
#define FRAGMENT_MASK 0x3fff
#define TCP_MAX_HEADER 60
#define TCPOPT_MSS 2
#define TCPOLEN_MSS 4

/* Ports in host order. */
struct flow {
	__u8 client[4];
	__u8 server[4];
	__u16 client_port;
	__u16 server_port;
};

struct flow_state {
	__u64 packets;
};

enum event {
	EVENT_SYN_ANSWERED,
	EVENT_ACK_ACCEPTED,
	EVENT_ACK_REFUSED,
	EVENT_KNOWN,
	EVENT_CLOSED,
	EVENT_MALFORMED,
	EVENT_COUNT,
};

/* Ports (host order) that are protected. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u16);
	__type(value, __u8);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct flow);
	__type(value, struct flow_state);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EVENT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} events SEC(".maps");

/* The window that answers offer; without the option for it, it is not scaled. */
const volatile __u16 window = 64240;

char _license[] SEC("license") = "Dual MIT/GPL";

/* A TCP header as long as one can be. The helpers that make and check cookies read all of it. */
struct tcp_header {
	struct tcphdr fixed;
	__u8 options[TCP_MAX_HEADER - sizeof(struct tcphdr)];
};

/* The TCP header of the answer to a SYN, with its one option. */
struct answer {
	struct tcphdr tcp;
	__u8 option_kind;
	__u8 option_length;
	__be16 mss;
};

#define ANSWER_BYTES (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct answer))

static __always_inline int count(__u32 event, int verdict)
{
	__u64 *counter = bpf_map_lookup_elem(&events, &event);

	if (counter)
		*counter += 1;
	return verdict;
}

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline void swap_ends(struct ethhdr *eth, struct iphdr *ip, struct tcphdr *tcp)
{
	__u8 mac[ETH_ALEN];
	__be32 addr = ip->saddr;
	__be16 port = tcp->source;

	__builtin_memcpy(mac, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, mac, ETH_ALEN);
	ip->saddr = ip->daddr;
	ip->daddr = addr;
	tcp->source = tcp->dest;
	tcp->dest = port;
}

static __always_inline void fill_ip(struct iphdr *ip)
{
	ip->tos = 0;
	ip->tot_len = bpf_htons(sizeof(*ip) + sizeof(struct answer));
	ip->id = 0;
	ip->frag_off = bpf_htons(IP_DF);
	ip->ttl = 64;
	ip->check = 0;
	ip->check = fold(bpf_csum_diff(0, 0, (__be32 *)ip, sizeof(*ip), 0));
}

static __always_inline void fill_tcp(const struct iphdr *ip, struct answer *answer, __u32 cookie, __u16 mss)
{
	struct tcphdr *tcp = &answer->tcp;
	__u64 sum;

	tcp->ack_seq = bpf_htonl(bpf_ntohl(tcp->seq) + 1);
	tcp->seq = bpf_htonl(cookie);
	/* Data offset of 6 words, then SYN and ACK. */
	((__u8 *)tcp)[12] = sizeof(*answer) / 4 << 4;
	((__u8 *)tcp)[13] = 0x12;
	tcp->window = bpf_htons(window);
	tcp->urg_ptr = 0;
	answer->option_kind = TCPOPT_MSS;
	answer->option_length = TCPOLEN_MSS;
	answer->mss = bpf_htons(mss);

	tcp->check = 0;
	sum = bpf_csum_diff(0, 0, (__be32 *)&ip->saddr, 8, 0);
	sum = bpf_csum_diff(0, 0, (__be32 *)answer, sizeof(*answer), sum);
	sum += bpf_htons(IPPROTO_TCP) + bpf_htons(sizeof(*answer));
	tcp->check = fold(sum);
}

static __always_inline int answer_syn(struct xdp_md *ctx, struct iphdr *iph, struct tcp_header *tcp, __u32 tcp_bytes)
{
	__s64 made = bpf_tcp_raw_gen_syncookie_ipv4(iph, &tcp->fixed, tcp_bytes);
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct answer *answer;
	struct ethhdr *eth;
	struct iphdr *ip;

	if (made < 0)
		return count(EVENT_MALFORMED, XDP_DROP);
	if (bpf_xdp_adjust_tail(ctx, (int)ANSWER_BYTES - (int)(data_end - data)))
		return count(EVENT_MALFORMED, XDP_DROP);
	eth = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	ip = (void *)(eth + 1);
	answer = (void *)(ip + 1);
	if ((void *)(answer + 1) > data_end)
		return XDP_ABORTED;
	swap_ends(eth, ip, &answer->tcp);
	fill_ip(ip);
	/* The cookie in the low half; above it, the segment size that it stands for. */
	fill_tcp(ip, answer, (__u32)made, made >> 32);
	return count(EVENT_SYN_ANSWERED, XDP_TX);
}

static __always_inline int check_ack(struct iphdr *iph, struct tcp_header *tcp, const struct flow *flow)
{
	struct flow_state fresh = { .packets = 1 };
	struct flow_state *state = bpf_map_lookup_elem(&flows, flow);

	if (state) {
		__sync_fetch_and_add(&state->packets, 1);
		if (!tcp->fixed.rst)
			return count(EVENT_KNOWN, XDP_PASS);
		bpf_map_delete_elem(&flows, flow);
		return count(EVENT_CLOSED, XDP_PASS);
	}
	if (tcp->fixed.rst || !tcp->fixed.ack || bpf_tcp_raw_check_syncookie_ipv4(iph, &tcp->fixed))
		return count(EVENT_ACK_REFUSED, XDP_DROP);
	bpf_map_update_elem(&flows, flow, &fresh, BPF_ANY);
	return count(EVENT_ACK_ACCEPTED, XDP_PASS);
}

SEC("xdp")
int syn_proxy(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *iph = (void *)(eth + 1), ip_copy;
	struct tcphdr *tcph = (void *)(iph + 1);
	const __u32 tcp_at = sizeof(*eth) + sizeof(*iph);
	struct tcp_header tcp = {};
	struct flow flow = {};
	__u32 tcp_bytes;
	__u16 port;

	if ((void *)(tcph + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP) || iph->version != 4 ||
	    iph->protocol != IPPROTO_TCP)
		return XDP_PASS;
	port = bpf_ntohs(tcph->dest);
	if (iph->ihl != 5 || iph->frag_off & bpf_htons(FRAGMENT_MASK) || !bpf_map_lookup_elem(&ports, &port))
		return XDP_PASS;

	__builtin_memcpy(flow.client, &iph->saddr, 4);
	__builtin_memcpy(flow.server, &iph->daddr, 4);
	flow.client_port = bpf_ntohs(tcph->source);
	flow.server_port = port;
	__builtin_memcpy(&ip_copy, iph, sizeof(ip_copy));

	/* Header and options, on the stack: there is room for the longest, however short the packet. */
	tcp_bytes = tcph->doff * 4;
	if (tcp_bytes < sizeof(tcp.fixed) || bpf_xdp_load_bytes(ctx, tcp_at, &tcp, tcp_bytes))
		return count(EVENT_MALFORMED, XDP_DROP);
	if (tcp.fixed.syn && !tcp.fixed.ack && !tcp.fixed.rst && !tcp.fixed.fin)
		return answer_syn(ctx, &ip_copy, &tcp, tcp_bytes);
	if (tcp.fixed.syn)
		return count(EVENT_MALFORMED, XDP_DROP);
	return check_ack(&ip_copy, &tcp, &flow);
}
