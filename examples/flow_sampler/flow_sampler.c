// SPDX-License-Identifier: MIT
/*
 * Samples flows, as sFlow does: one packet in `every` goes, as a record of what it was, to user space through a ring buffer.
 *
 * Every packet counts for its flow; the record carries the flow's counts, so that user space sees both the sample and how much it stands for.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FRAGMENT_MASK 0x1fff

/* Ports in host order; 0 where there are none. */
struct flow {
	__u8 src[4];
	__u8 dst[4];
	__u16 sport;
	__u16 dport;
	__u8 protocol;
	__u8 unused[3];
};

struct flow_counts {
	__u64 packets;
	__u64 bytes;
};

/* What user space reads. */
struct sample {
	__u64 time_ns;
	/* Packets seen before this one. */
	__u64 number;
	struct flow flow;
	__u32 length;
	__u8 tcp_flags;
	__u8 ttl;
	__u16 unused;
	/* Of its flow so far, with this packet. */
	__u64 flow_packets;
	__u64 flow_bytes;
};

struct sampler {
	__u64 seen;
	__u64 sampled;
	/* The ring was full: user space is too slow. */
	__u64 lost;
	/* No IPv4. */
	__u64 other;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16384);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct flow);
	__type(value, struct flow_counts);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sampler);
} sampler SEC(".maps");

const volatile __u32 every = 10;

/* So that the record's type is in the BTF, for whoever reads it. */
struct sample *unused_sample __attribute__((unused));

char _license[] SEC("license") = "Dual MIT/GPL";

static __always_inline void find_ports(struct iphdr *iph, void *data_end, struct flow *flow, __u8 *tcp_flags)
{
	struct udphdr *udp = (void *)iph + iph->ihl * 4;
	struct tcphdr *tcp = (void *)udp;

	if (iph->ihl < 5 || iph->frag_off & bpf_htons(FRAGMENT_MASK) || (void *)(udp + 1) > data_end)
		return;
	if (iph->protocol != IPPROTO_TCP && iph->protocol != IPPROTO_UDP)
		return;
	flow->sport = bpf_ntohs(udp->source);
	flow->dport = bpf_ntohs(udp->dest);
	if (iph->protocol == IPPROTO_TCP && (void *)(tcp + 1) <= data_end)
		*tcp_flags = ((__u8 *)tcp)[13];
}

static __always_inline struct flow_counts *count_flow(const struct flow *flow, __u32 length)
{
	struct flow_counts first = { .packets = 1, .bytes = length };
	struct flow_counts *counts = bpf_map_lookup_elem(&flows, flow);

	if (counts) {
		__sync_fetch_and_add(&counts->packets, 1);
		__sync_fetch_and_add(&counts->bytes, length);
		return counts;
	}
	bpf_map_update_elem(&flows, flow, &first, BPF_NOEXIST);
	return bpf_map_lookup_elem(&flows, flow);
}

SEC("xdp")
int flow_sampler(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *iph = (void *)(eth + 1);
	__u32 length = data_end - data;
	struct flow_counts *counts;
	const __u32 zero = 0;
	struct sampler *state;
	struct sample *sample;
	struct flow flow = {};
	__u8 tcp_flags = 0;
	__u64 number;

	state = bpf_map_lookup_elem(&sampler, &zero);
	if (!state)
		return XDP_ABORTED;
	if ((void *)(iph + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP)) {
		state->other += 1;
		return XDP_PASS;
	}
	__builtin_memcpy(flow.src, &iph->saddr, 4);
	__builtin_memcpy(flow.dst, &iph->daddr, 4);
	flow.protocol = iph->protocol;
	find_ports(iph, data_end, &flow, &tcp_flags);
	counts = count_flow(&flow, length);

	number = state->seen++;
	if (every == 0 || number % every)
		return XDP_PASS;
	sample = bpf_ringbuf_reserve(&samples, sizeof(*sample), 0);
	if (!sample) {
		state->lost += 1;
		return XDP_PASS;
	}
	sample->time_ns = bpf_ktime_get_ns();
	sample->number = number;
	__builtin_memcpy(&sample->flow, &flow, sizeof(flow));
	sample->length = length;
	sample->tcp_flags = tcp_flags;
	sample->ttl = iph->ttl;
	sample->unused = 0;
	sample->flow_packets = counts ? counts->packets : 0;
	sample->flow_bytes = counts ? counts->bytes : 0;
	bpf_ringbuf_submit(sample, 0);
	state->sampled += 1;
	return XDP_PASS;
}
