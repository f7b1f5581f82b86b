// SPDX-License-Identifier: MIT
/*
 * The dispatcher of examples/tail_call.c with leaves that only return: what the parse and one tail call cost, without
 * the trace line that the example's leaves print.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} prog_array SEC(".maps");

char _license[] SEC("license") = "GPL";

SEC("xdp")
int dispatch(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *iph = (void *)(eth + 1);
	struct tcphdr *tcph;

	if ((void *)(eth + 1) > data_end)
		return XDP_ABORTED;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if ((void *)(iph + 1) > data_end)
		return XDP_ABORTED;
	if (iph->ihl < 5)
		return XDP_ABORTED;
	if (iph->protocol != IPPROTO_TCP)
		return XDP_PASS;
	tcph = (void *)iph + iph->ihl * 4;
	if ((void *)(tcph + 1) > data_end)
		return XDP_ABORTED;

	switch (bpf_ntohs(tcph->dest)) {
	case 8080:
		bpf_tail_call(ctx, &prog_array, 0);
		break;
	case 22:
		bpf_tail_call(ctx, &prog_array, 1);
		break;
	}
	return XDP_PASS;
}

/* By the port itself, when it is below two: the index is known at run time only. */
SEC("xdp")
int dispatch_by_port(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *iph = (void *)(eth + 1);
	struct tcphdr *tcph = (void *)(iph + 1);

	if ((void *)(tcph + 1) > data_end)
		return XDP_ABORTED;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || iph->ihl != 5 || iph->protocol != IPPROTO_TCP)
		return XDP_PASS;
	bpf_tail_call(ctx, &prog_array, bpf_ntohs(tcph->dest));
	return XDP_PASS;
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	return XDP_TX;
}
