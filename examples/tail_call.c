// SPDX-License-Identifier: MIT
/*
 * A dispatcher with one program for each TCP port.
 *
 * main_prog looks at every packet. TCP to port 8080 or 22 jumps, through a slot of prog_array, to the program for that
 * port; a jump never returns. An empty slot makes the tail call fall through, and the packet passes: user space decides
 * what sits in which slot, and may change it while packets flow.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Bits 0-12 of frag_off, in units of 8 bytes: only a packet at offset 0 begins with a TCP header. */
#define IP_OFFSET_MASK 0x1fff

enum slot {
	SLOT_PORT_8080,
	SLOT_PORT_22,
	SLOT_COUNT,
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, SLOT_COUNT);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} prog_array SEC(".maps");

char _license[] SEC("license") = "GPL";

SEC("xdp")
int main_prog(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *iph;
	struct tcphdr *tcph;

	if ((void *)(eth + 1) > data_end)
		return XDP_ABORTED;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	iph = (void *)(eth + 1);
	if ((void *)(iph + 1) > data_end)
		return XDP_ABORTED;
	/* A header shorter than its fixed part: without this check, tcph would overlap the IP header. */
	if (iph->ihl < 5)
		return XDP_ABORTED;
	if (iph->protocol != IPPROTO_TCP)
		return XDP_PASS;
	if (iph->frag_off & bpf_htons(IP_OFFSET_MASK))
		return XDP_PASS;

	tcph = (void *)iph + iph->ihl * 4;
	if ((void *)(tcph + 1) > data_end)
		return XDP_ABORTED;

	switch (bpf_ntohs(tcph->dest)) {
	case 8080:
		bpf_tail_call(ctx, &prog_array, SLOT_PORT_8080);
		break;
	case 22:
		bpf_tail_call(ctx, &prog_array, SLOT_PORT_22);
		break;
	}

	/* Another port, or an empty slot. */
	return XDP_PASS;
}

SEC("xdp")
int port8080_prog(struct xdp_md *ctx)
{
	bpf_printk("Packet to port 8080 processed\n");
	return XDP_PASS;
}

SEC("xdp")
int port22_prog(struct xdp_md *ctx)
{
	bpf_printk("Packet to port 22 processed\n");
	return XDP_PASS;
}
