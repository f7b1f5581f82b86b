// SPDX-License-Identifier: MIT
/*
 * As many tail calls as one run may take, each to a slot that is computed from the context: the receive queue, which is 0 in
 * the bench, is added to the number of the next one. What a call through the table costs, and nothing else.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 40);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} hops SEC(".maps");

char _license[] SEC("license") = "GPL";

#define HOP(number)                                                         \
	SEC("xdp")                                                          \
	int hop_##number(struct xdp_md *ctx)                                \
	{                                                                   \
		bpf_tail_call(ctx, &hops, ctx->rx_queue_index + number);    \
		return XDP_ABORTED;                                         \
	}

HOP(0) HOP(1) HOP(2) HOP(3) HOP(4) HOP(5) HOP(6) HOP(7) HOP(8) HOP(9) HOP(10)
HOP(11) HOP(12) HOP(13) HOP(14) HOP(15) HOP(16) HOP(17) HOP(18) HOP(19) HOP(20) HOP(21)
HOP(22) HOP(23) HOP(24) HOP(25) HOP(26) HOP(27) HOP(28) HOP(29) HOP(30) HOP(31) HOP(32)

/* Slot 32: behind the thirty-third call. */
SEC("xdp")
int last(struct xdp_md *ctx)
{
	return XDP_TX;
}
